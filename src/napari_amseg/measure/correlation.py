"""A series of frames against an external signal: cross-correlation over the lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_amseg.measure.sampling import even_series, even_times

Array = NDArray[np.float64]

DEFAULT_LAG_SHARE = 0.2  # of the series: the greatest lag looked at if none is told

_LEAST_SHARE = 0.5  # of the largest overlap: with fewer frames, chance coefficients are large
_BRIDGED = 2.5  # intervals of the signal: longer gaps in it are not interpolated
_FASTER = 0.9  # of the frame interval: a signal with shorter ones is averaged
_SAME = 1e-6  # of an interval: times closer than that are one
_MOST_GRID = 20_000_000


@dataclass(frozen=True, slots=True)
class LaggedCorrelation:
    """Pearson's coefficient of a series with a signal, for every lag.

    Attributes
    ----------
    lag_s : float64 (k,), in steps of the frame interval; at a positive lag the signal comes later
        than the series: series(t) is compared with signal(t + lag).
    coefficient : float64 (k,), -1 to 1, NaN where too few frames overlap or one of both is
        constant.
    n_frames : int64 (k,), frames compared.
    best_lag_s, best_coefficient, n : lag at which the coefficient is farthest from 0, the
        coefficient and the number of frames there.
    averaged : the signal was averaged over frame intervals, not interpolated.
    """

    lag_s: Array
    coefficient: Array
    n_frames: NDArray[np.int64]
    best_lag_s: float
    best_coefficient: float
    n: int
    averaged: bool


def lagged_correlation(
    values: ArrayLike,
    times_s: ArrayLike,
    signal_times_s: ArrayLike,
    signal_values: ArrayLike,
    *,
    max_lag_s: float,
    min_frames: int = 10,
) -> LaggedCorrelation:
    """Normalised cross-correlation of a series of frames with a signal of another sampling.

    A signal faster than the camera is averaged over the frame intervals, which are centred on
    the times of the frames; a slower one is interpolated. At each lag, only frames count for which
    both are known: at least `min_frames`, and half of those at the lag with most.

    Parameters
    ----------
    values, times_s : (n,), evenly spaced times, NaN values for frames without one.
    signal_times_s, signal_values : (m,), rising times on the same clock.
    max_lag_s : greatest lag looked at, to both sides.

    Raises
    ------
    ValueError
        If times do not rise, the greatest lag is negative or longer than the series, or the two
        overlap in too few frames or do not vary there.
    """
    series = even_series(times_s, values)
    t, v = _known(signal_times_s, signal_values)
    n_lags = _lags(max_lag_s, series.step, series.values.size)
    if series.values.size + 2 * n_lags > _MOST_GRID:
        raise ValueError(f"{series.values.size} frames are too many to correlate; cut the series.")
    first = series.start - n_lags * series.step
    grid = even_times(first, series.step, series.values.size + 2 * n_lags)
    averaged = float(np.median(np.diff(t))) < _FASTER * series.step
    on_grid = _average(t, v, grid, series.step) if averaged else _interpolate(t, v, grid)
    coefficient, n = _pearson(series.values, on_grid)
    enough = n >= max(min_frames, _LEAST_SHARE * n.max())
    coefficient[~enough] = np.nan
    if not np.isfinite(coefficient).any():
        raise ValueError(_why_none(series.times, t, int(n.max()), min_frames))
    best = int(np.nanargmax(np.abs(coefficient)))
    lag = even_times(-n_lags * series.step, series.step, 2 * n_lags + 1)
    at_best = float(lag[best]), float(coefficient[best]), int(n[best])
    return LaggedCorrelation(lag, coefficient, n, *at_best, averaged)


def _known(times: ArrayLike, values: ArrayLike) -> tuple[Array, Array]:
    t, v = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if t.shape != v.shape or t.ndim != 1:
        raise ValueError(f"signal times have shape {t.shape}, values {v.shape}: one time a value.")
    known = np.isfinite(t) & np.isfinite(v)
    t, v = t[known], v[known]
    if t.size < 2:
        raise ValueError(f"the signal has {t.size} known values: at least 2 are needed.")
    if not (np.diff(t) > 0).all():
        raise ValueError("the times of the signal do not rise: sort its rows by time.")
    return t, v


def _lags(max_lag_s: float, step: float, n_frames: int) -> int:
    if not max_lag_s >= 0:
        raise ValueError(f"max_lag_s is {max_lag_s} s: it must be 0 or more.")
    n_lags = int(max_lag_s / step + 1e-6)
    if n_lags >= n_frames:
        raise ValueError(
            f"max_lag_s is {max_lag_s:g} s, the series is {n_frames * step:g} s long: choose less."
        )
    return n_lags


def _average(t: Array, v: Array, grid: Array, step: float) -> Array:
    """Mean of the samples in the interval around every grid point; NaN where there is none."""
    edges = np.concatenate([grid - step / 2, [grid[-1] + step / 2]])
    ends = np.searchsorted(t, edges)
    sums = np.concatenate([[0.0], np.cumsum(v - v.mean())])
    count = np.diff(ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, np.diff(sums[ends]) / count, np.nan) + v.mean())


def _interpolate(t: Array, v: Array, grid: Array) -> Array:
    """Straight lines between the samples; NaN outside them and in their longer gaps."""
    found = np.interp(grid, t, v)
    gaps = np.diff(t)
    after = np.clip(np.searchsorted(t, grid, side="right"), 1, t.size - 1)
    usual = float(np.median(gaps))
    nearest = np.minimum(np.abs(grid - t[after]), np.abs(grid - t[after - 1]))
    slack = _SAME * usual
    found[(grid < t[0] - slack) | (grid > t[-1] + slack)] = np.nan
    found[(gaps[after - 1] > _BRIDGED * usual) & (nearest > slack)] = np.nan
    return found


def _pearson(series: Array, longer: Array) -> tuple[Array, NDArray[np.int64]]:
    """Pearson's coefficient of a series with every stretch of a longer one, and its values.

    All sums over pairs of known values are correlations, done by Fourier transforms.
    """
    from scipy.signal import correlate  # takes half a second

    mx, x = _mask_and_scaled(series)
    my, y = _mask_and_scaled(longer)

    def sums(of_series: Array, of_longer: Array) -> Array:
        return np.asarray(correlate(of_longer, of_series, "valid", "fft"))

    n = np.rint(sums(mx, my)).astype(np.int64)
    sx, sy = sums(x, my), sums(mx, y)
    at_least_one = np.maximum(n, 1)
    variance_x = sums(x**2, my) - sx**2 / at_least_one
    variance_y = sums(mx, y**2) - sy**2 / at_least_one
    covariance = sums(x, y) - sx * sy / at_least_one
    least = 1e-9 * at_least_one  # of the variance of the whole; below is rounding
    varies = (variance_x > least) & (variance_y > least)
    scale = np.sqrt(np.where(varies, variance_x * variance_y, 1.0))
    coefficient = np.where(varies, np.clip(covariance / scale, -1, 1), np.nan)
    return coefficient, n


def _mask_and_scaled(values: Array) -> tuple[Array, Array]:
    """Where values are known (1 or 0), and they with mean 0 and variance 1 (0 elsewhere)."""
    known = np.isfinite(values)
    if not known.any():
        return known.astype(float), np.zeros_like(values)
    centred = np.where(known, values - values[known].mean(), 0.0)
    spread = float(centred[known].std())
    largest = float(np.abs(values[known]).max())
    scaled = centred / spread if spread > 1e-12 * largest else np.zeros_like(centred)
    return known.astype(float), scaled


def _why_none(frames: Array, t: Array, most: int, least: int) -> str:
    if most < least:
        return (
            f"series ({frames[0]:g} to {frames[-1]:g} s) and signal ({t[0]:g} to {t[-1]:g} s) "
            f"overlap in {most} frames, at least {least} are needed: check the time unit and the "
            "offset of the signal."
        )
    return "series or signal is constant where they overlap: there is no correlation."
