"""Peaks of a power spectrum that stand out from its smooth background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

Array = NDArray[np.float64]

_HALF_WIDTH = 1.5 * np.log(2)  # of the background's window: octaves to each side
_LEAST_BINS = 12  # so many of the lowest bins share a window, however few octaves they are
_GRID = 64
_FITS = 8
_CUT = 4.0  # standard deviations beyond which a bin has no say in the background
_LEAST_PROMINENCE = 1.25  # the background is not known better, however many segments there are
_FIRST = 2  # bin; the detrending takes power from those below


@dataclass(frozen=True, slots=True)
class SpectralPeak:
    """A peak of a power spectrum.

    Attributes
    ----------
    frequency : of its top, interpolated between bins, in the unit of the spectrum.
    density : of its highest bin.
    prominence : density over the background.
    chance : that noise with that background has a bin as prominent anywhere in the spectrum.
    share : of the variance of the series, that of the peak above the background, 0 to 1.
    low, high : frequencies between which it stands above the background.
    """

    frequency: float
    density: float
    prominence: float
    chance: float
    share: float
    low: float
    high: float


def smooth_background(frequency: Array, density: Array, degrees: float) -> Array:
    """The expected density without peaks, (n,): a smooth curve through a noisy spectrum.

    A robust local parabola in the logarithms of both, over 1.5 octaves to each side, so that steep
    (red) and flat (white) spectra are followed alike. Bins are weighed so that every octave counts
    the same; bins far from the curve have no say.

    frequency, density : float64 (n,), frequency[0] is 0. degrees : degrees of freedom of a bin.
    """
    x = np.log(frequency[1:])
    # The mean logarithm of a chi-squared variable is less than the logarithm of its mean.
    bias = special.digamma(degrees / 2) - np.log(degrees / 2)
    y = np.log(np.maximum(density[1:], np.finfo(float).tiny)) - bias
    spread = float(np.sqrt(special.polygamma(1, degrees / 2)))
    grid = np.linspace(x[0], x[-1], _GRID)
    reach = np.maximum(_HALF_WIDTH, x[0] + np.log(_LEAST_BINS) - grid)
    distance = np.minimum(np.abs(x - grid[:, np.newaxis]) / reach[:, np.newaxis], 1)
    near = (1 - distance**3) ** 3 / np.exp(x - x[-1])
    trust = np.ones_like(x)
    for _ in range(_FITS):
        curve = np.interp(x, grid, _local_parabolas(x, y, grid, near * trust))
        off = y - curve
        sigma = max(spread, 1.4826 * float(np.median(np.abs(off))))
        trust = (1 - np.minimum(np.abs(off) / (_CUT * sigma), 1) ** 2) ** 2 + 1e-6
    return np.concatenate([[np.nan], np.exp(curve)])


def find_spectral_peaks(
    frequency: Array, density: Array, background: Array, degrees: float, false_alarm: float
) -> tuple[SpectralPeak, ...]:
    """Peaks above a background, that with the largest share of the variance first.

    A peak is a run of bins above the background with a bin so high that noise with that background
    would have one in the whole spectrum with at most the probability `false_alarm`: the density is
    chi-squared with `degrees` degrees of freedom. Frequencies of less than two cycles a segment
    are left out, and so are the last bin and whatever is less than 1.25 times the background.
    """
    from scipy import stats  # takes half a second

    n_bins = max(density.size - _FIRST - 1, 1)
    above = density > background
    above[:_FIRST] = above[-1] = False
    width, total = float(frequency[1]), density[1:].sum()
    peaks = []
    for (run,) in ndimage.find_objects(ndimage.label(above)[0]):
        top = run.start + int(density[run].argmax())
        ratio = float(density[top] / background[top])
        chance = min(1.0, n_bins * float(stats.chi2.sf(ratio * degrees, degrees)))
        high = ratio >= _LEAST_PROMINENCE and chance <= false_alarm
        if not high or density[top - 1] >= density[top]:
            continue
        excess = float((density[run] - background[run]).sum())
        peaks.append(
            SpectralPeak(
                frequency=width * (top + _between_bins(density[top - 1 : top + 2])),
                density=float(density[top]),
                prominence=ratio,
                chance=chance,
                share=excess / float(total),
                low=float(frequency[run.start] - width / 2),
                high=float(frequency[run.stop - 1] + width / 2),
            )
        )
    return tuple(sorted(peaks, key=lambda peak: -peak.share))


def _between_bins(around: Array) -> float:
    """Where the top of a peak lies, in bins from the highest of three, -0.5 to 0.5.

    By a parabola through their logarithms, which a Hann window's main lobe nearly is.
    """
    left, middle, right = np.log(np.maximum(around, np.finfo(float).tiny))
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _local_parabolas(x: Array, y: Array, at: Array, weights: Array) -> Array:
    """Weighted parabolas through (x, y), each read where it belongs; weights : (at, x)."""
    powers = (x - at[:, np.newaxis]) ** np.arange(5)[:, np.newaxis, np.newaxis]  # (5, at, x)
    sums = np.einsum("pax,ax->ap", powers, weights)
    moments = np.einsum("pax,ax,x->ap", powers[:3], weights, y)
    normal = sums[:, np.add.outer(np.arange(3), np.arange(3))]
    normal += 1e-9 * sums[:, :1, np.newaxis] * np.eye(3)  # where nearly no bin has a say
    return np.asarray(np.linalg.solve(normal, moments[..., np.newaxis])[:, 0, 0])
