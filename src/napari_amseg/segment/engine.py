"""Engines: what turns a batch of frames into class maps, on which device.

The class map (argmax over the classes) and the sums behind the uncertainty are computed by the
engine, so that volumes of five float channels are never moved or stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.uncertainty import LEAST_PROBABILITY, scored_channels

ENGINES = ("auto", "keras", "openvino")
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an engine makes of a batch.

    Attributes
    ----------
    labels : uint8 (B, Y, X), the code of the most probable class.
    areas : float32 (B, n, 3), px, of the scored classes; see :func:`.uncertainty.uncertainty`.
    confidence : uint8 (B, Y, X), the probability of that class times 255; None if not wanted.
    """

    labels: NDArray[np.uint8]
    areas: Floats
    confidence: NDArray[np.uint8] | None = None

    def __getitem__(self, part: slice) -> Prediction:
        """The same for some of the batch."""
        confidence = None if self.confidence is None else self.confidence[part]
        return Prediction(self.labels[part], self.areas[part], confidence)


class Engine(Protocol):
    """Computes class maps.

    Attributes
    ----------
    name : ``keras`` or ``openvino``. device : backend and device, for people and records.
    multiple : rows and columns of a batch must be multiples of this.
    """

    name: str
    device: str
    multiple: int

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X) in the network's input range.

        rows, columns : (B, Y) and (B, X), 1 where a pixel counts in the areas, else 0: padding and
        what neighbouring tiles share is left out.
        """
        ...


def make_engine(bundle: Bundle, name: str = "auto", *, confidence: bool = False) -> Engine:
    """The engine of this name for this model; ``auto`` takes Keras on a GPU, else OpenVINO where
    it is installed, else Keras on the CPU. confidence : whether predictions hold that map.

    Raises
    ------
    ValueError
        If there is no engine of this name.
    ImportError
        If OpenVINO is asked for and not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}: choose one of {', '.join(ENGINES)}.")
    if name == "auto":
        name = _best_engine()
    if name == "openvino":
        from napari_amseg.segment.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(bundle, confidence=confidence)
    return KerasEngine(bundle, confidence=confidence)


def _best_engine() -> str:
    from importlib.util import find_spec

    from napari_amseg.models.backend import has_gpu, keras

    exports = keras.backend.backend() == "tensorflow"
    return "openvino" if exports and find_spec("openvino") and not has_gpu() else "keras"


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
