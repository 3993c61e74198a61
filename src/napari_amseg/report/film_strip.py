"""Film strip: chosen frames side by side, raw, truth and prediction below each other (Figure 5b of
the AM-SegNet paper).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.report.captions import TimeScale, round_bar_um, text_width
from napari_amseg.report.overlay import class_handles
from napari_amseg.report.panels import Grey, Palette, paint
from napari_amseg.report.series import figure_format

_WIDTH_IN, _HIGHEST_IN = 7.2, 9.5  # a page of two columns
_LEAST_WIDTH_IN = 2.8  # for the legend
_PANEL_IN = 3.0  # a single frame need not fill the page
_TOP_IN, _LEFT_IN, _RIGHT_IN, _GAP_IN, _LEGEND_LINE_IN = 0.18, 0.19, 0.02, 0.035, 0.17
_RIM_PT = 0.4
_FONT_PT, _BAR_FONT_PT = 7, 6
_BAR_PT, _PAD_PT = 1.5, 1.5
_DPI = 300

# Grey frame (Y, X) of a number and its masks (Y, X), one for each title but the first.
ReadFrame = Callable[[int], tuple[NDArray[Any], Sequence[NDArray[np.uint8]]]]


@dataclass(frozen=True, slots=True)
class StripLook:
    """What all frames of a strip share.

    titles : of the rows, the raw frames first. limits : grey values shown black and white.
    time : how times are written. pixel_size_um : for the scale bar; none if not known.
    """

    titles: Sequence[str]
    limits: tuple[float, float]
    time: TimeScale
    scheme: LabelScheme = DEFAULT_SCHEME
    pixel_size_um: float | None = None
    opacity: float = 0.45


def draw_strip(axes: Any, read: ReadFrame, frames: Sequence[int], look: StripLook) -> None:
    """Frames on a grid of matplotlib axes, a column a frame with its time above.

    axes : array (titles, frames) of axes. read : gives a frame and its masks. Titles stand upright
    beside their rows, and level where they would be taller than these.
    """
    palette = Palette.of(look.scheme, look.opacity)
    for column, t in zip(axes.T, frames, strict=True):
        frame, masks = read(t)
        grey = Grey(look.limits, frame.dtype)(frame)
        rim_px = _rim_px(column[0], frame.shape[1])
        for ax, codes in zip(column, [None, *masks], strict=True):
            ax.imshow(paint(grey, codes, palette, rim_px=rim_px), aspect="auto")
            ax.set_axis_off()
        column[0].set_title(look.time.text(t), fontsize=_FONT_PT, pad=2.5)
    rotation = 90 if _widest_in(look.titles) <= _panel_in(axes[0, 0])[0] else 0
    for ax, title in zip(axes[:, 0], look.titles, strict=True):
        ax.annotate(title, (0, 0.5), (-3, 0), xycoords="axes fraction", rotation=rotation,
                    textcoords="offset points", ha="right", va="center",
                    fontsize=_FONT_PT)  # fmt: skip
    if look.pixel_size_um:
        _draw_scale_bar(axes[0, 0], frame.shape, look.pixel_size_um)


def film_strip_figure(
    read: ReadFrame,
    frames: Sequence[int],
    path: Path,
    *,
    frame_shape: tuple[int, int],
    look: StripLook,
) -> None:
    """Write a film strip with a legend as one PNG (or SVG, PDF by suffix), at most a page large.

    frame_shape : rows and columns of a frame.
    """
    from matplotlib.figure import Figure

    shown = {t: read(t) for t in frames}
    handles = _handles_of(shown.values(), look.scheme)
    rows, columns = len(look.titles), len(frames)
    ratio = frame_shape[0] / frame_shape[1]
    left_in = _LEFT_IN
    wide = _panel_width_in(rows, columns, ratio, left_in)
    if _widest_in(look.titles) > wide * ratio:
        left_in = _widest_in(look.titles) + 2 * _GAP_IN
        wide = _panel_width_in(rows, columns, ratio, left_in)
    used = left_in + columns * (wide + _GAP_IN) - _GAP_IN + _RIGHT_IN
    width = max(used, _LEAST_WIDTH_IN)
    in_line = max(1, int(width / 0.9))
    legend = _LEGEND_LINE_IN * (-(-len(handles) // in_line) + 0.3)
    height = _TOP_IN + rows * (wide * ratio + _GAP_IN) + legend
    figure = Figure(figsize=(width, height))
    left = left_in + (width - used) / 2
    axes = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        x = left + column * (wide + _GAP_IN)
        y = height - _TOP_IN - row * (wide * ratio + _GAP_IN) - wide * ratio
        box = (x / width, y / height, wide / width, wide * ratio / height)
        axes[row, column] = figure.add_axes(box)
    draw_strip(axes, shown.__getitem__, frames, look)
    if handles:
        figure.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=0.1,
            borderpad=0.1,
            ncols=min(in_line, len(handles)),
            frameon=False,
            fontsize=_FONT_PT,
            handlelength=1.2,
            columnspacing=1.2,
        )
    figure.savefig(path, dpi=_DPI, format=figure_format(path))


def _panel_width_in(rows: int, columns: int, ratio: float, left_in: float) -> float:
    """Width of a panel in inches, on one page. ratio : height of a frame to its width."""
    most_wide = (_WIDTH_IN - left_in - _RIGHT_IN + _GAP_IN) / columns - _GAP_IN
    most_high = (_HIGHEST_IN - 4 * _LEGEND_LINE_IN - _TOP_IN) / rows - _GAP_IN
    return min(most_wide, _PANEL_IN, most_high / ratio)


def _handles_of(
    shown: Iterable[tuple[NDArray[Any], Sequence[NDArray[np.uint8]]]], scheme: LabelScheme
) -> list[Any]:
    """Legend entries of the classes that occur in what is shown."""
    codes = {int(code) for _, masks in shown for mask in masks for code in np.unique(mask)}
    pairs = zip(scheme.classes, class_handles(scheme), strict=True)
    return [handle for c, handle in pairs if c.code in codes]


def _widest_in(titles: Sequence[str]) -> float:
    """Length of the longest title in print, in inches."""
    return max(_text_pt(title, _FONT_PT) for title in titles) / 72


def _text_pt(text: str, size_pt: float) -> float:
    return text_width(text, 100) * size_pt / 100


def _panel_in(ax: Any) -> tuple[float, float]:
    """Height and width of an axis in inches."""
    place, figure = ax.get_position(), ax.figure
    return place.height * figure.get_figheight(), place.width * figure.get_figwidth()


def _rim_px(ax: Any, width_px: int) -> int:
    """Width of the rims in pixels of a frame, so that they are as wide in print for any frame."""
    return max(1, int(_RIM_PT * width_px / (72 * _panel_in(ax)[1]) + 0.5))


def _draw_scale_bar(ax: Any, shape: tuple[int, ...], pixel_size_um: float) -> None:
    """A bar in the lower right corner, its label above it, both in one dark box."""
    from matplotlib.patches import Rectangle

    length_um = round_bar_um(shape[1] * pixel_size_um)
    text, px_a_pt = f"{length_um:g} µm", shape[1] / (72 * _panel_in(ax)[1])
    pad, label_px = _PAD_PT * px_a_pt, _text_pt(text, _BAR_FONT_PT) * px_a_pt
    bar_px = length_um / pixel_size_um
    wide, high = max(bar_px, label_px) + 2 * pad, (_BAR_FONT_PT + _BAR_PT) * px_a_pt + 3 * pad
    right, bottom = shape[1] - 2 * pad, shape[0] - 2 * pad
    middle, y = right - wide / 2, bottom - pad - _BAR_PT / 2 * px_a_pt
    ax.add_patch(
        Rectangle((right - wide, bottom - high), wide, high, color="black", alpha=0.5, lw=0)
    )
    ax.plot([middle - bar_px / 2, middle + bar_px / 2], [y, y], color="white", lw=_BAR_PT,
            solid_capstyle="butt")  # fmt: skip
    ax.annotate(text, (middle, bottom - high + pad), color="white", ha="center", va="top",
                fontsize=_BAR_FONT_PT)  # fmt: skip
    ax.set_xlim(-0.5, shape[1] - 0.5)
    ax.set_ylim(shape[0] - 0.5, -0.5)
