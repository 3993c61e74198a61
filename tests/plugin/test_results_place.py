"""Results are proposed to go where the last ones went, never among raw frames."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack
from napari_amseg.plugin import results_place as module
from napari_amseg.plugin.preferences import Preferences
from napari_amseg.plugin.results_place import results_place, results_start, results_went_to


@pytest.fixture(autouse=True)
def _new_session(monkeypatch):
    monkeypatch.setattr(module._Last, "folder", None)


@pytest.fixture
def raw(tmp_path):
    """A folder of numbered images, inside a folder of data."""
    folder = tmp_path / "data" / "ti64_plate"
    folder.mkdir(parents=True)
    for t in range(3):
        tifffile.imwrite(folder / f"f_{t:04d}.tif", np.full((4, 5), t, np.uint8))
    return folder


def test_nothing_is_proposed_beside_the_data(tmp_path, raw, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for address in (raw, raw / "f_0001.tif"):
        with read_stack(address) as stack:
            assert results_place("x", stack) == tmp_path / "x"


def test_the_last_folder_comes_before_the_preferred_one(tmp_path, raw, monkeypatch):
    preferred, last = tmp_path / "preferred", tmp_path / "last"
    preferred.mkdir()
    last.mkdir()
    chosen = Preferences(results_folder=str(preferred))
    monkeypatch.setattr(module, "preferences", lambda: chosen)
    assert results_place("x") == preferred / "x"
    results_went_to(last)
    assert results_place("x") == last / "x"
    assert results_start("a.png") == str(last / "a.png")
    last.rmdir()
    assert results_start("a.png") == str(preferred / "a.png")


def test_the_folder_of_numbered_images_is_never_proposed(raw, monkeypatch):
    monkeypatch.chdir(raw)
    with read_stack(raw) as stack:
        assert results_place("x", stack) == raw.parent / "x"
        results_went_to(raw)
        assert results_place("x", stack) == raw.parent / "x"
    with read_stack(str(raw / "*.tif")) as pattern:
        assert results_place("x", pattern) == raw.parent / "x"


def test_a_stack_in_one_file_may_lie_where_one_works(tmp_path, raw, monkeypatch):
    monkeypatch.chdir(raw)
    with read_stack(raw / "f_0001.tif") as stack:
        assert results_place("x", stack) == raw / "x"
