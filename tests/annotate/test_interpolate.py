"""Shapes between key frames: analytic discs, real keyholes, and what is cut, new or gone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tifffile

from napari_amseg.annotate.interpolate import interpolate_frames, interpolate_mask
from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate

SHAPE = (80, 120)


def disc(row, column, radius):
    y, x = np.indices(SHAPE)
    return (y - row) ** 2 + (x - column) ** 2 < radius**2


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def mean_iou(masks, keys, **options):
    """Over the frames between the key frames."""
    scores = [
        iou(mask, masks[first + k])
        for first, last in pairwise(keys)
        for k, mask in interpolate_frames(masks[first], masks[last], last - first - 1, **options)
    ]
    return float(np.mean(scores))


@pytest.mark.parametrize("motion", [True, False])
def test_a_disc_that_grows_has_the_radius_between(motion):
    before, after = disc(40, 60, 8), disc(40, 60, 20)
    for k, mask in interpolate_frames(before, after, 3, motion=motion):
        assert iou(mask, disc(40, 60, 8 + 3 * k)) > 0.97


def test_a_disc_that_moves_farther_than_its_width_stays_whole():
    before, after, between = disc(30, 20, 8), disc(38, 44, 8), disc(34, 32, 8)
    assert iou(interpolate_mask(before, after, 0.5), between) > 0.97
    assert not interpolate_mask(before, after, 0.5, motion=False).any()


def test_motion_is_finer_than_a_pixel():
    columns = [
        np.nonzero(mask)[1].mean()
        for _, mask in interpolate_frames(disc(40, 60, 10), disc(40, 62, 10), 3)
    ]
    np.testing.assert_allclose(columns, (60.5, 61, 61.5), atol=0.15)


@pytest.mark.parametrize("motion", [True, False])
def test_time_may_run_backwards_and_ends_at_the_key_frames(motion):
    before, after = disc(30, 20, 8) | disc(60, 90, 5), disc(36, 30, 10)
    for fraction in (0, 0.25, 0.5, 0.75, 1):
        there = interpolate_mask(before, after, fraction, motion=motion)
        back = interpolate_mask(after, before, 1 - fraction, motion=motion)
        np.testing.assert_array_equal(there, back)
    np.testing.assert_array_equal(interpolate_mask(before, after, 0.0, motion=motion), before)
    np.testing.assert_array_equal(interpolate_mask(before, after, 1.0, motion=motion), after)


def test_each_of_several_pores_goes_its_own_way():
    before = disc(20, 20, 6) | disc(60, 90, 6)
    after = disc(20, 34, 6) | disc(60, 76, 6)
    mask = interpolate_mask(before, after, 0.5)
    assert iou(mask, disc(20, 27, 6) | disc(60, 83, 6)) > 0.95


def test_a_pore_without_counterpart_is_there_or_not():
    stays, goes, comes = disc(20, 20, 6), disc(60, 20, 6), disc(60, 100, 6)
    frames = dict(interpolate_frames(stays | goes, stays | comes, 3))
    np.testing.assert_array_equal(frames[1], stays | goes)
    np.testing.assert_array_equal(frames[2], stays | goes | comes)
    np.testing.assert_array_equal(frames[3], stays | comes)
    # told that parts move so far, they are one
    assert not interpolate_mask(goes, comes, 0.5)[60, 60]
    assert interpolate_mask(goes, comes, 0.5, reach_px=100)[60, 60]


@pytest.mark.parametrize("motion", [True, False])
def test_a_class_that_only_one_key_frame_has(motion):
    some, none = disc(40, 60, 9), np.zeros(SHAPE, bool)
    gone = [mask.any() for _, mask in interpolate_frames(some, none, 4, motion=motion)]
    come = [mask.any() for _, mask in interpolate_frames(none, some, 4, motion=motion)]
    assert gone == [True, True, False, False]
    assert come == [False, False, True, True]
    assert not interpolate_mask(none, none, 0.5, motion=motion).any()


@pytest.mark.parametrize("turns", range(4))
def test_the_edge_of_the_frame_is_no_edge_of_the_class(turns):
    def turned(depth, beyond=0):
        mask = np.zeros((60, 60), bool)
        mask[:depth, 20:40] = True
        return np.rot90(np.pad(mask, beyond, mode="edge"), turns)

    plain = interpolate_mask(turned(10), turned(30), 0.5, motion=False)
    uncut = interpolate_mask(turned(10, 40), turned(30, 40), 0.5, motion=False)
    np.testing.assert_array_equal(plain, uncut[40:-40, 40:-40])
    moved = interpolate_mask(turned(10), turned(30), 0.5)
    assert iou(moved, turned(20)) > 0.9
    for mask in (plain, moved):
        assert (mask & turned(1)).sum() == 20
        assert not (mask & ~turned(30)).any()  # nothing comes in at the other side


def test_a_class_that_fills_the_frame_fills_it():
    whole = np.ones((60, 60), bool)
    assert interpolate_mask(whole, whole, 0.3).all()


def test_a_half_plane_that_leaves_the_frame():
    y, _ = np.indices(SHAPE)
    mask = interpolate_mask(y >= 40, y >= 60, 0.5)
    assert abs(int(mask[:, 5].argmax()) - 50) <= 1
    assert mask[51:].all()


def test_the_real_keyhole_between_key_frames(real_data):
    labels = tifffile.imread(real_data / "ti64_plate" / "labels.tif")
    masks, keys = labels == int(Label.KEYHOLE), (0, 3, 6, 9)
    assert mean_iou(masks, keys, motion=False) > 0.65
    assert mean_iou(masks, keys) > 0.675


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("speed", [0.0, 0.5])
def test_a_phantom_keyhole_that_grows_slowly(seed, speed):
    phantom = simulate(
        PhantomSettings(
            n_frames=13, laser_off_frames=0, fluctuation=0.02, scan_speed_m_s=speed, seed=seed
        )
    )
    masks = [phantom.labels[t] == int(Label.KEYHOLE) for t in range(13)]
    keys = (3, 6, 9, 12)
    assert mean_iou(masks, keys) > 0.96
    assert mean_iou(masks, keys, motion=False) > (0.96 if speed == 0 else 0.90)


def test_what_cannot_be_interpolated():
    one = disc(40, 60, 8)
    with pytest.raises(ValueError, match="from one stack"):
        interpolate_mask(one, one[:-1], 0.5)
    with pytest.raises(ValueError, match="fraction is 2"):
        interpolate_mask(one, one, 2)
    with pytest.raises(ValueError, match="reach_px is 0"):
        interpolate_mask(one, one, 0.5, reach_px=0)
