"""Operations of networks small enough to count by hand."""

from __future__ import annotations

import pytest

from napari_amseg.models import build
from napari_amseg.models.backend import keras
from napari_amseg.models.operations import count_operations

layers = keras.layers


def network(*stack, channels=1):
    x = frame = layers.Input((None, None, channels))
    for layer in stack:
        x = layer(x)
    return keras.Model(frame, x)


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        (layers.Conv2D(5, 3, padding="same"), 2 * (8 * 16) * 9 * 4 * 5),
        (layers.Conv2D(5, 3), 2 * (6 * 14) * 9 * 4 * 5),
        (layers.Conv2D(5, 3, strides=2, padding="same"), 2 * (4 * 8) * 9 * 4 * 5),
        (layers.Conv2D(6, 3, groups=2, padding="same"), 2 * (8 * 16) * 9 * 2 * 6),
        (layers.Conv2D(5, (1, 7), padding="same"), 2 * (8 * 16) * 7 * 4 * 5),
        (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 2 * (8 * 16) * 9 * 4 * 2),
        (layers.SeparableConv2D(5, 3, padding="same"), 2 * (8 * 16) * (9 * 4 + 4 * 5)),
        (layers.Dense(7), 2 * (8 * 16) * 4 * 7),
    ],
)
def test_one_layer(layer, by_hand):
    assert count_operations(network(layer, channels=4), (8, 16)) == by_hand


def test_layers_add_up_at_the_size_each_works_at():
    model = network(
        layers.Conv2D(3, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(4, 1),
        layers.UpSampling2D(),
        layers.Conv2D(2, 1),
    )
    by_hand = 2 * (100 * 9 * 1 * 3 + 25 * 3 * 4 + 100 * 4 * 2)
    assert count_operations(model, (10, 10)) == by_hand


def test_operations_grow_with_the_area():
    model = build("amsegnet-fast", n_classes=5, filters=2)
    assert count_operations(model, (64, 96)) == 6 * count_operations(model, (32, 32))


@pytest.mark.parametrize(
    "layer", [layers.Conv2DTranspose(2, 2, strides=2), network(layers.Conv2D(2, 3))]
)
def test_what_is_not_counted_is_refused(layer):
    with pytest.raises(ValueError, match="not counted"):
        count_operations(network(layer), (8, 8))
