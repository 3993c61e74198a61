"""Shape of the keyhole on drawn outlines whose numbers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.measure import perimeter_crofton

from napari_amseg.labels import Label
from napari_amseg.measure import measure_frame
from napari_amseg.measure.pores import find_pores
from napari_amseg.measure.shape import outline, perimeter_px
from napari_amseg.measure.surface import first_rows
from napari_amseg.types import Experiment

SURFACE = 60.0
UNITS = Experiment(pixel_size_um=2.0)


def drawn(inside, *, tilt_deg=0.0, height=260, width=400, surface=SURFACE):
    """Labels of a plate with a keyhole: `inside(depth, x)` in px, depth below the surface."""
    y, x = np.mgrid[:height, :width] + 0.5
    depth = y - surface - math.tan(math.radians(tilt_deg)) * (x - width / 2)
    labels = np.where(depth >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[inside(depth, x) & (depth >= 0)] = Label.KEYHOLE
    return labels


def row(labels, **more):
    return measure_frame(labels, experiment=UNITS, **more).row


def wedge(left_deg, right_deg, *, depth=100, bottom=8.0, middle=200.0):
    """Walls at these angles from the vertical, both leaning outwards at the top."""
    left, right = (math.tan(math.radians(a)) for a in (left_deg, right_deg))

    def inside(d, x):
        up = depth - d
        return (d < depth) & (x > middle - bottom - left * up) & (x < middle + bottom + right * up)

    return inside


@pytest.mark.parametrize(("left", "right"), [(0, 0), (10, 10), (3, 22), (-8, 15), (30, 5)])
def test_wall_angles_of_wedges(left, right):
    bottom = 8.0 if left >= 0 else 40.0
    measured = row(drawn(wedge(left, right, bottom=bottom)))
    assert measured["keyhole_left_wall_deg"] == pytest.approx(left, abs=0.5)
    assert measured["keyhole_right_wall_deg"] == pytest.approx(right, abs=0.5)


@pytest.mark.parametrize("tilt", [-10, -4, 4, 10])
def test_wall_angles_are_from_the_vertical_also_under_a_tilted_surface(tilt):
    """The wedge is upright in the image, cut by the surface at an angle."""
    slope = math.tan(math.radians(tilt))
    walls = (math.tan(math.radians(a)) for a in (12, 20))
    left, right = walls

    def inside(d, x):
        y = d + slope * (x - 200)  # height in the image, below the middle of the surface
        up = 110 - y
        return (y < 110) & (x > 190 - left * up) & (x < 210 + right * up)

    measured = row(drawn(inside, tilt_deg=tilt))
    assert measured["keyhole_left_wall_deg"] == pytest.approx(12, abs=1)
    assert measured["keyhole_right_wall_deg"] == pytest.approx(20, abs=1)


def test_widths_of_a_triangle():
    """Opening 80, closing to a point at depth 120: the width falls evenly, 40 on average."""
    measured = row(drawn(lambda d, x: abs(x - 200) < 40 * (1 - d / 120)))
    assert measured["keyhole_depth_px"] == pytest.approx(119, abs=1.5)
    assert measured["keyhole_width_opening_px"] == pytest.approx(80, abs=1)
    for share, width in ((25, 60), (50, 40), (75, 20)):
        assert measured[f"keyhole_width_{share}_px"] == pytest.approx(width, abs=1)
        assert measured[f"keyhole_width_{share}_um"] == 2 * measured[f"keyhole_width_{share}_px"]
    assert measured["keyhole_width_mean_px"] == pytest.approx(40, abs=1)
    assert measured["keyhole_aspect_ratio"] == pytest.approx(3, rel=0.03)
    assert measured["keyhole_tip_offset_px"] == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("tilt", [-10, 0, 7])
def test_half_ellipse_under_a_tilted_surface(tilt):
    """Half-axes 30 and 90 below the surface: width 60 sqrt(1 - (d/90)^2), mean 60 pi / 4."""
    measured = row(drawn(lambda d, x: ((x - 200) / 30) ** 2 + (d / 90) ** 2 < 1, tilt_deg=tilt))
    assert measured["keyhole_area_px"] == pytest.approx(math.pi / 2 * 30 * 90, rel=0.01)
    assert measured["keyhole_depth_px"] == pytest.approx(90, abs=1)
    assert measured["keyhole_width_opening_px"] == pytest.approx(60, abs=2)
    for share in (25, 50, 75):
        width = 60 * math.sqrt(1 - (share / 100) ** 2)
        assert measured[f"keyhole_width_{share}_px"] == pytest.approx(width, abs=1.5)
    assert measured["keyhole_width_mean_px"] == pytest.approx(60 * math.pi / 4, abs=1)


def test_mean_width_times_depth_is_the_area_below_the_surface():
    labels = drawn(wedge(5, 25))
    labels[50:60, 190:215] = Label.KEYHOLE  # the hump above the surface does not widen it
    measured = row(labels)
    below = np.count_nonzero(labels[60:] == Label.KEYHOLE)
    assert measured["keyhole_width_mean_px"] * measured["keyhole_depth_px"] == pytest.approx(below)
    assert measured["keyhole_height_px"] == measured["keyhole_depth_px"] + 10
    assert measured["keyhole_area_px"] == below + 250


def test_j_shaped_keyhole():
    """A shaft of 20 and a hook to the right at the bottom, 30 wide and 14 deep."""

    def inside(d, x):
        shaft = (abs(x - 150) < 10) & (d < 100)
        hook = (x >= 150) & (x < 190) & (d >= 80) & (d < 94 + (x - 150) * 0.25)
        return shaft | hook

    measured = row(drawn(inside))
    assert measured["keyhole_width_opening_px"] == 20
    assert measured["keyhole_width_50_px"] == 20
    assert measured["keyhole_depth_px"] == pytest.approx(104, abs=1)
    assert measured["keyhole_tip_offset_px"] == pytest.approx(38, abs=3)
    assert measured["keyhole_tip_y_px"] == pytest.approx(SURFACE + 103, abs=1)
    assert measured["keyhole_left_wall_deg"] == pytest.approx(0, abs=4)
    assert measured["keyhole_convexity"] < 0.97


def test_i_shaped_keyhole_has_upright_walls():
    measured = row(drawn(lambda d, x: (abs(x - 100) < 8) & (d < 120)))
    assert measured["keyhole_left_wall_deg"] == measured["keyhole_right_wall_deg"] == 0
    assert measured["keyhole_aspect_ratio"] == pytest.approx(120 / 16)
    assert measured["keyhole_convexity"] == pytest.approx(1, abs=0.03)
    assert measured["keyhole_perimeter_px"] == pytest.approx(2 * (120 + 16), rel=0.06)


def test_outline_of_a_disc():
    y, x = np.mgrid[:101, :101] - 50
    disc = x**2 + y**2 < 40**2
    found = outline(disc, int(disc.sum()))
    assert found.perimeter_px == pytest.approx(80 * math.pi, rel=0.01)
    assert found.circularity == pytest.approx(1, abs=0.02)
    assert found.convexity == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("angle_deg", [0, 30, 45, 77])
def test_feret_diameter_of_a_turned_ellipse(angle_deg):
    """Half-axes 30 and 10: the longest chord is 60 in every direction, sqrt(300) * 2 the disc's."""
    y, x = np.mgrid[:121, :121] - 60.0
    turn = math.radians(angle_deg)
    along = x * math.cos(turn) + y * math.sin(turn)
    across = -x * math.sin(turn) + y * math.cos(turn)
    (pore,) = find_pores((along / 30) ** 2 + (across / 10) ** 2 < 1)
    assert pore.feret_diameter_px == pytest.approx(60, abs=1.2)
    assert pore.equivalent_diameter_px == pytest.approx(2 * math.sqrt(300), rel=0.02)


