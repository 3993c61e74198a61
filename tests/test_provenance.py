"""Hashes that are not computed twice, and are never those of another content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from napari_amseg.provenance import sha256_once


@pytest.fixture
def reads(monkeypatch):
    """How often a file was hashed."""
    calls: list[int] = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *words: (calls.append(1), real(*words))[1])
    return calls


@pytest.fixture
def settled(monkeypatch):
    """Files of now count as old."""
    monkeypatch.setattr("napari_amseg.provenance._SETTLED_S", -1.0)


def of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_an_old_file_is_read_once(tmp_path: Path, reads, settled):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert sha256_once(path) == sha256_once(str(path)) == of(b"one")
    assert len(reads) == 1


def test_a_file_of_this_moment_is_read_every_time(tmp_path: Path, reads):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert sha256_once(path) == sha256_once(path)
    assert len(reads) == 2


def test_a_changed_file_is_read_again_even_if_its_time_was_put_back(tmp_path: Path, settled):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = os.stat(path)
    assert sha256_once(path) == of(b"one")
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_once(path) == of(b"two")
    path.write_bytes(b"other")
    assert sha256_once(path) == of(b"other")
