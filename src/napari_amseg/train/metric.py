"""The confusion matrix as a Keras metric, counted on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_amseg.models.backend import keras

ops = keras.ops


class ConfusionMetric(keras.metrics.Metric):  # type: ignore[misc]
    """Counts since the last reset, int32 (n_classes, n_classes): rows truth, columns prediction.

    codes : pixel values of the classes, in channel order; pixels of any other value do not count.
    Reset it after each batch: it is exact for frames below 16 million pixels.
    """

    def __init__(self, codes: Sequence[int], name: str = "confusion") -> None:
        super().__init__(name=name)
        self._codes = [float(code) for code in codes]
        n = len(self._codes)
        self.counts = self.add_weight(
            shape=(n, n), initializer="zeros", dtype="int32", name="counts"
        )

    def update_state(self, labels: Any, probabilities: Any, sample_weight: Any = None) -> None:
        """Add the pixels of labels (B, Y, X) and probabilities (B, Y, X, C)."""
        wanted = ops.convert_to_tensor(self._codes, dtype="float32")
        truth = ops.cast(ops.equal(ops.cast(labels, "float32")[..., None], wanted), "float32")
        guess = ops.one_hot(ops.argmax(probabilities, axis=-1), len(self._codes), dtype="float32")
        per_frame = ops.einsum("byxt,byxp->btp", truth, guess)
        self.counts.assign_add(ops.sum(ops.cast(per_frame, "int32"), axis=0))

    def result(self) -> Any:
        """The matrix."""
        return ops.convert_to_tensor(self.counts)
