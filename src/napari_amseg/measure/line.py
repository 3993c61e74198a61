"""A straight line through points of which some are wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Theil-Sen looks at every pair: this many points give 8 128 pairs, enough for a start.
_START_POINTS = 128
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
    for _ in range(3):
        residual = np.abs(y - line(x))
        near = residual <= max(tolerance, 3 * 1.4826 * float(np.median(residual)))
        line = _least_squares(x[near], y[near])
    support = float((np.abs(y - line(x)) <= _SUPPORT_PX).mean())
    return replace(line, support=support)


def _theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    some = np.linspace(0, x.size - 1, min(x.size, _START_POINTS)).round().astype(np.intp)
    i, j = np.triu_indices(some.size, 1)
    dx, dy = x[some[j]] - x[some[i]], y[some[j]] - y[some[i]]
    apart = dx != 0
    slope = float(np.median(dy[apart] / dx[apart])) if apart.any() else 0.0
    x_mean = float(x.mean())
    return Line(slope, float(np.median(y - slope * (x - x_mean))), x_mean)


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    x_mean, y_mean = float(x.mean()), float(y.mean())
    spread = float(((x - x_mean) ** 2).sum())
    slope = float(((x - x_mean) * (y - y_mean)).sum()) / spread if spread > 0 else 0.0
    return Line(slope, y_mean, x_mean)
