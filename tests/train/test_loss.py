import numpy as np
import pytest

pytest.importorskip("keras")

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.train.loss import dice_focal_loss

CODES = DEFAULT_SCHEME.codes


def softmax_maps(rng, shape):
    raw = np.exp(rng.normal(size=(*shape, len(CODES))))
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


def test_unlabelled_pixels_do_not_count():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, (2, 8, 8)).astype(np.uint8)
    guess = softmax_maps(rng, labels.shape)
    other = np.where((labels == 0)[..., None], softmax_maps(rng, labels.shape), guess)
    loss = dice_focal_loss(CODES)
    assert float(loss(labels, guess)) == pytest.approx(float(loss(labels, other)), abs=1e-6)


def test_right_is_near_zero_and_wrong_is_not():
    labels = np.random.default_rng(0).integers(1, 6, (2, 16, 16)).astype(np.uint8)
    right = np.eye(5, dtype=np.float32)[labels - 1]
    loss = dice_focal_loss(CODES, class_weights=(3, 3, 1, 1, 1))
    assert float(loss(labels, right)) == pytest.approx(0, abs=1e-3)
    assert float(loss(labels, np.roll(right, 1, axis=-1))) > 1


def test_a_blank_label_image_is_finite():
    labels = np.zeros((1, 8, 8), np.uint8)
    guess = softmax_maps(np.random.default_rng(0), labels.shape)
    assert np.isfinite(float(dice_focal_loss(CODES)(labels, guess)))


def test_weights_are_checked():
    with pytest.raises(ValueError, match="2 class weights for 5 classes"):
        dice_focal_loss(CODES, class_weights=(1, 2))
    with pytest.raises(ValueError, match="negative"):
        dice_focal_loss(CODES, class_weights=(1, 1, 1, 1, -1))
