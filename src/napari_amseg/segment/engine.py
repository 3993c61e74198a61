"""Engines: what turns a batch of frames into class maps, on which device.

The class map (argmax over the classes) and the sums behind the uncertainty are computed by the
engine, so that volumes of five float channels are never moved or stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models import Bundle, load_bundle
from napari_amseg.models.bundle import CARD
from napari_amseg.models.gpu import may_have_gpu
from napari_amseg.provenance import sha256

ENGINES = ("auto", "keras", "openvino")
PRECISIONS = ("auto", "f32", "bf16")
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
    name : ``keras`` or ``openvino``. device : backend, precision and device, for people and
        records.
    multiple : rows and columns of a batch must be multiples of this.
    batch_pixels : most pixels that it does well in one call.
    parallel : how many threads may call :meth:`predict` at once with profit.
    """

    name: str
    device: str
    multiple: int
    batch_pixels: int
    parallel: int

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X) in the network's input range; safe in several threads.

        rows, columns : (B, Y) and (B, X), 1 where a pixel counts in the areas, else 0: padding and
        what neighbouring tiles share is left out.
        """
        ...


def make_engine(
    bundle: Bundle, name: str = "auto", *, precision: str = "auto", confidence: bool = False
) -> Engine:
    """The engine of this name for this model; ``auto`` takes Keras on a GPU, else OpenVINO where
    it is installed, else Keras on the CPU.

    Parameters
    ----------
    precision : ``f32``, ``bf16``, or ``auto``, the fastest of them that the device computes with.
    confidence : whether predictions hold that map.

    Raises
    ------
    ValueError
        If there is no engine of this name, or it does not compute in this precision.
    ImportError
        If OpenVINO is asked for and not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: choose one of {', '.join(PRECISIONS)}.")
    if name == "auto":
        name = _best_engine()
    if name == "openvino":
        from napari_amseg.segment.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(bundle, precision=precision, confidence=confidence)
    from napari_amseg.segment.keras_engine import KerasEngine

    return KerasEngine(bundle, precision=precision, confidence=confidence)


def shared_engine(
    bundle: Bundle, name: str = "auto", *, precision: str = "auto", confidence: bool = False
) -> Engine:
    """The engine for these very weights, kept in this process for the next stack or job.

    Raises as :func:`make_engine`.
    """
    return _kept_engine(bundle.folder, sha256(bundle.folder / CARD), name, precision, confidence)


@lru_cache(maxsize=2)
def _kept_engine(
    folder: Path, card_sha256: str, name: str, precision: str, confidence: bool
) -> Engine:
    """The card names the weights: another card, another engine."""
    return make_engine(load_bundle(folder), name, precision=precision, confidence=confidence)


def _best_engine() -> str:
    if not find_spec("openvino"):
        return "keras"
    if not may_have_gpu():
        return "openvino"
    from napari_amseg.models.backend import has_gpu  # starts the backend, which takes seconds

    return "keras" if has_gpu() else "openvino"
