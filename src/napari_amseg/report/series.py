"""Keyhole and pore series over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_amseg.labels import DEFAULT_SCHEME

_COLORS = {c.role: c.color for c in DEFAULT_SCHEME.classes}
# column stem, title, unit power of a length (0: a count), role that gives the colour
PANELS = (
    ("keyhole_area", "Keyhole area", 2, "keyhole"),
    ("keyhole_depth", "Keyhole depth", 1, "keyhole"),
    ("pore_area", "Pore area", 2, "pore"),
    ("pore_count", "Pores", 0, "pore"),
)


def column(frames: Any, stem: str, power: int) -> tuple[Any, str]:
    """Values of a measure and its unit: in um if the table has them, else in px."""
    if power == 0:
        return frames[stem], ""
    suffix, unit = ("_um2", "µm²") if power == 2 else ("_um", "µm")
    if f"{stem}{suffix}" in frames and frames[f"{stem}{suffix}"].notna().any():
        return frames[f"{stem}{suffix}"], unit
    return frames[f"{stem}_px"], "px²" if power == 2 else "px"


def time_axis(frames: Any) -> tuple[Any, str]:
    """Time in ms where the frame rate is known, else the frame number."""
    if frames["time_s"].notna().all():
        return frames["time_s"] * 1e3, "Time (ms)"
    return frames["frame"], "Frame"


def draw_series(ax: Any, frames: Any, stem: str, title: str, power: int, role: str) -> None:
    """One measure against time on a matplotlib axis; gaps where there is no keyhole.

    frames : pandas table with the columns of ``_frames.csv``.
    """
    x, _ = time_axis(frames)
    y, unit = column(frames, stem, power)
    style = {"drawstyle": "steps-mid"} if power == 0 else {}
    marker = "." if len(frames) <= 200 else ""
    ax.plot(x, y, color=_COLORS[role], lw=1.2, marker=marker, ms=4, **style)
    ax.set_ylabel(f"{title} ({unit})" if unit else title)
    ax.set_ylim(0, None if y.max() > 0 else 1)
    if power == 0:
        ax.yaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


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
    n_panels = len(PANELS) + known
    figure = Figure(figsize=(7.2, 1.8 * n_panels), layout="constrained")
    axes = figure.subplots(n_panels, 1, sharex=True)
    for ax, panel in zip(axes, PANELS, strict=False):
        draw_series(ax, frames, *panel)
    if known:
        draw_uncertainty(axes[-1], frames)
    axes[-1].set_xlabel(time_axis(frames)[1])
    figure.align_ylabels(axes)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=150, format=figure_format(path))


def figure_format(path: Path) -> str:
    """File format by the name's own ending, also under a temporary name."""
    known = {".svg": "svg", ".pdf": "pdf"}
    return next((v for k, v in known.items() if k in path.suffixes), "png")
