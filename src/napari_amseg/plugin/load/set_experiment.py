"""Other metadata for a layer that is there, without losing it from view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    image_source,
    is_image,
    label_source,
    placement,
)
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


def keep_in_view(viewer: napari.Viewer, factor: float) -> None:
    """Show what was shown before a layer became larger by a factor."""
    camera = getattr(viewer, "scene", viewer).camera  # where older versions of napari keep it
    depth, y, x = camera.center
    camera.center, camera.zoom = (depth, y * factor, x * factor), camera.zoom / factor


def set_experiment(layer: Layer, experiment: Experiment) -> None:
    """Give a layer other metadata: its scale and units follow, rows measured before are dropped."""
    y, x = (float(v) for v in layer.translate[-2:] / layer.scale[-2:])
    updated: ImageSource | LabelSource
    if is_image(layer):
        updated = image_source(layer).with_experiment(experiment)
    else:
        updated = replace(label_source(layer), experiment=experiment, results=None)
    layer.metadata = {**layer.metadata, KEY: updated}
    for name, value in placement(experiment, offset_px=(y, x)).items():
        setattr(layer, name, value[-layer.ndim :])
