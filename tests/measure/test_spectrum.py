"""Spectra of series whose spectrum is known by theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from napari_amseg.io.signals import read_signal
from napari_amseg.measure.spectrum import spectrogram, spectrum
from napari_amseg.measure.spectrum_settings import SpectrumSettings

RATE = 20_000.0


def sine(hz, amplitude=1.0, n=4096, rate=RATE):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(n) / rate + 0.4)


def autoregressive(rng, coefficient, n=4096):
    return signal.lfilter([1], [1, -coefficient], rng.normal(size=n + 500))[500:]


@pytest.mark.parametrize("hz", [157.0, 1234.5, 6100.0])
def test_a_sine_keeps_frequency_and_variance(rng, hz):
    values = sine(hz, amplitude=3.0) + 0.5 * rng.normal(size=4096)
    found = spectrum(values, rate_hz=RATE)
    (peak,) = found.peaks
    assert peak.frequency == pytest.approx(hz, abs=0.15 * found.resolution)
    assert peak.low < hz < peak.high
    assert found.variance == pytest.approx(3.0**2 / 2 + 0.5**2, rel=0.03)
    assert peak.share == pytest.approx(4.5 / 4.75, abs=0.02)
    assert peak.chance < 1e-6
    assert (found.nyquist, found.frequency_unit) == (10_000, "Hz")


def test_two_sines_are_two_peaks_the_stronger_first(rng):
    values = sine(800, 1.0) + sine(3000, 2.0) + 0.3 * rng.normal(size=4096)
    found = spectrum(values, rate_hz=RATE)
    assert [round(peak.frequency, -2) for peak in found.peaks] == [3000, 800]


def test_it_is_scipys_welch_where_nothing_is_missing(rng):
    values = autoregressive(rng, 0.8)
    found = spectrum(values, rate_hz=RATE, settings=SpectrumSettings(segment_frames=300))
    f, p = signal.welch(values, RATE, nperseg=300, detrend="linear")
    np.testing.assert_allclose(found.frequency, f)
    np.testing.assert_allclose(found.density, p, rtol=1e-9)


def test_the_spectrum_of_red_noise_is_that_of_theory(rng):
    found = spectrum(
        autoregressive(rng, 0.9, 200_000),
        rate_hz=None,
        settings=SpectrumSettings(segment_frames=256),
    )
    f = found.frequency[3:-1]
    theory = 2 / np.abs(1 - 0.9 * np.exp(-2j * np.pi * f)) ** 2
    np.testing.assert_allclose(found.density[3:-1], theory, rtol=0.2)
    np.testing.assert_allclose(found.background[3:-1], theory, rtol=0.2)
    assert not found.peaks


def test_noise_alone_seldom_has_a_peak(rng):
    """The chance that was asked for, 1 %, within what 400 trials can tell."""
    n_with_peak = 0
    for trial in range(400):
        coefficient = (0.0, 0.9, 0.99)[trial % 3]
        found = spectrum(autoregressive(rng, coefficient, 1024), rate_hz=RATE)
        n_with_peak += bool(found.peaks)
    assert n_with_peak <= 16


def test_a_linear_drift_is_taken_out(rng):
    noise = rng.normal(size=2048)
    still = spectrum(noise, rate_hz=RATE)
    drifting = spectrum(noise + 0.5 * np.arange(2048), rate_hz=RATE)
    np.testing.assert_allclose(drifting.density[1:], still.density[1:], rtol=1e-6)


def test_without_a_frame_rate_frequencies_are_per_frame():
    found = spectrum(sine(0.125, rate=1.0), rate_hz=None)
    assert (found.frequency_unit, found.nyquist) == ("cycles/frame", 0.5)
    assert found.peaks[0].frequency == pytest.approx(0.125, abs=found.resolution)
    with pytest.raises(ValueError, match="cycles/frame"):
        _ = found.frequency_hz
    assert spectrogram(sine(0.125, rate=1.0), rate_hz=None).time_unit == "frames"


def test_power_near_the_nyquist_limit_warns_of_aliasing(rng):
    noise = 0.1 * rng.normal(size=4096)
    folded = spectrum(sine(11_000) + noise, rate_hz=RATE)  # 1 kHz beyond
    assert folded.may_be_aliased
    assert "folded back" in folded.notes[-1]
    assert folded.peaks[0].frequency == pytest.approx(9000, abs=folded.resolution)
    assert folded.folded_from(9000) == (11_000, 29_000)
    assert spectrum(rng.normal(size=4096), rate_hz=RATE).may_be_aliased  # flat to the limit
    assert spectrum(rng.normal(size=4096), rate_hz=RATE).upper_share > 0.9


def test_slow_fluctuation_does_not_warn(rng):
    assert not spectrum(autoregressive(rng, 0.97), rate_hz=RATE).may_be_aliased
    assert not spectrum(sine(900) + 0.01 * rng.normal(size=4096), rate_hz=RATE).notes


def test_what_folds_into_the_middle_of_the_band_cannot_be_seen(rng):
    """Documented: 27 kHz at 20 kHz looks like 7 kHz, and nothing tells."""
    found = spectrum(sine(27_000) + 0.1 * rng.normal(size=4096), rate_hz=RATE)
    assert found.peaks[0].frequency == pytest.approx(7000, abs=found.resolution)
    assert not found.may_be_aliased
    assert 27_000 in found.folded_from(7000)


def test_gaps_are_filled_or_split_the_series(rng):
    values = sine(1500) + 0.1 * rng.normal(size=4096)
    values[[100, 101, 2000]] = np.nan
    found = spectrum(values, rate_hz=RATE)
    assert (found.n_filled, found.n_segments) == (3, 7)
    values[2500:2600] = np.nan
    values[:10] = np.nan
    found = spectrum(values, rate_hz=RATE, settings=SpectrumSettings(segment_frames=512))
    # runs of 2490 and 1496 values: 8 and 4 segments
    assert (found.n_filled, found.n_segments) == (3, 12)
    assert found.peaks[0].frequency == pytest.approx(1500, abs=found.resolution)
    assert found.variance == pytest.approx(0.51, rel=0.03)
    assert any("2 runs" in note for note in found.notes)


def test_runs_shorter_than_a_segment_are_counted(rng):
    values = rng.normal(size=1000)
    values[600:650] = np.nan
    found = spectrum(values, rate_hz=RATE, settings=SpectrumSettings(segment_frames=500))
    assert (found.n_segments, found.n_unused) == (1, 350)
    assert any("350 values" in note for note in found.notes)
    assert any("very noisy" in note for note in found.notes)


def test_dropouts_bury_an_oscillation_until_they_are_dropped(rng):
    values = sine(1500, 0.1) + 0.05 * rng.normal(size=4096)
    values[rng.choice(4096, 60, replace=False)] -= 5
    hidden = spectrum(values, rate_hz=RATE)
    assert hidden.upper_share > 0.9  # single wrong frames are white
    found = spectrum(values, rate_hz=RATE, settings=SpectrumSettings(outlier_sigma=10))
    assert found.n_outliers == 60
    assert found.upper_share < 0.5
    assert found.peaks[0].share > 30 * sum(peak.share for peak in hidden.peaks)
    assert found.peaks[0].frequency == pytest.approx(1500, abs=found.resolution)


@pytest.mark.parametrize(
    ("values", "settings", "words"),
    [
        (np.arange(31.0), {}, "31 values in a row, of 31 with 0 missing: a spectrum needs 32"),
        (np.full(100, np.nan), {}, "0 values in a row, of 100 with 100 missing"),
        (np.arange(100.0), {"segment_frames": 128}, "needs 128. Take a shorter segment"),
        (np.full(100, 3.7), {}, "constant"),
    ],
)
def test_what_has_no_spectrum_is_refused(values, settings, words):
    with pytest.raises(ValueError, match=words):
        spectrum(values, rate_hz=RATE, settings=SpectrumSettings(**settings))


@pytest.mark.parametrize("rate", [0.0, -5.0, float("nan")])
def test_a_frame_rate_must_be_positive(rate):
    with pytest.raises(ValueError, match="frame rate is"):
        spectrum(np.arange(100.0), rate_hz=rate)


def test_tiny_segments_are_refused():
    with pytest.raises(ValueError, match="give 8 or more"):
        SpectrumSettings(segment_frames=4)


def test_the_spectrogram_shows_when_the_frequency_changed(rng):
    values = np.r_[sine(2000, n=2048), sine(6000, n=2048)] + 0.05 * rng.normal(size=4096)
    values[1000:1100] = np.nan
    found = spectrogram(values, rate_hz=RATE, settings=SpectrumSettings(segment_frames=256))
    assert found.density.shape == (found.frequency.size, found.time.size)
    missing = np.isnan(found.density).all(axis=0)
    assert missing.any()
    assert (np.abs(found.time[missing] - 1050 / RATE) < (128 + 51) / RATE).all()
    known = np.flatnonzero(~missing)
    top = found.frequency[found.density[:, known].argmax(axis=0)]
    early, late = found.time[known] < 1900 / RATE, found.time[known] > 2200 / RATE
    np.testing.assert_allclose(top[early], 2000, atol=found.frequency[1])
    np.testing.assert_allclose(top[late], 6000, atol=found.frequency[1])


CLEAN = SpectrumSettings(outlier_sigma=10, max_gap_frames=20, segment_frames=256)


def halves(real_data, number):
    depth = read_signal(real_data / "weld_depth" / f"IFSW-{number}_centered_depth.csv").values
    middle = depth.size // 2
    return depth[:middle], depth[middle:]


@pytest.mark.parametrize(("number", "fall"), [(1, 200), (7, 50)])
def test_welds_fluctuate_slowly_in_both_halves(real_data, number, fall):
    for half in halves(real_data, number):
        found = spectrum(half, rate_hz=5000, settings=CLEAN)
        assert found.variance_below(0.5) < 60
        assert found.variance_below(0.9) < 320
        at_100, at_1000 = (
            found.density[np.abs(found.frequency - hz) < 0.4 * hz].mean() for hz in (100, 1000)
        )
        assert at_100 > fall * at_1000
        assert not found.peaks  # none that noise alone would not show
        assert not found.may_be_aliased


def test_the_peak_of_weld_7_is_a_tracking_failure(real_data):
    """1.64 kHz stands out in the raw series, only in one half, and goes with the dropouts."""
    raw = SpectrumSettings(segment_frames=256)
    first, second = halves(real_data, 7)
    found = spectrum(first, rate_hz=5000, settings=raw)
    assert found.peaks[0].frequency == pytest.approx(1640, abs=2 * found.resolution)
    assert not spectrum(second, rate_hz=5000, settings=raw).peaks
    assert not spectrum(first, rate_hz=5000, settings=CLEAN).peaks


def test_a_spectrogram_in_which_every_segment_has_a_gap_is_empty(rng):
    values = np.full(70, np.nan)
    values[3:67] = rng.normal(size=64)
    settings = SpectrumSettings(segment_frames=64)
    assert spectrum(values, rate_hz=RATE, settings=settings).n_segments == 1
    found = spectrogram(values, rate_hz=RATE, settings=settings)
    assert found.density.shape == (33, 1)
    assert np.isnan(found.density).all()
    np.testing.assert_allclose(
        found.frequency, spectrum(values, rate_hz=RATE, settings=settings).frequency
    )
