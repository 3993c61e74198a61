"""Tiles cover every pixel once, whatever the frame size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_amseg.segment import Tiling

side = st.integers(1, 300)


@given(side, side, st.sampled_from([1, 16, 32]), st.integers(16, 400), st.integers(0, 200))
def test_cut_and_join_is_the_identity(height, width, multiple, largest, overlap):
    tiling = Tiling.plan((height, width), multiple=multiple, largest=largest, overlap=overlap)
    frame = np.random.default_rng(0).integers(0, 255, (height, width)).astype(np.float32)
    tiles = tiling.cut(frame)
    assert tiles.shape == (tiling.n_tiles, *tiling.tile_shape)
    assert all(n % multiple == 0 for n in tiling.tile_shape)
    np.testing.assert_array_equal(tiling.join(tiles.astype(np.uint8)), frame)
    rows, columns = tiling.kept()
    kept = rows[:, :, None] * columns[:, None]
    assert kept.sum() == height * width
    assert (kept * tiles).sum(dtype=float) == frame.sum(dtype=float)


def test_a_frame_that_fits_is_one_tile():
    tiling = Tiling.plan((400, 1024), multiple=16, largest=1024, overlap=96)
    assert tiling.n_tiles == 1
    assert tiling.tile_shape == (400, 1024)


def test_seams_lie_in_the_middle_of_the_overlap():
    tiling = Tiling.plan((16, 1000), multiple=16, largest=512, overlap=96)
    for left, right in zip(tiling.columns, tiling.columns[1:], strict=False):
        assert left[3] == right[2]
        assert left[1] - left[3] >= 40
        assert right[2] - right[0] >= 40
