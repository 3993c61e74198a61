import numpy as np
import pytest

from napari_amseg.labels import Label
from napari_amseg.sample.randomised import random_frame, to_input_range


def test_same_seed_same_frame():
    one = random_frame(np.random.default_rng(5), (64, 96))
    other = random_frame(np.random.default_rng(5), (64, 96))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_frames_are_finite_and_show_every_class():
    seen = set()
    for seed in range(60):
        image, labels = random_frame(np.random.default_rng(seed), (96, 160))
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.std() > 0
        assert labels.dtype == np.uint8
        assert labels.shape == image.shape
        seen |= set(np.unique(labels))
    assert seen == set(Label)


def test_input_range():
    image = np.linspace(100, 1100, 10_000, dtype=np.float32).reshape(100, 100)
    mapped = to_input_range(image)
    assert mapped.min() == 0
    assert mapped.max() == 1
    assert (mapped == 0).mean() == pytest.approx(0.005, abs=0.001)
    assert to_input_range(np.full((8, 8), 7.0)).max() == 0
