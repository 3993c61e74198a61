"""Segmenting: any size, any order, engines that agree, work that stops."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.models import ModelCard, build, load_bundle, save_bundle
from napari_amseg.segment import SegmentSettings, make_engine, segment_frames
from napari_amseg.types import stack_from_array


class ThresholdEngine:
    """Stands for a network whose answer is known: class 3 where bright, 4 where dark."""

    name, device, multiple = "threshold", "test", 16

    def __init__(self):
        self.shapes = []

    def class_maps(self, batch):
        self.shapes.append(batch.shape)
        assert batch.shape[1] % 16 == batch.shape[2] % 16 == 0
        return np.where(batch > 0.5, 3, 4).astype(np.uint8)


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


def test_frames_are_done_in_the_order_asked_for(rng):
    stack = stack_from_array(rng.random((6, 16, 16), np.float32))
    order = [4, 0, 1, 2, 3, 5]
    done = [t for t, _ in segment_frames(stack, ThresholdEngine(), SegmentSettings(), order=order)]
    assert done == order


def test_calls_keep_to_two_shapes_and_to_the_pixel_budget(rng):
    engine = ThresholdEngine()
    stack = stack_from_array(rng.random((11, 60, 60), np.float32))
    settings = SegmentSettings(batch_size=8, batch_pixels=4 * 64 * 64)
    list(segment_frames(stack, engine, settings))
    assert set(engine.shapes) <= {(4, 64, 64), (1, 64, 64)}


def test_closing_stops_after_the_batch_at_hand(rng):
    engine = ThresholdEngine()
    stack = stack_from_array(rng.random((100, 16, 16), np.float32))
    frames = segment_frames(stack, engine, SegmentSettings(batch_size=4))
    next(frames)
    frames.close()
    assert len(engine.shapes) == 1


def test_keras_engine_is_the_argmax_of_the_softmax(bundle, rng):
    frames = rng.random((3, 32, 48), np.float32)
    maps = make_engine(bundle, "keras").class_maps(frames)
    softmax = bundle.model.predict_on_batch(frames[..., None])
    assert maps.dtype == np.uint8
    np.testing.assert_array_equal(maps, np.argmax(softmax, -1) + 1)


def test_openvino_agrees_with_keras(rng):
    pytest.importorskip("openvino", reason="the OpenVINO engine is an extra: cpu")
    bundle = load_bundle("fast")
    frames = rng.random((2, 64, 96), np.float32)
    keras, openvino = (make_engine(bundle, n).class_maps(frames) for n in ("keras", "openvino"))
    assert (keras == openvino).mean() >= 0.9999


def test_unknown_engine(bundle):
    with pytest.raises(ValueError, match="choose one of auto"):
        make_engine(bundle, "abacus")
