"""How fast a series fluctuates: power spectrum by Welch's method, and spectrogram."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_amseg.measure.sampling import drop_outliers, even_times, fill_gaps, known_runs
from napari_amseg.measure.spectral_peaks import (
    SpectralPeak,
    find_spectral_peaks,
    smooth_background,
)
from napari_amseg.measure.spectrum_settings import SpectrumSettings

Array = NDArray[np.float64]

_LEAST_FRAMES = 32
_SEGMENTS_A_RUN = 4  # without overlap, if the length is left to the program
_UPPER_BAND = 0.8  # of the Nyquist limit, where folding shows
_ALIAS_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One-sided power spectral density of a series.

    Attributes
    ----------
    frequency : float64 (n,), from 0 to `nyquist`, in `frequency_unit`: Hz, or cycles/frame where
        no frame rate is known.
    density : float64 (n,), in squared units of the series per `frequency_unit`; its integral is
        the variance of the detrended series.
    background : float64 (n,), the density without peaks, NaN at 0.
    peaks : that with the largest share of the variance first.
    segment_frames, n_segments : length and number of the overlapping segments averaged.
    degrees_of_freedom : of the chi-squared distribution of a bin.
    n_filled, n_outliers, n_unused : values interpolated, dropped as outliers, and left out because
        they stand in runs shorter than a segment.
    upper_share : share of the variance, if the whole band were as high as above 0.8 `nyquist`.
    notes : remarks for people, that on aliasing among them.
    """

    frequency: Array
    density: Array
    background: Array
    frequency_unit: str
    nyquist: float
    peaks: tuple[SpectralPeak, ...]
    segment_frames: int
    n_segments: int
    degrees_of_freedom: float
    n_filled: int
    n_outliers: int
    n_unused: int
    upper_share: float
    notes: tuple[str, ...]

    @property
    def frequency_hz(self) -> Array:
        """The frequencies in Hz.

        Raises
        ------
        ValueError
            If no frame rate is known.
        """
        if self.frequency_unit != "Hz":
            raise ValueError(f"frequencies are in {self.frequency_unit}: give the frame rate.")
        return self.frequency

    @property
    def resolution(self) -> float:
        """Distance of two bins; peaks closer than two of them melt into one."""
        return float(self.frequency[1])

    @property
    def variance(self) -> float:
        """The variance of the detrended series: the integral of the density."""
        return float(self.density.sum() * self.resolution)

    def variance_below(self, share: float) -> float:
        """The frequency below which this share of the variance lies, 0 to 1."""
        summed = np.concatenate([[0.0], np.cumsum(self.density[1:])])
        return float(np.interp(share, summed / summed[-1], self.frequency))

    @property
    def may_be_aliased(self) -> bool:
        """Whether power near the Nyquist limit tells of faster fluctuations folded back."""
        fast = any(peak.frequency > _UPPER_BAND * self.nyquist for peak in self.peaks)
        return fast or self.upper_share > _ALIAS_SHARE

    def folded_from(self, frequency: float) -> tuple[float, float]:
        """The next two frequencies beyond the Nyquist limit that would show at `frequency`."""
        rate = 2 * self.nyquist
        return rate - frequency, rate + frequency


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """Power spectral density over time.

    time : float64 (t,), middle of each segment, in s from the first value, or in frames.
    frequency : float64 (f,). density : float64 (f, t), NaN where a segment has a gap; it may be
        NaN all over if the gaps leave no segment free.
    """

    time: Array
    frequency: Array
    density: Array
    time_unit: str
    frequency_unit: str


def spectrum(
    values: ArrayLike, *, rate_hz: float | None, settings: SpectrumSettings | None = None
) -> Spectrum:
    """Power spectrum of a series by Welch's method.

    Segments that overlap by half lose their straight-line trend, are weighed with a Hann window
    and their periodograms averaged (P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70).
    Gaps that are too long to be filled split the series: every run between them gives segments
    of its own.

    Parameters
    ----------
    values : (n,), NaN for missing ones, at even times.
    rate_hz : values a second; None if unknown: frequencies are then in cycles/frame.

    Raises
    ------
    ValueError
        If the rate is not positive, the series is shorter than a segment (32 values if the length
        is left to the program) in its longest run, or it does not fluctuate.
    """
    settings = settings or SpectrumSettings()
    rate = _rate(rate_hz)
    series, n_outliers, n_filled = prepare(values, settings)
    runs = known_runs(series)
    length = _segment_length(series, runs, settings)
    used = [run for run in runs if run.stop - run.start >= length]
    segments = np.concatenate([_segments(series[run], length) for run in used])
    frequency, densities = _periodograms(segments, rate)
    density = densities.mean(axis=0)
    if density[1:].sum() <= (1e-12 * float(np.nanmax(np.abs(series)))) ** 2 / rate:
        raise ValueError("the series is constant: it has no spectrum.")
    degrees = _degrees_of_freedom(len(segments))
    background = smooth_background(frequency, density, degrees)
    peaks = find_spectral_peaks(frequency, density, background, degrees, settings.false_alarm)
    known = int(np.isfinite(series).sum())
    upper = density[frequency > _UPPER_BAND * rate / 2].mean() * density.size
    found = Spectrum(
        frequency=frequency,
        density=density,
        background=background,
        frequency_unit="cycles/frame" if rate_hz is None else "Hz",
        nyquist=rate / 2,
        peaks=tuple(peak for peak in peaks if peak.share >= settings.min_peak_share),
        segment_frames=length,
        n_segments=len(segments),
        degrees_of_freedom=degrees,
        n_filled=n_filled,
        n_outliers=n_outliers,
        n_unused=known - sum(run.stop - run.start for run in used),
        upper_share=float(min(upper / density.sum(), 1.0)),
        notes=(),
    )
    return _with_notes(found, n_runs=len(used))


