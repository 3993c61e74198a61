"""Keras: the model with the argmax built in, as one compiled graph on the backend's device.

On a CPU it computes in float32 and is what the other engines are compared with. On a GPU it
computes in bfloat16 where the GPU is made for that, and several batches are on their way at once:
while one is computed, others are copied there and back.
"""

from __future__ import annotations

from contextlib import nullcontext
from threading import Lock
from typing import Any

import numpy as np

from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.engine import Floats, Prediction
from napari_amseg.segment.uncertainty import LEAST_PROBABILITY, scored_channels

_GPU_CALLS = 3
_GPU_PIXELS = 2**23  # 64 frames of 256x512: with fewer, a large GPU waits for kernels to start
_CPU_PIXELS = 2**20


class KerasEngine:
    """The Keras model with the argmax built in, compiled, on the backend's default device.

    Attributes
    ----------
    precision : ``f32`` or ``bf16``. A GPU may round float32 to 19 bits inside a convolution.
    start : the compiled graph from (B, Y, X, 1), rows and columns to tensors of the backend, for
        who does not want to wait for them.
    batch_pixels, parallel : what suits the device, see :class:`.engine.Engine`.
    """

    name = "keras"

    def __init__(
        self, bundle: Bundle, *, confidence: bool = False, precision: str = "auto"
    ) -> None:
        from napari_amseg.models.backend import compiled, device, has_gpu, prefers_bfloat16
        from napari_amseg.models.half_precision import lightened

        if precision == "auto":
            precision = "bf16" if prefers_bfloat16() else "f32"
        self.precision = precision
        self.device = device() + (", bfloat16" if precision == "bf16" else "")
        self.multiple = architecture(bundle.card.architecture).multiple
        self.parallel = _GPU_CALLS if has_gpu() else 1
        self.batch_pixels = _GPU_PIXELS if has_gpu() else _CPU_PIXELS
        # TensorFlow's bfloat16 convolutions on a CPU mix up calls of several threads now and then.
        self._turn = nullcontext() if has_gpu() else Lock()
        network = lightened(bundle.model) if precision == "bf16" else bundle.model
        self.start = compiled(prediction_model(bundle, network, confidence=confidence))

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X)."""
        from napari_amseg.models.backend import keras

        with self._turn:
            found = self.start(batch[..., np.newaxis], rows, columns)
            return Prediction(*(np.asarray(keras.ops.convert_to_numpy(part)) for part in found))


def prediction_model(bundle: Bundle, network: Any, *, confidence: bool = False) -> Any:
    """The bundle's network with its softmax reduced to what a :class:`Prediction` holds."""
    from napari_amseg.models.backend import keras

    ops = keras.ops
    rows, columns = (keras.Input((None,), name=name) for name in ("rows", "columns"))
    softmax = ops.cast(network.output, "float32")
    channel = ops.argmax(softmax, axis=-1)
    codes = np.asarray(bundle.card.scheme.codes, np.int32)
    labels = ops.cast(ops.take(ops.convert_to_tensor(codes), channel), "uint8")
    outputs = [labels, _areas(softmax, channel, rows, columns, bundle)]
    if confidence:
        outputs.append(ops.cast(ops.round(255 * ops.max(softmax, axis=-1)), "uint8"))
    return keras.Model([network.input, rows, columns], outputs, name="prediction")


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
