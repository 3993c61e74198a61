"""Long curves with as many points as a plot can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def envelope(x: Values, y: Values, low: float, high: float, bins: int) -> tuple[Values, Values]:
    """The part of a curve between `low` and `high`, least and greatest value of every bin.

    Gaps (NaN) stay where a whole bin is empty; a single missing value hides no others.

    Parameters
    ----------
    x, y : (n,), x sorted. bins : about as many as the plot has pixels; a curve with no more than
        twice as many points comes as it is.
    """
    first = max(int(np.searchsorted(x, low)) - 1, 0)
    end = min(int(np.searchsorted(x, high, side="right")) + 1, x.size)
    x, y = x[first:end], y[first:end]
    size = -(-x.size // max(bins, 1))
    if size <= 2:
        return x, y
    starts = np.arange(0, x.size, size)
    ends = np.stack([np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)], axis=1)
    middles = np.minimum(starts + size // 2, x.size - 1)
    return np.stack([x[starts], x[middles]], axis=1).ravel(), ends.ravel()
