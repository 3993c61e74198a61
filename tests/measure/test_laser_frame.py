"""Windows that travel with the laser, and kymographs."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.measure.laser_frame import (
    Window,
    WindowSettings,
    kymograph,
    relative_change,
    substrate_rows,
    travelling_window,
    window_offsets,
)
from napari_amseg.measure.laser_line import LaserLine, line_from_edges
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import Experiment, stack_from_array

N, HEIGHT, WIDTH = 8, 3, 40


def columns(dtype=np.uint16):
    """Frames whose grey value is ten times the column."""
    return np.tile(10 * np.arange(WIDTH), (N, HEIGHT, 1)).astype(dtype)


def test_the_laser_stays_at_its_column_and_outside_is_empty():
    line = LaserLine(6.0, 4.0, 0, N - 1)  # the far side of column 5
    cut = travelling_window(stack_from_array(columns()), line, Window(3, 6))
    assert cut.shape == (N, HEIGHT, 10)
    assert cut.dtype == np.uint16
    for t in range(N):
        assert cut[t][0, 6] == 10 * (5 + 4 * t)
    np.testing.assert_array_equal(cut[0][1], [0, 0, 10, 20, 30, 40, 50, 60, 70, 80])
    assert cut.notes[-1] == "travels with the laser, which is at column 6"
    np.testing.assert_array_equal(window_offsets(line, Window(3, 6), 3), [-1, 3, 7])


def test_grey_values_lie_between_columns_and_labels_do_not():
    line = LaserLine(11.5, 0.25, 0, N - 1)
    grey = travelling_window(stack_from_array(columns(np.float32)), line, Window(2, 2))
    np.testing.assert_allclose(grey[1][0], [87.5, 97.5, 107.5, 117.5, 127.5])
    whole = travelling_window(stack_from_array(columns(np.uint8)), line, Window(2, 2))
    np.testing.assert_array_equal(whole[1][0], [88, 98, 108, 118, 128])  # rounded
    codes = np.tile(np.arange(WIDTH) % 5, (N, HEIGHT, 1)).astype(np.uint8)
    cut = travelling_window(stack_from_array(codes), line, Window(2, 2), labels=True)
    np.testing.assert_array_equal(cut[1][0], [9 % 5, 10 % 5, 11 % 5, 12 % 5, 13 % 5])


def test_floating_point_frames_are_nan_outside():
    line = LaserLine(38.5, 0.0, 0, N - 1)
    cut = travelling_window(stack_from_array(columns(np.float32)), line, Window(3, 1))
    np.testing.assert_allclose(cut[0][0], [370, 380, 390, np.nan, np.nan])


def test_a_laser_to_the_left_is_mirrored_or_not():
    line = LaserLine(30.0, -2.0, 0, N - 1)
    stack = stack_from_array(columns())
    mirrored, as_is = (Window(2, 5, mirror=m) for m in (True, False))
    np.testing.assert_array_equal(
        travelling_window(stack, line, mirrored)[1][0], [330, 320, 310, 300, 290, 280, 270, 260]
    )
    np.testing.assert_array_equal(
        travelling_window(stack, line, as_is)[1][0], [260, 270, 280, 290, 300, 310, 320, 330]
    )
    assert (mirrored.laser_column(line), as_is.laser_column(line)) == (5, 2)
    assert window_offsets(line, mirrored, 1)[0] == 35
    assert window_offsets(line, as_is, 1)[0] == 28


def test_only_the_laser_track():
    frames = columns()
    frames += np.arange(N, dtype=np.uint16)[:, None, None]
    window = Window(2, 2, on_only=True)
    cut = travelling_window(stack_from_array(frames), LaserLine(1.0, 5.0, 2, 5), window)
    assert len(cut) == 4
    assert [int(frame[0, 2]) for frame in cut] == [102, 153, 204, 255]


def test_a_window_has_lengths_only_if_a_pixel_has_a_size():
    settings = WindowSettings(ahead_um=30.0, behind_px=7)
    assert Window.of(settings, Experiment(pixel_size_um=2.0)) == Window(15, 7)
    with pytest.raises(ValueError, match="ahead_um is 30 µm, but the pixel size is not known"):
        Window.of(settings, Experiment())
    with pytest.raises(ValueError, match="behind_px is -1"):
        WindowSettings(behind_px=-1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (LaserLine(10.0, 1.0, 20, 30), "on from frame 20, the stack has 8"),
        (LaserLine(500.0, 1.0, 0, 7), "never in sight"),
    ],
)
def test_a_line_of_another_stack_is_refused(line, words):
    with pytest.raises(ValueError, match=words):
        travelling_window(stack_from_array(columns()), line, Window(2, 2))


def test_a_kymograph_reduces_the_rows(rng):
    frames = rng.integers(0, 4000, (5, 12, 9)).astype(np.uint16)
    stack = stack_from_array(frames)
    xt = kymograph(stack, rows=(2, 7))
    assert xt.dtype == np.float32
    np.testing.assert_allclose(xt, frames[:, 2:7].mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(kymograph(stack, reduce="max"), frames.max(axis=1))
    np.testing.assert_array_equal(kymograph(stack, reduce="min"), frames.min(axis=1))
    with pytest.raises(ValueError, match="rows 3:13 are not inside frames of 12 rows"):
        kymograph(stack, rows=(3, 13))
    with pytest.raises(ValueError, match="choose one of mean, max, min"):
        kymograph(stack, reduce="median")


def test_a_kymograph_reads_frame_by_frame_and_can_be_stopped():
    read = []
    source = stack_from_array(columns())
    stack = source.derived(lambda t: read.append(t) or source.read(t))

    def three(frames):
        for t in frames:
            if t == 3:
                raise KeyboardInterrupt
            yield t

    with pytest.raises(KeyboardInterrupt):
        kymograph(stack, track=three)
    assert read == [0, 1, 2]


def test_what_changes_is_free_of_flicker_and_of_what_stands(rng):
    light = 1 + 0.3 * np.sin(np.arange(50) / 5)
    flicker = rng.uniform(0.8, 1.2, (30, 1))
    xt = 1000 * light * flicker
    np.testing.assert_allclose(relative_change(xt), 0, atol=1e-5)
    xt[12, 20] *= 1.1
    assert relative_change(xt)[12, 20] == pytest.approx(0.1, abs=1e-4)
    dark = np.zeros((30, 50))
    dark[12, 20] = -5.0
    assert relative_change(dark)[12, 20] == pytest.approx(-1)


def test_in_the_laser_frame_the_keyhole_of_the_phantom_stands_still():
    phantom = simulate(
        PhantomSettings(n_frames=30, oversampling=1, direction="left", fluctuation=0.0)
    )
    mouth = LaserLine(0.0, -5.0, 3, 26)
    front = [
        np.flatnonzero((frame == 1).any(axis=0)).min() for frame in phantom.labels if 1 in frame
    ]
    line = LaserLine(front[0] + 15.0, mouth.velocity_px, 3, 26)
    cut = travelling_window(phantom.labels, line, Window(20, 60, on_only=True), labels=True)
    fronts = [np.flatnonzero((frame == 1).any(axis=0)).max() for frame in cut]
    assert np.ptp(fronts) <= 2
    assert np.median(fronts) == pytest.approx(60, abs=2)


def test_the_rows_below_the_surface(real_data):
    phantom = simulate(PhantomSettings(n_frames=4, oversampling=1))
    surface = round(0.42 * 256)
    first, end = substrate_rows(phantom.stack)
    assert surface <= first <= surface + 20
    assert end == 256
    small = stack_from_array(np.ones((4, 20, 30), np.uint8))
    assert substrate_rows(small) == (0, 20)
    from napari_amseg.io import read_stack

    first, end = substrate_rows(read_stack(real_data / "ti64_plate"))
    assert 85 <= first <= 110  # its surface is near row 90
    assert end == 400


@pytest.mark.parametrize("velocity", [2.0, -2.0, 0.0])
@pytest.mark.parametrize("mirror", [True, False])
def test_the_outermost_pixel_is_at_the_lasers_column(velocity, mirror):
    codes = np.zeros((N, HEIGHT, WIDTH), np.uint8)
    first = 12 + (velocity * np.arange(N)).astype(int) - int(min(velocity, 0) * N)
    for t, left in enumerate(first):
        codes[t, :, left : left + 5] = 1
    line = line_from_edges(np.arange(N), first, first + 4)
    window = Window(4, 8, mirror=mirror)
    cut = travelling_window(stack_from_array(codes), line, window, labels=True)
    at = window.laser_column(line)
    leftwards = velocity < 0 and not mirror
    shown = range(at, at + 5) if leftwards else range(at - 4, at + 1)
    shown = range(at - 2, at + 3) if velocity == 0 else shown
    for frame in cut:
        assert np.flatnonzero(frame[0]).tolist() == list(shown)
