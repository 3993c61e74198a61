"""The fast network is what its name says, and still sees every pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.models import build
from napari_amseg.models.backend import keras
from napari_amseg.models.bundle import count_trainable
from napari_amseg.models.operations import count_operations
from napari_amseg.train.network import wake


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return build("amsegnet-fast", n_classes=5, filters=2)


def test_it_does_a_small_part_of_the_papers_operations():
    papers, fast = (build(name, n_classes=5) for name in ("amsegnet", "amsegnet-fast"))
    operations = count_operations(fast, (256, 512))
    assert operations / (256 * 512) == pytest.approx(25_490, abs=10)
    assert 13 * operations < count_operations(papers, (256, 512))
    assert count_trainable(fast) == 1_337_799


@pytest.mark.parametrize(
    ("place", "size"),
    [
        ("encoder_1_relu", 64),
        ("encoder_2_block_1_relu", 32),
        ("encoder_3_block_2_relu", 16),
        ("encoder_4_block_3_relu", 8),
        ("encoder_5_block_3_relu", 4),
        ("bottleneck_block_3_relu", 2),
        ("decoder_5_relu", 4),
        ("decoder_2_relu", 32),
        ("decoder_1_relu", 64),
    ],
)
def test_places_have_their_size(model, place, size):
    seen = keras.Model(model.input, model.get_layer(place).output)
    assert seen.compute_output_shape((1, 64, 64, 1))[1:3] == (size, size)


def test_a_fresh_network_sees_single_pixels_and_far_away(model):
    """Moving one pixel by one changes the map there; grey values 100 px away count too."""
    wake(model)
    rng = np.random.default_rng(0)
    frame = rng.random((1, 64, 256, 1), np.float32)
    softmax = np.asarray(model(frame))
    moved = frame.copy()
    moved[0, 32, [120, 121]] = frame[0, 32, [121, 120]] + 0.5
    changed = np.abs(np.asarray(model(moved)) - softmax).max(axis=(0, 1, 3))
    assert changed.argmax() in range(116, 126)
    assert changed[20] > 0
