"""Grad-CAM against maps computed by hand and by finite differences, on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from napari_amseg.explain import ExplainSettings, GradCam, make_gradcam
from napari_amseg.explain.kernel import cam, enlarged
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models import ARCHITECTURES, build, load_bundle
from napari_amseg.models.backend import gradient, keras
from napari_amseg.segment import SegmentSettings, make_engine, segment_frames
from napari_amseg.types import stack_from_array

TWO = LabelScheme.parse("keyhole=1,pore=7")


@pytest.fixture(scope="module")
def by_hand():
    """Features (x, 3 - x); scores 2 a - b = 3 x - 3 for the keyhole, b - a = 3 - 2 x for the pore.

    The keyhole is predicted where x > 1.2.
    """
    layers = keras.layers
    frame = layers.Input((None, None, 1))
    features = layers.Conv2D(2, 1, name="features")
    head = layers.Conv2D(2, 1, name="head_conv")
    model = keras.Model(frame, layers.Softmax(name="head_softmax")(head(features(frame))))
    features.set_weights([np.array([[[[1.0, -1.0]]]]), np.array([0.0, 3.0])])
    head.set_weights([np.array([[[[2.0, -1.0], [-1.0, 1.0]]]]), np.zeros(2)])
    return GradCam(model, TWO)


@pytest.fixture
def frame(rng):
    """A bright plate with a keyhole, float32 (64, 96)."""
    drawn = rng.random((64, 96), np.float32) / 5
    drawn[24:] += 0.4
    drawn[24:50, 40:50] = 1.0
    return drawn


FRAME = np.array([[0, 1], [2, 4]], np.float32)


@pytest.mark.parametrize(
    ("name", "heat", "peak"),
    [
        # score over x = 2, 4: weights (2, -1) * 2/4; map max(0, x - (3 - x) / 2)
        ("keyhole", [[0, 0], [1 / 3, 1]], 4.5),
        # score over x = 0, 1: weights (-1, 1) * 2/4; map max(0, (3 - x - x) / 2)
        ("Pore", [[1, 1 / 3], [0, 0]], 1.5),
    ],
)
def test_a_network_whose_map_can_be_computed_by_hand(by_hand, name, heat, peak):
    found = by_hand.explain(FRAME, name)
    np.testing.assert_allclose(found.heat, heat, atol=1e-6)
    assert found.heat.dtype == np.float32
    assert found.peak == pytest.approx(peak)
    assert found.labels.tolist() == [[7, 7], [1, 1]]
    assert (found.layer, found.pixels, found.n_pixels) == ("features", "predicted", 2)
    assert not found.notes


def test_the_score_may_be_that_of_all_pixels(by_hand):
    found = by_hand.explain(FRAME, "keyhole", ExplainSettings(pixels="all"))
    assert (found.pixels, found.n_pixels) == ("all", 4)
    assert found.peak == pytest.approx(9)


def test_a_class_that_is_not_there_and_has_nothing_for_it_gives_zeros_and_says_so(by_hand):
    found = by_hand.explain(np.full((2, 3), 2, np.float32), "pore")
    assert not found.heat.any()
    assert found.peak == 0
    assert found.pixels == "all"
    assert "no pixel is predicted as pore" in found.notes[0]
    assert "heat map is zero" in found.notes[1]


def test_unknown_names_are_answered_with_those_there_are(by_hand):
    with pytest.raises(ValueError, match="no class 'melt': choose one of keyhole, pore"):
        by_hand.explain(FRAME, "melt")
    with pytest.raises(ValueError, match="no layer 'relu' to explain: choose one of features"):
        by_hand.explain(FRAME, "pore", ExplainSettings(layer="relu"))


@pytest.mark.parametrize("name", ["keyhole", "substrate"])
def test_weights_are_slopes_of_the_score_as_finite_differences_find_them(frame, name):
    """The weight of a feature map is the slope of the score along the bias of its convolution."""
    bundle, step = load_bundle("fast"), 1e-2
    scheme, model = bundle.card.scheme, bundle.model
    layer, channel = model.get_layer("decoder_3_conv"), scheme.names.index(name)
    found = make_gradcam(bundle).explain(frame, name, ExplainSettings(layer="decoder_3_conv"))
    mask = found.labels == scheme.codes[channel]
    assert mask.any()
    outputs = keras.Model(model.input, [layer.output, model.get_layer("head_softmax").input])
    kernel, bias = layer.get_weights()

    def score(nudge):
        layer.set_weights([kernel, bias + nudge])
        scores = outputs.predict_on_batch(frame[None, ..., None])[1]
        return scores[0, ..., channel][mask].sum(dtype=np.float64)

    nudges = step * np.eye(len(bias), dtype=np.float32)
    slopes = np.array([(score(nudge) - score(-nudge)) / (2 * step) for nudge in nudges])
    layer.set_weights([kernel, bias])
    features = outputs.predict_on_batch(frame[None, ..., None])[0][0]
    expected = np.maximum(features @ slopes / features[..., 0].size, 0).astype(np.float32)
    expected = enlarged(expected, frame.shape)
    assert found.peak == pytest.approx(expected.max(), rel=0.01)
    np.testing.assert_allclose(found.heat, expected / expected.max(), atol=0.01)


def test_gradient_is_that_of_a_cube(rng):
    at = rng.normal(size=(2, 3)).astype(np.float32)
    found = gradient(lambda x: keras.ops.sum(x * x * x), at)
    np.testing.assert_allclose(found, 3 * at**2, rtol=1e-5)
    assert found.dtype == np.float32


def test_cam_weighs_by_mean_gradients_and_drops_what_speaks_against(rng):
    features = rng.normal(size=(4, 5, 3)).astype(np.float32)
    gradients = rng.normal(size=(4, 5, 3)).astype(np.float32)
    weighted = sum(features[..., k] * gradients[..., k].mean() for k in range(3))
    np.testing.assert_allclose(cam(features, gradients), weighted.clip(0), atol=1e-6)


def test_enlarging_keeps_places_and_slopes():
    ramp = np.repeat(np.arange(4, dtype=np.float32)[:, None], 3, axis=1)
    larger = enlarged(ramp, (16, 6))
    expected = ((np.arange(16) + 0.5) / 4 - 0.5).clip(0, 3)
    np.testing.assert_allclose(larger, np.repeat(expected[:, None], 6, axis=1), atol=1e-6)


@pytest.mark.parametrize("shape", [(33, 47), (1, 20), (64, 64)])
def test_any_frame_size_and_the_prediction_that_segmenting_gives(rng, shape):
    bundle, frame = load_bundle("fast"), rng.random(shape, np.float32)
    ((_, labels),) = segment_frames(
        stack_from_array(frame), make_engine(bundle, "keras"), SegmentSettings()
    )
    name = next(c.name for c in bundle.card.scheme.classes if c.code == labels[0, 0])
    found = make_gradcam(bundle).explain(frame, name)
    assert found.heat.shape == shape
    np.testing.assert_array_equal(found.labels, labels)
    assert found.n_pixels == np.count_nonzero(labels == labels[0, 0])
    assert found.heat.min() >= 0
    assert found.heat.max() in (0, 1)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("amsegnet-fast", "unet") else [pytest.mark.slow])
        for name in ARCHITECTURES
    ],
)
def test_every_network_can_be_explained_at_its_last_decoder_block_and_deeper(name, rng):
    keras.utils.set_random_seed(1)
    model = build(name, n_classes=5, filters=2)
    gradcam = GradCam(model, DEFAULT_SCHEME, multiple=ARCHITECTURES[name].multiple)
    assert gradcam.default_layer.startswith("decoder_1")
    assert gradcam.default_layer in gradcam.layers
    assert not {"head_norm", "head_softmax"} & set(gradcam.layers)
    deep = next(layer for layer in gradcam.layers if layer.startswith("bottleneck"))
    for layer in (None, deep):
        found = gradcam.explain(rng.random((40, 40), np.float32), "pore", ExplainSettings(layer))
        assert found.layer == (layer or gradcam.default_layer)
        assert np.isfinite(found.heat).all()


HEAT_MAPS = """
import sys
import numpy as np
from napari_amseg.explain import ExplainSettings, make_gradcam
from napari_amseg.models import load_bundle
gradcam, maps = make_gradcam(load_bundle("fast")), []
frame = np.load(sys.argv[1])
for layer in (None, "bottleneck_3_relu", "encoder_1_concat"):
    for name in ("keyhole", "substrate"):
        maps.append(gradcam.explain(frame, name, ExplainSettings(layer=layer)).heat)
np.save(sys.argv[2], maps)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend, tmp_path, frame):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    np.save(tmp_path / "frame.npy", frame[:, :90])
    maps = {}
    for name in ("tensorflow", backend):
        out = tmp_path / f"{name}.npy"
        subprocess.run(
            [sys.executable, "-c", HEAT_MAPS, tmp_path / "frame.npy", out],
            env={**os.environ, "KERAS_BACKEND": name},
            check=True,
        )
        maps[name] = np.load(out)
    assert maps["tensorflow"].any(axis=(1, 2)).sum() >= 4  # of six: not only zeros agree
    np.testing.assert_allclose(maps[backend], maps["tensorflow"], atol=1e-3)
