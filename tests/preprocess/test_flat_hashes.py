"""Flats may lie in a scan of many gigabytes: it is hashed for the record, and only for that."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.preprocess import Chain, Crop, FlatField, Normalise
from napari_amseg.preprocess import flatfield as module
from napari_amseg.types import stack_from_array


@pytest.fixture
def hashed(monkeypatch):
    """The files that were hashed."""
    files: list[str] = []
    real = module.sha256_once
    monkeypatch.setattr(module, "sha256_once", lambda f: (files.append(f), real(f))[1])
    return files


@pytest.fixture
def flat(tmp_path, frames):
    path = str(tmp_path / "flat.tif")
    tifffile.imwrite(path, np.full(frames.shape[1:], 3000, np.uint16))
    return path


def test_a_preview_hashes_nothing_and_shows_the_same(frames, flat, hashed):
    stack = stack_from_array(frames)
    chain = Chain((FlatField(flat=flat), Crop(y0=2, y1=20), Normalise()))
    shown = chain.preview(stack)
    assert hashed == []
    fitted, wanted = chain.fit_apply(stack)
    assert hashed
    assert np.array_equal(shown[3], wanted[3])
    hashed.clear()
    assert np.array_equal(fitted.preview(stack)[3], wanted[3])
    assert hashed == []


def test_a_replay_after_a_preview_still_refuses_changed_flats(frames, flat):
    stack = stack_from_array(frames)
    chain = Chain((FlatField(flat=flat),)).fit(stack)
    chain.apply(stack)
    tifffile.imwrite(flat, np.full(frames.shape[1:], 3001, np.uint16))
    chain.preview(stack)
    with pytest.raises(ValueError, match="give the original files"):
        chain.apply(stack)
