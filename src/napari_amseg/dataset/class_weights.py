"""Pixels per class, and the weights that keep rare classes from being ignored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.benchmark import Benchmark, FrameId
from napari_amseg.dataset.codes import code_counts, unknown_codes

WEIGHTINGS = ("sqrt", "inverse", "none")


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Pixels of each class in some frames.

    Attributes
    ----------
    pixels : int64 (frames, classes), in the scheme's channel order.
    sha256 : of names, images and labels of these frames, to notice that they changed.
    """

    pixels: NDArray[np.int64]
    sha256: str

    @property
    def total(self) -> NDArray[np.int64]:
        """Pixels of each class over all frames."""
        total: NDArray[np.int64] = self.pixels.sum(axis=0)
        return total


def count_labels(benchmark: Benchmark, frames: Iterable[FrameId]) -> LabelCounts:
    """Count the pixels of each class, one frame in memory at a time.

    Raises
    ------
    ValueError
        If labels hold a code that is not in the benchmark's scheme, or are not of the size of
        their image; names the frame.
    """
    digest = hashlib.sha256()
    rows: list[NDArray[np.int64]] = []
    for frame in frames:
        labels, image = benchmark.labels(frame), benchmark.image(frame)
        if labels.shape != image.shape:
            raise ValueError(
                f"{frame}: image is {image.shape}, labels are {labels.shape} (rows, columns): "
                "labels must be of this very image. 'amseg dataset check' names all such."
            )
        counts = code_counts(labels)
        strange = unknown_codes(counts, benchmark.scheme)
        if strange:
            raise ValueError(f"labels of {frame}: {strange}. Correct them.")
        digest.update(f"{frame} {labels.shape} {image.dtype}".encode())
        digest.update(labels.tobytes())
        digest.update(image.tobytes())
        rows.append(counts[list(benchmark.scheme.codes)].astype(np.int64))
    pixels = np.array(rows, np.int64).reshape(len(rows), len(benchmark.scheme.classes))
    return LabelCounts(pixels, digest.hexdigest())


def class_weights(pixels: NDArray[np.int64], weighting: str = "sqrt") -> tuple[float, ...]:
    """Loss weights of the classes from their pixel counts; their mean over present classes is 1.

    ``inverse``: inverse frequency; ``sqrt``: its square root, which spares the loss from being
    ruled by a handful of pixels; ``none``: all 1. A class without pixels gets 0.

    Raises
    ------
    ValueError
        If no pixel is labelled at all.
    """
    present = pixels > 0
    if not present.any():
        raise ValueError("no pixel of these frames is labelled: there is nothing to learn from.")
    power = {"none": 0.0, "sqrt": 0.5, "inverse": 1.0}[weighting]
    weights = np.where(present, np.maximum(pixels, 1) / pixels.sum(), np.inf) ** -power
    weights = np.where(present, weights, 0.0)
    return tuple(float(w) for w in weights / weights[present].mean())
