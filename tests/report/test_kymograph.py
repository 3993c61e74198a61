"""Kymographs as figures: axes with units, the line where it is."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.report.kymograph import draw_kymograph, kymograph_figure, speed_in_words
from napari_amseg.types import Experiment

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000, scan_speed_mm_s=520)
LINE = LaserLine(20.0, 5.0, 2, 8)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_axes_are_in_micrometres_and_microseconds(ax, rng):
    draw_kymograph(ax, rng.normal(size=(10, 100)), KNOWN, LINE)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (µm)", "Time (µs)")
    x, t = ax.lines[0].get_data()
    np.testing.assert_allclose(x, [60, 120])
    np.testing.assert_allclose(t, [40, 160])
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right) == (0, 200)
    assert (bottom, top) == (pytest.approx(190), pytest.approx(-10))
    assert bottom > top  # time runs downwards
    assert "0.500 m/s to the right\n-3.8 % from the speed set" in ax.get_title()


def test_unknown_units_stay_pixels_and_frames_and_large_ones_are_larger(ax, rng):
    draw_kymograph(ax, rng.normal(size=(10, 100)), Experiment(), LINE)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (px)", "Frame")
    assert ax.get_title() == "5.00 px a frame to the right"
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [30, 60])
    other = Figure().subplots()
    draw_kymograph(other, np.zeros((200, 2000)), KNOWN)
    assert (other.get_xlabel(), other.get_ylabel()) == ("x (mm)", "Time (ms)")
    assert not other.lines


def test_words_for_every_kind_of_line():
    assert speed_in_words(LaserLine(5.0, 0.0, 0, 3), KNOWN) == "laser stands"
    left = LaserLine(5.0, -5.2, 0, 3)
    assert speed_in_words(left, KNOWN) == "0.520 m/s to the left, +0.0 % from the speed set"
    assert speed_in_words(left, KNOWN.updated()) == speed_in_words(left, KNOWN)


@pytest.mark.parametrize(("name", "magic"), [("k.png", b"\x89PNG"), ("k.svg", b"<?xml")])
def test_figures_are_written_by_suffix_and_nan_is_left_white(tmp_path, rng, name, magic):
    xt = rng.normal(size=(10, 100))
    xt[:, :5] = np.nan
    kymograph_figure(xt, KNOWN, tmp_path / name, line=LINE, title="run")
    assert (tmp_path / name).read_bytes().startswith(magic)
