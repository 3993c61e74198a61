"""Statistics of batch normalisations that fit the weights, also after a few steps."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from napari_amseg.models.backend import keras


def set_momentum(model: Any, momentum: float) -> None:
    """Give all batch normalisations this momentum; before the first step."""
    for norm in _norms(model):
        norm.momentum = momentum


def recalibrate_norms(
    model: Any, batches: Iterable[tuple[NDArray[Any], NDArray[Any]]], *, n_batches: int = 10
) -> None:
    """Set the moving statistics of all trainable batch normalisations to the mean over batches.

    The averages collected during training lag behind the weights: after few steps they would make
    the network useless in inference. Frozen layers keep theirs.
    """
    norms = [norm for norm in _norms(model) if norm.trainable]
    before = [norm.momentum for norm in norms]
    try:
        for seen, (images, _) in enumerate(islice(batches, n_batches)):
            for norm in norms:
                norm.momentum = seen / (seen + 1)
            model(images, training=True)
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum


def _norms(model: Any) -> list[Any]:
    return [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
