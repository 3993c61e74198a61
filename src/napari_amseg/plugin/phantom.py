"""napari's *Open Sample*: the phantom and its exact labels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from napari_amseg.plugin.layers import (
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)


def phantom_layers() -> list[LayerData]:
    """A synthetic stack, each frame simulated when first shown, and its labels, hidden at first."""
    from napari_amseg.sample import simulate

    phantom = simulate()
    labels = np.stack([phantom.labels.read(t) for t in range(len(phantom.labels))])
    stack = phantom.stack.derived(lru_cache(maxsize=len(labels))(phantom.stack.read))
    source = LabelSource(phantom.stack.experiment)
    array, options, kind = labels_layer(labels, "phantom, exact labels", source)
    return [
        image_layer(ImageSource(stack), "phantom"),
        (array, options | {"visible": False}, kind),
    ]
