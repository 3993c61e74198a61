"""The *Laser frame* widget with a real viewer, on a phantom whose speed is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.measure.laser_frame import Window
from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.plugin.laser.job import LaserJob, Progress, window_layer
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    image_layer,
    image_source,
    is_image,
    labels_layer,
    show_frame,
)
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import stack_from_array

PATIENCE_MS = 60_000
SPEED_PX = 5.0


@pytest.fixture(scope="module")
def phantom():
    """36 frames of a laser that goes left at 0.5 m/s: frames and labels, arrays (T, Y, X)."""
    made = simulate(
        PhantomSettings(n_frames=36, height_px=128, width_px=256, direction="left", oversampling=2)
    )
    return np.stack(list(made.stack)), np.stack(list(made.labels)), made.stack.experiment


@pytest.fixture
def opened(viewer, phantom):
    """The phantom's two layers in the viewer."""
    frames, labels, experiment = phantom
    stack = stack_from_array(frames, experiment=experiment)
    data = (
        image_layer(ImageSource(stack), "run"),
        labels_layer(labels.copy(), "run labels", LabelSource(experiment)),
    )
    return [viewer.add_layer(Layer.create(*one)) for one in data]


@pytest.fixture
def fitted(opened, add_widget, qtbot):
    """Fit the line, from labels or not; gives the widget."""

    def run(*, from_labels: bool):
        widget = add_widget("Laser frame")
        widget.with_labels.setChecked(from_labels)
        qtbot.mouseClick(widget.fit_button, Qt.MouseButton.LeftButton)
        assert widget.is_running
        assert widget.fit_button.text() == "Cancel"
        qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
        return widget

    return run


@pytest.mark.parametrize("from_labels", [True, False])
def test_the_speed_is_found_and_compared_with_the_one_set(fitted, from_labels):
    widget = fitted(from_labels=from_labels)
    line = widget.editor.line
    assert line.method == ("edges" if from_labels else "projection")
    assert line.velocity_px == pytest.approx(-SPEED_PX, rel=0.03)
    text = widget.editor.numbers.text()
    assert "m/s to the left" in text
    assert "from the speed set" in text
    assert "t = 0 in frame 3 (60 µs)" in text
    ends = widget.editor.plot.line_ends()
    assert ends[0] == pytest.approx((float(line(3)), 3))
    widget.experiment.field("scan_speed_mm_s").set_number(1000)
    assert float(widget.editor.numbers.text().split(", ")[1].split(" %")[0]) == pytest.approx(
        -50, abs=2
    )


def test_what_travels_and_the_kymograph_become_layers(viewer, fitted, phantom, qtbot):
    widget = fitted(from_labels=True)
    qtbot.mouseClick(widget.window_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "run labels laser frame" in viewer.layers, timeout=PATIENCE_MS)
    window, labels = viewer.layers["run laser frame"], viewer.layers["run labels laser frame"]
    assert window.data.shape == labels.data.shape == (36, 128, 261)
    assert isinstance(labels.data, np.ndarray)
    assert tuple(window.translate) == tuple(labels.translate)
    assert window.translate[1] > 127 * 2  # below the stack, pixels are 2 um
    fronts = [np.flatnonzero((frame == 1).any(axis=0)).max() for frame in labels.data[3:33]]
    assert np.median(fronts) == pytest.approx(200, abs=1.5)  # mirrored: the laser goes right
    assert np.ptp(fronts) < 14  # the keyhole fluctuates, the window does not
    # another widget that works on this layer must not open the files of the whole frames
    assert image_source(window).stack.files == ()
    assert widget.image.layer().name == "run"

    qtbot.mouseClick(widget.kymograph_button, Qt.MouseButton.LeftButton)
    kymograph = viewer.layers["run kymograph"]
    assert kymograph.data.shape == (36, 256)
    assert not is_image(kymograph)  # nobody's input
    assert kymograph.translate[0] > window.extent.world[1][1]
    height = np.ptp(kymograph.extent.world[:, 0]) + kymograph.scale[0]
    assert height == pytest.approx(128 * 2, rel=0.05)


