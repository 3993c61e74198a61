"""Load stack: a file is opened with what is known of it, never with what another file stated."""

from __future__ import annotations

from dataclasses import replace

import h5py
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_amseg.io import read_stack
from napari_amseg.plugin.layers import image_source
from napari_amseg.types import Experiment


@pytest.fixture
def files(tmp_path, frames):
    """One that states pixel size and frame rate, and one that states nothing."""
    told, silent = tmp_path / "told.tif", tmp_path / "silent.tif"
    tifffile.imwrite(
        told, frames, imagej=True, resolution=(1 / 1.23456789, 1 / 1.23456789),
        metadata={"unit": "um", "finterval": 1e-3, "axes": "TYX"},
    )  # fmt: skip
    tifffile.imwrite(silent, frames, photometric="minisblack", metadata=None)
    return told, silent


@pytest.fixture
def load(add_widget):
    return add_widget("Load stack")


def look(load, qtbot, path):
    load.path.set_path(path)
    qtbot.waitUntil(lambda: "frames of" in load.found.text())


def loaded(load, qtbot, viewer, name):
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: name in viewer.layers)
    return image_source(viewer.layers[name]).experiment


def test_load_waits_until_the_new_file_was_looked_at(load, qtbot, viewer, files):
    told, silent = files
    look(load, qtbot, told)
    assert load.experiment.value().frame_rate_hz == 1000
    load.path.set_path(silent)
    assert not load.load_button.isEnabled()
    assert "looked at" in load.load_button.toolTip()
    assert load.experiment.value() == Experiment()  # what the other file stated went at once
    load.load_button.clicked.emit()
    qtbot.wait(50)
    assert not viewer.layers
    qtbot.waitUntil(load.load_button.isEnabled)
    assert loaded(load, qtbot, viewer, "silent") == Experiment()


def test_what_the_user_clears_stays_unknown(load, qtbot, viewer, files):
    look(load, qtbot, files[0])
    load.experiment.field("frame_rate_hz").set_number(None)
    known = loaded(load, qtbot, viewer, "told")
    assert known.frame_rate_hz is None
    assert known.pixel_size_um == pytest.approx(1.23456789, rel=1e-6)  # not as the form rounds it


def test_what_the_user_typed_is_used_and_kept(load, qtbot, viewer, files):
    look(load, qtbot, files[0])
    load.experiment.field("pixel_size_um").set_number(2.5)
    load.path.set_path(files[1])
    qtbot.waitUntil(load.load_button.isEnabled)
    assert loaded(load, qtbot, viewer, "silent") == Experiment(pixel_size_um=2.5)


def test_a_form_that_was_kept_is_not_overwritten(load, qtbot, viewer, files):
    load.show_stack(str(files[0]), Experiment(pixel_size_um=3.0))
    qtbot.waitUntil(lambda: "frames of" in load.found.text())
    assert loaded(load, qtbot, viewer, "told") == Experiment(pixel_size_um=3.0)


def test_what_was_typed_in_a_form_that_was_kept_holds_for_the_next_stack_too(load, qtbot, files):
    stated = read_stack(files[0]).experiment
    load.show_stack(str(files[0]), replace(stated, scan_speed_mm_s=400.0))
    qtbot.waitUntil(lambda: "frames of" in load.found.text())
    load.path.set_path(files[1])
    qtbot.waitUntil(load.load_button.isEnabled)
    assert load.experiment.value() == Experiment(scan_speed_mm_s=400.0)  # not what the file stated


def test_a_problem_of_the_last_path_is_not_told_of_this_one(load, qtbot, files, tmp_path):
    load.path.set_path(tmp_path / "gone.tif")
    load._look()
    load.path.set_path(files[1])
    qtbot.waitUntil(load.load_button.isEnabled)
    assert "frames of" in load.found.text()


def test_a_file_that_went_meanwhile_leaves_the_button_usable(
    load, qtbot, viewer, files, notifications
):
    look(load, qtbot, files[1])
    files[1].unlink()
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any("no such file" in m for m in notifications()))
    assert load.load_button.isEnabled()


def test_the_open_dataset_is_told(load, qtbot, frames, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/imaging/data"] = frames
    look(load, qtbot, tmp_path / "a.h5")
    assert "dataset: entry/imaging/data" in load.found.text()
