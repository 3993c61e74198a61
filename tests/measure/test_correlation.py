"""Correlation over the lag: known shifts, other samplings, missing values."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.measure.correlation import lagged_correlation

STEP = 1e-4


@pytest.fixture
def smooth(rng):
    """A random function of time without a period, from -1 to 2 s."""
    amplitudes, phases = rng.normal(size=60), rng.uniform(0, 6.28, 60)
    frequencies = rng.uniform(2, 300, 60)

    def at(t):
        return np.sin(2 * np.pi * np.outer(t, frequencies) + phases) @ amplitudes

    return at


@pytest.fixture
def times():
    return np.arange(1000) * STEP


@pytest.mark.parametrize("shift", [0.0, 0.0031, -0.0042])
@pytest.mark.parametrize("interval", [STEP / 13, STEP * 1.7], ids=["faster", "slower"])
def test_a_known_shift_is_found_within_a_frame(smooth, times, shift, interval):
    t = np.arange(-0.02, 0.14, interval)
    found = lagged_correlation(smooth(times), times, t, 5 - 3 * smooth(t - shift), max_lag_s=0.01)
    assert found.best_lag_s == pytest.approx(shift, abs=STEP)
    assert found.best_coefficient < -0.99  # scale, offset and sign of the signal do not matter
    assert found.averaged == (interval < STEP)
    assert found.lag_s[[0, -1]] == pytest.approx([-0.01, 0.01])
    assert found.n == 1000


def test_it_is_pearsons_coefficient_of_the_values_known_at_each_lag(rng, times):
    series, other = rng.normal(size=1000), rng.normal(size=1000).cumsum()
    series[rng.random(1000) < 0.2] = np.nan
    other[rng.random(1000) < 0.1] = np.nan
    known = np.isfinite(other)
    found = lagged_correlation(
        series, times, times[known], other[known], max_lag_s=0.02, min_frames=50
    )
    gaps = np.flatnonzero(np.isnan(other))
    single = [i for i in gaps if 0 < i < 999 and np.isfinite(other[[i - 1, i + 1]]).all()]
    other[single] = [(other[i - 1] + other[i + 1]) / 2 for i in single]  # short enough to bridge
    for lag in (-200, -17, 0, 5, 200):
        if lag > 0:
            a, b = series[:-lag], other[lag:]
        else:
            a, b = series[-lag:], other[: 1000 + lag]
        both = np.isfinite(a) & np.isfinite(b)
        at = int(np.argmin(np.abs(found.lag_s - lag * STEP)))
        assert found.n_frames[at] == both.sum()
        assert found.coefficient[at] == pytest.approx(np.corrcoef(a[both], b[both])[0, 1], abs=1e-9)


def test_frames_without_a_value_do_not_count(smooth, times):
    values = smooth(times)
    values[100:300] = np.nan
    t = np.arange(-0.02, 0.14, STEP / 5)
    found = lagged_correlation(values, times, t, smooth(t - 0.002), max_lag_s=0.005)
    assert found.best_lag_s == pytest.approx(0.002, abs=STEP)
    assert found.best_coefficient > 0.99
    assert found.n == 800


def test_noise_of_a_fast_signal_is_averaged_over_the_frames(rng, smooth, times):
    t = np.arange(-0.01, 0.11, STEP / 50)
    noisy = smooth(t) + 10 * rng.normal(size=t.size)
    found = lagged_correlation(smooth(times), times, t, noisy, max_lag_s=0.004)
    assert found.best_lag_s == pytest.approx(0, abs=STEP)
    assert found.best_coefficient > 0.95  # point samples would give about 0.5


def test_lags_with_little_overlap_have_no_coefficient(smooth, times):
    found = lagged_correlation(smooth(times), times, times, smooth(times), max_lag_s=0.08)
    assert np.isnan(found.coefficient[[0, -1]]).all()
    assert np.isfinite(found.coefficient[found.n_frames >= 500]).all()
    assert (found.best_lag_s, found.n) == (0.0, 1000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signal_times_s": np.arange(1000) * STEP + 5}, "overlap in 0 frames"),
        ({"signal_values": np.full(1000, 2.5)}, "constant"),
        ({"signal_values": np.full(1000, np.nan)}, "0 known values"),
        ({"signal_times_s": -np.arange(1000) * STEP}, "do not rise"),
        ({"signal_values": np.zeros(3)}, "one time a value"),
        ({"max_lag_s": -0.1}, "0 or more"),
        ({"max_lag_s": 0.2}, "choose less"),
    ],
)
def test_what_cannot_be_compared_is_refused(rng, times, change, words):
    given = {
        "values": rng.normal(size=1000),
        "times_s": times,
        "signal_times_s": times,
        "signal_values": rng.normal(size=1000),
        "max_lag_s": 0.01,
    }
    with pytest.raises(ValueError, match=words):
        lagged_correlation(**(given | change))
