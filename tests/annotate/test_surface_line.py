"""The surface line against analytic edges, phantoms and real frames."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_amseg.annotate.surface_line import (
    SurfaceLine,
    fill_sides,
    fit_surface,
    fit_surface_of_labels,
)
from napari_amseg.io import read_stack
from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate

SHAPE = (200, 400)
SIDES = np.array([0, 399])


def plate(slope, rng, *, above, below, noise=10.0):
    """A frame with a plate whose surface crosses the middle of row 100, and its line."""
    line = SurfaceLine(100 - slope * 199.5, slope)
    y, x = np.indices(SHAPE)
    share = np.clip(y - line.rows(x) + 0.5, 0, 1)
    return above + (below - above) * share + rng.normal(0, noise, SHAPE), line


def farthest_px(one, other, columns=SIDES):
    return float(np.abs(one.rows(columns) - other.rows(columns)).max())


def test_a_pixel_is_below_by_its_centre():
    assert SurfaceLine(1.5).below((4, 2))[:, 0].tolist() == [False, False, True, True]
    tilted = SurfaceLine(-0.5, 1.0).below((3, 3))
    assert tilted.tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert not SurfaceLine(10).below((4, 2)).any()


def test_a_line_through_drawn_points():
    line = SurfaceLine.from_points([(10, 0), (20, 100)])
    assert (line.row_px, line.slope) == (pytest.approx(10), pytest.approx(0.1))
    bent = SurfaceLine.from_points([(10, 0), (13, 50), (10, 100)])
    assert (bent.row_px, bent.slope) == (pytest.approx(11), pytest.approx(0, abs=1e-12))
    for points in ([(1, 2)], [(1, 2), (3, 2)], []):
        with pytest.raises(ValueError, match="draw at least two"):
            SurfaceLine.from_points(points)


@pytest.mark.parametrize("degrees", [-10, -3, -0.4, 0, 1, 10])
@pytest.mark.parametrize(("above", "below"), [(200, 120), (20, 120)])
def test_straight_edges_at_any_tilt(rng, degrees, above, below):
    image, line = plate(np.tan(np.radians(degrees)), rng, above=above, below=below)
    assert farthest_px(fit_surface(image), line) < 0.5


@pytest.mark.parametrize("scaled", [lambda g: g / 1e4, lambda g: -g, lambda g: g.clip(0, 255)])
def test_any_scale_of_grey_values(rng, scaled):
    image, line = plate(0.02, rng, above=200, below=120)
    assert farthest_px(fit_surface(scaled(image)), line) < 0.5


def test_keyhole_powder_and_bands_do_not_move_the_line(rng):
    image, line = plate(0.03, rng, above=200, below=120, noise=5)
    y, x = np.indices(SHAPE)
    image[60:150, 180:240] = 230  # vapour and keyhole, 15 per cent of the columns
    rough = line.rows(x) - 25 + 8 * np.sin(x / 7.0) + rng.normal(0, 8, 400)
    powder = (y > rough) & ~line.below(SHAPE) & (x < 180)
    image[powder] = rng.normal(150, 30, powder.sum())
    image *= 1 + 0.02 * np.sin(y / 5.0)
    assert farthest_px(fit_surface(image), line) < 0.5


def test_of_slit_and_plate_the_lower_is_taken(rng):
    image, line = plate(0.01, rng, above=250, below=100, noise=3)
    y, x = np.indices(SHAPE)
    image[y < line.rows(x) - 12] = 10  # the slit cuts a stronger edge
    assert farthest_px(fit_surface(image), line) < 0.5


def test_no_surface_is_refused(rng):
    ramp = np.linspace(0, 500, SHAPE[0])[:, None] + rng.normal(0, 10, SHAPE)
    for image in (np.zeros(SHAPE), np.full(SHAPE, 7, np.uint8), rng.normal(0, 1, SHAPE), ramp):
        with pytest.raises(ValueError, match="draw the line yourself"):
            fit_surface(image)
    for _ in range(20):
        with pytest.raises(ValueError, match="no straight surface"):
            fit_surface(rng.poisson(50, (64, 128)))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"powder_layer_um": 0.0},
        {"powder_layer_um": 0.0, "slit_transmission": 0.05, "slit_above_um": 16.0},
        {"slit_transmission": 1.0},
        {"slit_transmission": 1.0, "powder_layer_um": 120.0, "surface_tilt_deg": 8.0},
        {"slit_transmission": 1.0, "surface_tilt_deg": -8.0, "photons": 1_000.0},
        {"material": "AlSi10Mg", "slit_transmission": 1.0, "window_particles": 0},
        {"bands": 0.1, "flat_field": True, "distance_m": 0.4},
    ],
)
def test_the_surface_of_phantoms(changed):
    """Its edge fades over 5 rows here, with a rim on both sides: that is how near it can be."""
    settings = PhantomSettings(n_frames=20, oversampling=2, **changed)
    phantom = simulate(settings)
    slope = np.tan(np.radians(settings.surface_tilt_deg))
    truth = SurfaceLine(round(0.42 * 256) - 0.5 - slope * 255.5, slope)
    labels = phantom.labels[10]
    of_labels = fit_surface_of_labels(labels == 3, labels == 1)
    assert farthest_px(of_labels, truth, [0, 511]) < 0.6
    assert farthest_px(fit_surface(phantom.stack[10]), truth, [0, 511]) < 3.5


def test_the_real_plate(real_data):
    folder = real_data / "ti64_plate"
    columns = np.arange(1024)
    labels = tifffile.imread(folder / "labels.tif")
    for frame, codes in zip(read_stack(folder), labels, strict=True):
        drawn = fit_surface_of_labels(codes == int(Label.SUBSTRATE), codes == int(Label.KEYHOLE))
        assert farthest_px(fit_surface(frame), drawn, columns) < 0.6


def test_the_real_powder_bed(real_data):
    frame = iio.imread(real_data / "powder_bed" / "rad_00001h.png")
    rows = fit_surface(frame).rows([0, 512, 1023])
    np.testing.assert_allclose(rows, (121.5, 119.5, 117.5), atol=3)  # by eye


def test_labels_give_the_first_row_but_half_a_pixel(labels):
    line = fit_surface_of_labels(labels == Label.SUBSTRATE, labels == Label.KEYHOLE)
    assert (line.row_px, line.slope) == (pytest.approx(11.5), pytest.approx(0, abs=1e-9))
    np.testing.assert_array_equal(
        line.below(labels.shape), np.arange(32)[:, None] > 11.5 + 0 * labels[:1]
    )


def test_spatter_and_a_few_columns_do_not_pull_the_line_of_labels():
    y, x = np.indices(SHAPE)
    line = SurfaceLine(90.2, 0.03)
    substrate = y > line.rows(x)
    substrate[60:70, 100:140] = True
    assert farthest_px(fit_surface_of_labels(substrate), line) < 0.4
    substrate[:, :250] = False  # a part of the frame is enough
    assert farthest_px(fit_surface_of_labels(substrate), line) < 0.5
    with pytest.raises(ValueError, match="label more substrate"):
        fit_surface_of_labels(np.zeros(SHAPE, bool))
    with pytest.raises(ValueError, match="in 0 columns without keyhole"):
        fit_surface_of_labels(substrate, np.ones(SHAPE, bool))


def test_only_what_is_unlabelled_is_filled(labels):
    labels[5:20, :10] = 0
    line = SurfaceLine(11.5)
    both = fill_sides(labels, line, above=4, below=3)
    assert both.dtype == np.uint8
    assert (both[5:12, :10] == 4).all()
    assert (both[12:20, :10] == 3).all()
    assert np.count_nonzero(both) == 150
    assert set(np.unique(fill_sides(labels, line, above=None, below=3))) == {0, 3}
    assert not fill_sides(labels, line, above=None, below=None).any()
