"""The plots of the quantification dock as a figure for people and papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.quantities import Quantity, bin_count
from napari_amseg.report.series import (
    column,
    draw_series,
    figure_format,
    rise_from_zero,
    time_axis,
)
from napari_amseg.report.time_unit import TimeUnit

_WIDTH_IN, _PANEL_IN, _HISTOGRAM_IN = 7.2, 1.5, 2.1
_OTHER = {"color": "black", "lw": 0.9, "ls": "--", "marker": ""}
_ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2}
_SIGNAL_COLOR = "#997700"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Values of a stack, (n,), NaN for frames that do not count; and their mean, None without."""

    name: str
    values: NDArray[np.float64]
    mean: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown.

    Attributes
    ----------
    frames : pandas table with the columns of ``_frames.csv``. name : of the stack.
    quantities : a panel each. first, last : the chosen range of frames.
    histogram : the quantity whose histogram in the range is drawn below.
    histograms : the values of each stack; empty for no histogram. unit : of the time.
    other, other_name : frame table of a stack to compare with, its ``frame`` on the same axis; None
        without one.
    signal : time in that unit, values and axis label of an external signal, or None.
    """

    frames: Any
    name: str
    quantities: Sequence[Quantity]
    first: int
    last: int
    histogram: Quantity
    histograms: Sequence[Histogram]
    unit: TimeUnit
    other: Any = None
    other_name: str = ""
    signal: tuple[Any, Any, str] | None = None


def shown_figure(shown: Shown, path: Path) -> None:
    """Write the shown series, and the histogram if it has values, as PNG (SVG or PDF by suffix),
    two columns wide.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    n = len(shown.quantities)
    style = {"font.size": 8, "pdf.fonttype": 42, "svg.fonttype": "none"}
    with mpl.rc_context(style):  # type: ignore[arg-type]
        heights = [_PANEL_IN] * n + [_HISTOGRAM_IN] * bool(shown.histograms)
        figure = Figure(figsize=(_WIDTH_IN, sum(heights)), layout="constrained")
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for ax, quantity in zip(panels, shown.quantities, strict=False):
            if ax is not panels[0]:
                ax.sharex(panels[0])
            draw_shown(ax, shown, quantity)
            ax.tick_params(labelbottom=ax is panels[n - 1])
        panels[n - 1].set_xlabel(time_axis(shown.frames, shown.unit)[1])
        if shown.other is not None:
            panels[0].legend(fontsize=7, frameon=False, **_ABOVE)
        if shown.signal is not None:
            draw_signal(panels[0], *shown.signal)
        if shown.histograms:
            draw_histogram(panels[n], shown)
        figure.align_ylabels(panels)
        figure.savefig(path, dpi=300, format=figure_format(path))


def draw_shown(ax: Any, shown: Shown, quantity: Quantity) -> None:
    """One quantity on a matplotlib axis, the other stack dashed, a range that is not all shaded."""
    draw_series(ax, shown.frames, quantity, unit=shown.unit, label=shown.name)
    if _comparable(shown, quantity):
        draw_series(ax, shown.other, quantity, unit=shown.unit, label=shown.other_name, **_OTHER)
        rises_from_zero = ax.get_ylim()[0] == 0
        ax.autoscale(axis="y")
        if rises_from_zero:
            rise_from_zero(ax)
    if not shown.frames["frame"].between(shown.first, shown.last).all():
        low, high = _limits(shown)
        ax.axvspan(low, high, color="0.5", alpha=0.12, lw=0)


def draw_signal(ax: Any, x: Any, values: Any, label: str) -> None:
    """An external signal on a second axis to the right."""
    right = ax.twinx()
    right.plot(x, values, color=_SIGNAL_COLOR, lw=0.7)
    right.set_ylabel(label, color=_SIGNAL_COLOR)
    right.tick_params(axis="y", colors=_SIGNAL_COLOR)
    right.spines["top"].set_visible(False)
    right.set_xlim(ax.get_xlim())


def draw_histogram(ax: Any, shown: Shown) -> None:
    """How often the quantity has which value in the range, means marked, on a matplotlib axis."""
    quantity = shown.histogram
    unit = column(shown.frames, quantity)[1]
    series = [h.values[np.isfinite(h.values)] for h in shown.histograms]
    known = np.concatenate(series)
    if known.size:
        edges = np.histogram_bin_edges(known, bin_count(known.size))
        for i, (values, stack) in enumerate(zip(series, shown.histograms, strict=True)):
            if not values.size or stack.mean is None:
                continue
            look = {"histtype": "step", "color": "black", "ls": "--"} if i else {"color": "0.7"}
            weights = np.full(values.size, 100 / values.size)
            ax.hist(values, edges, weights=weights, **look)
            mean = f"{stack.mean:.4g} {unit}".strip()
            said = f"{stack.name}: mean {mean}, {values.size} frames"
            ax.axvline(stack.mean, color="black", lw=1, ls="--" if i else "-", label=said)
        ax.legend(fontsize=7, frameon=False, **_ABOVE)
    title = quantity.title.capitalize()
    ax.set_xlabel(f"{title} ({unit})" if unit else title)
    ax.set_ylabel("Frames (%)")
    ax.spines[["top", "right"]].set_visible(False)


def _limits(shown: Shown) -> tuple[float, float]:
    """The ends of the range on the x axis."""
    x = time_axis(shown.frames, shown.unit)[0][
        shown.frames["frame"].between(shown.first, shown.last)
    ]
    return (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)


def _comparable(shown: Shown, quantity: Quantity) -> bool:
    """Whether there is another stack whose quantity has the same unit."""
    if shown.other is None:
        return False
    return column(shown.frames, quantity)[1] == column(shown.other, quantity)[1]
