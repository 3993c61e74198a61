"""AM-SegNet: exact parameter counts, shapes, saving and loading."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.models import build, load_bundle, save_bundle
from napari_amseg.models.bundle import ModelCard, count_trainable


def test_parameters_of_the_papers_network():
    assert count_trainable(build("amsegnet", n_classes=5)) == 17_526_064


@pytest.mark.parametrize("n_classes", [2, 5])
def test_every_size_that_is_a_multiple_of_16_keeps_its_shape(rng, n_classes):
    model = build("amsegnet", n_classes=n_classes, filters=1)
    for height, width in ((32, 48), (64, 16)):
        frame = rng.random((2, height, width, 1), np.float32)
        softmax = np.asarray(model.predict_on_batch(frame))
        assert softmax.shape == (2, height, width, n_classes)
        np.testing.assert_allclose(softmax.sum(-1), 1, atol=1e-5)


def test_a_bundle_predicts_the_same_after_saving(tmp_path, rng):
    model = build("amsegnet", n_classes=5, filters=1)
    frame = rng.random((1, 32, 32, 1), np.float32)
    save_bundle(tmp_path / "b", model, ModelCard("amsegnet", {"filters": 1}))
    loaded = load_bundle(tmp_path / "b").model
    np.testing.assert_allclose(
        loaded.predict_on_batch(frame), model.predict_on_batch(frame), atol=1e-6
    )


def test_unknown_networks_and_arguments_are_refused():
    with pytest.raises(ValueError, match="resnet"):
        build("resnet", n_classes=5)
    with pytest.raises(ValueError, match="depth"):
        build("amsegnet", n_classes=5, depth=3)