def spectrogram(
    values: ArrayLike, *, rate_hz: float | None, settings: SpectrumSettings | None = None
) -> Spectrogram:
    """Power spectrum over time: the periodogram of every segment, computed as in :func:`spectrum`.

    Segments follow each other by an eighth of their length, which is half of what
    :func:`spectrum` takes unless it is set.

    Raises
    ------
    ValueError
        As :func:`spectrum`.
    """
    settings = settings or SpectrumSettings()
    rate = _rate(rate_hz)
    series, _, _ = prepare(values, settings)
    length = _segment_length(series, known_runs(series), settings)
    length = length if settings.segment_frames else max(length // 2, 8)
    hop = max(length // 8, 1)
    segments = _segments(series, length, hop)
    whole = np.isfinite(segments).all(axis=1)
    frequency = np.asarray(np.fft.rfftfreq(length, 1 / rate), np.float64)
    density = np.full((frequency.size, len(segments)), np.nan)
    if whole.any():
        density[:, whole] = _periodograms(segments[whole], rate)[1].T
    time = even_times((length - 1) / 2 / rate, hop / rate, len(segments))
    known = rate_hz is not None
    units = ("s", "Hz") if known else ("frames", "cycles/frame")
    return Spectrogram(time, frequency, density, *units)


def frequency_scale(unit: str, top: float) -> tuple[float, str]:
    """Factor and unit in which frequencies up to `top` read well."""
    return (1e-3, "kHz") if unit == "Hz" and top >= 2000 else (1.0, unit)


def prepare(values: ArrayLike, settings: SpectrumSettings) -> tuple[Array, int, int]:
    """The series as the spectrum takes it, how many outliers were dropped, how many filled."""
    series, n_outliers = np.array(values, np.float64), 0
    series[~np.isfinite(series)] = np.nan
    if settings.outlier_sigma:
        series, n_outliers = drop_outliers(
            series, sigmas=settings.outlier_sigma, window=settings.outlier_window_frames
        )
    filled, n_filled = fill_gaps(series, settings.max_gap_frames)
    return filled, n_outliers, n_filled


def _rate(rate_hz: float | None) -> float:
    if rate_hz is None:
        return 1.0
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ValueError(f"frame rate is {rate_hz} Hz: it must be above 0, or unknown (None).")
    return float(rate_hz)


def _segment_length(series: Array, runs: list[slice], settings: SpectrumSettings) -> int:
    longest = max((run.stop - run.start for run in runs), default=0)
    least = settings.segment_frames or _LEAST_FRAMES
    if longest < least:
        missing = series.size - np.isfinite(series).sum()
        remedy = "a shorter segment" if settings.segment_frames else "a longer series"
        raise ValueError(
            f"{longest} values in a row, of {series.size} with {missing} missing: a spectrum needs "
            f"{least}. Take {remedy}{', or fill longer gaps (max_gap_frames)' if missing else ''}."
        )
    return settings.segment_frames or int(2 ** np.floor(np.log2(longest / _SEGMENTS_A_RUN)))


def _segments(series: Array, length: int, hop: int | None = None) -> Array:
    """Segments of a series, by half a length unless told, (segments, length)."""
    windows = np.lib.stride_tricks.sliding_window_view(series, length)
    return np.asarray(windows[:: hop or max(length // 2, 1)])


def _periodograms(segments: Array, rate: float) -> tuple[Array, Array]:
    from scipy.signal import periodogram  # takes half a second

    frequency, density = periodogram(
        segments, rate, window="hann", detrend="linear", scaling="density"
    )
    return frequency, density


def _degrees_of_freedom(n_segments: int) -> float:
    """Of n averaged Hann periodograms that overlap by half (Welch 1967): 36 n^2 / (19 n - 1)."""
    return 36 * n_segments**2 / (19 * n_segments - 1)


def _with_notes(found: Spectrum, *, n_runs: int) -> Spectrum:
    notes = []
    if found.n_outliers:
        notes.append(f"{found.n_outliers} outliers were dropped.")
    if found.n_filled:
        notes.append(f"{found.n_filled} missing values in short gaps were interpolated.")
    if n_runs > 1:
        notes.append(f"gaps split the series: spectra of {n_runs} runs were averaged.")
    if found.n_unused:
        notes.append(f"{found.n_unused} values in runs shorter than a segment were not used.")
    if found.n_segments < 4:
        notes.append(f"only {found.n_segments} segments: the spectrum is very noisy.")
    if found.may_be_aliased:
        unit = found.frequency_unit
        notes.append(
            f"there is power close to the Nyquist limit of {found.nyquist:g} {unit}: fluctuations "
            "faster than that may be folded back into the spectrum. Record faster to be sure."
        )
    return replace(found, notes=tuple(notes))
