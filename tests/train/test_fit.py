import itertools

import numpy as np
import pytest

pytest.importorskip("keras")

from napari_amseg.models.backend import keras
from napari_amseg.train.fit import Schedule, fit, recalibrate_norms
from napari_amseg.train.loss import dice_focal_loss

layers = keras.layers


@pytest.fixture
def tiny():
    keras.utils.set_random_seed(0)
    frame = layers.Input((None, None, 1))
    x = layers.Conv2D(4, 3, padding="same")(frame)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return keras.Model(frame, layers.Conv2D(2, 1, activation="softmax")(layers.ReLU()(x)))


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    labels = np.zeros((2, 16, 16), np.uint8) + 1
    labels[:, :, 8:] = 2
    images = (labels[..., None] == 2) + 0.1 * rng.normal(size=(2, 16, 16, 1))
    return images.astype(np.float32), labels


def test_steps_lower_the_loss(tiny, batch):
    loss = dice_focal_loss((1, 2))
    images, labels = batch
    before = float(loss(labels, tiny(images, training=True)))
    reports = []
    progress, weights = fit(
        tiny,
        itertools.repeat(batch),
        loss,
        schedule=Schedule(minutes=1, steps=12, learning_rate=0.02, report_every_s=0),
        report=lambda at, average: reports.append(at.step),
    )
    after = float(loss(labels, tiny(images, training=True)))
    assert after < 0.8 * before
    assert progress.step == 12
    assert reports == list(range(1, 13))
    tiny.set_weights(weights)


def test_norms_take_the_statistics_of_the_batches(tiny, batch):
    recalibrate_norms(tiny, itertools.repeat(batch), n_batches=3)
    norm = next(x for x in tiny.layers if isinstance(x, layers.BatchNormalization))
    features = np.asarray(tiny.layers[1](batch[0]))
    np.testing.assert_allclose(norm.moving_mean, features.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, features.var((0, 1, 2)), rtol=1e-2)
    assert norm.momentum == 0.9
