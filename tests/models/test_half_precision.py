"""Folding the normalisation changes no number that matters, whatever the network."""

from __future__ import annotations

import numpy as np

from napari_amseg.models import build
from napari_amseg.models.backend import keras
from napari_amseg.models.half_precision import lightened

layers = keras.layers


def with_statistics(model, rng):
    """The model as if trained: no bias, gain or average is what it began as."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif layer.weights and layer.use_bias:
            layer.bias.assign(rng.uniform(-0.2, 0.2, layer.bias.shape))
    return model


def normalisations(model):
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


def test_every_network_folded_is_the_same(network, rng):
    model = with_statistics(build(network, n_classes=5, filters=4), rng)
    frames = rng.random((2, 64, 96, 1), dtype=np.float32)
    folded = lightened(model, "float32")
    expected, found = (m.predict_on_batch(frames) for m in (model, folded))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.ptp(expected) > 0.1
    assert normalisations(folded) <= 1 < normalisations(model)  # AM-SegNet's gate keeps one


def test_half_has_half_the_bytes_and_a_full_softmax(rng):
    model = with_statistics(build("amsegnet", n_classes=5, filters=2), rng)
    half = lightened(model)
    folded = [layer for layer in half.layers if layer.weights]
    assert {str(w.dtype) for layer in folded for w in layer.weights} == {"bfloat16"}
    assert half.output.dtype == "float32"
    assert model.output.dtype == "float32"
    assert {str(w.dtype) for w in model.weights} == {"float32"}


def test_what_others_read_too_is_not_folded(rng):
    frame = layers.Input((8, 8, 1))
    shared = layers.Conv2D(3, 3, name="shared")(frame)
    bent = layers.Conv2D(3, 3, padding="same", activation="relu", name="bent")(shared)
    sums = layers.Add()([shared, layers.BatchNormalization()(shared)])
    sums = layers.Add()([sums, layers.BatchNormalization()(bent)])
    plain = layers.Conv2D(2, 1, use_bias=False)(sums)
    scaleless = layers.BatchNormalization(scale=False)(plain)
    model = with_statistics(keras.Model(frame, scaleless), rng)
    folded = lightened(model, "float32")
    assert normalisations(folded) == 2
    frames = rng.random((2, 8, 8, 1), dtype=np.float32)
    expected, found = (m.predict_on_batch(frames) for m in (model, folded))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
