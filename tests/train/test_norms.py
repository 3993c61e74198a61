import itertools

import numpy as np
import pytest

from napari_amseg.models.backend import keras
from napari_amseg.train.norms import recalibrate_norms, set_momentum

layers = keras.layers


@pytest.fixture
def tiny():
    keras.utils.set_random_seed(0)
    frame = layers.Input((None, None, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(frame))
    return keras.Model(frame, layers.Conv2D(2, 1, activation="softmax")(layers.ReLU()(x)))


@pytest.fixture
def batches(rng):
    return [
        (rng.normal(k, 1, (2, 16, 16, 1)).astype(np.float32), np.ones((2, 16, 16), np.uint8))
        for k in range(3)
    ]


def norm_of(model):
    return next(x for x in model.layers if isinstance(x, layers.BatchNormalization))


def test_norms_take_the_mean_statistics_of_the_batches(tiny, batches):
    set_momentum(tiny, 0.9)
    recalibrate_norms(tiny, batches, n_batches=3)
    features = [np.asarray(tiny.layers[1](images)) for images, _ in batches]
    mean = np.mean([f.mean((0, 1, 2)) for f in features], axis=0)
    variance = np.mean([f.var((0, 1, 2)) for f in features], axis=0)
    np.testing.assert_allclose(norm_of(tiny).moving_mean, mean, atol=1e-4)
    np.testing.assert_allclose(norm_of(tiny).moving_variance, variance, rtol=1e-2)
    assert norm_of(tiny).momentum == 0.9


def test_only_so_many_batches_are_taken(tiny, batches):
    taken = []
    endless = (taken.append(0) or batch for batch in itertools.cycle(batches))
    recalibrate_norms(tiny, endless, n_batches=2)
    assert len(taken) == 2


def test_frozen_norms_stay(tiny, batches):
    norm_of(tiny).trainable = False
    recalibrate_norms(tiny, batches)
    assert not np.asarray(norm_of(tiny).moving_mean).any()
