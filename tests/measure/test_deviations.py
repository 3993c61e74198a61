"""Deviations, scan speed and the summary."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg import measure_stack, read_stack
from napari_amseg.labels import Label
from napari_amseg.measure import (
    Measurements,
    MeasureSettings,
    deviation,
    find_laser_on,
    fit_line,
    relative_deviations,
)
from napari_amseg.measure.tracks import leading_edge_speed_px, split_tracks
from napari_amseg.types import Experiment


def summary_of(labels, experiment=None):
    found = Measurements(experiment or Experiment())
    for result in measure_stack(labels, experiment=experiment):
        found.append(result.row, result.pores)
    return found.summary()


def test_deviation_by_hand():
    """Mean 100; relative deviations 0.2, 0, 0.1, 0.1."""
    found = deviation([80.0, 100.0, 110.0, 110.0])
    assert found.mean == 100
    assert found.delta_max == pytest.approx(0.2)
    assert found.delta_avg == pytest.approx(0.1)


def test_frames_without_a_keyhole_do_not_shift_the_deviation():
    with_gaps = [np.nan, 80.0, np.nan, 100.0, 110.0, 110.0, np.nan]
    assert deviation(with_gaps) == deviation([80.0, 100.0, 110.0, 110.0])
    assert deviation([]).mean is None
    assert deviation([np.nan]).delta_avg is None
    assert deviation([0.0, 0.0]).mean == 0
    assert deviation([0.0, 0.0]).delta_max is None


def test_every_frame_has_its_own_deviation():
    """Equation 4: delta_i = |A_i - mean| / mean, mean 100; frames without a keyhole have none."""
    found = relative_deviations([np.nan, 80.0, 100.0, 110.0, 110.0])
    assert found == pytest.approx([np.nan, 0.2, 0.0, 0.1, 0.1], nan_ok=True)


def test_deviations_of_a_negative_mean_are_positive():
    found = deviation([-80.0, -100.0, -120.0])
    assert (found.mean, found.delta_max) == (-100, pytest.approx(0.2))


def keyhole_stack():
    """Keyholes of depth 8, 10, 12, moving 4 px a frame; a frame without one before and after."""
    labels = np.full((5, 40, 80), Label.BACKGROUND, np.uint8)
    labels[:, 12:] = Label.SUBSTRATE
    for t, depth in ((1, 8), (2, 10), (3, 12)):
        labels[t, 12 : 12 + depth, 10 + 4 * t : 20 + 4 * t] = Label.KEYHOLE
    labels[3, 35:38, 60:63] = Label.PORE
    return labels


def test_summary_counts_only_frames_with_a_keyhole():
    experiment = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000)
    record = summary_of(keyhole_stack(), experiment)
    assert record["n_frames"] == 5
    assert record["keyhole_depth_um"]["mean"] == pytest.approx(20)
    assert record["keyhole_depth_um"]["delta_max"] == pytest.approx(0.2)
    assert record["keyhole_area_um2"]["mean"] == pytest.approx(400)
    assert record["keyhole_area_um2"]["delta_avg"] == pytest.approx(0.4 / 3)
    assert record["leading_edge_px_per_frame"] == pytest.approx(4)
    assert record["scan_speed_m_s"] == pytest.approx(4 * 2e-6 * 50_000)
    assert record["pore_count_total"] == 1
    substrate = (keyhole_stack() == Label.SUBSTRATE).sum()
    assert record["pore_fraction"] == pytest.approx(9 / (9 + substrate))


def test_summary_is_in_px_where_no_pixel_size_is_known():
    record = summary_of(keyhole_stack())
    assert record["keyhole_depth_px"]["mean"] == pytest.approx(10)
    assert record["keyhole_depth_um"]["mean"] is None
    assert record["keyhole_depth_um"]["delta_max"] == pytest.approx(0.2)
    assert record["scan_speed_m_s"] is None


def test_leading_edge_is_on_the_side_of_the_motion():
    frames = np.arange(20)
    left, right = 300 - 3.0 * frames, 340 - 2.0 * frames
    assert leading_edge_speed_px(frames, left, right) == pytest.approx(-3)
    assert leading_edge_speed_px([0, 1], [0, 1], [5, 6]) is None


def test_speed_of_several_tracks_is_that_of_each():
    """One line through a sawtooth would have no slope at all."""
    frames = np.r_[0:40, 60:100, 100:140]  # a pause, then a jump back without one
    left = np.tile(100 + 5.0 * np.arange(40), 3)
    assert [len(t) for t in split_tracks(frames, left + 10)] == [40, 40, 40]
    assert leading_edge_speed_px(frames, left, left + 20) == pytest.approx(5)
    back_and_forth = np.r_[left[:40], left[:40][::-1], left[:40]]
    paused = np.r_[0:40, 60:100, 120:160]
    assert leading_edge_speed_px(paused, back_and_forth, back_and_forth + 20) == pytest.approx(5)


def test_a_laser_that_turns_round_without_a_pause_makes_two_tracks(rng):
    there = 100 + 5.0 * np.arange(40)
    left = np.r_[there, there[::-1], there] + rng.normal(0, 2, 120)
    assert [len(t) for t in split_tracks(np.arange(120), left)] == pytest.approx([40] * 3, abs=2)
    assert leading_edge_speed_px(np.arange(120), left, left + 20) == pytest.approx(5, abs=0.3)
    wobbling = 300 + 15 * np.sin(np.arange(120) / 5)
    assert len(split_tracks(np.arange(120), wobbling)) == 1


def test_a_flickering_frame_does_not_end_a_track():
    """In frames 8 and 20 the largest part lies elsewhere."""
    left = 50 + 3.0 * np.arange(30)
    left[[8, 20]] = 400
    (track,) = split_tracks(np.arange(30), left)
    assert track.tolist() == [t for t in range(30) if t not in (8, 20)]
    laser = find_laser_on(np.arange(30), np.ones(30, bool), left, trim_frames=3)
    assert laser.on.all()
    assert np.flatnonzero(laser.averaged).tolist() == list(range(3, 27))
    elsewhere = np.r_[left[:7], 400 + 3.0 * np.arange(10)]  # it stays there: another track
    assert [len(t) for t in split_tracks(np.arange(17), elsewhere)] == [7, 10]


def test_entry_and_exit_frames_can_be_left_out():
    rows = [
        {"frame": t, "keyhole_area_px": a, "keyhole_depth_px": 10.0, "keyhole_left_px": t,
         "keyhole_right_px": t + 9, "pore_count": 0, "pore_area_px": 0, "substrate_area_px": 9,
         "labelled_area_px": 9, "pore_max_equivalent_diameter_px": None, "flags": ""}
        for t, a in enumerate([10, 100, 100, 100, 20])
    ]  # fmt: skip
    for skip, mean in ((0, 66), (1, 100), (3, None)):
        summary = Measurements(Experiment(), MeasureSettings(skip_entry_exit_frames=skip))
        for row in rows:
            summary.append(row)
        record = summary.summary()["keyhole_area_px"]
        assert record["mean"] == (None if mean is None else pytest.approx(mean))


def test_pores_are_counted_once_a_track(labels):
    record = summary_of(np.stack([labels] * 4))
    assert (record["pore_count_total"], record["pore_track_count"]) == (4, 1)


def test_line_stands_up_to_a_quarter_of_wrong_points(rng):
    x = np.arange(200.0)
    y = 50 + 0.1 * x
    y[rng.permutation(200)[:50]] += rng.uniform(10, 40, 50)
    line = fit_line(x, y)
    assert line.slope == pytest.approx(0.1, abs=1e-3)
    assert line(np.array(0.0)) == pytest.approx(50, abs=0.1)


def test_line_through_few_points():
    assert fit_line([], []) is None
    assert fit_line([3], [7]).slope == 0
    assert fit_line([0, 2], [1, 5]).slope == pytest.approx(2)


def test_real_keyhole_moves_at_the_scan_speed(real_data):
    """P = 200 W, 0.5 m/s set; the front of the labelled keyhole moves 4.9 +- 0.3 px a frame."""
    path = real_data / "ti64_plate" / "labels.tif"
    with read_stack(path, pixel_size_um=2.0, frame_rate_hz=50_000) as stack:
        record = summary_of(stack, stack.experiment)
    assert record["scan_speed_m_s"] == pytest.approx(0.49, abs=0.03)
    assert record["leading_edge_px_per_frame"] == pytest.approx(4.9, abs=0.3)
    assert 120 < record["keyhole_depth_um"]["mean"] < 200
