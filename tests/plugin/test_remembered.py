"""What ran well is remembered, what did not is not, and nothing that would change numbers."""

from __future__ import annotations

import json

import pytest

from napari_amseg.plugin.remembered import Remembered, forget, remembered, remembered_file
from napari_amseg.segment import SegmentSettings

PATIENCE_MS = 120_000


@pytest.fixture
def segment(viewer, add_widget, drawn_frames):
    viewer.add_image(drawn_frames[0], name="drawn")
    return add_widget("Segment")


def again(viewer, add_widget, widget):
    viewer.window.remove_dock_widget(widget.parentWidget())
    return add_widget("Segment")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_model_and_how_it_ran_come_back(viewer, add_widget, segment, bundle_folder, qtbot):
    segment.model.choose(bundle_folder)
    segment.settings.field("batch_size").setValue(3)
    segment.post.field("fill_holes_px").setValue(7)
    segment.settings.field("precision").setCurrentText("f32")
    segment.settings.field("engine").setCurrentText("openvino")
    assert remembered() == Remembered()  # nothing ran yet
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert not segment.run.error
    qtbot.waitUntil(lambda: remembered() != Remembered(), timeout=PATIENCE_MS)
    new = again(viewer, add_widget, segment)
    assert new is not segment
    assert new.model.bundle().folder == bundle_folder
    assert new.settings.value().batch_size == 3
    assert new.post.value().fill_holes_px == 0  # that would change labels
    assert new.settings.value() == SegmentSettings(batch_size=3)  # so would the precision
    assert remembered().segment.settings == SegmentSettings(batch_size=3)
    forget()
    assert again(viewer, add_widget, new).settings.value().batch_size != 3


@pytest.mark.parametrize(
    "text", ["", "[]", '{"segment": 5}', '{"model": {"name": "x"}}', "{" * 9000]
)
def test_a_broken_file_is_as_good_as_none(settings_folder, text):
    remembered_file().write_text(text)
    assert remembered_file().parent == settings_folder
    assert remembered() == Remembered()


def test_what_an_earlier_version_kept_changes_no_number(viewer, add_widget, segment):
    kept = {"segment": {"settings": {"precision": "bf16", "tile_px": 512, "batch_size": 3}}}
    remembered_file().write_text(json.dumps(kept))
    assert again(viewer, add_widget, segment).settings.value() == SegmentSettings(batch_size=3)


def test_a_model_that_is_gone_is_left_out(viewer, add_widget, segment, notifications):
    before = segment.model.box.currentText()
    record = {"model": {"name": "x", "weights_sha256": "0", "folder": "/nowhere/x"}}
    remembered_file().write_text(json.dumps(record))
    assert again(viewer, add_widget, segment).model.box.currentText() == before
    assert not notifications()
