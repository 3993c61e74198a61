"""The *Watch folder* widget with a real viewer, a real compute process and real writers."""

from __future__ import annotations

import csv
import os
import threading
import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer

from napari_amseg.plugin.layers import is_image, is_labels

PATIENCE_MS = 60_000
PLAIN = {"photometric": "minisblack", "metadata": None}


@pytest.fixture
def watching(add_widget, bundle_folder, tmp_path, qtbot):
    """The widget, filled in for an empty folder, that was started; it is stopped at the end."""
    widget = add_widget("Watch folder")
    folder = tmp_path / "camera"
    folder.mkdir()
    widget.form.folder.set_path(folder)
    widget.form.model.choose(bundle_folder)
    for name, value in {"settle": 2.0, "poll": 0.1, "first_frames": 3}.items():
        widget.form.watch.field(name).setValue(value)
    widget.form.experiment.field("pixel_size_um").set_number(2.0)
    yield widget, folder
    widget.stop()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)


def start(widget, qtbot):
    qtbot.mouseClick(widget.start_button, Qt.MouseButton.LeftButton)
    assert widget.is_running
    qtbot.waitUntil(lambda: "Waiting" in widget.status.text(), timeout=PATIENCE_MS)


def page_by_page(path, frames, pause_s):
    def write():
        with tifffile.TiffWriter(path) as tif:
            for frame in frames:
                tif.write(frame, contiguous=False, **PLAIN)
                time.sleep(pause_s)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_buttons_say_why_they_cannot_be_pressed_and_results_get_a_place(add_widget, tmp_path):
    widget = add_widget("Watch folder")
    assert widget.start_button.toolTip() == "Choose the folder to watch first."
    assert (widget.stop_button.isEnabled(), widget.stop_button.toolTip()) == (
        False, "Nothing runs.",
    )  # fmt: skip
    widget.form.folder.set_path(tmp_path / "nowhere")
    assert widget.start_button.toolTip() == "There is no such folder to watch."
    widget.form.folder.set_path(tmp_path)
    assert widget.form.out.path() == f"{tmp_path}_results"
    assert widget.start_button.isEnabled()
    widget.form.out.set_path("")
    assert widget.start_button.toolTip() == "Choose a folder for the results first."
    widget.form.out.set_path("mine")
    widget.form.folder.set_path(tmp_path.parent)
    assert widget.form.out.path() == "mine"
    assert not widget.stacks.open_button.isEnabled()


def test_a_growing_stack_is_shown_plotted_and_done(watching, viewer, qtbot, frames, notifications):
    widget, folder = watching
    start(widget, qtbot)
    many = np.concatenate([frames] * 10)
    writer = page_by_page(folder / "run.tif", many, 0.05)
    qtbot.waitUntil(lambda: "run newest" in viewer.layers, timeout=PATIENCE_MS)
    image, mask = viewer.layers["run newest"], viewer.layers["run newest mask"]
    assert tuple(image.scale) == (2, 2)
    assert not is_image(image)  # nobody's input: they hold one frame
    assert not is_labels(mask)
    assert not mask.editable
    qtbot.waitUntil(lambda: "run" in widget.run.stacks, timeout=PATIENCE_MS)
    writer.join()
    qtbot.waitUntil(lambda: "Waiting" in widget.status.text(), timeout=PATIENCE_MS)
    assert widget.stacks.texts()[0].startswith("run: 60 frames in ")
    assert "note" in widget.stacks.texts()[0]
    assert widget.remark.text().startswith("run: ")  # its grey limits
    assert any(np.array_equal(image.data, frame) for frame in frames)
    assert mask.data.shape == (32, 48)
    assert not mask.editable
    table = folder.parent / "camera_results" / "run_frames.csv"
    with table.open(newline="") as file:
        area = [float(row["keyhole_area_um2"]) for row in csv.DictReader(file)]
    x, y = widget.plots.curve("keyhole area")
    np.testing.assert_array_equal(x, np.arange(60))
    np.testing.assert_allclose(y, area, rtol=1e-6)
    widget.stacks.list.setCurrentRow(0)
    qtbot.mouseClick(widget.stacks.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "run_labels" in viewer.layers, timeout=PATIENCE_MS)
    assert viewer.layers["run"].data.shape == (60, 32, 48)
    assert not notifications()


def test_a_bad_file_is_in_the_list_and_the_watch_goes_on(watching, qtbot, frames):
    widget, folder = watching
    (folder / "bad.tif").write_bytes(b"II*\0 no image")
    start(widget, qtbot)
    tifffile.imwrite(folder / "good.tif", frames, **PLAIN)
    qtbot.waitUntil(lambda: len(widget.run.stacks) == 2, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: len(widget.stacks.texts()) == 2)
    good, bad = widget.stacks.texts()
    assert good.startswith("good: 6 frames in ")
    assert bad.startswith("bad: failed: ")
    widget.stacks.list.setCurrentRow(1)
    assert widget.stacks.open_button.toolTip() == "This stack failed: it has no masks."


def test_stopping_while_frames_come_does_not_block_and_leaves_no_half_file(
    watching, viewer, qtbot, frames
):
    widget, folder = watching
    tifffile.imwrite(folder / "run.tif", np.concatenate([frames] * 1000), **PLAIN)
    ticks = []
    ticking = QTimer()
    ticking.timeout.connect(lambda: ticks.append(time.monotonic()))
    start(widget, qtbot)
    qtbot.waitUntil(lambda: widget.run.newest is not None, timeout=PATIENCE_MS)
    ticking.start(10)
    qtbot.waitUntil(lambda: len(ticks) > 3)
    qtbot.mouseClick(widget.stop_button, Qt.MouseButton.LeftButton)
    assert widget.status.text() == "stopping…"
    assert not widget.stop_button.isEnabled()
    before = len(ticks)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "Stopped: 0 stacks done." in widget.status.text())
    assert len(ticks) > before  # the event loop went on
    visible = [p.name for p in (folder.parent / "camera_results").iterdir() if p.name[0] != "."]
    assert visible in ([], ["run_live.csv"])
    assert widget.start_button.isEnabled()


def test_closing_the_dock_ends_the_watch_and_its_process(
    add_widget, bundle_folder, qtbot, tmp_path
):
    widget = add_widget("Watch folder")
    widget.form.folder.set_path(tmp_path)
    widget.form.model.choose(bundle_folder)
    start(widget, qtbot)
    run, pid = widget.run, widget._process.pid
    widget.parent().destroyOnClose()
    qtbot.waitUntil(run.cancel.is_set, timeout=PATIENCE_MS)

    def gone():
        try:
            os.kill(pid, 0)
        except OSError:
            return True
        return False

    qtbot.waitUntil(gone, timeout=PATIENCE_MS)


def test_a_model_that_cannot_be_used_is_explained(watching, qtbot, notifications):
    widget, folder = watching
    widget.form.out.set_path(folder)
    qtbot.mouseClick(widget.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: any("watched folder itself" in m for m in notifications()))
    assert "watched folder itself" in widget.status.text()
    assert widget.form.isVisibleTo(widget)
