"""Engines: what turns a batch of frames into class maps, on which device.

The class map (argmax over the classes) is computed by the engine, so that volumes of five float
channels are never moved or stored.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models import Bundle, architecture

ENGINES = ("auto", "keras", "openvino")


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

    def class_maps(self, batch: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label codes (B, Y, X) of frames (B, Y, X) in the network's input range."""
        ...


def make_engine(bundle: Bundle, name: str = "auto") -> Engine:
    """The engine of this name for this model; ``auto`` takes Keras on a GPU, else OpenVINO where
    it is installed, else Keras on the CPU.

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

        return OpenVinoEngine(bundle)
    return KerasEngine(bundle)


def _best_engine() -> str:
    from importlib.util import find_spec

    from napari_amseg.models.backend import has_gpu, keras

    exports = keras.backend.backend() == "tensorflow"
    return "openvino" if exports and find_spec("openvino") and not has_gpu() else "keras"


class KerasEngine:
    """The Keras model with the argmax built in, compiled by the backend, on its default device."""

    name = "keras"

    def __init__(self, bundle: Bundle) -> None:
        from napari_amseg.models.backend import device

        self.device = device()
        self.multiple = architecture(bundle.card.architecture).multiple
        self._model = class_map_model(bundle)

    def class_maps(self, batch: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label codes (B, Y, X) of frames (B, Y, X)."""
        maps: NDArray[np.uint8] = self._model.predict_on_batch(batch[..., np.newaxis])
        return np.asarray(maps, np.uint8)


def class_map_model(bundle: Bundle) -> Any:
    """The bundle's model with its softmax replaced by the code of the most probable class.

    Codes that run 1, 2, 3, ... (the default scheme) are an addition; others are looked up.
    """
    from napari_amseg.models.backend import keras

    model = bundle.model
    codes = np.asarray(bundle.card.scheme.codes, np.int32)
    channel = keras.ops.argmax(model.output, axis=-1)
    code = keras.ops.take(keras.ops.convert_to_tensor(codes), channel)
    return keras.Model(model.input, keras.ops.cast(code, "uint8"), name="class_map")
