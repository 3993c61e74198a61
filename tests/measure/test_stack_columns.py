"""What only the whole stack tells: laser on, gaps, deviations, front and rear, velocity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_amseg import measure_stack
from napari_amseg.labels import Label
from napari_amseg.measure import TABLE_COLUMNS, Measurements, MeasureSettings
from napari_amseg.types import Experiment

UNITS = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000, scan_speed_mm_s=500.0)


def moving_wedge(depths, *, step_px=5, to_right=True, start=40):
    """Labels of a keyhole with an upright rear and a front at 45 degrees; depth 0: laser off."""
    labels = np.full((len(depths), 80, 240), Label.BACKGROUND, np.uint8)
    labels[:, 20:] = Label.SUBSTRATE
    for t, depth in enumerate(depths):
        for d in range(depth):
            x = start + step_px * t
            labels[t, 20 + d, x : x + 6 + (depth - d)] = Label.KEYHOLE
    return labels if to_right else labels[:, :, ::-1]


def measurements(labels, experiment=UNITS, **settings):
    settings = MeasureSettings(**settings)
    found = Measurements(experiment, settings)
    for result in measure_stack(labels, experiment=experiment, settings=settings):
        found.append(result.row, result.pores)
    return found


@pytest.mark.parametrize("to_right", [True, False])
def test_front_is_where_the_laser_goes(to_right):
    found = measurements(moving_wedge([20] * 12, to_right=to_right))
    frames = found.frames()
    assert tuple(frames.columns) == TABLE_COLUMNS
    assert frames["keyhole_front_wall_deg"].to_numpy() == pytest.approx(45, abs=1)
    assert frames["keyhole_rear_wall_deg"].to_numpy() == pytest.approx(0, abs=1)
    sign = 1 if to_right else -1
    assert frames["leading_edge_velocity_m_s"].to_numpy() == pytest.approx(sign * 0.5)
    summary = found.summary()
    assert summary["leading_edge_px_per_frame"] == pytest.approx(sign * 5)
    assert summary["scan_speed_m_s"] == pytest.approx(0.5)
    assert summary["scan_speed_relative_difference"] == pytest.approx(0, abs=1e-6)
    assert summary["keyhole_front_wall_deg"] == pytest.approx(45, abs=1)


def test_leading_edge_is_a_pixel_edge():
    frames = measurements(moving_wedge([20] * 5)).frames()
    assert frames["leading_edge_px"].iloc[0] == frames["keyhole_right_px"].iloc[0] + 1
    assert frames["leading_edge_um"].iloc[0] == 2 * frames["leading_edge_px"].iloc[0]


def test_a_standing_beam_has_no_front_unless_told():
    spot = moving_wedge([20] * 12, step_px=0)
    assert measurements(spot).frames()["keyhole_front_wall_deg"].isna().all()
    told = measurements(spot, scan_direction="left").frames()
    assert told["keyhole_front_wall_deg"].to_numpy() == pytest.approx(0, abs=1)
    assert told["keyhole_rear_wall_deg"].to_numpy() == pytest.approx(45, abs=1)


def test_told_directions_overrule_the_speed_too():
    """Bottom widens to the left edge only: rear moves 5 px a frame, as does the front."""
    labels = moving_wedge([20, 22, 24, 26, 28, 30])
    assert measurements(labels).summary()["leading_edge_px_per_frame"] == pytest.approx(7)
    told = measurements(labels, scan_direction="left").summary()
    assert told["leading_edge_px_per_frame"] == pytest.approx(5)
    assert measurements(labels, scan_direction="none").summary()["scan_speed_m_s"] is None


def test_counts_of_the_laser_on_range():
    labels = moving_wedge([20] * 8)
    labels[:, 60:64, 200:204] = Label.PORE
    record = measurements(labels, laser_on_frames="2:5").summary()
    assert (record["n_frames_laser_on"], record["pore_count_laser_on"]) == (3, 3)
    assert (record["n_frames"], record["pore_count_total"]) == (8, 8)


def test_frames_without_a_surface_are_counted():
    labels = moving_wedge([20, 0, 20])
    labels[:2][labels[:2] == Label.SUBSTRATE] = Label.BACKGROUND
    assert measurements(labels).summary()["n_frames_without_surface"] == 2


def test_a_range_outside_of_the_stack_is_refused():
    with pytest.raises(ValueError, match="only the frames 0 to 19"):
        MeasureSettings(laser_on_frames="20:30").require_frames(20)
    MeasureSettings(laser_on_frames="19:30").require_frames(20)


def test_gaps_of_two_frames_are_flagged_and_do_not_count():
    found = measurements(moving_wedge([0, 20, 20, 0, 0, 20, 20, 20, 0, 0, 0]))
    frames = found.frames()
    assert frames["laser_on"].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    assert frames.index[frames["flags"] == "keyhole gap"].tolist() == [3, 4]
    summary = found.summary()
    assert (summary["n_laser_tracks"], summary["n_frames_in_keyhole_gaps"]) == (1, 2)
    assert summary["laser_on_ranges"] == [[1, 8]]
    assert summary["keyhole_depth_px"]["mean"] == pytest.approx(20)
    assert summary["keyhole_depth_px"]["delta_max"] == pytest.approx(0, abs=1e-9)
    longer = measurements(moving_wedge([20, 20, 20, 0, 0, 0, 20, 20, 20])).summary()
    assert longer["n_laser_tracks"] == 2
    assert (
        measurements(moving_wedge([20, 20, 0, 0, 0, 20, 20]), max_keyhole_gap_frames=3).summary()[
            "n_laser_tracks"
        ]
        == 1
    )


def test_laser_on_range_given_by_hand():
    found = measurements(moving_wedge([5, 20, 22, 18, 20, 3]), laser_on_frames="1:5")
    assert found.frames()["laser_on"].tolist() == [0, 1, 1, 1, 1, 0]
    record = found.summary()
    assert record["n_frames_averaged"] == 4
    assert record["keyhole_depth_px"]["mean"] == pytest.approx(20)
    assert record["keyhole_depth_px"]["delta_max"] == pytest.approx(0.1)
    assert record["keyhole_depth_px"]["delta_avg"] == pytest.approx(0.05)
    deltas = found.frames()["keyhole_depth_delta"].to_numpy()
    assert deltas == pytest.approx([np.nan, 0, 0.1, 0.1, 0, np.nan], nan_ok=True)


@pytest.mark.parametrize("text", ["5", "8:3", "-1:4", "a:b", "3:3"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="write A:B"):
        MeasureSettings(laser_on_frames=text)


def test_order_of_appending_does_not_matter():
    labels = moving_wedge([0, 18, 20, 22, 20])
    results = list(measure_stack(labels, experiment=UNITS))
    one, other = Measurements(UNITS), Measurements(UNITS)
    for result in results:
        one.append(result.row, result.pores)
    for result in (results[3], *results[:3], results[4]):
        other.append(result.row, result.pores)
    pd.testing.assert_frame_equal(one.frames(), other.frames())
    assert one.summary() == other.summary()
    assert other.values("keyhole_depth_px") == pytest.approx([np.nan, 18, 20, 22, 20], nan_ok=True)


def test_nothing_at_all():
    for labels in (np.zeros((3, 20, 20), np.uint8), np.full((1, 9, 9), 4, np.uint8)):
        found = measurements(labels)
        assert found.frames()["laser_on"].sum() == 0
        summary = found.summary()
        assert summary["keyhole_area_px"]["mean"] is None
        assert summary["scan_speed_m_s"] is None
        assert summary["pore_track_count"] == 0
        assert found.tracks().empty
