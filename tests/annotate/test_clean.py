"""Cleaning a class: what goes, what it becomes, and what must not move."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.annotate.clean import fill_holes, keep_largest, remove_specks, smooth_class
from napari_amseg.labels import Label

KEYHOLE, PORE, SUBSTRATE, BACKGROUND = (
    int(code) for code in (Label.KEYHOLE, Label.PORE, Label.SUBSTRATE, Label.BACKGROUND)
)


def disc(radius, shape=(80, 100)):
    y, x = np.indices(shape)
    inside = (y - 40.3) ** 2 + (x - 50.2) ** 2 < radius**2
    return np.where(inside, PORE, SUBSTRATE).astype(np.uint8)


def test_specks_become_what_surrounds_them_most(labels):
    wanted = labels.copy()
    labels[20, 30] = PORE  # in substrate
    labels[11, 3:5] = PORE  # on the surface, in background: 4 edges to it and 2 to substrate
    cleaned = remove_specks(labels, PORE, min_area_px=9)
    np.testing.assert_array_equal(cleaned, wanted)
    assert labels[20, 30] == PORE
    assert (remove_specks(labels, PORE, min_area_px=10) != PORE).all()
    np.testing.assert_array_equal(remove_specks(labels, PORE, min_area_px=1), labels)


def test_a_speck_in_what_is_unlabelled_becomes_unlabelled():
    labels = np.zeros((6, 6), np.uint8)
    labels[0, 0] = labels[3, 3] = labels[4, 4] = PORE
    assert not remove_specks(labels, PORE, min_area_px=3).any()
    # parts are connected over corners
    assert np.count_nonzero(remove_specks(labels, PORE, min_area_px=2)) == 2


def test_a_class_that_is_all_or_nothing_stays():
    for labels in (np.full((5, 5), PORE, np.uint8), np.full((5, 5), SUBSTRATE, np.uint8)):
        for cleaned in (
            remove_specks(labels, PORE, min_area_px=99),
            keep_largest(labels, PORE),
            fill_holes(labels, PORE),
            smooth_class(labels, PORE, radius_px=2),
        ):
            np.testing.assert_array_equal(cleaned, labels)
            assert cleaned is not labels
            assert cleaned.dtype == np.uint8


def test_only_the_largest_part_stays(labels):
    wanted = labels.copy()
    labels[25:27, 30:33] = KEYHOLE
    labels[2, 2] = KEYHOLE
    np.testing.assert_array_equal(keep_largest(labels, KEYHOLE), wanted)


def test_holes_are_unlabelled_unless_told_otherwise(labels):
    labels[28, 40] = labels[0, 0] = 0  # one in the substrate, one at the edge of the frame
    labels[26, 11] = 0  # one in the pore
    filled = fill_holes(labels, SUBSTRATE)
    assert filled[28, 40] == SUBSTRATE
    assert filled[0, 0] == filled[26, 11] == 0
    assert np.count_nonzero(filled == PORE) == 8
    assert fill_holes(labels, PORE)[26, 11] == PORE
    solid = fill_holes(labels, SUBSTRATE, over=None)
    assert (solid[21:] == SUBSTRATE).all()
    assert (solid[14:20, 20:25] == KEYHOLE).all()  # it is open to the background
    small = fill_holes(labels, SUBSTRATE, over=None, max_area_px=8)
    assert np.count_nonzero(small == PORE) == 8
    assert small[28, 40] == SUBSTRATE


def test_a_wall_may_be_diagonal_and_the_frame_closes_nothing():
    ring = np.zeros((7, 7), np.uint8)
    for row, column in ((1, 3), (2, 2), (2, 4), (3, 1), (3, 5), (4, 2), (4, 4), (5, 3)):
        ring[row, column] = KEYHOLE
    assert np.count_nonzero(fill_holes(ring, KEYHOLE)) == 13
    assert np.count_nonzero(fill_holes(ring[:, :4], KEYHOLE)) == np.count_nonzero(ring[:, :4])


@pytest.mark.parametrize("slope", [0, 0.03, 0.4, 1])
def test_smoothing_leaves_straight_edges_where_they_are(slope):
    y, x = np.indices((120, 160))
    labels = np.where(y > 60 + slope * (x - 80), SUBSTRATE, BACKGROUND).astype(np.uint8)
    for radius in (1, 2, 3):
        moved = smooth_class(labels, SUBSTRATE, radius_px=radius) != labels
        assert not moved[8:-8, 8:-8].any()
        assert moved.sum() <= 2 * radius  # at the edge of the frame


@pytest.mark.parametrize(("radius", "smoothing"), [(4, 1), (6, 2), (10, 2), (25, 3)])
def test_smoothing_keeps_the_area_of_discs(radius, smoothing):
    labels = disc(radius)
    area = np.count_nonzero(labels == PORE)
    smooth = np.count_nonzero(smooth_class(labels, PORE, radius_px=smoothing) == PORE)
    assert smooth == pytest.approx(area, rel=0.015)


def test_smoothing_takes_roughness_away(rng):
    ideal = disc(25)
    y, x = np.indices(ideal.shape)
    rough = (y - 40.3) ** 2 + (x - 50.2) ** 2 < (25 + 2 * rng.normal(size=ideal.shape)) ** 2
    labels = np.where(rough, PORE, SUBSTRATE).astype(np.uint8)
    smooth = smooth_class(labels, PORE, radius_px=2)
    assert np.count_nonzero(smooth != ideal) < 0.5 * np.count_nonzero(labels != ideal)
    area = np.count_nonzero(rough)
    assert np.count_nonzero(smooth == PORE) == pytest.approx(area, rel=0.02)


def test_what_leaves_the_class_becomes_the_class_next_to_it():
    labels = np.full((40, 40), BACKGROUND, np.uint8)
    labels[20:] = SUBSTRATE
    labels[15:20, 20] = SUBSTRATE  # a spike up, one column wide
    labels[30:35, 5] = PORE
    smooth = smooth_class(labels, SUBSTRATE, radius_px=2)
    assert (smooth[15:19, 20] == BACKGROUND).all()
    assert smooth_class(labels, PORE, radius_px=2)[32, 5] == SUBSTRATE
    with pytest.raises(ValueError, match="radius_px is 0"):
        smooth_class(labels, PORE, radius_px=0)


def test_real_keyholes_keep_their_area(real_data):
    labels = tifffile.imread(real_data / "ti64_plate" / "labels.tif")
    change = [
        np.count_nonzero(smooth_class(frame, KEYHOLE, radius_px=2) == KEYHOLE)
        / np.count_nonzero(frame == KEYHOLE)
        for frame in labels
    ]
    assert min(change) > 0.98
    assert max(change) < 1.01
    assert np.mean(change) == pytest.approx(1, abs=0.01)


def test_protected_pixels_never_change(rng):
    labels = rng.integers(0, 6, (60, 60)).astype(np.uint8)
    labels[20:40, 20:40] = PORE
    labels[25, 25] = 0
    protected = rng.random(labels.shape) < 0.3
    protected[25, 25] = False
    for cleaned in (
        remove_specks(labels, PORE, min_area_px=30, protected=protected),
        keep_largest(labels, PORE, protected=protected),
        fill_holes(labels, PORE, over=None, protected=protected),
        smooth_class(labels, PORE, radius_px=2, protected=protected),
    ):
        np.testing.assert_array_equal(cleaned[protected], labels[protected])
        assert (cleaned != labels).any()


def test_a_speck_or_hole_that_somebody_wanted_stays_whole(labels):
    labels[2, 2:5] = PORE
    protected = np.zeros(labels.shape, bool)
    protected[2, 3] = protected[26, 11] = True
    np.testing.assert_array_equal(
        remove_specks(labels, PORE, min_area_px=99, protected=protected), labels
    )
    np.testing.assert_array_equal(
        fill_holes(labels, SUBSTRATE, over=None, protected=protected), labels
    )
