"""The Keras engine: the reference in float32, the same masks in bfloat16, safe in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_amseg import load_bundle, read_stack
from napari_amseg.models.backend import has_gpu, prefers_bfloat16
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.segment import make_engine
from napari_amseg.segment.keras_engine import KerasEngine

SHAPE = (128, 256)


@pytest.fixture(scope="module")
def bundle():
    return load_bundle("fast")


@pytest.fixture(scope="module")
def ready(bundle):
    """Three phantom frames with a keyhole, float32 (3, 128, 256), in the model's range."""
    settings = PhantomSettings(n_frames=24, height_px=SHAPE[0], width_px=SHAPE[1])
    stack = bundle.card.chain.apply(simulate(settings).stack)
    return np.stack([stack.read(t) for t in (8, 12, 16)])


@pytest.fixture(scope="module")
def softmax(bundle, ready):
    return bundle.model.predict(ready[..., np.newaxis], verbose=0)


def predict(engine, frames):
    return engine.predict(
        frames, *(np.ones((len(frames), n), np.float32) for n in frames.shape[1:])
    )


def test_float32_is_plain_keras(bundle, ready, softmax):
    found = predict(KerasEngine(bundle, precision="f32", confidence=True), ready)
    assert (found.labels.dtype, found.labels.shape) == (np.uint8, ready.shape)
    assert set(np.unique(found.labels)) >= {1, 3, 4}
    assert (found.labels == softmax.argmax(axis=-1) + 1).mean() >= 0.9999
    np.testing.assert_allclose(found.confidence, 255 * softmax.max(axis=-1), atol=0.51)
    predicted = [[(labels == code).sum() for code in (1, 2)] for labels in found.labels]
    np.testing.assert_array_equal(found.areas[..., 0], predicted)


def test_bfloat16_gives_the_same_masks(bundle, ready, softmax):
    engine = make_engine(bundle, "keras", precision="bf16")
    found = predict(engine, ready)
    assert "bfloat16" in engine.device
    assert (found.labels == softmax.argmax(axis=-1) + 1).mean() >= 0.995
    reference = predict(make_engine(bundle, "keras", precision="f32"), ready)
    assert (found.areas != reference.areas).any()  # it did compute with fewer digits
    np.testing.assert_allclose(found.areas[:, 0], reference.areas[:, 0], rtol=0.02)


def test_bfloat16_gives_the_same_masks_on_real_frames(bundle, real_data):
    with read_stack(real_data / "ti64_plate" / "299_Ti64_plate_P200S0 (*.tif") as stack:
        raw = bundle.card.chain.apply(stack)
        frames = np.stack([raw.read(t)[:384, 320:704] for t in (2, 7)])
    reference, found = (
        predict(make_engine(bundle, "keras", precision=p), frames).labels for p in ("f32", "bf16")
    )
    assert len(np.unique(reference)) >= 3
    assert (reference == found).mean() >= 0.995


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_threads_at_once_get_their_own_frames(bundle, ready, precision):
    engine = KerasEngine(bundle, precision=precision)
    alone = [predict(engine, ready[t : t + 1]) for t in range(3)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: predict(engine, ready[i % 3 :][:1]), range(60)))
    for i, found in enumerate(together):
        np.testing.assert_array_equal(found.labels, alone[i % 3].labels)
        np.testing.assert_allclose(found.areas, alone[i % 3].areas, rtol=1e-5)


def test_weights_survive_other_use_of_the_model(bundle, ready):
    engine = KerasEngine(bundle, precision="f32")
    before = predict(engine, ready).labels
    bundle.model.predict(ready[..., np.newaxis], verbose=0)
    np.testing.assert_array_equal(predict(engine, ready).labels, before)


@pytest.mark.skipif(has_gpu(), reason="of machines without a GPU")
def test_without_a_gpu_it_is_the_reference(bundle):
    engine = make_engine(bundle, "keras")
    assert not prefers_bfloat16()
    assert (engine.precision, engine.parallel) == ("f32", 1)
    assert engine.device.endswith("on cpu")
