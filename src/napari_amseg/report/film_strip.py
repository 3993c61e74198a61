"""Film strip: chosen frames side by side, raw, truth and prediction below each other (Figure 5b of
the AM-SegNet paper).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.report.captions import TimeScale, round_bar_um
from napari_amseg.report.overlay import class_handles
from napari_amseg.report.panels import Grey, Palette, paint
from napari_amseg.report.series import figure_format

_WIDTH_IN, _HIGHEST_IN = 7.2, 9.5  # a page of two columns
_LEAST_WIDTH_IN = 2.8  # for the legend
_PANEL_IN = 3.0  # a single frame need not fill the page
_TOP_IN, _LEFT_IN, _RIGHT_IN, _GAP_IN, _LEGEND_LINE_IN = 0.18, 0.19, 0.02, 0.035, 0.17
_RIM_PT = 0.4
_FONT_PT, _BAR_FONT_PT = 7, 6
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

    axes : array (titles, frames) of axes. read : gives a frame and its masks.
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
    for ax, title in zip(axes[:, 0], look.titles, strict=True):
        ax.annotate(title, (0, 0.5), (-3, 0), xycoords="axes fraction", rotation=90, ha="right",
                    textcoords="offset points", va="center", fontsize=_FONT_PT)  # fmt: skip
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

    rows, columns = len(look.titles), len(frames)
    ratio = frame_shape[0] / frame_shape[1]
    most_wide = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN + _GAP_IN) / columns - _GAP_IN
    most_high = (_HIGHEST_IN - 4 * _LEGEND_LINE_IN - _TOP_IN) / rows - _GAP_IN
    wide = min(most_wide, _PANEL_IN, most_high / ratio)
    used = _LEFT_IN + columns * (wide + _GAP_IN) - _GAP_IN + _RIGHT_IN
    width = max(used, _LEAST_WIDTH_IN)
    in_line = max(1, int(width / 0.9))
    legend = _LEGEND_LINE_IN * (-(-len(look.scheme.classes) // in_line) + 0.3)
    height = _TOP_IN + rows * (wide * ratio + _GAP_IN) + legend
    figure = Figure(figsize=(width, height))
    left = _LEFT_IN + (width - used) / 2
    axes = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        x = left + column * (wide + _GAP_IN)
        y = height - _TOP_IN - row * (wide * ratio + _GAP_IN) - wide * ratio
        box = (x / width, y / height, wide / width, wide * ratio / height)
        axes[row, column] = figure.add_axes(box)
    draw_strip(axes, read, frames, look)
    figure.legend(
        handles=class_handles(look.scheme),
        loc="lower center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=0.1,
        borderpad=0.1,
        ncols=min(in_line, len(look.scheme.classes)),
        frameon=False,
        fontsize=_FONT_PT,
        handlelength=1.2,
        columnspacing=1.2,
    )
    figure.savefig(path, dpi=_DPI, format=figure_format(path))


def _rim_px(ax: Any, width_px: int) -> int:
    """Width of the rims in pixels of a frame, so that they are as wide in print for any frame."""
    panel_pt = 72 * ax.get_position().width * ax.figure.get_figwidth()
    return max(1, int(_RIM_PT * width_px / panel_pt + 0.5))


def _draw_scale_bar(ax: Any, shape: tuple[int, ...], pixel_size_um: float) -> None:
    from matplotlib.patheffects import withStroke

    length_um = round_bar_um(shape[1] * pixel_size_um)
    x1, y = 0.95 * shape[1], shape[0] - 0.05 * shape[1]
    x0 = x1 - length_um / pixel_size_um
    dark = [withStroke(linewidth=2, foreground="black")]
    ax.plot([x0, x1], [y, y], color="white", lw=1.5, solid_capstyle="butt",
            path_effects=[withStroke(linewidth=2.5, foreground="black")])  # fmt: skip
    ax.annotate(f"{length_um:g} µm", ((x0 + x1) / 2, y), (0, 2), textcoords="offset points",
                color="white", ha="center", va="bottom", fontsize=_BAR_FONT_PT,
                path_effects=dark)  # fmt: skip
    ax.set_xlim(-0.5, shape[1] - 0.5)
    ax.set_ylim(shape[0] - 0.5, -0.5)
