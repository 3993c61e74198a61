"""A straight line through points of which some are wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Theil-Sen looks at every pair: this many points give 2 016 pairs, enough for a start.
_START_POINTS = 64
_SUPPORT_PX = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """y(x) = offset + slope * (x - x_mean): centred, so that a flat line stays exactly flat.

    support : share of the points it was fitted to that lie within 5 px of it.
    """

    slope: float
    offset: float
    x_mean: float
    support: float = 1.0

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height at each x."""
        return self.offset + self.slope * (x - self.x_mean)

    @property
    def tilt_deg(self) -> float:
        """Angle from the horizontal; positive where y grows with x (downwards in an image)."""
        return math.degrees(math.atan(self.slope))


def fit_line(x: ArrayLike, y: ArrayLike, *, tolerance: float = 1.5) -> Line | None:
    """Robust straight line: Theil-Sen start, then least squares on the points near it.

    Parameters
    ----------
    x, y : points, shape (n,). tolerance : distance in y within which a point always counts;
        the limit widens to three standard deviations (from the median deviation) in noisy data.

    Returns
    -------
    The line; horizontal for a single x; None without points.

    References
    ----------
    P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379: the median of pairwise slopes stands up to
    29 % of wrong points.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.size == 0:
        return None
    line = _theil_sen(x, y)
    before = None
    for _ in range(3):
        residual = np.abs(y - line(x))
        near = residual <= max(tolerance, 3 * 1.4826 * _middle(residual))
        if before is not None and np.array_equal(near, before):
            break
        line, before = _least_squares(x[near], y[near]), near
    support = float((np.abs(y - line(x)) <= _SUPPORT_PX).mean())
    return replace(line, support=support)


def _theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    some = np.linspace(0, x.size - 1, min(x.size, _START_POINTS)).round().astype(np.intp)
    i, j = _pairs(some.size)
    dx, dy = x[some[j]] - x[some[i]], y[some[j]] - y[some[i]]
    apart = dx != 0
    slope = _middle(dy[apart] / dx[apart]) if apart.any() else 0.0
    x_mean = float(x.sum()) / x.size
    return Line(slope, _middle(y - slope * (x - x_mean)), x_mean)


def _middle(values: NDArray[np.float64]) -> float:
    """The median, of an even number the upper one; five times as fast as NumPy's on few values."""
    half = values.size // 2
    return float(np.partition(values, half)[half])


@lru_cache(maxsize=8)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n, 1)


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    x_mean, y_mean = float(x.sum()) / x.size, float(y.sum()) / y.size
    spread = float(((x - x_mean) ** 2).sum())
    slope = float(((x - x_mean) * (y - y_mean)).sum()) / spread if spread > 0 else 0.0
    return Line(slope, y_mean, x_mean)
