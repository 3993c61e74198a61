"""Series on an even grid: missing samples, gaps, outliers."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.measure.sampling import drop_outliers, even_series, fill_gaps, known_runs

NAN = np.nan


def test_left_out_samples_become_nan_on_the_grid():
    found = even_series([0.5, 0.75, 1.5, 1.75], [1, 2, 5, 6])
    assert (found.start, found.step) == (0.5, 0.25)
    np.testing.assert_array_equal(found.values, [1, 2, NAN, NAN, 5, 6])
    np.testing.assert_allclose(found.times, [0.5, 0.75, 1.0, 1.25, 1.5, 1.75])


def test_rounded_times_of_a_long_series_do_not_drift():
    times = np.round(np.arange(20_000) / 30_000, 6)  # a third of a microsecond is lost
    found = even_series(times, np.arange(20_000))
    assert 1 / found.step == pytest.approx(30_000, rel=1e-5)
    np.testing.assert_array_equal(found.values, np.arange(20_000))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 1, 1, 2], "time 1 follows 1: times must rise"),
        ([0, 2, 1, 3], "time 1 follows 2"),
        ([0, 1, 2.4, 3.4, 4.4, 5.4], "not evenly spaced"),
        ([0, 0.3, 1, 2, 3], "not evenly spaced"),
        ([0, 1, 2, 1e6], "nearly all are missing"),
        ([0], "at least 2"),
    ],
)
def test_times_that_are_no_grid_are_refused(times, words):
    with pytest.raises(ValueError, match=words):
        even_series(times, np.zeros(len(times)))


def test_short_gaps_are_bridged_long_ones_and_ends_stay():
    values = [NAN, 0, NAN, NAN, 3, NAN, NAN, NAN, 1, NAN]
    filled, n = fill_gaps(values, 2)
    np.testing.assert_allclose(filled, [NAN, 0, 1, 2, 3, NAN, NAN, NAN, 1, NAN])
    assert n == 2
    assert known_runs(filled) == [slice(1, 5), slice(8, 9)]
    assert fill_gaps(values, 0)[1] == 0


def test_dropouts_are_dropped_and_oscillation_stays(rng):
    values = np.sin(np.arange(1000) / 5) + 0.05 * rng.normal(size=1000)
    spoilt = values.copy()
    spoilt[[100, 101, 102, 500]] -= 8
    spoilt[300] = NAN
    kept, n = drop_outliers(spoilt, sigmas=10, window=21)
    assert n == 4
    assert set(np.flatnonzero(np.isnan(kept))) == {100, 101, 102, 300, 500}
    assert drop_outliers(values, sigmas=10, window=21)[1] == 0


def test_a_series_that_mostly_stands_still_has_no_outliers():
    values = np.r_[np.full(50, 7.0), 8, np.full(50, 7.0)]
    assert drop_outliers(values, sigmas=5, window=11)[1] == 0
    assert drop_outliers([NAN, NAN], sigmas=5, window=11)[1] == 0
