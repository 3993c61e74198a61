"""One column of a table as a series."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.pipeline.series import SeriesSettings, read_series


@pytest.fixture
def frames(tmp_path):
    """Writes a table of 40 frames, with what is asked for left empty."""

    def write(*, timed=True, sized=True, rows=range(40)):
        path = tmp_path / "run3_frames.csv"
        lines = ["frame,time_s,keyhole_depth_px,keyhole_depth_um,keyhole_area_px,laser_on"]
        for i in rows:
            time = f"{i / 50_000:.9g}" if timed else ""
            depth = f"{i * 2}" if sized else ""
            lines.append(f"{i},{time},{i},{depth},{100 * (i < 30)},{int(i < 30)}")
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_depth_in_um_over_time_with_the_laser_on(frames):
    found = read_series(frames())
    assert (found.name, found.unit) == ("keyhole depth", "µm")
    assert found.rate_hz == pytest.approx(50_000)
    np.testing.assert_array_equal(found.even.values[:30], 2 * np.arange(30))
    assert np.isnan(found.even.values[30:]).all()


def test_pixels_and_frames_where_nothing_else_is_known(frames):
    found = read_series(frames(timed=False, sized=False))
    assert (found.unit, found.rate_hz, found.even.step) == ("px", None, 1)
    timed = read_series(frames(timed=False), frame_rate_hz=1000)
    assert timed.rate_hz == pytest.approx(1000)
    assert timed.even.times[-1] == pytest.approx(0.039)


def test_missing_frames_are_missing_values(frames):
    found = read_series(frames(rows=[0, 1, 2, 5, 6]))
    np.testing.assert_array_equal(found.even.values, [0, 2, 4, np.nan, np.nan, 10, 12])


def test_a_part_is_chosen_by_time(frames):
    settings = SeriesSettings(column="keyhole_area_px", start=1e-4, end=2e-4)
    found = read_series(frames(), settings)
    assert (found.even.values.size, found.unit, found.even.start) == (6, "px", 1e-4)


@pytest.mark.parametrize(
    ("settings", "rate", "words"),
    [
        ({"start": 9.0}, None, "the table goes from 0 to 0.00078"),
        ({"column": "speed"}, None, "no column 'speed'"),
        ({}, 0.0, "frame rate is 0 Hz"),
    ],
)
def test_what_cannot_be_taken_is_told(frames, settings, rate, words):
    with pytest.raises(ValueError, match=words):
        read_series(frames(), SeriesSettings(**settings), frame_rate_hz=rate)


def test_an_empty_column_is_told(frames):
    with pytest.raises(ValueError, match="keyhole_depth_um is empty"):
        read_series(frames(sized=False), SeriesSettings(column="keyhole_depth_um"))


def test_a_plain_table_has_times_of_its_own(tmp_path):
    path = tmp_path / "depth.csv"
    path.write_text("time (ms);depth\n0;1,5\n2;2,5\n4;1\n")
    found = read_series(path, SeriesSettings(unit="mm"))
    assert found.rate_hz == pytest.approx(500)
    assert (found.name, found.unit) == ("depth", "mm")
    with pytest.raises(ValueError, match="leave the frame rate out"):
        read_series(path, frame_rate_hz=5)
    path.write_text("time;depth\n0;1\n1;2\n2.5;1\n3;4\n4;4\n5;4\n")
    with pytest.raises(ValueError, match="not evenly spaced"):
        read_series(path)


@pytest.mark.parametrize("area", ["keyhole_area_px", "keyhole_area_um2"])
def test_a_frame_in_which_the_keyhole_was_missed_has_no_area(tmp_path, area):
    path = tmp_path / "run3_frames.csv"
    lines = [f"frame,time_s,{area},keyhole_area_delta,keyhole_depth_px,substrate_area_px,laser_on"]
    for i in range(12):
        gap = i in (4, 5)
        size = "0,-1," if gap else f"{900 + i},0.1,{50 + i}"
        lines.append(f"{i},{i / 1000},{size},{i % 2},1")
    path.write_text("\n".join(lines) + "\n")
    for column in (area, "keyhole_area_delta", "keyhole_depth_px"):
        values = read_series(path, SeriesSettings(column=column)).even.values
        assert np.flatnonzero(np.isnan(values)).tolist() == [4, 5], column
    others = read_series(path, SeriesSettings(column="substrate_area_px")).even.values
    np.testing.assert_array_equal(others, np.arange(12) % 2)  # 0 is a value of other columns
    path.write_text("\n".join([lines[0], *(f"{i},{i},0,,,1,1" for i in range(5))]) + "\n")
    with pytest.raises(ValueError, match="no frame has a keyhole while the laser is on"):
        read_series(path, SeriesSettings(column=area))
