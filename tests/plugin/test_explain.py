"""The *Grad-CAM* widget with a real viewer and a real compute process."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer

from napari_amseg.models import load_bundle
from napari_amseg.plugin.layers import is_image, show_frame

PATIENCE_MS = 120_000


@pytest.fixture
def explained(add_widget, qtbot):
    """Press the button and wait; gives the widget."""

    def run(widget=None):
        widget = widget or add_widget("Grad-CAM")
        qtbot.mouseClick(widget.run_button, Qt.MouseButton.LeftButton)
        assert widget.is_running
        qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
        return widget

    return run


def test_the_heat_map_of_a_real_keyhole_lies_over_the_shown_frame(
    viewer, explained, real_data, qtbot
):
    (image,) = viewer.open(str(real_data / "ti64_plate"), plugin="napari-amseg")
    image.scale, image.translate = (2, 3, 3), (10, 6, 9)
    show_frame(viewer, image, 5)
    widget = explained()
    heat = viewer.layers["ti64_plate Grad-CAM keyhole"]
    assert heat.data.shape == (1, 400, 1024)
    assert tuple(heat.scale) == (2, 3, 3)
    assert tuple(heat.translate) == (20, 6, 9)
    assert heat.data.dtype == np.float32
    assert (heat.data.min() >= 0, heat.data.max()) == (True, 1)
    assert viewer.layers.selection.active is image
    row, column = np.unravel_index(heat.data[0].argmax(), (400, 1024))
    assert image.data[5, row, column].compute() > np.percentile(image.data[5], 99)
    assert "pixels predicted as keyhole" in widget.status.text()
    assert "tensorflow" in widget.status.text()

    show_frame(viewer, image, 6)
    widget.layer_box.setCurrentText("decoder_3_relu")
    earlier = heat.data
    explained(widget)
    assert [layer.name for layer in viewer.layers] == [image.name, heat.name]
    assert tuple(heat.translate) == (22, 6, 9)
    assert not np.array_equal(heat.data, earlier)
    assert "decoder_3_relu" in widget.status.text()
    assert not {"keras", "tensorflow", "torch", "jax"} & set(sys.modules)


def test_layers_and_classes_are_those_of_the_chosen_model(
    viewer, add_widget, explained, bundle_folder, qtbot, frames
):
    viewer.add_image(frames[0], name="single")
    widget = add_widget("Grad-CAM")
    widget.model.choose(bundle_folder)

    def names():
        return [widget.layer_box.itemText(i) for i in range(widget.layer_box.count())]

    # the layers of the model chosen at first may still come before
    qtbot.waitUntil(lambda: "encoder_1_concat" in names(), timeout=PATIENCE_MS)
    assert names()[:2] == ["last decoder block", "head_conv"]
    assert {"decoder_1_relu", "bottleneck_3_relu"} <= set(names())
    classes = [widget.class_box.itemText(i) for i in range(widget.class_box.count())]
    assert tuple(classes) == load_bundle(bundle_folder).card.scheme.names
    for name in ("substrate", "powder"):
        widget.class_box.setCurrentText(name)
        explained(widget)
        assert viewer.layers[f"single Grad-CAM {name}"].data.shape == frames[0].shape
    assert [layer.name for layer in viewer.layers if is_image(layer)] == ["single"]


def test_reasons_errors_and_a_cancel(
    viewer, add_widget, explained, bundle_folder, qtbot, notifications
):
    widget = add_widget("Grad-CAM")
    assert widget.run_button.toolTip() == "Open an image stack first."
    assert not widget.run_button.isEnabled()
    blank = viewer.add_image(np.zeros((3, 16, 16)), name="blank")
    explained(widget)
    assert any("stack is blank" in m for m in notifications())
    viewer.layers.remove(blank)

    noise = np.random.default_rng(0).random((2, 256, 256), np.float32)
    image = viewer.add_image(noise, name="noise")
    widget.start()
    assert widget.run_button.text() == "Cancel"
    qtbot.mouseClick(widget.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    assert widget.status.text() == "Cancelled."
    assert list(viewer.layers) == [image]
    explained(widget)
    assert len(viewer.layers) == 2


def test_the_event_loop_keeps_turning(viewer, add_widget, qtbot):
    noise = np.random.default_rng(1).random((20, 512, 512), np.float32)
    viewer.add_image(noise, name="noise")
    widget, beats, timer = add_widget("Grad-CAM"), [], QTimer()
    timer.setInterval(20)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start()
    widget.start()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    timer.stop()
    assert len(viewer.layers) == 2
    assert np.diff(beats).max() < 1.0  # two busy cores; a blocked loop would show whole seconds
