"""The chain: exact replay, dtypes, streamed statistics; each step against its formula."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Invert, Normalise
from napari_amseg.types import stack_from_array


def array(stack):
    return np.stack(list(stack))


@pytest.fixture
def stack(frames):
    return stack_from_array(frames)


def save(tmp_path, name, image):
    path = tmp_path / name
    tifffile.imwrite(path, image)
    return str(path)


# ------------------------------------------------------------------ flat field


def test_flat_field_gives_back_the_transmission(tmp_path, rng):
    """I = D + T (F - D) is undone exactly."""
    transmission = rng.uniform(0.1, 1, (5, 16, 20))
    flat, dark = rng.uniform(2000, 3000, (16, 20)), rng.uniform(90, 110, (16, 20))
    counts = (dark + transmission * (flat - dark)).astype(np.float32)
    step = FlatField(
        flat=save(tmp_path, "f.tif", flat.astype(np.float32)),
        dark=save(tmp_path, "d.tif", dark.astype(np.float32)),
    )
    corrected = array(step.apply(stack_from_array(counts)))
    assert corrected.dtype == np.float32
    np.testing.assert_allclose(corrected, transmission, rtol=1e-4)


@pytest.mark.parametrize("reduce", ["mean", "median"])
def test_flats_are_averaged(tmp_path, stack, frames, reduce, rng):
    flats = rng.integers(2000, 3000, (9, *frames.shape[1:]), dtype=np.uint16)
    step = FlatField(flat=save(tmp_path, "f.tif", flats), reduce=reduce)
    expected = frames[2] / getattr(np, reduce)(flats, axis=0)
    np.testing.assert_allclose(step.apply(stack)[2], expected, rtol=1e-5)


def test_flat_is_interpolated_between_before_and_after(tmp_path, frames):
    before, after = np.full((32, 48), 1000, np.uint16), np.full((32, 48), 2000, np.uint16)
    step = FlatField(
        flat=save(tmp_path, "a.tif", before), flat_after=save(tmp_path, "b.tif", after)
    )
    corrected = step.apply(stack_from_array(frames))
    for t, flat in ((0, 1000), (5, 2000), (2, 1400)):
        np.testing.assert_allclose(corrected[t], frames[t] / flat, rtol=1e-5)


def test_dead_pixels_are_filled_and_counted(tmp_path, frames):
    flat = np.full((32, 48), 2000, np.uint16)
    flat[4, 5] = 0
    flat[10, 10:13] = 0
    corrected = FlatField(flat=save(tmp_path, "f.tif", flat)).apply(stack_from_array(frames))
    assert np.isfinite(array(corrected)).all()
    near = frames[0, 3:6, 4:7] / 2000
    assert np.isclose(near, corrected[0][4, 5]).any()
    assert "4 dead pixels" in corrected.notes[-1]


def test_flat_of_another_shape_is_refused(tmp_path, stack):
    path = save(tmp_path, "f.tif", np.ones((30, 48), np.uint16))
    with pytest.raises(ValueError, match="30x48, the stack has 32x48"):
        FlatField(flat=path).apply(stack)


def test_a_replay_with_another_flat_is_refused(tmp_path, stack):
    path = save(tmp_path, "f.tif", np.full((32, 48), 2000, np.uint16))
    chain = Chain((FlatField(flat=path),)).fit(stack)
    chain.apply(stack)
    save(tmp_path, "f.tif", np.full((32, 48), 2001, np.uint16))
    with pytest.raises(ValueError, match="not the file"):
        Chain.from_json(chain.to_json()).apply(stack)


def test_flat_darker_than_the_dark_is_refused(tmp_path, stack):
    flat = save(tmp_path, "f.tif", np.full((32, 48), 50, np.uint16))
    dark = save(tmp_path, "d.tif", np.full((32, 48), 90, np.uint16))
    with pytest.raises(ValueError, match="swapped"):
        FlatField(flat=flat, dark=dark).apply(stack)


# ------------------------------------------------------------------ background


@pytest.mark.parametrize("method", ["median", "mean", "percentile"])
@pytest.mark.parametrize("mode", ["divide", "subtract"])
def test_whole_stack_background(stack, frames, method, mode):
    reduce = {
        "median": lambda a: np.median(a, axis=0),
        "mean": lambda a: a.mean(axis=0),
        "percentile": lambda a: np.percentile(a, 20, axis=0),
    }[method]
    image = reduce(frames.astype(float))
    expected = frames / image if mode == "divide" else frames - image
    found = Background(method=method, mode=mode, percentile=20).apply(stack)
    np.testing.assert_allclose(array(found), expected, rtol=1e-4, atol=1e-2)


def test_rolling_window_is_centred_and_shifted_at_the_ends(stack, frames):
    found = Background(method="mean", mode="subtract", window=3).apply(stack)
    for t, window in ((0, [0, 1, 2]), (3, [2, 3, 4]), (5, [3, 4, 5])):
        expected = frames[t] - frames[window].mean(axis=0)
        np.testing.assert_allclose(found[t], expected, atol=1e-2)


def test_previous_frames(stack, frames):
    found = Background(method="previous", mode="subtract", window=2).apply(stack)
    for t, window in ((4, [2, 3]), (2, [0, 1]), (0, [1, 2]), (1, [0, 2])):
        expected = frames[t] - frames[window].mean(axis=0)
        np.testing.assert_allclose(found[t], expected, atol=1e-2)


def test_previous_needs_a_window(stack):
    with pytest.raises(ValueError, match="window"):
        Background(method="previous").apply(stack)


def test_frames_can_be_asked_for_in_any_order(stack):
    step = Background(method="median", window=3)
    forward, backward = step.apply(stack), step.apply(stack)
    last = [backward[t] for t in reversed(range(6))][::-1]
    np.testing.assert_array_equal(array(forward), np.stack(last))


def test_zero_background_is_filled_not_infinite(frames):
    frames = frames.copy()
    frames[:, 3, 4] = 0
    found = Background().apply(stack_from_array(frames))
    assert np.isfinite(array(found)).all()
    assert "1 dead pixels" in found.notes[-1]


# ------------------------------------------------------------------ crop, invert, normalise


def test_crop_keeps_the_dtype(stack, frames):
    found = Crop.parse("4:20, 10:40").apply(stack)
    assert found.dtype == np.uint16
    assert found.shape == (6, 16, 30)
    np.testing.assert_array_equal(found[1], frames[1, 4:20, 10:40])
    np.testing.assert_array_equal(Crop.parse(":,5:").apply(stack)[0], frames[0, :, 5:])


@pytest.mark.parametrize("text", ["4-20", "0:10", "a:b,c:d", ""])
def test_crop_of_another_form(text):
    with pytest.raises(ValueError, match="Y0:Y1,X0:X1"):
        Crop.parse(text)


@pytest.mark.parametrize("text", ["0:33,0:48", "10:5,0:48", "0:32,40:40", "0:32,48:50"])
def test_crop_outside(stack, text):
    with pytest.raises(ValueError, match="inside frames of 32x48"):
        Crop.parse(text).apply(stack)


def test_invert_mirrors_the_range(stack, frames):
    found = array(Invert().apply(stack))
    np.testing.assert_allclose(found + frames, float(frames.min()) + float(frames.max()))


def test_normalise_uses_the_stack_not_the_frame(frames):
    """A frame twice as bright stays twice as bright."""
    bright = np.stack([frames[0], frames[0] * 2, frames[0], frames[0]]).astype(np.float32)
    step = Normalise(low=0.0, high=float(bright.max()))
    found = step.apply(stack_from_array(bright))
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-5)
    fitted = Normalise(low_percentile=0, high_percentile=100).fit(stack_from_array(bright))
    assert (fitted.low, fitted.high) == (bright.min(), bright.max())


def test_normalise_clips_to_its_range(stack):
    found = array(Normalise(low_percentile=5, high_percentile=95, out_high=255.0).apply(stack))
    assert found.dtype == np.float32
    assert (found.min(), found.max()) == (0, 255)


def test_uint8_can_pass_unscaled(frames):
    eight = stack_from_array((frames % 256).astype(np.uint8))
    found = Normalise(out_high=255.0, keep_uint8=True).apply(eight)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], frames[0] % 256)


def test_a_blank_stack_is_refused():
    with pytest.raises(ValueError, match="blank"):
        Normalise().fit(stack_from_array(np.full((2, 8, 8), 7, np.uint16)))


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="low_percentile is 150"):
        Normalise(low_percentile=150)
    with pytest.raises(ValueError, match="choose one of"):
        Background(method="mode")


# ------------------------------------------------------------------ the chain


def full_chain(tmp_path):
    flat = np.full((32, 48), 3000, np.uint16)
    return Chain(
        (
            FlatField(flat=save(tmp_path, "f.tif", flat)),
            Crop(2, 30, 4, 44),
            Background(window=3),
            Invert(),
            Normalise(),
        )
    )


def test_replay_from_json_is_exact(tmp_path, stack):
    chain = full_chain(tmp_path).fit(stack)
    replayed = Chain.from_json(json.loads(json.dumps(chain.to_json())))
    assert replayed == chain
    np.testing.assert_array_equal(array(replayed.apply(stack)), array(chain.apply(stack)))


def test_fitted_limits_hold_on_a_part_of_the_stack(frames):
    frames = frames // np.arange(6, 0, -1, dtype=np.uint16)[:, None, None]  # grows brighter
    stack = stack_from_array(frames)
    chain = Chain((Normalise(),)).fit(stack)
    part = stack_from_array(frames[3:])
    np.testing.assert_array_equal(chain.apply(part)[0], chain.apply(stack)[3])
    assert not np.array_equal(Chain((Normalise(),)).apply(part)[0], chain.apply(stack)[3])


def test_every_step_but_crop_gives_float32(tmp_path, stack):
    for step in full_chain(tmp_path).steps:
        applied = Chain((step,)).apply(stack)
        expected = np.uint16 if isinstance(step, Crop) else np.float32
        assert applied.dtype == applied[0].dtype == expected


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "steps"),
        ({"steps": [{"step": "blur"}]}, "blur"),
        ({"steps": [{"step": "crop", "z0": 1}]}, "z0"),
        ({"steps": 5}, "steps"),
        ({"steps": [1]}, "steps"),
        ({"steps": [], "format_version": "a"}, "update"),
        ({"steps": [], "format_version": 99}, "update"),
    ],
)
def test_unknown_records_are_refused(record, message):
    with pytest.raises(ValueError, match=message):
        Chain.from_json(record)


def test_nan_frames_are_named(frames):
    bad = frames.astype(np.float32)
    bad[4, 3, 2] = np.nan
    ready = Chain((Crop(),)).apply(stack_from_array(bad))
    ready[3]
    with pytest.raises(ValueError, match="frame 4 holds 1 pixels"):
        ready[4]


def test_only_a_bounded_sample_is_read(frames):
    """Statistics of a long stack read at most 200 frames of it."""
    from napari_amseg.types import Stack

    read: set[int] = set()

    def frame(t):
        read.add(t)
        return frames[t % 6]

    stack = Stack(shape=(20_000, 32, 48), dtype=np.dtype(np.uint16), read=frame)
    Chain((Background(), Invert(), Normalise())).fit(stack)
    assert len(read) <= 200 + 64 * 2
    assert {0, 19_999} <= read
