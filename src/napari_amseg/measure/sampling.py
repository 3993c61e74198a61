"""Series made ready for a spectrum: an even time grid, short gaps filled, outliers dropped."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

_MOST_JITTER = 0.2  # of the step between two samples
_MOST_GAPS = 100  # grid points a sample: beyond, the times are not those of one series
_MAD_TO_SIGMA = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class EvenSeries:
    """A series on an even grid of times.

    start, step : time of the first value and between two, in the unit of the times given.
    values : float64 (n,), NaN where no value is known.
    """

    start: float
    step: float
    values: NDArray[np.float64]

    @property
    def times(self) -> NDArray[np.float64]:
        """The times of the values, (n,)."""
        return even_times(self.start, self.step, self.values.size)


def even_times(start: float, step: float, n: int) -> NDArray[np.float64]:
    """`n` times from `start` on, `step` apart."""
    return np.asarray(start + step * np.arange(n), np.float64)


def even_series(times: ArrayLike, values: ArrayLike) -> EvenSeries:
    """Put a series on the even grid its times lie on; left-out samples become NaN.

    times, values : (n,), times rising. The step is the median one, corrected by the whole length.

    Raises
    ------
    ValueError
        If there are fewer than two times, or they do not rise, or some lie farther from the grid
        than a fifth of a step.
    """
    t, v = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if t.shape != v.shape or t.ndim != 1:
        raise ValueError(f"times have shape {t.shape}, values {v.shape}: give one time a value.")
    if t.size < 2:
        raise ValueError(f"{t.size} samples: at least 2 are needed to know the time between them.")
    gaps = np.diff(t)
    if not (gaps > 0).all():  # NaN fails too
        at = int(np.flatnonzero(~(gaps > 0))[0]) + 1
        raise ValueError(f"time {t[at]:g} follows {t[at - 1]:g}: times must rise; sort the rows.")
    steps = np.rint(gaps / np.median(gaps))
    index = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
    step = float(t[-1] - t[0]) / max(int(index[-1]), 1)
    jitter = np.abs(t - t[0] - index * step) / step
    if jitter.max() > _MOST_JITTER or not steps.all():
        raise ValueError(
            f"times are not evenly spaced: {t[jitter.argmax()]:g} lies {jitter.max():.2f} steps "
            "off the grid of the others. Resample the series to a constant rate first."
        )
    if index[-1] > _MOST_GAPS * t.size:
        raise ValueError(
            f"{t.size} samples are spread over {index[-1] + 1} steps: nearly all are missing. "
            "Cut the file into its recordings."
        )
    grid = np.full(int(index[-1]) + 1, np.nan)
    grid[index] = v
    return EvenSeries(float(t[0]), step, grid)


def known_runs(values: NDArray[np.float64]) -> list[slice]:
    """Runs of finite values, in order."""
    labels, _ = ndimage.label(np.isfinite(values))
    return [found[0] for found in ndimage.find_objects(labels)]


def fill_gaps(values: ArrayLike, max_gap: int) -> tuple[NDArray[np.float64], int]:
    """Fill gaps of at most `max_gap` values by straight lines; gives how many were filled.

    Longer gaps, and NaN at both ends, stay.
    """
    filled = np.array(values, np.float64)
    n_filled = 0
    runs = known_runs(filled)
    for before, after in pairwise(runs):
        n_missing = after.start - before.stop
        if n_missing <= max_gap:
            ends = filled[before.stop - 1], filled[after.start]
            filled[before.stop : after.start] = np.linspace(*ends, n_missing + 2)[1:-1]
            n_filled += n_missing
    return filled, n_filled


def drop_outliers(
    values: ArrayLike, *, sigmas: float, window: int
) -> tuple[NDArray[np.float64], int]:
    """Make NaN of values far from the running median; gives how many.

    Far is more than `sigmas` times the robust standard deviation (1.4826 times the median absolute
    deviation) of all values from their running medians over `window` values. A dropout longer than
    half a window is the median itself and stays. Where more than half of the values equal their
    median, that deviation is 0 and nothing is dropped.
    """
    series = np.array(values, np.float64)
    known = np.isfinite(series)
    if not known.any():
        return series, 0
    bridged = np.interp(np.arange(series.size), np.flatnonzero(known), series[known])
    off = np.abs(bridged - ndimage.median_filter(bridged, size=window, mode="nearest"))
    sigma = _MAD_TO_SIGMA * float(np.median(off[known]))
    far = known & (off > sigmas * sigma) & (sigma > 0)
    series[far] = np.nan
    return series, int(far.sum())
