"""Post-processing: specks, holes, and layers that lie as they must."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelScheme
from napari_amseg.segment import PostSettings, postprocess

LAYERS = PostSettings(physical_layers=True)


def post(labels, settings=LAYERS, scheme=DEFAULT_SCHEME):
    before = labels.copy()
    after = postprocess(labels, scheme, settings)
    np.testing.assert_array_equal(labels, before)
    assert after.dtype == np.uint8
    return after


def test_nothing_is_touched_unless_asked_for(labels):
    assert postprocess(labels, DEFAULT_SCHEME, PostSettings()) is labels


def test_a_frame_that_is_right_stays_as_it_is(labels):
    labels[11, 30:] = Label.POWDER
    everything = PostSettings(
        physical_layers=True, fill_holes_px=50, smallest_keyhole_px=9, smallest_pore_px=9
    )
    np.testing.assert_array_equal(post(labels, everything), labels)


@pytest.mark.parametrize("gas", [Label.BACKGROUND, Label.POWDER])
def test_gas_enclosed_in_metal_becomes_metal_also_at_the_lower_edge(labels, gas):
    wrong = labels.copy()
    wrong[22:24, 30:36] = gas
    wrong[28:, :4] = gas
    np.testing.assert_array_equal(post(wrong), labels)


def test_gas_enclosed_in_the_keyhole_becomes_keyhole(labels):
    wrong = labels.copy()
    wrong[14:16, 22] = Label.BACKGROUND
    np.testing.assert_array_equal(post(wrong), labels)


def test_powder_in_flight_is_not_enclosed(labels):
    labels[3:5, 10:12] = Label.POWDER
    np.testing.assert_array_equal(post(labels), labels)


@pytest.mark.parametrize(("roof", "is_open"), [(0, True), (3, True), (4, False)])
def test_a_keyhole_must_reach_the_surface_band(labels, roof, is_open):
    labels[12 : 12 + roof, 20:25] = Label.SUBSTRATE
    after = post(labels, PostSettings(physical_layers=True, surface_band_px=3))
    assert set(np.unique(after[12 + roof : 21, 20:25])) == {
        Label.KEYHOLE if is_open else Label.PORE
    }


def test_a_keyhole_cut_by_the_side_of_the_frame_is_left_alone(labels):
    labels[24:28, -5:] = Label.KEYHOLE
    labels[24:28, :3] = Label.KEYHOLE
    np.testing.assert_array_equal(post(labels), labels)


def test_inside_the_plate_nothing_reaches_a_surface():
    labels = np.full((32, 48), Label.SUBSTRATE, np.uint8)
    labels[10:15, 10:15] = Label.KEYHOLE
    labels[:4, 30:33] = Label.KEYHOLE  # goes on above the frame
    after = post(labels)
    assert (after[10:15, 10:15] == Label.PORE).all()
    assert (after[:4, 30:33] == Label.KEYHOLE).all()


def test_a_pore_above_the_surface_becomes_what_surrounds_it(labels):
    wrong = labels.copy()
    wrong[4:7, 30:33] = Label.PORE
    np.testing.assert_array_equal(post(wrong), labels)


def test_the_surface_may_be_tilted():
    y, x = np.mgrid[:64, :96]
    labels = np.where(y < 8 + x / 3, Label.BACKGROUND, Label.SUBSTRATE).astype(np.uint8)
    labels[(np.abs(x - 70) < 4) & (y < 50) & (labels == Label.SUBSTRATE)] = Label.KEYHOLE
    labels[20:23, 10:13] = Label.PORE  # above the keyhole's mouth, yet in the metal
    np.testing.assert_array_equal(post(labels), labels)


def test_holes_are_filled_up_to_an_area_but_not_over_cavities(labels):
    holed = labels.copy()
    holed[15:17, 21:24] = Label.PORE  # 6 px inside the keyhole
    holed[25:27, 40:44] = Label.POWDER  # 8 px inside the substrate
    holed[24:29, 30:35] = Label.BACKGROUND  # 25 px
    after = post(holed, PostSettings(fill_holes_px=8))
    assert (after[15:17, 21:24] == Label.KEYHOLE).all()
    assert (after[25:27, 40:44] == Label.SUBSTRATE).all()
    assert (after[24:29, 30:35] == Label.BACKGROUND).all()
    assert (after[25:28, 10:13] == Label.PORE).all()


def test_specks_become_what_surrounds_them(labels):
    specked = labels.copy()
    specked[2, 2:4] = Label.KEYHOLE
    specked[30, 40] = Label.KEYHOLE
    specked[14, 22] = Label.PORE
    settings = PostSettings(smallest_keyhole_px=3, smallest_pore_px=3)
    np.testing.assert_array_equal(post(specked, settings), labels)


def test_no_speck_is_left_in_noise_and_no_code_is_invented(rng):
    noise = ndimage.median_filter(rng.integers(1, 6, (96, 128)), 3).astype(np.uint8)
    settings = PostSettings(
        physical_layers=True, fill_holes_px=20, smallest_keyhole_px=12, smallest_pore_px=7
    )
    after = post(noise, settings)
    assert set(np.unique(after)) <= set(DEFAULT_SCHEME.codes)
    for code, smallest in ((Label.KEYHOLE, 12), (Label.PORE, 7)):
        parts, _ = ndimage.label(after == code, np.ones((3, 3)))
        areas = np.bincount(parts.ravel())[1:]
        assert areas.size == 0 or areas.min() >= smallest


def test_roles_count_not_codes(labels):
    scheme = LabelScheme.parse("keyhole=10,substrate=30,background=40,pore=20")
    wrong = labels.copy()
    wrong[22:24, 30:36] = Label.BACKGROUND
    np.testing.assert_array_equal(post(wrong * 10, LAYERS, scheme), labels * 10)


def test_a_scheme_of_few_classes_uses_the_steps_it_can(labels):
    casting = np.where(labels == Label.PORE, 2, 4).astype(np.uint8)
    casting[0, 0] = 2
    scheme = DEFAULT_SCHEME.subset(("pore", "background"))
    settings = PostSettings(physical_layers=True, fill_holes_px=9, smallest_pore_px=2)
    after = post(casting, settings, scheme)
    assert after[0, 0] == 4
    assert (after[25:28, 10:13] == 2).all()
