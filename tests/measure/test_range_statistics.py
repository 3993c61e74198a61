"""The numbers of a range of frames."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.labels import Label
from napari_amseg.measure import Measurements, MeasureSettings, measure_frame
from napari_amseg.measure.quantities import QUANTITIES
from napari_amseg.measure.range_statistics import RANGE_COLUMNS, range_statistics
from napari_amseg.types import Experiment


@pytest.fixture
def measured() -> Measurements:
    """Eight frames (40, 60) with a keyhole of depth 5 to 12; substrate of different height, and a
    pore of 9 px in the last two.
    """
    found = Measurements(Experiment())
    for t in range(8):
        frame = np.full((40, 60), Label.BACKGROUND, np.uint8)
        frame[10 : 40 - t] = Label.SUBSTRATE
        frame[10 : 15 + t, 20:24] = Label.KEYHOLE
        if t >= 6:
            frame[28:31, 5:8] = Label.PORE
        row = measure_frame(frame, frame=t)
        found.append(row.row, row.pores)
    return found


def statistics(measured, stem, settings=None, within=(0, 7)):
    quantity = QUANTITIES[stem]
    column = quantity.column(in_um=False)
    columns = {name: measured.values(name) for name in (*RANGE_COLUMNS, column)}
    return range_statistics(columns, [(quantity, column)], within, settings or MeasureSettings())


@pytest.mark.parametrize(
    "stem",
    ["keyhole_tip_offset", "surface_tilt_deg", "keyhole_left_wall_deg", "keyhole_front_wall_deg",
     "leading_edge", "leading_edge_velocity_m_s"],
)  # fmt: skip
def test_what_may_be_negative_has_a_mean_but_no_deviation_in_percent_of_it(measured, stem):
    quantity = QUANTITIES[stem]
    column = quantity.column(in_um=False)
    columns = {name: measured.values(name) for name in RANGE_COLUMNS}
    columns[column] = np.array([-3.0, 1.0, 2.0, -3.0, 1.0, 2.0, -3.0, 1.0])
    found = range_statistics(columns, [(quantity, column)], (0, 7), MeasureSettings())
    spread = found.spreads[stem]
    assert spread.deviation.mean == pytest.approx(-0.25)
    assert (spread.deviation.delta_avg, spread.deviation.delta_max) == (None, None)
    assert (spread.least, spread.greatest) == (-3.0, 2.0)


def test_the_pore_fraction_of_all_frames_is_that_of_the_summary(measured):
    spread = statistics(measured, "pore_fraction").spreads["pore_fraction"]
    assert spread.deviation.mean == pytest.approx(measured.summary()["pore_fraction"])
    of_frames = measured.values("pore_fraction")
    assert spread.deviation.mean != pytest.approx(of_frames.mean(), rel=1e-3)
    expected = np.abs(of_frames - spread.deviation.mean) / spread.deviation.mean
    assert spread.deviation.delta_max == pytest.approx(expected.max())


def test_keyhole_frames_are_those_of_the_means(measured):
    found = statistics(measured, "keyhole_depth", MeasureSettings(skip_entry_exit_frames=2))
    assert found.keyhole_frames.tolist() == [2, 3, 4, 5]
    assert found.spreads["keyhole_depth"].n == 4


@pytest.mark.parametrize("direction", ["auto", "left", "none"])
def test_a_told_direction_overrules_the_speed_of_a_range_as_in_the_summary(direction):
    """The front moves 5 px a frame, the rear 2: the direction says which of them is fitted."""
    settings = MeasureSettings(scan_direction=direction)
    found = Measurements(Experiment(), settings)
    for t in range(8):
        frame = np.full((40, 80), Label.BACKGROUND, np.uint8)
        frame[10:] = Label.SUBSTRATE
        frame[10:20, 5 + 2 * t : 15 + 5 * t] = Label.KEYHOLE
        row = measure_frame(frame, frame=t)
        found.append(row.row, row.pores)
    columns = {name: found.values(name) for name in RANGE_COLUMNS}
    speed = range_statistics(columns, [], (0, 7), settings).leading_edge_px_per_frame
    expected = {"auto": 5, "left": 2, "none": None}[direction]
    assert speed == (None if expected is None else pytest.approx(expected))
    assert found.summary()["leading_edge_px_per_frame"] == speed
