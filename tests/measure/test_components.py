"""Parts and pores found the fast way, against the plain definition on the whole frame."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_amseg.measure import find_pores, largest_component
from napari_amseg.measure.components import connected_parts
from napari_amseg.measure.shape import circularity, feret_diameter_px, perimeter_px


@st.composite
def masks(draw):
    """From nothing over specks and blobs to all, down to one row, one column, one pixel."""
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noise = ndimage.gaussian_filter(rng.normal(size=shape), draw(st.sampled_from([0, 0.7, 2])))
    mask = noise > np.quantile(noise, draw(st.floats(0, 1)))
    return np.asfortranarray(mask) if draw(st.booleans()) else mask


def plainly(mask):
    """Each part in the whole frame: corner of its bounding box, and what is in the box."""
    numbers, _ = ndimage.label(mask, np.ones((3, 3), bool))
    for i, box in enumerate(ndimage.find_objects(numbers), start=1):
        yield (box[0].start, box[1].start), numbers[box] == i


@settings(deadline=None, max_examples=300)
@given(masks())
def test_pores_are_those_of_the_plain_definition(mask):
    found = find_pores(mask)
    expected = list(plainly(mask))
    assert len(found) == len(expected)
    for pore, ((y0, x0), part) in zip(found, expected, strict=True):
        rows, columns = part.nonzero()
        area = rows.size
        assert pore.area_px == area
        assert pore.centroid_y_px == rows.sum() / area + y0
        assert pore.centroid_x_px == columns.sum() / area + x0
        assert pore.feret_diameter_px == feret_diameter_px(part)
        if area < 5:
            assert math.isnan(pore.circularity)
        else:
            assert pore.circularity == circularity(area, perimeter_px(part))
    least = float(np.median([p.area_px for p in found])) if found else 1.0
    kept = find_pores(mask, min_area_px=least)
    assert [p.area_px for p in kept] == [p.area_px for p in found if p.area_px >= least]


@settings(deadline=None, max_examples=300)
@given(masks())
def test_the_largest_part_is_that_of_the_plain_definition(mask):
    if not mask.any():
        assert connected_parts(mask) is None
        with pytest.raises(ValueError, match="empty"):
            largest_component(mask)
        return
    corner, part = max(plainly(mask), key=lambda found: np.count_nonzero(found[1]))
    got, where = largest_component(mask)
    assert where == corner
    assert np.array_equal(got, part)


def test_specks_far_apart_are_moved_together():
    mask = np.zeros((1000, 2000), bool)
    for y, x in ((0, 0), (500, 7), (999, 1999), (3, 1000)):
        mask[y, x] = True
    parts = connected_parts(mask)
    assert parts.n == 4
    assert parts.numbers.size < 100
