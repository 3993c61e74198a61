"""Flats and darks recorded in a file are offered by the forms, and chosen by the user."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_amseg.plugin.files import get_reader
from napari_amseg.plugin.layers import image_source
from napari_amseg.preprocess import FlatField


@pytest.fixture
def scans(tmp_path, frames):
    """Two files of Data Exchange; the second has no darks."""
    paths = []
    for name in ("one.h5", "two.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["exchange/data"] = frames
            file["exchange/data_white"] = np.full_like(frames[:3], 4000)
            if name == "one.h5":
                file["exchange/data_dark"] = np.full_like(frames[0], 100)
        paths.append(str(tmp_path / name))
    return paths


def opened(viewer, path):
    (layer,) = viewer.open(path, plugin="napari-amseg")
    return layer


def test_load_tells_of_them_and_names_layers_after_the_file(viewer, add_widget, qtbot, scans):
    load = add_widget("Load stack")
    load.path.set_path(scans[0])
    qtbot.waitUntil(lambda: "flats recorded with it: 3 images" in load.found.text())
    assert "darks recorded with it: 1 image" in load.found.text()
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "one" in viewer.layers)
    assert get_reader(f"{scans[0]}::flats") is not None
    load.path.set_path(f"{scans[0]}::flats")
    qtbot.waitUntil(lambda: "3 frames" in load.found.text())
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "one flats" in viewer.layers)


def test_the_form_is_filled_in_but_not_switched_on(viewer, add_widget, qtbot, frames, scans):
    opened(viewer, scans[0])
    preprocess = add_widget("Preprocess")
    group, form = preprocess.form.groups[FlatField], preprocess.form.forms[FlatField]
    assert not group.isChecked()
    assert form.value() == FlatField(flat=f"{scans[0]}::flats", dark=f"{scans[0]}::darks")
    group.setChecked(True)
    qtbot.waitUntil(lambda: preprocess.apply_button.isEnabled())
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "one corrected" in viewer.layers)
    corrected = viewer.layers["one corrected"]
    wanted = (frames.astype(float) - 100) / (4000 - 100)
    assert np.allclose(np.asarray(corrected.data), wanted, atol=1e-6)
    assert image_source(corrected).chain.steps[0].sha256
    preprocess.image.choose(corrected)
    assert form.value() == FlatField()  # not a second time


def test_another_image_brings_its_own_and_what_was_typed_stays(viewer, add_widget, scans, frames):
    opened(viewer, scans[0])
    opened(viewer, scans[1])
    plain = viewer.add_image(frames, name="plain")
    preprocess = add_widget("Preprocess")
    form, box = preprocess.form.forms[FlatField], preprocess.image
    for name, flat, dark in (
        ("one", f"{scans[0]}::flats", f"{scans[0]}::darks"),
        ("two", f"{scans[1]}::flats", None),
        (plain.name, "", None),
        ("one", f"{scans[0]}::flats", f"{scans[0]}::darks"),
    ):
        box.choose(viewer.layers[name])
        assert (form.value().flat, form.value().dark) == (flat, dark), name
    form.field("flat").set_path("/mine/flats.tif")
    box.choose(viewer.layers["two"])
    assert form.value() == FlatField(flat="/mine/flats.tif")