def test_pores_at_the_border_and_their_distance_to_the_tip():
    labels = drawn(lambda d, x: (abs(x - 200) < 10) & (d < 50))
    labels[150:160, 0:10] = Label.PORE
    labels[-4:, -4:] = Label.PORE
    found = measure_frame(labels, experiment=UNITS)
    assert [p["area_px"] for p in found.pores] == [100, 16]
    tip_y, tip_x = found.row["keyhole_tip_y_px"], found.row["keyhole_tip_x_px"]
    assert (tip_y, tip_x) == (SURFACE + 49, 199.5)
    first = found.pores[0]
    assert first["tip_distance_px"] == pytest.approx(math.hypot(154.5 - tip_y, 4.5 - tip_x))
    assert first["tip_distance_um"] == pytest.approx(2 * first["tip_distance_px"])
    assert first["feret_diameter_px"] == pytest.approx(math.hypot(10, 9), abs=0.1)
    solid = np.count_nonzero(labels == Label.SUBSTRATE)
    assert found.row["pore_fraction"] == pytest.approx(116 / (116 + solid))


def test_without_a_keyhole_there_is_no_shape():
    measured = row(drawn(lambda d, x: np.zeros(d.shape, bool)))
    for name in ("keyhole_width_50_px", "keyhole_left_wall_deg", "keyhole_tip_y_px"):
        assert measured[name] is None


