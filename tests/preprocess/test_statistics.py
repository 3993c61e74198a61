"""Statistics over time are NumPy's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.preprocess.statistics import reduce_frames, reduction


@pytest.mark.parametrize("n", [1, 2, 7, 80])
def test_median_and_percentile_are_those_of_numpy(rng, n):
    frames = rng.normal(1, 0.1, (n, 150, 130)).astype(np.float32)  # more than one band
    before = frames.copy()
    median = reduce_frames(frames, reduction("median"))
    low = reduce_frames(frames, reduction("percentile", 10))
    np.testing.assert_array_equal(median, np.median(frames, axis=0))
    np.testing.assert_array_equal(low, np.percentile(frames, 10, axis=0))
    assert median.dtype == low.dtype == np.float32
    np.testing.assert_array_equal(frames, before)


def test_a_pixel_that_is_once_nan_has_no_median(rng):
    frames = rng.normal(1, 0.1, (5, 4, 6)).astype(np.float32)
    frames[3, 1, 2] = np.nan
    found = np.isnan(reduce_frames(frames, reduction("median")))
    assert found[1, 2]
    assert found.sum() == 1
