"""Frames of a video: raw, truth and prediction as panels, with time, scale and legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.report.captions import (
    PAPER,
    TimeScale,
    draw_legend,
    legend_lines,
    legend_width,
    round_bar_um,
    scale_bar,
    text_width,
    write,
)
from napari_amseg.report.panels import RGB, Grey, Palette, paint, resized
from napari_amseg.settings import Settings, setting

ARRANGEMENTS = ("auto", "row", "column")
_MOST_PX = (1080, 1920)  # rows and columns of a video whose size nobody chose
_PANEL_PX = 480  # smaller panels are magnified to about this width
_GAP_PX = 8
_LEAST_WIDTH_PX = 320  # for time and legend
_FONT_PX = (12, 28)


@dataclass(frozen=True, slots=True)
class VideoSettings(Settings):
    """How a video looks."""

    fps: float = setting(10.0, low=0.1, high=240, help="Frames a second when the video is played.")
    arrangement: str = setting(
        "auto", choices=ARRANGEMENTS, help="Panels in a row, in a column, or as they get largest."
    )
    video_width: int = setting(
        0, low=0, high=7680, unit="px", help="Width of the video; 0: at most 1920 x 1080."
    )
    opacity: float = setting(
        0.45, low=0, high=1, help="Of the classes; keyhole and pore are stronger and outlined."
    )
    crf: int = setting(
        18, low=0, high=51, help="Compression: 0 loses nothing, 18 looks like it, 51 is worst."
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a video frame, in px.

    panel : rows and columns of a panel. corners : (y, x) of each. shape : rows and columns of all,
    both even. font : height of letters. time_y : middle row of the time. legend : lines of classes
    with the middle row and first column of each.
    """

    panel: tuple[int, int]
    corners: tuple[tuple[int, int], ...]
    shape: tuple[int, int]
    font: int
    time_y: float
    legend: tuple[tuple[float, int, Any], ...]


