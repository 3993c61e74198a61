import math

import numpy as np
import pytest

from napari_amseg.sample.geometry import KeyholeProfile, Pore, Surface, make_keyhole


def test_ellipse_has_its_area_when_drawn():
    pore = Pore(60.3, 50.7, 30, 12, 0.4)
    box, radius = pore.relative_radius((100, 120))
    assert (radius <= 1).sum() == pytest.approx(math.pi * 30 * 12, rel=0.01)
    assert radius.shape == (box[0].stop - box[0].start, box[1].stop - box[1].start)


def test_straight_keyhole_is_a_rectangle_with_half_an_ellipse():
    profile = KeyholeProfile(bend=0, bend_power=1, flare=0, bulb=0, tip=0.25)
    keyhole = make_keyhole(50, depth_px=80, width_px=20, direction=1, profile=profile)
    assert keyhole.area_px == pytest.approx(20 * 60 + math.pi / 2 * 10 * 20, rel=1e-3)
    assert keyhole.tip_column_px == 50


def test_tilt_changes_neither_area_nor_depth():
    profile = KeyholeProfile()
    keyhole = make_keyhole(100, depth_px=70, width_px=24, direction=-1, profile=profile)
    for slope in (-0.18, 0, 0.18):
        below = Surface(40, slope, 100).depth_map((200, 200))
        box, offset = keyhole.relative_offset(below)
        inside = np.abs(offset) <= 1
        assert inside.sum() == pytest.approx(keyhole.area_px, rel=0.01)
        assert below[box][inside].max() == pytest.approx(70, abs=1)


def test_keyhole_beyond_the_border_is_cut_off():
    below = Surface(10, 0, 32).depth_map((48, 64))
    for column in (-200, 0, 64, 300):
        keyhole = make_keyhole(
            column, depth_px=60, width_px=20, direction=1, profile=KeyholeProfile()
        )
        box, offset = keyhole.relative_offset(below)
        assert offset.shape == below[box].shape
