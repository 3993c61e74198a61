"""Labels with the borders that a person draws by the guide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.sample.drawn import hidden_hollows
from napari_amseg.sample.experiments import random_experiment

PLATE = PhantomSettings(
    n_frames=20, height_px=160, width_px=256, surface_at=0.2, powder_layer_um=0, window_particles=0,
    old_pores=8, keyhole_depth_um=200, keyhole_bend=0.1, keyhole_bulb=0, laser_off_frames=2,
    slit_transmission=1, photons=1e7, roughness_um=0,
)  # fmt: skip
T, SURFACE = 10, 32


def perimeter(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask & ~ndimage.binary_erosion(mask)))


def first_row_of_plate(labels: np.ndarray) -> int:
    return int((labels == Label.SUBSTRATE).any(axis=1).argmax())


@pytest.mark.parametrize("label", [Label.KEYHOLE, Label.PORE])
@pytest.mark.parametrize(
    ("distance_m", "inside_px"), [(0.0, (-0.2, 1.0)), (0.1, (0.1, 1.5)), (0.25, (0.4, 2.5))]
)
def test_the_drawn_border_lies_inside_the_exact_one(label, distance_m, inside_px):
    phantom = simulate(replace(PLATE, distance_m=distance_m))
    exact, drawn = ((labels[T] == label)[SURFACE:] for labels in (phantom.labels, phantom.drawn))
    missing = (exact.sum() - drawn.sum()) / perimeter(exact)
    assert inside_px[0] <= missing <= inside_px[1]
    assert not (drawn & ~exact).any()


def test_the_drawn_border_is_half_way_in_grey():
    phantom = simulate(replace(PLATE, distance_m=0.25))
    image = phantom.stack[T].astype(float)
    drawn = phantom.drawn[T] == Label.KEYHOLE
    deep = np.arange(160)[:, None] > 0.2 * 160 + 12  # the mouth is seen against the gas
    ring = np.ones((3, 3), bool)
    last = drawn & ~ndimage.binary_erosion(drawn, ring) & deep
    first = ndimage.binary_dilation(drawn, ring) & ~drawn & deep
    bright = ndimage.maximum_filter(image, size=9)
    dark = ndimage.minimum_filter(image, size=9)
    level = (image - dark) / (bright - dark)
    assert np.median(level[last]) > 0.5 > np.median(level[first])


def test_all_but_hollows_and_plate_is_as_it_was():
    phantom = simulate(replace(PLATE, powder_layer_um=80, window_particles=40))
    exact, drawn = phantom.labels[T], phantom.drawn[T]
    metal = [Label.KEYHOLE, Label.PORE, Label.SUBSTRATE]
    assert (np.isin(exact, metal) == np.isin(drawn, metal)).all()
    others = ~np.isin(exact, metal)
    assert (exact[others] == drawn[others]).all()


def test_the_mouth_reaches_the_surface():
    drawn = simulate(PLATE).drawn[T]
    assert (drawn == Label.KEYHOLE).any(axis=1).argmax() == first_row_of_plate(drawn)


def test_the_exact_border_stays_where_nothing_can_be_seen():
    phantom = simulate(replace(PLATE, distance_m=0, substrate_thickness_um=1))
    assert (phantom.labels[T] == phantom.drawn[T]).all()


def test_laser_off_and_no_pores_give_the_plate():
    phantom = simulate(replace(PLATE, old_pores=0, pore_every_frames=0))
    assert (phantom.drawn[0] == phantom.labels[0])[SURFACE:].all()


@pytest.mark.parametrize("tilt_deg", [0.0, 4.0])
@pytest.mark.parametrize(
    "edge",
    [
        {"edge_um": 2.0},
        {"edge_um": 40.0, "distance_m": 0.0},
        {"slit_transmission": 0.1, "slit_above_um": 20.0, "slit_soft_um": 4.0, "distance_m": 0.0},
        {"slit_transmission": 0.02, "slit_above_um": -20.0, "slit_soft_um": 4.0},
    ],
)
def test_the_drawn_surface_is_half_way_in_grey(edge, tilt_deg):
    phantom = simulate(
        replace(PLATE, surface_tilt_deg=tilt_deg, beam_height=50, beam_width=50, **edge)
    )
    image, drawn = phantom.stack[0].astype(float), phantom.drawn[0]
    reach, levels = 12, []
    for column in range(8, 248, 16):
        row = int((drawn[:, column] != Label.BACKGROUND).argmax())
        near = image[row - reach : row + reach, column - 3 : column + 4].mean(axis=1)
        here = near[reach - 1 : reach + 1]
        levels.append((here - near.min()) / np.ptp(near))
    above, below = np.median(levels, axis=0)
    assert (above - 0.5) * (below - 0.5) < 0


def test_a_slit_below_the_edge_of_the_plate_makes_the_surface_that_is_seen():
    cut = {"slit_transmission": 0.02, "slit_above_um": -20.0, "slit_soft_um": 4.0}
    raw = simulate(replace(PLATE, **cut))
    assert first_row_of_plate(raw.drawn[0]) == pytest.approx(SURFACE + 10, abs=1)
    assert (raw.drawn[T][SURFACE : SURFACE + 8] == Label.BACKGROUND).all()
    corrected = simulate(replace(PLATE, **cut, flat_field=True))
    assert first_row_of_plate(corrected.drawn[0]) == pytest.approx(SURFACE, abs=3)


def test_a_faint_cut_below_the_edge_of_the_plate_is_not_its_surface():
    cut = {"slit_above_um": -20.0, "slit_soft_um": 4.0}
    faint, strong = (
        simulate(replace(PLATE, **cut, slit_transmission=through)) for through in (0.4, 0.2)
    )
    bare = first_row_of_plate(simulate(PLATE).drawn[0])
    assert first_row_of_plate(faint.drawn[0]) == pytest.approx(bare, abs=1)
    assert first_row_of_plate(strong.drawn[0]) > bare + 5


@pytest.mark.parametrize(
    "hidden",
    [{"surface_at": -0.5}, {"surface_at": 0.01}, {"powder_layer_um": 60.0}, {"background": True}],
)
def test_the_surface_stays_where_it_is_not_seen_on_both_sides(hidden):
    phantom = simulate(replace(PLATE, edge_um=40.0, **hidden))
    exact, drawn = phantom.labels[0], phantom.drawn[0]
    assert ((exact == Label.BACKGROUND) == (drawn == Label.BACKGROUND)).all()


@pytest.mark.parametrize(("photons", "is_hidden"), [(1e7, False), (100.0, True)])
def test_what_noise_hides_is_told(photons, is_hidden):
    phantom = simulate(replace(PLATE, distance_m=0.05, photons=photons, energy_kev=60))
    labels = phantom.drawn[T]
    hidden = hidden_hollows(phantom.stack[T], labels)
    assert hidden[labels == Label.KEYHOLE].all() == is_hidden
    assert hidden[labels == Label.PORE].any() == is_hidden
    assert not hidden[labels == Label.BACKGROUND].any()


def test_a_rim_alone_is_enough_to_be_seen():
    image = np.full((60, 80), 100.0, np.float32)
    labels = np.full(image.shape, Label.SUBSTRATE, np.uint8)
    labels[20:40, 30:50] = Label.PORE
    image += np.random.default_rng(0).normal(0, 2, image.shape)
    assert (hidden_hollows(image, labels)[labels == Label.PORE]).all()
    rim = ndimage.binary_dilation(labels == Label.PORE, iterations=2) & (labels != Label.PORE)
    image[rim] -= 10
    assert not hidden_hollows(image, labels).any()


@pytest.mark.parametrize(
    "odd",
    [
        {"oversampling": 1},
        {"surface_at": 1.0},
        {"surface_at": 1.0, "surface_tilt_deg": 15.0},
        {"surface_at": 0.9, "pixel_size_um": 2.0, "keyhole_depth_um": 30.0},
        {"surface_at": 0.0, "surface_tilt_deg": -15.0, "slit_transmission": 0.0},
        {"surface_at": 0.9, "surface_tilt_deg": 15.0, "pixel_size_um": 0.5},
        {"edge_um": 1000.0, "slit_transmission": 0.5, "slit_above_um": 500.0},
        {"pixel_size_um": 50.0, "flat_field": True, "slit_transmission": 0.0},
    ],
)
def test_frames_and_labels_exist_at_the_limits_of_the_settings(odd):
    settings = replace(PLATE, n_frames=8, height_px=48, width_px=64, old_pores=3, distance_m=0.1)
    phantom = simulate(replace(settings, **odd))
    for t in range(8):
        assert phantom.stack[t].any()
        assert np.isin(phantom.drawn[t], phantom.labels[t]).all()  # no class from nowhere


def test_no_lid_of_plate_lies_over_a_mouth_in_coarse_pixels():
    settings = random_experiment(np.random.default_rng([77, 220]), (160, 224))
    settings = replace(settings, pixel_size_um=4.5, edge_um=3.7, surface_tilt_deg=0.0)
    for t in range(6, 24, 3):
        drawn = simulate(settings).drawn[t]
        widths = (drawn == Label.KEYHOLE).sum(axis=1)
        first = int(np.flatnonzero(widths)[0])
        assert widths[first] >= 0.8 * widths[first + 2]


def test_a_cut_far_below_the_edge_is_followed_too():
    far = {"slit_transmission": 0.02, "slit_above_um": -80.0, "slit_soft_um": 4.0}
    drawn = simulate(replace(PLATE, **far)).drawn[0]
    assert first_row_of_plate(drawn) == pytest.approx(SURFACE + 40, abs=1)


def test_nothing_comes_through_very_thick_windows():
    phantom = simulate(replace(PLATE, wall_mm=1e5))
    assert (phantom.drawn[0] == phantom.labels[0]).all()