@pytest.mark.parametrize("rows", [(60, 61), (55, 60), (59, 62)])
def test_slivers_at_the_surface_have_numbers(rows):
    """One row deep, wholly above, across: a value or nothing, never an error."""
    above = rows[1] <= SURFACE
    labels = drawn(lambda d, x: np.zeros(d.shape, bool))
    labels[rows[0] : rows[1], 100:104] = Label.KEYHOLE
    measured = row(labels)
    assert measured["keyhole_width_opening_px"] == (None if above else 4)
    assert measured["keyhole_aspect_ratio"] is None or not above
    assert (measured["keyhole_depth_px"] == 0) == above
    assert measured["keyhole_height_px"] == rows[1] - rows[0]


@pytest.mark.parametrize("tilt", [-6, 0, 6])
def test_powder_layer(tilt):
    """A bed of 24 px, denuded in the middle; particles in flight do not count."""
    labels = drawn(lambda d, x: np.zeros(d.shape, bool), tilt_deg=tilt)
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    depth = y - SURFACE - math.tan(math.radians(tilt)) * (x - 200)
    labels[(depth < 0) & (depth > -24) & (abs(x - 200) > 50)] = Label.POWDER
    labels[5:9, 150:160] = Label.POWDER
    assert row(labels)["powder_layer_px"] == pytest.approx(24, abs=0.6)
    labels[labels == Label.POWDER] = Label.BACKGROUND
    labels[(depth < 0) & (depth > -2) & (x < 200)] = Label.POWDER
    labels[(depth < 0) & (depth > -10) & (x >= 200)] = Label.POWDER
    assert row(labels)["powder_layer_px"] == pytest.approx(6, abs=0.6)  # a thin bed is one
    labels[labels == Label.POWDER] = Label.BACKGROUND
    assert row(labels)["powder_layer_px"] is None


def test_columns_whose_surface_lies_below_the_frame_have_no_powder_bed():
    """A steep surface leaves the frame on the right; the bed is as thick as where it is seen."""
    y, x = np.mgrid[:100, :300]
    depth = y - (60 + 0.2 * x)
    labels = np.where(depth >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[(depth < 0) & (depth > -10)] = Label.POWDER
    labels[5, 250:] = Label.POWDER  # in flight
    assert row(labels)["powder_layer_px"] == pytest.approx(10, abs=0.6)


def test_perimeter_and_first_rows_are_those_of_the_libraries(rng):
    """Ours are faster on one small part; the numbers must be the same."""
    for shape in ((1, 1), (1, 9), (7, 1), (30, 44), (120, 15)):
        mask = rng.random(shape) < 0.4
        mask[0, 0] = True
        expected = perimeter_crofton(np.pad(mask, 1), directions=4)
        assert perimeter_px(mask) == pytest.approx(expected, rel=1e-12)
        there = np.where(mask.any(axis=0), mask.argmax(axis=0), -1)
        assert np.array_equal(first_rows(mask), there)


def test_any_labels_at_all_can_be_measured(rng):
    """Noise and rectangles of every class, down to one pixel: numbers or nothing, no warning."""
    for _ in range(150):
        shape = tuple(rng.integers(1, 30, 2))
        labels = rng.integers(0, 6, shape).astype(np.uint8)
        if rng.random() < 0.5:
            labels[:] = Label.BACKGROUND
            labels[rng.integers(0, shape[0] + 1) :] = Label.SUBSTRATE
            for code in (Label.KEYHOLE, Label.PORE, Label.POWDER):
                (top, end), (left, right) = (np.sort(rng.integers(0, n + 1, 2)) for n in shape)
                labels[top:end, left:right] = code
        found = measure_frame(labels, experiment=UNITS)
        assert found.row["keyhole_area_px"] == np.count_nonzero(labels == Label.KEYHOLE)
        assert sum(p["area_px"] for p in found.pores) == np.count_nonzero(labels == Label.PORE)
        values = [v for v in found.row.values() if isinstance(v, float)]
        assert np.isfinite(values).all()
