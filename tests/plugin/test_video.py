"""The *Video* widget with a real viewer."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_amseg.pipeline import video as pipeline

PATIENCE_MS = 60_000


@pytest.fixture
def filled(viewer, add_widget, drawn_frames):
    """The widget, its image, labels and truth layers chosen."""
    images, labels = drawn_frames
    viewer.add_image(images, name="run 1")
    viewer.add_labels(labels, name="found")
    widget = add_widget("Video")
    truth = viewer.add_labels(labels, name="truth")
    widget.labels.choose(viewer.layers["found"])
    widget.truth.choose(truth)
    return widget


def finish(widget, qtbot):
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)


def test_layers_become_a_video_and_a_strip(
    filled, viewer, qtbot, tmp_path, notifications, monkeypatch
):
    imageio = pytest.importorskip("imageio.v2")
    from qtpy.QtWidgets import QFileDialog

    out = tmp_path / "run.mp4"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    filled.with_truth.setChecked(True)
    filled.frames.setText("0:6:2")
    filled.settings.field("fps").setValue(5)
    filled.experiment.field("pixel_size_um").set_number(2.0)
    viewer.layers["run 1"].contrast_limits = (0, 200)
    qtbot.mouseClick(filled.write_button, Qt.MouseButton.LeftButton)
    assert filled.write_button.text() == "Cancel"
    finish(filled, qtbot)
    assert notifications() == [f"Wrote {out}"]
    with imageio.get_reader(out) as reader:
        frames = list(iter(reader))
        assert reader.get_meta_data()["fps"] == 5
    assert len(frames) == 3
    filled.write(tmp_path / "strip.png")
    finish(filled, qtbot)
    assert (tmp_path / "strip.png").read_bytes().startswith(b"\x89PNG")
    assert {p.name for p in tmp_path.iterdir()} == {"run.mp4", "strip.png"}


def test_a_cancel_leaves_no_file(filled, viewer, qtbot, tmp_path, monkeypatch):
    slow = pipeline.VideoFrames.render

    def render(self, *given):
        time.sleep(0.3)
        return slow(self, *given)

    monkeypatch.setattr(pipeline.VideoFrames, "render", render)
    filled.write(tmp_path / "run.mp4")
    qtbot.waitUntil(lambda: any(tmp_path.iterdir()), timeout=PATIENCE_MS)
    qtbot.mouseClick(filled.write_button, Qt.MouseButton.LeftButton)
    finish(filled, qtbot)
    assert not any(tmp_path.iterdir())


def test_layers_that_do_not_fit_are_explained(filled, viewer, qtbot, tmp_path, notifications):
    viewer.add_labels(np.ones((8, 31, 48), np.uint8), name="other")
    filled.labels.choose(viewer.layers["other"])
    filled.write(tmp_path / "run.mp4")
    assert not filled.is_running
    assert "labels are 31 x 48 px, the frames 32 x 48 px" in notifications()[0]
    wrong = viewer.add_labels(np.full((8, 32, 48), 77, np.uint8), name="codes")
    filled.labels.choose(wrong)
    filled.write(tmp_path / "run.mp4")
    finish(filled, qtbot)
    assert "frame 0 holds label codes [77]" in notifications()[1]
    filled.with_truth.setChecked(True)
    filled.truth.choose(wrong)
    assert not filled.write_button.isEnabled()
    assert "same layer" in filled.write_button.toolTip()
    assert not any(tmp_path.iterdir())


def test_only_the_file_that_was_asked_about_is_replaced(
    filled, qtbot, tmp_path, notifications, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog

    out = tmp_path / "run3.mp4"
    out.write_bytes(b"precious")
    chosen = [str(tmp_path / "run3"), str(out)]  # the dialogue asked about these two
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen.pop(0), ""))
    qtbot.mouseClick(filled.write_button, Qt.MouseButton.LeftButton)
    finish(filled, qtbot)
    assert "run3.mp4: exists already" in notifications()[-1]
    filled.write(out)  # nobody was asked
    assert out.read_bytes() == b"precious"
    pytest.importorskip("imageio.v2")
    qtbot.mouseClick(filled.write_button, Qt.MouseButton.LeftButton)
    finish(filled, qtbot)
    assert notifications()[-1] == f"Wrote {out}"
    assert out.read_bytes() != b"precious"
