"""napari's *Open Sample*: the phantom and its exact labels."""

from __future__ import annotations

import numpy as np

from napari_amseg.plugin.layers import (
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)


def phantom_layers() -> list[LayerData]:
    """A synthetic stack, simulated as frames are shown, and its exact labels, hidden at first."""
    from napari_amseg.sample import simulate

    phantom = simulate()
    labels = np.stack([phantom.labels.read(t) for t in range(len(phantom.labels))])
    source = LabelSource(phantom.stack.experiment)
    array, options, kind = labels_layer(labels, "phantom, exact labels", source)
    return [
        image_layer(ImageSource(phantom.stack), "phantom"),
        (array, options | {"visible": False}, kind),
    ]