def plan(
    frame_shape: tuple[int, int],
    n_panels: int,
    scheme: LabelScheme,
    time: TimeScale,
    settings: VideoSettings,
) -> Layout:
    """Lay out the panels of frames (Y, X), all drawn to one scale."""
    wanted = settings.arrangement
    grids = {"row": (1, n_panels), "column": (n_panels, 1)}
    scales = {name: _scale(frame_shape, grid, settings) for name, grid in grids.items()}
    if wanted == "auto":
        wanted = "row" if scales["row"] >= scales["column"] else "column"
    (rows, columns), scale = grids[wanted], scales[wanted]
    if not settings.video_width and scale >= 1:
        scale = min(int(scale), max(1, -(-_PANEL_PX // frame_shape[1])))
    height, width = (max(2, int(side * scale + 1e-9)) for side in frame_shape)
    font = int(np.clip(width / 32, *_FONT_PX))
    title = round(1.7 * font)
    used = columns * width + (columns - 1) * _GAP_PX
    across = max(used + 2 * _GAP_PX, _LEAST_WIDTH_PX, settings.video_width)
    across += across % 2
    left = (across - used) // 2
    corners = tuple(
        (title + row * (title + height), left + column * (width + _GAP_PX))
        for row in range(rows)
        for column in range(columns)
    )
    bottom = rows * (title + height)
    time_y, legend, down = _footer(scheme, time, font, title, bottom, left, across)
    return Layout((height, width), corners, (down + down % 2, across), font, time_y, legend)


def _footer(
    scheme: LabelScheme, time: TimeScale, font: int, line: int, top: int, left: int, across: int
) -> tuple[float, tuple[tuple[float, int, Any], ...], int]:
    """Time on the left and the legend on the right of one line, or on lines of their own."""
    small, time_y = legend_px(font), top + 0.6 * line
    beside = across - 2 * left - text_width(time_text(time, time.n_frames - 1), font) - 2 * font
    if legend_width(scheme.classes, small) <= beside:
        x = across - left - legend_width(scheme.classes, small)
        return time_y, ((time_y, x, scheme.classes),), round(time_y + 0.65 * line)
    lines = legend_lines(scheme.classes, across - 2 * _GAP_PX, small)
    widest = max(legend_width(classes, small) for classes in lines)
    x = max(_GAP_PX, min(left, across - _GAP_PX - widest))
    placed = tuple((time_y + n * 0.85 * line, x, part) for n, part in enumerate(lines, start=1))
    return time_y, placed, round(placed[-1][0] + 0.6 * line)


def legend_px(font: int) -> int:
    """Size of the letters of the legend beside titles of size `font`."""
    return max(11, round(0.85 * font))


def _scale(frame_shape: tuple[int, int], grid: tuple[int, int], settings: VideoSettings) -> float:
    """How much larger than a frame a panel can be drawn."""
    (height, width), (rows, columns) = frame_shape, grid
    gaps = (columns + 1) * _GAP_PX
    if settings.video_width:
        return max(settings.video_width - gaps, 2 * columns) / (columns * width)
    words = (rows + 2) * 1.7 * _FONT_PX[1]
    return min((_MOST_PX[1] - gaps) / (columns * width), (_MOST_PX[0] - words) / (rows * height))


def time_text(time: TimeScale, t: int) -> str:
    """The time, and the frame it belongs to."""
    text = time.text(t)
    return text if time.frame_rate_hz is None else f"{text}   (frame {t})"


class VideoFrames:
    """Renders the frames of a video, each by itself, in constant memory.

    Parameters
    ----------
    frame_shape : rows and columns. titles : one a panel; the first shows the frame alone, the
        others masks over it. scheme : the classes. dtype : of frames. limits : grey values shown
        black and white, the same in all frames, so that nothing flickers.
    time : how times are written. pixel_size_um : for the scale bar; none if not known.
    """

    def __init__(
        self,
        frame_shape: tuple[int, int],
        titles: Sequence[str],
        scheme: LabelScheme,
        *,
        dtype: Any,
        limits: tuple[float, float],
        time: TimeScale,
        pixel_size_um: float | None = None,
        settings: VideoSettings | None = None,
    ) -> None:
        settings = settings or VideoSettings()
        self.layout = plan(frame_shape, len(titles), scheme, time, settings)
        self._grey, self._time = Grey(limits, dtype), time
        self._palette = Palette.of(scheme, settings.opacity)
        self._still = self._drawn_once(titles)
        self._bar = self._scale_bar(frame_shape, pixel_size_um)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the video."""
        return self.layout.shape

    def render(self, t: int, frame: NDArray[Any], masks: Sequence[NDArray[np.uint8]]) -> RGB:
        """The video's frame of stack frame t, uint8 (Y, X, 3).

        frame : (Y, X) grey values. masks : codes (Y, X) for the second panel and on.
        """
        place, image = self.layout, self._still.copy()
        high, wide = place.panel
        grey = resized(self._grey(frame), place.panel, codes=False)
        shown = [None, *(resized(codes, place.panel, codes=True) for codes in masks)]
        for (y, x), codes in zip(place.corners, shown, strict=True):
            image[y : y + high, x : x + wide] = paint(
                grey, codes, self._palette, rim_px=max(1, round(place.font / 16))
            )
        if self._bar is not None:
            y, x = place.corners[0]
            down, across = (int(n) for n in self._bar.shape)
            edge = place.font // 2
            if high > down + edge and wide > across + edge:
                self._bar.lay_over(image, y + high - down - edge, x + wide - across - edge)
        self._write_time(image, t)
        return image

    def _write_time(self, image: RGB, t: int) -> None:
        place = self.layout
        half = round(0.7 * place.font)
        top = max(0, round(place.time_y) - half)
        line = image[top : round(place.time_y) + half]
        end = place.corners[0][1] + text_width(time_text(self._time, t), place.font) + place.font
        write(
            line[:, :end],
            time_text(self._time, t),
            x=place.corners[0][1],
            y=place.time_y - top,
            size_px=place.font,
        )

    def _drawn_once(self, titles: Sequence[str]) -> RGB:
        """What is the same in all frames: titles and legend."""
        place = self.layout
        image = np.empty((*place.shape, 3), np.uint8)
        image[:] = PAPER
        for title, (y, x) in zip(titles, place.corners, strict=True):
            write(image, title, x=x, y=y - 0.8 * place.font, size_px=place.font)
        for middle, x, classes in place.legend:
            draw_legend(image, classes, x=x, y=middle, px=legend_px(place.font))
        return image

    def _scale_bar(self, frame_shape: tuple[int, int], pixel_size_um: float | None) -> Any:
        if not pixel_size_um:
            return None
        width_px = self.layout.panel[1]
        um_a_pixel = pixel_size_um * frame_shape[1] / width_px
        length = round_bar_um(um_a_pixel * width_px)
        return scale_bar(round(length / um_a_pixel), length, self.layout.font)