def test_the_line_is_edited_by_hand(viewer, fitted, opened):
    widget = fitted(from_labels=False)
    editor = widget.editor
    editor.plot.drag_end(0, 220.0, 4.0)
    editor.plot.drag_end(1, 100.0, 24.0)
    line = editor.line
    assert line.velocity_px == pytest.approx(-6.0)
    assert line.x0_px == pytest.approx(244.0)
    assert (line.first_frame, line.last_frame, line.method) == (4, 24, "given")
    assert "0.600 m/s" in editor.numbers.text()
    assert editor.velocity.value() == pytest.approx(-6.0)
    editor.velocity.setValue(-4.0)
    assert "0.400 m/s" in editor.numbers.text()
    (x0, t0), (x1, t1) = editor.plot.line_ends()
    assert (x1 - x0) / (t1 - t0) == pytest.approx(-4.0)
    editor.plot.drag_end(1, 150.0, t0 + 0.2)  # no time passes: it keeps the speed it had
    assert editor.line.velocity_px == pytest.approx(-4.0)
    show_frame(viewer, opened[0], 20)
    assert editor.plot._mark.value() == 20
    editor.plot.frame_chosen.emit(7)
    assert viewer.dims.current_step[0] == 7


def test_reasons_errors_and_a_stack_without_a_laser(
    viewer, add_widget, qtbot, notifications, rng, opened
):
    viewer.layers.clear()
    widget = add_widget("Laser frame")
    assert widget.fit_button.toolTip() == "Open an image stack first."
    assert not widget.fit_button.isEnabled()
    noise = rng.normal(1000, 10, (40, 64, 128)).astype(np.float32)
    viewer.add_image(noise, name="noise")
    assert widget.window_button.toolTip() == "Fit the line first."
    widget.rows.setText("a:b")
    widget.fit()
    assert "write A:B" in notifications()[-1]
    widget.rows.setText("0:999")
    widget.fit()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    assert "not inside frames of 64 rows" in notifications()[-1]
    widget.rows.setText("")
    widget.fit()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    assert "Drag the line into place: no laser line in the grey values" in notifications()[-1]
    assert len(widget.editor.plot.line_ends()) == 2
    assert widget.window_button.isEnabled()
    widget.window_form.field("laser_on_only").setChecked(True)
    widget.editor.plot.drag_end(0, 10.0, 5.0)
    widget.add_window()
    window = viewer.layers["noise laser frame"]
    assert (window.data.shape[0], window.translate[0]) == (35, 5)


def test_a_cancel_and_a_close(viewer, opened, add_widget, qtbot):
    widget = add_widget("Laser frame")
    widget.fit()
    progress = widget._progress
    qtbot.mouseClick(widget.fit_button, Qt.MouseButton.LeftButton)
    assert progress.cancel.is_set()
    assert not widget.is_running
    assert widget.editor.line is None
    widget.fit()
    viewer.window.remove_dock_widget("all")
    qtbot.wait(300)
    show_frame(viewer, opened[0], 3)  # nothing listens any more


def test_the_contrast_of_a_kymograph_is_found_in_the_thread(rng):
    frames = rng.normal(1000, 10, (1500, 4, 24)).astype(np.float32)
    frames[:, :, 3] += np.linspace(0, 500, 1500)[:, np.newaxis]
    found = LaserJob(stack_from_array(frames), None, DEFAULT_SCHEME, (0, 4)).run(Progress())
    low, high = found.levels
    assert (low, high) == pytest.approx(np.percentile(found.change, (1, 99.5)), rel=0.15)
    flat = LaserJob(stack_from_array(np.ones((9, 4, 24))), None, DEFAULT_SCHEME, (0, 4))
    low, high = flat.run(Progress()).levels
    assert high > low


def test_a_window_is_added_without_reading_a_frame(viewer, phantom):
    read = []
    frames, _, experiment = phantom
    source = stack_from_array(frames, experiment=experiment)
    image = viewer.add_layer(Layer.create(*image_layer(ImageSource(source), "run")))
    counted = source.derived(lambda t: read.append(t) or source.read(t))
    image.metadata[KEY] = ImageSource(replace(counted, flat="a.h5::flats", dark="a.h5::darks"))
    line = LaserLine(200.0, -5.0, 0, 35)
    data, options, _ = window_layer(viewer, image, line, Window(20, 60), experiment)
    assert read == []
    assert options["contrast_limits"] == tuple(image.contrast_limits)
    assert np.asarray(data[3]).shape == (128, 81)
    assert read == [3]
    travelling = options["metadata"][KEY].stack
    assert (travelling.flat, travelling.dark) == (None, None)  # they do not travel
