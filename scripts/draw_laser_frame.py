"""The picture of the *Laser frame* widget for the documentation, on the phantom.

xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/draw_laser_frame.py
"""

from __future__ import annotations

from pathlib import Path

from make_screenshots import wait, wait_until  # before napari: it sets its settings file

import napari  # isort: skip
import numpy as np
from napari.layers import Layer

from napari_amseg.plugin.layers import (
    ImageSource,
    LabelSource,
    image_layer,
    labels_layer,
    show_frame,
)
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import stack_from_array

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "laser-frame.png"


def main() -> None:
    phantom = simulate(PhantomSettings(n_frames=60, oversampling=2))
    experiment = phantom.stack.experiment
    frames, labels = (np.stack(list(stack)) for stack in (phantom.stack, phantom.labels))
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 980)
    stack = stack_from_array(frames, experiment=experiment)
    image = viewer.add_layer(Layer.create(*image_layer(ImageSource(stack), "phantom")))
    truth = labels_layer(labels, "phantom labels", LabelSource(experiment))
    viewer.add_layer(Layer.create(*truth))
    dock, widget = viewer.window.add_plugin_dock_widget("napari-amseg", "Laser frame")
    widget.fit()
    wait_until(lambda: not widget.is_running)
    widget.add_window()
    wait_until(lambda: not widget.is_running)
    widget.add_kymograph()
    show_frame(viewer, image, 35)
    from qtpy.QtCore import Qt

    viewer.window._qt_window.resizeDocks([dock], [440], Qt.Orientation.Horizontal)
    wait(1.0)
    viewer.reset_view()
    wait(1.5)
    viewer.window.screenshot(str(OUT), canvas_only=False, flash=False)
    print(OUT)
    viewer.close()


if __name__ == "__main__":
    main()
