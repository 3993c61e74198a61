"""The plots of the quantification dock as a figure for people and papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.measure.quantities import Quantity, bin_count
from napari_amseg.report.series import column, draw_series, figure_format, time_axis

_WIDTH_IN, _PANEL_IN, _HISTOGRAM_IN = 7.2, 1.5, 2.1
_OTHER = {"color": "black", "lw": 0.9, "ls": "--", "marker": ""}
_ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2}
_SIGNAL_COLOR = "#997700"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown.

    Attributes
    ----------
    frames : pandas table with the columns of ``_frames.csv``. name : of the stack.
    quantities : a panel each. first, last : the chosen range of frames.
    histogram : the quantity whose histogram in the range is drawn below.
    other, other_name : frame table of a stack to compare with, its ``time_s`` or ``frame`` on the
        same axis; None without one.
    signal : time in the units of the x axis, values and axis label of an external signal, or None.
    """

    frames: Any
    name: str
    quantities: Sequence[Quantity]
    first: int
    last: int
    histogram: Quantity
    other: Any = None
    other_name: str = ""
    signal: tuple[Any, Any, str] | None = None


def shown_figure(shown: Shown, path: Path) -> None:
    """Write the shown series and the histogram as PNG (SVG or PDF by suffix), two columns wide."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    n = len(shown.quantities)
    style = {"font.size": 8, "pdf.fonttype": 42, "svg.fonttype": "none"}
    with mpl.rc_context(style):  # type: ignore[arg-type]
        size = (_WIDTH_IN, _PANEL_IN * n + _HISTOGRAM_IN)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(n + 1, 1, height_ratios=[_PANEL_IN] * n + [_HISTOGRAM_IN])
        for ax, quantity in zip(panels, shown.quantities, strict=False):
            if ax is not panels[0]:
                ax.sharex(panels[0])
            draw_shown(ax, shown, quantity)
            ax.tick_params(labelbottom=ax is panels[n - 1])
        panels[n - 1].set_xlabel(time_axis(shown.frames)[1])
        if shown.other is not None:
            panels[0].legend(fontsize=7, frameon=False, **_ABOVE)
        if shown.signal is not None:
            draw_signal(panels[0], *shown.signal)
        draw_histogram(panels[n], shown)
        figure.align_ylabels(panels)
        figure.savefig(path, dpi=300, format=figure_format(path))


def draw_shown(ax: Any, shown: Shown, quantity: Quantity) -> None:
    """One quantity on a matplotlib axis, the range shaded, the other stack dashed."""
    draw_series(ax, shown.frames, quantity, label=shown.name)
    if _comparable(shown, quantity):
        draw_series(ax, shown.other, quantity, label=shown.other_name, **_OTHER)
        rises_from_zero = ax.get_ylim()[0] == 0
        ax.autoscale(axis="y")
        if rises_from_zero:
            ax.set_ylim(bottom=0)
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
    tables = [(shown.frames, shown.name)]
    if _comparable(shown, quantity):
        tables.append((shown.other, shown.other_name))
    series = []
    for table, name in tables:
        values, unit = column(table, quantity)
        counts = time_axis(table)[0].between(*_limits(shown))
        if quantity.role == "keyhole":  # an area of 0 is no keyhole, and no area
            counts &= table["keyhole_area_px"] > 0
        series.append((values[counts].dropna().to_numpy(float), unit, name))
    known = np.concatenate([values for values, _, _ in series])
    if known.size:
        edges = np.histogram_bin_edges(known, bin_count(known.size))
        for i, (values, unit, name) in enumerate(series):
            if not values.size:
                continue
            look = {"histtype": "step", "color": "black", "ls": "--"} if i else {"color": "0.7"}
            weights = np.full(values.size, 100 / values.size)
            ax.hist(values, edges, weights=weights, **look)
            said = f"{name}: mean {values.mean():.4g} {unit}, {values.size} frames"
            ax.axvline(values.mean(), color="black", lw=1, ls="--" if i else "-", label=said)
        ax.legend(fontsize=7, frameon=False, **_ABOVE)
    unit = series[0][1]
    title = quantity.title.capitalize()
    ax.set_xlabel(f"{title} ({unit})" if unit else title)
    ax.set_ylabel("Frames (%)")
    ax.spines[["top", "right"]].set_visible(False)


def _limits(shown: Shown) -> tuple[float, float]:
    """The ends of the range on the x axis."""
    x = time_axis(shown.frames)[0][shown.frames["frame"].between(shown.first, shown.last)]
    return (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)


def _comparable(shown: Shown, quantity: Quantity) -> bool:
    """Whether there is another stack whose quantity has the same unit."""
    if shown.other is None:
        return False
    return column(shown.frames, quantity)[1] == column(shown.other, quantity)[1]
