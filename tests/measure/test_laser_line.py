"""The laser line: from masks, from grey values, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack
from napari_amseg.labels import Label, LabelScheme
from napari_amseg.measure import Measurements, MeasureSettings, measure_frame
from napari_amseg.measure.laser_frame import kymograph, substrate_rows
from napari_amseg.measure.laser_line import LaserLine, keyhole_edges, line_from_edges
from napari_amseg.measure.laser_search import line_from_projection
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import Experiment, stack_from_array

TI64 = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000, scan_speed_mm_s=500)


def edges_of(stack):
    found = [(t, *edge) for t, edge in enumerate(keyhole_edges(stack)) if edge]
    return np.array(found).T


def projection(rng, n_frames, width, velocity, first, last, x0, *, height=0.02, noise=0.01):
    """An x-t projection with flicker, uneven light and one spot 20 px wide from `first` on."""
    x = np.arange(width)
    xt = 1000 * (1 + 0.1 * np.sin(x / 40)) * (1 + 0.01 * rng.normal(size=(n_frames, 1)))
    for t in range(first, last + 1):
        xt[t] *= 1 + height * np.exp(-(((x - x0 - velocity * (t - first)) / 10) ** 4))
    return (xt * (1 + noise * rng.normal(size=xt.shape))).astype(np.float32)


def test_masks_of_a_keyhole_that_moves_steadily():
    frames = np.arange(5, 25)
    line = line_from_edges(frames, 10 + 4 * frames, 30 + 4 * frames)
    assert (line.velocity_px, line.first_frame, line.last_frame) == (pytest.approx(4), 5, 24)
    assert line(7) == pytest.approx(31 + 28)  # the far side of the outermost pixel
    assert line.column(7) == pytest.approx(30 + 28)
    assert line.residual_px == pytest.approx(0, abs=1e-9)
    assert line.confidence == 1
    left = line_from_edges(frames, 200 - 4 * frames, 220 - 4 * frames)
    assert left.direction == -1
    assert left(5) == left.column(5) == pytest.approx(180)  # the leading edge is the left one
    stands = line_from_edges(frames, np.full(20, 40), np.full(20, 60))
    assert (stands.velocity_px, stands.x0_px, stands.direction) == (0, 50.5, 0)
    assert stands.column(9) == 50


def test_wrong_masks_do_not_pull_the_line_and_lower_the_confidence():
    frames = np.arange(20)
    right = 30.0 + 4 * frames
    right[[4, 11]] += 25
    line = line_from_edges(frames, right - 20, right)
    assert line.velocity_px == pytest.approx(4, abs=1e-6)
    assert line.confidence == pytest.approx(0.9)
    assert line.residual_px == pytest.approx(0, abs=1e-6)


def test_of_several_laser_tracks_the_longest_is_taken():
    frames = np.r_[0:8, 20:50]
    right = np.r_[100 + 3.0 * np.arange(8), 60 + 5.0 * np.arange(30)]
    line = line_from_edges(frames, right - 10, right)
    assert (line.first_frame, line.last_frame) == (20, 49)
    assert line.velocity_px == pytest.approx(5)
    assert line.notes == ("of 2 laser tracks the longest was taken",)


def test_edges_are_those_of_the_largest_part(labels):
    empty = labels.copy()
    empty[empty == Label.KEYHOLE] = Label.SUBSTRATE
    labels[14, 40] = Label.KEYHOLE
    stack = stack_from_array(np.stack([labels, empty]))
    assert list(keyhole_edges(stack)) == [(20, 24), None]
    with pytest.raises(ValueError, match="names no keyhole"):
        list(keyhole_edges(stack, scheme=LabelScheme.parse("pore=2,background=4")))


def test_too_few_masks_are_refused():
    for n in (0, 2):
        with pytest.raises(ValueError, match=f"has {n} frames with a keyhole, a line needs 3"):
            line_from_edges(np.arange(n), np.arange(n), np.arange(n))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x0_px": float("nan")}, "must be finite"),
        ({"first_frame": 9, "last_frame": 3}, "on from frame 9 to 3"),
        ({"first_frame": -1}, "from frame -1"),
    ],
)
def test_impossible_lines_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        LaserLine(**{"x0_px": 1.0, "velocity_px": 2.0, "first_frame": 0, "last_frame": 5} | change)


def test_units_and_the_speed_that_was_set():
    line = LaserLine(100.0, -5.0, 10, 40)
    record = line.to_json(TI64)
    assert record["scan_speed_m_s"] == pytest.approx(0.5)
    assert record["difference_to_entered_percent"] == pytest.approx(0)
    assert record["direction"] == "left"
    assert record["t0_s"] == pytest.approx(200e-6)
    assert record["x_at_t0_um"] == pytest.approx(100)
    unknown = line.to_json(Experiment())
    for name in ("scan_speed_m_s", "difference_to_entered_percent", "t0_s", "x_at_t0_um"):
        assert unknown[name] is None
    assert unknown["velocity_px_per_frame"] == -5
    assert line.speed_difference_percent(Experiment(pixel_size_um=2, scan_speed_mm_s=5)) is None


@pytest.mark.parametrize(
    ("velocity", "first", "last", "x0"),
    [(5.0, 20, 90, 60), (-5.0, 20, 90, 460), (-0.4, 0, 119, 300), (12.5, 40, 70, 40)],
)
def test_grey_values_give_speed_place_and_duration(rng, velocity, first, last, x0):
    line = line_from_projection(projection(rng, 120, 512, velocity, first, last, x0))
    assert line.velocity_px == pytest.approx(velocity, rel=0.03)
    # the flank at half height is 9 px ahead of the middle of the spot
    assert line(first) == pytest.approx(x0 + 9 * np.sign(velocity), abs=4)
    assert line.first_frame == pytest.approx(first, abs=1)
    assert line.last_frame == pytest.approx(last, abs=3)
    assert line.confidence > 0.6
    assert line.residual_px < 4


def test_a_dark_keyhole_is_found_as_a_bright_one_is(rng):
    line = line_from_projection(projection(rng, 120, 512, 5.0, 20, 90, 60, height=-0.02))
    assert line.velocity_px == pytest.approx(5.0, rel=0.02)
    assert line(20) == pytest.approx(69, abs=4)


def test_a_laser_that_stands(rng):
    line = line_from_projection(projection(rng, 200, 512, 0.0, 30, 150, 256, height=0.04))
    assert (line.velocity_px, line.direction) == (0.0, 0)
    assert line.x0_px == pytest.approx(256, abs=6)
    assert line.first_frame == pytest.approx(30, abs=2)


def test_spatter_does_not_pull_the_line(rng):
    xt = projection(rng, 120, 512, 5.0, 20, 90, 60)
    for t in rng.choice(120, 30, replace=False):
        at = int(rng.integers(0, 490))
        xt[t, at : at + 12] *= 1.1
    line = line_from_projection(xt)
    assert line.velocity_px == pytest.approx(5.0, rel=0.02)


def test_subtracted_frames_of_mean_zero_will_do(rng):
    xt = projection(rng, 120, 512, 5.0, 20, 90, 60)
    line = line_from_projection(xt - np.median(xt, axis=0))
    assert line.velocity_px == pytest.approx(5.0, rel=0.02)


def test_noise_is_not_a_line():
    for seed in range(12):
        noise = 1000 + 10 * np.random.default_rng(seed).normal(size=(100, 256))
        with pytest.raises(ValueError, match="no laser line in the grey values"):
            line_from_projection(noise)
    for nothing in (np.zeros((10, 64)), np.ones((10, 64))):
        with pytest.raises(ValueError, match="no laser line"):
            line_from_projection(nothing)
    with pytest.raises(ValueError, match="the stack has 3 frames"):
        line_from_projection(np.ones((3, 64)))


@pytest.mark.parametrize(
    "settings",
    [
        PhantomSettings(n_frames=40, oversampling=2),
        PhantomSettings(n_frames=40, oversampling=2, direction="left", scan_speed_m_s=1.0,
                        flying=10, spatter=4),
    ],
)  # fmt: skip
def test_the_phantoms_speed_and_duration_with_and_without_masks(settings):
    phantom = simulate(settings)
    step = settings.scan_speed_m_s * 10 * (1 if settings.direction == "right" else -1)
    masks = line_from_edges(*edges_of(phantom.labels))
    rows = substrate_rows(phantom.stack)
    grey = line_from_projection(kymograph(phantom.stack, rows=rows))
    on = [row.frame for row in phantom.truth if row.keyhole_area_px]
    for line in (masks, grey):
        assert line.velocity_px == pytest.approx(step, rel=0.03)
        assert line.first_frame == on[0] == 3
        assert abs(line.speed_difference_percent(phantom.stack.experiment)) < 3
    # the mouth of the keyhole is wider than its shaft, which is most of what the rows show
    assert grey(20) == pytest.approx(float(masks(20)), abs=12)


def test_a_real_scan_of_half_a_metre_a_second(real_data):
    folder = real_data / "ti64_plate"
    masks = line_from_edges(*edges_of(stack_from_array(tifffile.imread(folder / "labels.tif"))))
    assert masks.scan_speed_m_s(TI64) == pytest.approx(0.49, abs=0.03)
    assert masks.notes[0].startswith("the laser is on in the first frame")
    stack = read_stack(folder)
    grey = line_from_projection(kymograph(stack, rows=substrate_rows(stack)))
    assert grey.scan_speed_m_s(TI64) == pytest.approx(0.5, rel=0.05)
    assert (grey.first_frame, grey.last_frame, grey.direction) == (0, 9, 1)


@pytest.mark.parametrize("step", [3, -3])
def test_the_leading_edge_is_that_of_the_frame_table(step):
    codes = np.full((12, 24, 80), Label.SUBSTRATE, np.uint8)
    codes[:, :6] = Label.BACKGROUND
    for t, frame in enumerate(codes):
        left = 36 + step * (t - 6)
        frame[6:14, left : left + 5] = Label.KEYHOLE
    line = line_from_edges(*edges_of(stack_from_array(codes)))
    measured = Measurements(Experiment(), MeasureSettings())
    for t, frame in enumerate(codes):
        found = measure_frame(frame, frame=t)
        measured.append(found.row, found.pores)
    edge = measured.frames()["leading_edge_px"].to_numpy(float)
    np.testing.assert_allclose(line(np.arange(12)), edge)


def test_a_grey_edge_lies_between_columns(rng):
    x = np.arange(512)
    xt = np.full((120, 512), 1000.0)
    for t in range(120):
        front = 40 + 3 * t  # columns below this are dark
        xt[t] -= 60 * (x < front) * (x >= front - 24)
    xt += rng.normal(size=xt.shape)
    line, mirrored = line_from_projection(xt), line_from_projection(xt[:, ::-1])
    assert line(60) == pytest.approx(40 + 180, abs=3)
    # what lies x from the left lies 512 - x from the right
    assert float(mirrored(60)) == pytest.approx(512 - float(line(60)), abs=0.3)
