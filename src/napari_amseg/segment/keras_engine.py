"""Keras: the model with the argmax built in, compiled by the backend, on its default device."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.engine import Floats, Prediction
from napari_amseg.segment.uncertainty import LEAST_PROBABILITY, scored_channels


class KerasEngine:
    """The Keras model with the argmax built in, compiled by the backend, on its default device."""

    name = "keras"

    def __init__(self, bundle: Bundle, *, confidence: bool = False) -> None:
        from napari_amseg.models.backend import device

        self.device = device()
        self.multiple = architecture(bundle.card.architecture).multiple
        self._model = prediction_model(bundle, confidence=confidence)

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X)."""
        found = self._model.predict_on_batch([batch[..., np.newaxis], rows, columns])
        return Prediction(*(np.asarray(part) for part in found))


def prediction_model(bundle: Bundle, *, confidence: bool = False) -> Any:
    """The bundle's model with its softmax reduced to what a :class:`Prediction` holds."""
    from napari_amseg.models.backend import keras

    ops, model = keras.ops, bundle.model
    rows, columns = (keras.Input((None,), name=name) for name in ("rows", "columns"))
    softmax = ops.cast(model.output, "float32")
    channel = ops.argmax(softmax, axis=-1)
    codes = np.asarray(bundle.card.scheme.codes, np.int32)
    labels = ops.cast(ops.take(ops.convert_to_tensor(codes), channel), "uint8")
    outputs = [labels, _areas(softmax, channel, rows, columns, bundle)]
    if confidence:
        outputs.append(ops.cast(ops.round(255 * ops.max(softmax, axis=-1)), "uint8"))
    return keras.Model([model.input, rows, columns], outputs, name="prediction")


def _areas(softmax: Any, channel: Any, rows: Any, columns: Any, bundle: Bundle) -> Any:
    """Predicted, hit and expected pixels (B, n, 3) of the scored classes."""
    from napari_amseg.models.backend import keras

    ops, areas = keras.ops, []
    for i in scored_channels(bundle.card.scheme):
        chosen = ops.cast(ops.equal(channel, i), "float32")
        probability = softmax[..., i]
        counted = ops.where(probability >= LEAST_PROBABILITY, probability, 0.0)
        for part in (chosen, chosen * probability, counted):
            by_row = ops.sum(part * columns[:, None, :], axis=-1)
            areas.append(ops.sum(by_row * rows, axis=-1))
    return ops.reshape(ops.stack(areas, axis=-1), (-1, len(areas) // 3, 3))
