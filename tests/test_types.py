"""Stack and Experiment."""

import numpy as np
import pytest

from napari_amseg.types import Experiment, sample_indices, stack_from_array


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_physical_values_are_positive(value):
    with pytest.raises(ValueError, match="positive"):
        Experiment(pixel_size_um=value)


@pytest.mark.parametrize("value", [2e-6, 2000])
def test_a_pixel_in_another_unit_is_refused(value):
    with pytest.raises(ValueError, match="another unit"):
        Experiment(pixel_size_um=value)


def test_updating_keeps_what_is_not_given():
    experiment = Experiment(pixel_size_um=2.0).updated(frame_rate_hz=100.0, pixel_size_um=None)
    assert (experiment.pixel_size_um, experiment.frame_rate_hz) == (2.0, 100.0)
    assert Experiment.from_json(experiment.to_json() | {"more": 1}) == experiment


def test_one_image_is_a_stack_of_one_frame():
    assert stack_from_array(np.zeros((4, 5))).shape == (1, 4, 5)
    with pytest.raises(ValueError, match="axes"):
        stack_from_array(np.zeros(5))
    with pytest.raises(ValueError, match="no pixel"):
        stack_from_array(np.zeros((3, 0, 5)))


def test_samples_spread_over_the_stack():
    assert list(sample_indices(5, 10)) == [0, 1, 2, 3, 4]
    spread = sample_indices(20_000, 200)
    assert (len(spread), spread[0], spread[-1]) == (200, 0, 19_999)
