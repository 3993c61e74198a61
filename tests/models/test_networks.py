"""The contract of every network in the registry, under the Keras backend in use."""

from __future__ import annotations

import os

import numpy as np
import pytest

from napari_amseg.models import ARCHITECTURES, ModelCard, build, load_bundle, save_bundle
from napari_amseg.models.backend import device, keras
from napari_amseg.models.bundle import count_trainable
from napari_amseg.train.loss import dice_focal_loss

# Table 2 of the paper: 256x512 frames, five classes.
TRAINABLE = {
    "amsegnet": 17_526_064,
    "amsegnet-noattention": 16_342_575,
    "unet": 31_389_839,
    "resunet": 33_139_535,
    "squeezeunet": 16_388_815,
}
SMALL = {"filters": 2}

every_network = pytest.mark.parametrize("name", ARCHITECTURES)


def small(name, *, n_classes=5):
    keras.utils.set_random_seed(7)
    return build(name, n_classes=n_classes, **SMALL)


def softmax(model, frames):
    return keras.ops.convert_to_numpy(model(frames, training=False))


def test_the_backend_is_the_one_asked_for():
    assert device().startswith(os.environ.get("KERAS_BACKEND", "tensorflow"))


@pytest.mark.parametrize("name", TRAINABLE)
def test_parameters_of_the_papers_network(name):
    assert count_trainable(build(name, n_classes=5)) == TRAINABLE[name]


@every_network
def test_places_have_names(name):
    """Transfer learning freezes, replaces and looks at layers by these names."""
    model = small(name)
    names = [layer.name for layer in model.layers]
    assert names[0] == "frame"
    assert names[-3:] == ["head_conv", "head_norm", "head_softmax"]
    assert {n.split("_")[0] for n in names[1:-3]} == {"encoder", "bottleneck", "decoder"}
    assert names[-4].startswith("decoder_1")
    assert model.get_layer("head_conv").input is model.layers[-4].output
    assert model.name == name


@every_network
@pytest.mark.parametrize("n_classes", [2, 5])
def test_every_size_that_is_a_multiple_keeps_its_shape(rng, name, n_classes):
    model = small(name, n_classes=n_classes)
    step = ARCHITECTURES[name].multiple
    for height, width in ((2 * step, 3 * step), (4 * step, step)):
        found = softmax(model, rng.random((2, height, width, 1), np.float32))
        assert found.shape == (2, height, width, n_classes)
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def train(model, rng, *, run_eagerly):
    """Four steps of Adam on two frames with a keyhole drawn in; the losses, and the frames.

    The frames have both signs: AM-SegNet begins with 1x1 convolutions to few channels and ReLU,
    which at this width may all be negative for positive frames, and then nothing passes.
    """
    labels = np.full((2, 32, 64), 4, np.uint8)
    labels[:, 12:] = 3
    labels[:, 12:24, 20:28] = 1
    frames = (labels[..., None] - 3 + rng.normal(0, 0.1, (*labels.shape, 1))).astype(np.float32)
    model.compile(
        optimizer=keras.optimizers.Adam(0.005),
        loss=dice_focal_loss((1, 2, 3, 4, 5)),
        run_eagerly=run_eagerly,
    )
    return [float(model.train_on_batch(frames, labels)) for _ in range(4)], frames


def test_training_lowers_the_loss_and_a_bundle_predicts_the_same(tmp_path, rng, network):
    """Training first: the statistics of the batch normalisations must be saved too."""
    model = small(network)
    losses, frames = train(model, rng, run_eagerly=True)  # quicker than compiling
    assert losses[1] < losses[0]
    assert losses[-1] < 0.97 * losses[0]

    save_bundle(tmp_path / "bundle", model, ModelCard(network, SMALL))
    loaded = load_bundle(tmp_path / "bundle")
    assert loaded.card.architecture == network
    np.testing.assert_allclose(softmax(loaded.model, frames), softmax(model, frames), atol=1e-6)
    assert not np.allclose(softmax(small(network), frames), softmax(model, frames), atol=1e-3)


@pytest.mark.slow
@every_network
def test_compiled_networks_train_and_predict_alike(rng, name):
    model = small(name)
    losses, frames = train(model, rng, run_eagerly=False)
    assert losses[1] < losses[0]
    assert losses[-1] < 0.97 * losses[0]
    predicted = model.predict_on_batch(frames)
    np.testing.assert_allclose(predicted, softmax(model, frames), atol=1e-4)


@every_network
def test_the_softmax_is_float32_where_the_rest_is_float16(rng, name):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = small(name)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    assert model.get_layer("head_conv").compute_dtype == "float16"
    found = softmax(model, rng.random((1, 32, 64, 1), np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_unknown_networks_and_arguments_are_refused():
    with pytest.raises(ValueError, match="resnet"):
        build("resnet", n_classes=5)
    with pytest.raises(ValueError, match="depth"):
        build("amsegnet", n_classes=5, depth=3)
    with pytest.raises(ValueError, match="cannot be built with"):
        build("unet", n_classes=5, filters="64")
