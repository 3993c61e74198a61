"""Keyhole and pore series over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.measure.quantities import MAIN_QUANTITIES, Quantity
from napari_amseg.report.time_unit import TimeUnit, length_unit

_HEADROOM = 1.08
_COLORS = {c.role: c.color for c in DEFAULT_SCHEME.classes}


def column(frames: Any, quantity: Quantity) -> tuple[Any, str]:
    """Values of a quantity and its unit: in um if the table has them, else in px."""
    in_um = quantity.column(in_um=True)
    known = in_um in frames and frames[in_um].notna().any()
    return frames[quantity.column(in_um=known)], quantity.unit_of(in_um=known)


def time_axis(frames: Any, unit: TimeUnit | None = None) -> tuple[Any, str]:
    """Time where the frame rate is known, else the frame number; and what the axis is called.

    unit : of the time; None: as suits the length of the stack.
    """
    if unit is None and frames["time_s"].notna().all():
        name, per_second = length_unit(_length_s(frames))
        return frames["time_s"] * per_second, f"Time ({name})"
    if unit is None or unit.name == "frame":
        return frames["frame"], "Frame"
    return frames["frame"] * unit.per_frame, unit.label.capitalize()


def _length_s(frames: Any) -> float:
    """How long the frames of a table last; 1 s if there is but the first, which has no rate."""
    last, last_s = float(frames["frame"].max()), float(frames["time_s"].max())
    return last_s * (last + 1) / last if last > 0 else 1.0


def draw_series(
    ax: Any, frames: Any, quantity: Quantity, *, unit: TimeUnit | None = None, **style: Any
) -> None:
    """One quantity against time on a matplotlib axis. Without a keyhole the area is 0, and what a
    keyhole has, such as its depth, is left out.

    frames : pandas table with the columns of ``_frames.csv``. unit : as in :func:`time_axis`.
    """
    x, _ = time_axis(frames, unit)
    y, of_y = column(frames, quantity)
    steps = {"drawstyle": "steps-mid"} if quantity.whole else {}
    plain = {"color": _COLORS[quantity.role], "lw": 1.2, "ms": 4}
    plain["marker"] = "." if len(frames) <= 200 else ""
    ax.plot(x, y, **(plain | steps | style))
    title = quantity.title.capitalize()
    ax.set_ylabel(f"{title} ({of_y})" if of_y else title)
    if not y.min() < 0:
        rise_from_zero(ax)
    if quantity.whole:
        ax.yaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def rise_from_zero(ax: Any) -> None:
    """Let the axis begin at 0 and end above the highest point and its marker."""
    highest = float(ax.dataLim.y1)
    ax.set_ylim(0, _HEADROOM * highest if highest > 0 else 1)


def draw_uncertainty(ax: Any, frames: Any) -> None:
    """The uncertainty of each mask against time, from 0 to 1, on a matplotlib axis."""
    x, _ = time_axis(frames)
    ax.fill_between(x, frames["uncertainty"].astype(float), color="0.6", step="mid", lw=0)
    ax.set_ylabel("Uncertainty")
    ax.set_ylim(0, 1)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def series_figure(frames: Any, path: Path, *, title: str = "") -> None:
    """Write area, depth, pore area and pore count over time as one PNG (or SVG, PDF by suffix);
    below them the uncertainty of the masks, where it is known.
    """
    from matplotlib.figure import Figure

    known = "uncertainty" in frames and frames["uncertainty"].notna().any()
    n_panels = len(MAIN_QUANTITIES) + known
    figure = Figure(figsize=(7.2, 1.8 * n_panels), layout="constrained")
    axes = figure.subplots(n_panels, 1, sharex=True)
    for ax, panel in zip(axes, MAIN_QUANTITIES, strict=False):
        draw_series(ax, frames, panel)
    if known:
        draw_uncertainty(axes[-1], frames)
    axes[-1].set_xlabel(time_axis(frames)[1])
    figure.align_ylabels(axes)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=300, format=figure_format(path))


def figure_format(path: Path) -> str:
    """File format by the name's own ending, also under a temporary name."""
    known = {".svg": "svg", ".pdf": "pdf"}
    return next((v for k, v in known.items() if k in path.suffixes), "png")
