"""Deviations of a series from its mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Deviation:
    """Mean of a series and its relative deviations from it; None where there is nothing."""

    mean: float | None
    delta_max: float | None
    delta_avg: float | None

    def to_json(self, scale: float | None = 1.0) -> dict[str, float | None]:
        """Plain record, the mean times `scale`; None if the scale is unknown."""
        mean = None if self.mean is None or scale is None else self.mean * scale
        return {"mean": mean, "delta_max": self.delta_max, "delta_avg": self.delta_avg}


def deviation(values: ArrayLike) -> Deviation:
    """Deviations of a keyhole series (AM-SegNet paper, equations 3 to 5).

    mean A = sum A_i / n, delta_i = abs(A_i - mean A) / mean A, delta_max their greatest and
    delta_avg their mean. NaN values, frames without a keyhole, do not count.
    """
    series = np.asarray(values, np.float64)
    series = series[np.isfinite(series)]
    if not series.size:
        return Deviation(None, None, None)
    delta = relative_deviations(series)
    if not np.isfinite(delta).any():  # a mean of 0 has no relative deviations
        return Deviation(float(series.mean()), None, None)
    return Deviation(float(series.mean()), float(delta.max()), float(delta.mean()))


def relative_deviations(values: ArrayLike) -> NDArray[np.float64]:
    """delta_i of every value (equation 4 of the AM-SegNet paper), NaN where there is none.

    values : (n,), NaN for frames that do not count.
    """
    series = np.asarray(values, np.float64)
    known = series[np.isfinite(series)]
    mean = float(known.mean()) if known.size else 0.0
    if mean == 0:
        return np.full(series.shape, np.nan)
    return np.asarray(np.abs(series - mean) / abs(mean), np.float64)
