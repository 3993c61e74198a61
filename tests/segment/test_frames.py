"""Segmenting: any size, any order, engines that agree, work that stops."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.segment import (
    Prediction,
    SegmentSettings,
    make_engine,
    predict_frames,
    segment_frames,
)
from napari_amseg.types import stack_from_array


class ThresholdEngine:
    """Stands for a network whose answer is known: class 3 where bright, 4 where dark.

    The areas are those of one class, everywhere predicted with the grey value as probability.
    """

    name, device, multiple, parallel = "threshold", "test", 16, 2

    def __init__(self, batch_pixels=2**20):
        self.shapes = []
        self.batch_pixels = batch_pixels

    def predict(self, batch, rows, columns):
        self.shapes.append(batch.shape)
        assert batch.shape[1] % 16 == batch.shape[2] % 16 == 0
        kept = rows[:, :, None] * columns[:, None]
        hit = (batch * kept).sum((1, 2))
        areas = np.stack([kept.sum((1, 2)), hit, hit], axis=-1)[:, None]
        labels = np.where(batch > 0.5, 3, 4).astype(np.uint8)
        return Prediction(labels, areas, np.round(255 * batch).astype(np.uint8))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = build("amsegnet", n_classes=5, filters=1)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return save_bundle(folder, model, ModelCard("amsegnet", {"filters": 1}))


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (33, 47), (256, 512), (100, 130)])
@pytest.mark.parametrize("tile_px", [64, 1024])
def test_any_frame_size_is_segmented_pixel_by_pixel(rng, shape, tile_px):
    frames = rng.random((5, *shape), np.float32)
    settings = SegmentSettings(batch_size=2, tile_px=tile_px, overlap_px=16)
    found = dict(segment_frames(stack_from_array(frames), ThresholdEngine(), settings))
    assert list(found) == [0, 1, 2, 3, 4]
    for t, frame in enumerate(frames):
        np.testing.assert_array_equal(found[t], np.where(frame > 0.5, 3, 4))


@pytest.mark.parametrize("shape", [(33, 47), (100, 130), (150, 64)])
@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_the_score_counts_every_pixel_once_however_the_frame_is_cut(rng, shape, batch_size):
    frames = rng.random((5, *shape), np.float32)
    stack = stack_from_array(frames)
    tiled = SegmentSettings(batch_size=batch_size, tile_px=64, overlap_px=32)
    whole = SegmentSettings(batch_size=batch_size)
    for settings in (tiled, whole):
        for found in predict_frames(stack, ThresholdEngine(), settings):
            n, hit = frames[found.frame].size, float(frames[found.frame].sum())
            assert found.uncertainty == pytest.approx((n - hit) / (n + 1), rel=1e-5)
            grey = np.round(255 * frames[found.frame])
            np.testing.assert_array_equal(found.confidence, grey)


def test_frames_are_done_in_the_order_asked_for(rng):
    stack = stack_from_array(rng.random((6, 16, 16), np.float32))
    order = [4, 0, 1, 2, 3, 5]
    done = [t for t, _ in segment_frames(stack, ThresholdEngine(), SegmentSettings(), order=order)]
    assert done == order


def test_calls_keep_to_two_shapes_and_to_the_pixel_budget(rng):
    engine = ThresholdEngine(batch_pixels=4 * 64 * 64)
    stack = stack_from_array(rng.random((11, 60, 60), np.float32))
    list(segment_frames(stack, engine, SegmentSettings(batch_size=8)))
    assert set(engine.shapes) <= {(4, 64, 64), (1, 64, 64)}


def test_closing_stops_after_the_batches_at_hand(rng):
    engine = ThresholdEngine()
    stack = stack_from_array(rng.random((100, 16, 16), np.float32))
    frames = segment_frames(stack, engine, SegmentSettings(batch_size=4))
    next(frames)
    frames.close()
    assert len(engine.shapes) <= 6  # what was begun ahead, of 25


def windows(shape):
    """All but the first row and the last two columns."""
    rows, columns = np.ones(shape[:2], np.float32), np.ones(shape[::2], np.float32)
    rows[:, 0], columns[:, -2:] = 0, 0
    return rows, columns


def test_keras_engine_reduces_the_softmax(bundle, rng):
    frames = rng.random((3, 32, 48), np.float32)
    found = make_engine(bundle, "keras", confidence=True).predict(frames, *windows(frames.shape))
    softmax = bundle.model.predict_on_batch(frames[..., None])
    channel = np.argmax(softmax, -1)
    assert found.labels.dtype == found.confidence.dtype == np.uint8
    np.testing.assert_array_equal(found.labels, channel + 1)
    np.testing.assert_allclose(found.confidence, 255 * softmax.max(-1), atol=0.51)
    assert found.areas.shape == (3, 2, 3)  # the keyhole and the pores
    inside, chances = channel[:, 1:, :-2], softmax[:, 1:, :-2]
    for c in (0, 1):
        chance = chances[..., c]
        chosen = inside == c
        parts = (chosen, chosen * chance, np.where(chance >= 0.02, chance, 0))
        expected = np.stack([part.sum((1, 2)) for part in parts], axis=-1)
        np.testing.assert_allclose(found.areas[:, c], expected, rtol=1e-4)


def test_no_confidence_unless_wanted(bundle, rng):
    frames = rng.random((1, 32, 48), np.float32)
    assert make_engine(bundle, "keras").predict(frames, *windows(frames.shape)).confidence is None


def test_a_scheme_without_cavities_is_scored_over_all_its_classes(tmp_path, rng):
    scheme = DEFAULT_SCHEME.subset(("substrate", "background", "powder"))
    card = ModelCard("amsegnet", {"filters": 1}, scheme=scheme)
    bundle = save_bundle(tmp_path / "m", build("amsegnet", n_classes=3, filters=1), card)
    frames = rng.random((1, 32, 48), np.float32)
    found = make_engine(bundle, "keras").predict(frames, *windows(frames.shape))
    assert found.areas.shape == (1, 3, 3)
    assert found.areas[..., 0].sum() == 31 * 46


def test_unknown_engine(bundle):
    with pytest.raises(ValueError, match="choose one of auto"):
        make_engine(bundle, "abacus")


def test_unknown_precision(bundle):
    with pytest.raises(ValueError, match="choose one of auto"):
        make_engine(bundle, precision="f8")
