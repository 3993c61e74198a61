"""What must hold for any input: cropping, chains, measuring, writing, codes.

Tiling has its own in ``tests/segment/test_tiling.py``.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_amseg.io import TiffStackWriter, read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelClass, LabelScheme
from napari_amseg.measure import measure_frame
from napari_amseg.preprocess import Chain, Crop, Invert, Normalise
from napari_amseg.types import Experiment, stack_from_array

few = settings(derandomize=True, deadline=None, max_examples=40)
FRAMES = np.random.default_rng(3).integers(0, 4096, (3, 17, 23), np.uint16)


@st.composite
def crops(draw, height=17, width=23):
    y0, x0 = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return Crop(y0, draw(st.integers(y0 + 1, height)), x0, draw(st.integers(x0 + 1, width)))


steps = st.one_of(
    crops(1, 1),
    st.builds(Invert, low=st.just(0.0), high=st.floats(1, 1e4)),
    st.builds(Normalise, low=st.floats(0, 100), high=st.floats(200, 5000)),
)
label_images = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 5)
)


@few
@given(crops())
def test_a_crop_is_a_slice(crop):
    cut = Chain((crop,)).apply(stack_from_array(FRAMES))
    sliced = FRAMES[:, crop.y0 : crop.y1, crop.x0 : crop.x1]
    np.testing.assert_array_equal(np.stack(list(cut)), sliced)
    assert cut.dtype == FRAMES.dtype
    assert Crop.parse(f"{crop.y0}:{crop.y1},{crop.x0}:{crop.x1}") == crop


@few
@given(crops(), st.data())
def test_offsets_of_crops_add_up(first, data):
    second = data.draw(crops(first.y1 - first.y0, first.x1 - first.x0))
    both = Chain((first, second)).apply(stack_from_array(FRAMES))
    at_once = Crop(
        first.y0 + second.y0, first.y0 + second.y1, first.x0 + second.x0, first.x0 + second.x1
    )
    once = Chain((at_once,)).apply(stack_from_array(FRAMES))
    np.testing.assert_array_equal(both.read(1), once.read(1))


@few
@given(st.lists(steps, max_size=4))
def test_a_chain_survives_json_and_replays(made):
    chain = Chain(tuple(made))
    again = Chain.from_json(json.loads(json.dumps(chain.to_json())))
    assert again == chain
    stack = stack_from_array(FRAMES)
    fitted, processed = chain.fit_apply(stack)
    replayed = Chain.from_json(json.loads(json.dumps(fitted.to_json()))).apply(stack)
    for t in (2, 0, 1):  # the order of asking changes nothing
        np.testing.assert_array_equal(processed.read(t), replayed.read(t))


@few
@given(label_images)
def test_measured_areas_are_counts(image):
    row, pores = _measured(image)
    assert row["keyhole_area_px"] == (image == 1).sum()
    labelled, n = ndimage.label(image == 2, structure=np.ones((3, 3)))
    assert row["pore_count"] == n == len(pores)
    assert row["pore_area_px"] == (image == 2).sum()
    sizes = np.bincount(labelled.ravel())[1:]
    assert sorted(p["area_px"] for p in pores) == sorted(sizes)
    if not (image == 1).any():
        assert row["keyhole_area_px"] == 0
        assert row["keyhole_depth_px"] is None or math.isnan(row["keyhole_depth_px"])
    for name in ("keyhole_area_px", "pore_count", "pore_area_px"):
        assert math.isfinite(row[name])


@few
@given(label_images)
def test_a_mirrored_frame_has_the_same_areas(image):
    row, mirrored = _measured(image)[0], _measured(image[:, ::-1])[0]
    for name in ("keyhole_area_px", "pore_count", "pore_area_px"):
        assert row[name] == mirrored[name]


@few
@given(*(st.integers(low, high) for low, high in ((1, 12), (1, 6), (0, 8), (0, 8), (0, 9))))
def test_depth_and_area_do_not_move_with_the_keyhole(depth, width, above, right, below):
    row = _measured(_drawn(depth, width))[0]
    assert row["keyhole_depth_px"] == depth
    assert row["keyhole_area_px"] == depth * width
    padded = np.pad(_drawn(depth, width), ((above, 0), (0, 0)), constant_values=4)
    padded = np.pad(padded, ((0, below), (0, 0)), constant_values=3)
    moved = np.roll(padded, right, axis=1)
    again, mirrored = _measured(moved)[0], _measured(moved[:, ::-1])[0]
    assert mirrored["keyhole_depth_px"] == depth
    for name in ("keyhole_area_px", "keyhole_depth_px", "pore_count", "pore_area_px"):
        assert again[name] == row[name]


@few
@given(
    hnp.arrays(
        st.sampled_from((np.uint8, np.uint16)),
        st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    ),
    st.booleans(),
    st.one_of(st.none(), st.floats(0.01, 100)),
)
def test_what_is_written_is_read(tmp_path_factory, frames, compress, pixel_size_um):
    path = tmp_path_factory.mktemp("written") / "stack.tif"
    known = Experiment(pixel_size_um=pixel_size_um, frame_rate_hz=1e4)
    with TiffStackWriter(path, frames.shape, frames.dtype, known, compress=compress) as writer:
        for frame in frames:
            writer.append(frame)
    with read_stack(path) as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), frames)
        assert stack.dtype == frames.dtype
        assert stack.experiment.frame_rate_hz == pytest.approx(1e4)
        if pixel_size_um is None:
            assert stack.experiment.pixel_size_um is None
        else:
            assert stack.experiment.pixel_size_um == pytest.approx(pixel_size_um, rel=1e-4)


@few
@given(st.lists(st.integers(1, 255), min_size=1, max_size=6, unique=True))
def test_a_scheme_survives_json(codes):
    scheme = LabelScheme(tuple(LabelClass(c, f"class {c}", "#808080", f"role {c}") for c in codes))
    assert LabelScheme.from_json(json.loads(json.dumps(scheme.to_json()))) == scheme
    image = np.arange(256, dtype=np.uint8)
    for c in codes:
        assert np.flatnonzero(scheme.mask(image, f"role {c}")).tolist() == [c]


def _measured(image):
    found = measure_frame(image, frame=0, scheme=DEFAULT_SCHEME, experiment=Experiment())
    return found.row, found.pores


def _drawn(depth, width):
    """A keyhole with a flat surface in a plate, wide enough to tell the surface."""
    image = np.full((20, 40), 3, np.uint8)
    image[:5] = 4
    image[5 : 5 + depth, 15 : 15 + width] = 1
    return image
