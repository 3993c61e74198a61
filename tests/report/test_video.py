"""What a video frame shows and where: colours, outlines, scale bar, times, panels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelScheme
from napari_amseg.report.captions import TimeScale, legend_lines, legend_width, round_bar_um
from napari_amseg.report.panels import Grey, Palette, paint, resized, rgb, rim
from napari_amseg.report.video import VideoFrames, VideoSettings, plan

MS = TimeScale(100, 50_000.0)


def frames_of(shape, titles=("Raw", "Truth", "Prediction"), **changes):
    options = {"dtype": np.uint8, "limits": (0, 255), "time": MS} | changes
    return VideoFrames(shape, titles, DEFAULT_SCHEME, **options)


def test_grey_values_of_any_dtype_keep_to_the_limits():
    for dtype in (np.uint8, np.uint16, np.int16, np.float32):
        shown = Grey((50, 100), dtype)(np.array([[0, 50, 75, 100, 120]], dtype))
        assert shown.tolist() == [[0, 0, 128, 255, 255]], dtype
    assert Grey((7, 7), np.uint8)(np.full((1, 2), 7, np.uint8)).tolist() == [[0, 0]]


def test_classes_are_blended_and_unlabelled_stays_grey():
    palette = Palette.of(DEFAULT_SCHEME, 0.5)
    grey = np.array([[100, 100]], np.uint8)
    out = paint(grey, np.array([[0, Label.SUBSTRATE]], np.uint8), palette)
    assert out[0, 0].tolist() == [100, 100, 100]
    wanted = 0.65 * 100 + 0.35 * np.array(rgb("#2f9aa0"))
    np.testing.assert_allclose(out[0, 1], wanted, atol=0.51)
    assert palette.outlined == (Label.KEYHOLE, Label.PORE)


def test_a_rim_lies_outside_its_mask():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert rim(mask, 1).sum() == 4
    assert rim(mask, 2).sum() == 12
    assert not (rim(mask, 2) & mask).any()
    codes = np.where(mask, Label.PORE, Label.SUBSTRATE).astype(np.uint8)
    out = paint(np.full((9, 9), 90, np.uint8), codes, Palette.of(DEFAULT_SCHEME, 0.4))
    assert (out == 255).all(axis=2).sum() == 4


def test_codes_are_never_mixed_and_grey_is_averaged():
    codes = np.array([[1, 5], [5, 1]], np.uint8).repeat(4, 0).repeat(4, 1)
    assert set(np.unique(resized(codes, (5, 5), codes=True))) <= {1, 5}
    checks = np.indices((8, 8)).sum(0) % 2 * 200
    assert resized(checks.astype(np.uint8), (4, 4), codes=False).tolist() == [[100] * 4] * 4
    twice = resized(np.array([[1, 2]], np.uint8), (2, 4), codes=False)
    assert twice.tolist() == [[1, 1, 2, 2]] * 2


@pytest.mark.parametrize(
    ("n", "rate", "t", "text"),
    [
        (60, 50_000, 12, "0.24 ms"),
        (10, 50_000, 5, "100 µs"),
        (10, 50_000, 1, "\u200720 µs"),
        (2000, 1_000, 7, "\u2007\u2007\u20077 ms"),
        (10, 1_000_000, 3, "3 µs"),
        (100, 30_173, 10, "0.331 ms"),
        (100, None, 7, "frame \u20077"),
        (1, 1e4, 0, "0 µs"),
    ],
)
def test_times_are_written_with_the_digits_that_tell_frames_apart(n, rate, t, text):
    time = TimeScale(n, rate)
    assert time.text(t) == text
    assert len({len(time.text(i)) for i in range(n)}) == 1
    assert len({time.text(i) for i in range(n)}) == n


def test_bars_have_round_lengths():
    assert [round_bar_um(w) for w in (1024, 2048, 500, 26, 3)] == [200, 500, 100, 5, 0.5]


def test_the_bar_is_as_long_as_it_says():
    frames = frames_of((100, 500), ("Raw", "Truth"), pixel_size_um=2.0)
    blank = frames_of((100, 500), ("Raw", "Truth"))
    black = np.zeros((100, 500), np.uint8)
    mask = np.zeros((100, 500), np.uint8)
    with_bar, without = (f.render(0, black, [mask]) for f in (frames, blank))
    (y, x), (high, wide) = frames.layout.corners[0], frames.layout.panel
    white = (with_bar[y : y + high, x : x + wide] == 255).all(axis=2)
    longest = max(white.sum(axis=1))
    assert longest == 200 / 2.0 * wide / 500  # 200 um
    assert (without[y : y + high, x : x + wide] == 0).all()
    changed = (with_bar != without).any(axis=2)
    changed[y : y + high, x : x + wide] = False
    assert not changed.any()


@pytest.mark.parametrize("n_panels", [2, 3])
@pytest.mark.parametrize("shape", [(256, 512), (400, 1024), (1024, 400), (33, 47), (2048, 2048)])
@pytest.mark.parametrize("width", [0, 640, 333])
def test_panels_lie_inside_even_frames_and_keep_their_shape(shape, n_panels, width):
    settings = VideoSettings(video_width=width)
    place = plan(shape, n_panels, DEFAULT_SCHEME, MS, settings)
    high, wide = place.shape
    assert (high % 2, wide % 2) == (0, 0)
    assert wide == width + width % 2 if width else (wide <= 1920 and high <= 1090)
    assert len(set(place.corners)) == n_panels
    for y, x in place.corners:
        assert y >= place.font
        assert x >= 0
        assert x + place.panel[1] <= wide
        assert y + place.panel[0] < place.time_y < high
    ratio = place.panel[0] / place.panel[1]
    assert ratio == pytest.approx(shape[0] / shape[1], rel=0.03)


def test_wide_frames_are_stacked_and_high_ones_stand_side_by_side():
    def corners(shape, **settings):
        return plan(shape, 3, DEFAULT_SCHEME, MS, VideoSettings(**settings)).corners

    assert len({x for _, x in corners((200, 1200))}) == 1
    assert len({y for y, _ in corners((400, 400))}) == 1
    assert len({x for _, x in corners((400, 400), arrangement="column")}) == 1


def test_a_long_legend_takes_several_lines_and_loses_no_class():
    lines = legend_lines(DEFAULT_SCHEME.classes, 150, 12)
    assert len(lines) > 1
    assert [c for line in lines for c in line] == list(DEFAULT_SCHEME.classes)
    assert all(legend_width(line, 12) <= 150 for line in lines)


def test_a_frame_renders_masks_in_their_panels_and_time_below():
    codes = np.full((40, 60), Label.BACKGROUND, np.uint8)
    codes[20:, :30] = Label.SUBSTRATE
    other = np.full((40, 60), Label.POWDER, np.uint8)
    grey = np.full((40, 60), 128, np.uint8)
    frames = frames_of((40, 60), settings=VideoSettings(opacity=1.0))
    image = frames.render(3, grey, [codes, other])
    assert image.shape == (*frames.shape, 3)
    high, wide = frames.layout.panel
    raw, truth, found = (image[y : y + high, x : x + wide] for y, x in frames.layout.corners)
    assert (raw == 128).all()
    share = 0.7
    for panel, (row, column), color in (
        (truth, (-1, 0), "#2f9aa0"),
        (truth, (0, 0), "#10a53d"),
        (found, (0, 0), "#ffcf20"),
    ):
        wanted = (1 - share) * 128 + share * np.array(rgb(color))
        np.testing.assert_allclose(panel[row, column], wanted, atol=0.51)
    assert not np.array_equal(image, frames.render(4, grey, [codes, other]))
    np.testing.assert_array_equal(image, frames.render(3, grey, [codes, other]))


def test_other_schemes_have_their_own_legend():
    scheme = LabelScheme.parse("keyhole=200,melt=7")
    assert Palette.of(scheme, 0.4).outlined == (200,)
    frames = VideoFrames(
        (40, 60), ("Raw", "Segmentation"), scheme, dtype=np.uint8, limits=(0, 1), time=MS
    )
    swatch = (frames.render(0, np.zeros((40, 60), np.uint8), [np.zeros((40, 60), np.uint8)])
              == rgb("#808080")).all(axis=2)  # fmt: skip
    assert swatch.sum() > 60
