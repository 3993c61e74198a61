"""A viewer with a phantom in it, and waiting: what the states of ``look_states.py`` begin with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
import numpy as np
import tifffile
from napari.layers import Image, Labels
from napari.qt import get_qapp
from qtpy.QtWidgets import QWidget

from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.layers import LabelSource, image_source, labels_layer
from napari_amseg.sample import PhantomSettings, simulate

PHANTOM = PhantomSettings(n_frames=16, seed=11)
PATIENCE_S = 300
Look = tuple[str, QWidget]


@dataclass
class Desk:
    """A viewer, the files of a phantom, its image layer and its exact labels."""

    viewer: napari.Viewer
    folder: Path
    image: Image
    truth: Labels

    @classmethod
    def of(cls, viewer: napari.Viewer, folder: Path) -> Desk:
        phantom = simulate(PHANTOM)
        px_a_um = 1 / PHANTOM.pixel_size_um
        tags = {"finterval": 1 / PHANTOM.frame_rate_hz, "unit": "um", "axes": "TYX"}
        for stem, frames in (("run7", phantom.stack), ("run7_labels", phantom.labels)):
            tifffile.imwrite(
                folder / f"{stem}.tif",
                np.stack(list(frames)),
                imagej=True,
                resolution=(px_a_um, px_a_um),
                metadata=tags,
            )
        (image,) = viewer.open(folder / "run7.tif", plugin="napari-amseg")
        codes = np.stack(list(phantom.labels))
        source = LabelSource(image_source(image).experiment)
        truth = viewer.add_layer(napari.layers.Layer.create(*labels_layer(codes, "truth", source)))
        viewer.dims.set_current_step(0, PHANTOM.n_frames // 2)
        return cls(viewer, folder, image, truth)

    def open(self, name: str) -> Any:
        """One of our widgets, alone in the window."""
        self.viewer.window.remove_dock_widget("all")
        wait(0.1)
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-amseg", name)
        wait(0.3)
        return widget


def unfold(widget: QWidget) -> int:
    """Open every fold; gives how many."""
    folds = [fold for fold in widget.findChildren(Fold) if fold.isVisible()]
    for fold in folds:
        fold.button.setChecked(True)
    wait(0.3)
    return len(folds)


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        get_qapp().processEvents()
        time.sleep(0.01)


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("waited too long")
        wait(0.05)
