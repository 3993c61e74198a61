"""How well two label images agree: one confusion matrix, IoU and F1 per class and mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme


class Confusion:
    """Confusion matrix summed over all pixels given; unlabelled truth (code 0) never counts.

    Attributes
    ----------
    counts : int64 (n_classes, n_classes + 1), rows truth, columns prediction, in the scheme's
        channel order; the last column is any other predicted code.
    """

    def __init__(self, scheme: LabelScheme) -> None:
        self.scheme = scheme
        n = len(scheme.classes)
        self.counts = np.zeros((n, n + 1), np.int64)
        self._channel = np.full(256, n, np.intp)
        self._channel[list(scheme.codes)] = np.arange(n)

    def add(self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Count the pixels of one frame, both (Y, X) of label codes."""
        if truth.shape != prediction.shape:
            raise ValueError(f"truth is {truth.shape}, prediction is {prediction.shape}.")
        n = len(self.scheme.classes)
        known = self._channel[truth] < n
        pairs = self._channel[truth][known] * (n + 1) + self._channel[prediction][known]
        self.counts += np.bincount(pairs, minlength=n * (n + 1)).reshape(n, n + 1)

    def add_counts(self, counts: NDArray[np.int64]) -> None:
        """Add a matrix (n_classes, n_classes) counted elsewhere, rows truth."""
        self.counts[:, :-1] += counts

    def to_json(self) -> dict[str, Any]:
        """IoU and F1 per class; their means over the classes present in truth or prediction, and
        (``_in_truth``) over those in the truth, which leave out a class that is nowhere right.
        """
        hit = np.diagonal(self.counts).astype(np.float64)
        truth, predicted = self.counts.sum(axis=1), self.counts[:, :-1].sum(axis=0)
        present = (truth + predicted) > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            iou = hit / (truth + predicted - hit)
            f1 = 2 * hit / (truth + predicted)

        def by_name(values: NDArray[np.float64]) -> dict[str, float]:
            pairs = zip(self.scheme.names, values, present, strict=True)
            return {name: float(value) for name, value, there in pairs if there}

        def mean(values: NDArray[np.float64], which: NDArray[np.bool_]) -> float | None:
            return float(values[which].mean()) if which.any() else None

        return {
            "mean_iou": mean(iou, present),
            "mean_f1": mean(f1, present),
            "mean_iou_in_truth": mean(iou, truth > 0),
            "mean_f1_in_truth": mean(f1, truth > 0),
            "iou": by_name(iou),
            "f1": by_name(f1),
        }
