"""Correlation maps of a campaign: the AM-SegNet paper's Figure 7, and the power-velocity map.

`table` is a pandas table with a row an experiment: ``pores`` (bool), ``keyhole_area_delta_max``,
``keyhole_area_delta_avg``, ``keyhole_depth_delta_avg`` (fractions), ``pore_diameter``,
``laser_power_w``, ``map_speed_mm_s``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.groups import GroupComparison
from napari_amseg.report.maps import (
    COLORS,
    GROUPS,
    MAPS,
    MARKERS,
    WITH,
    WITHOUT,
    MapAxes,
    MarkerSizes,
    ends_of_line,
    line_label,
    marker_sizes,
    side_by_side,
)
from napari_amseg.report.series import figure_format

_PLAIN_PT = 3.6  # diameter of a marker without pores
_SINGLE_IN, _DOUBLE_IN = 3.5, 7.2
_STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.7, "xtick.direction": "in",
    "ytick.direction": "in", "xtick.top": True, "ytick.right": True, "pdf.fonttype": 42,
    "legend.frameon": False, "legend.handlelength": 1.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrameAreas:
    """Keyhole areas of all frames of a group's experiments, and their unit."""

    by_group: Mapping[str, NDArray[np.float64]]
    unit: str
    experiments: Mapping[str, int]


def draw_area_histogram(ax: Any, areas: FrameAreas, group: str) -> None:
    """Share of the frames of a group by keyhole area, with mean and standard deviation.

    Both groups have the same bins and axes, so that two histograms can be compared.
    """
    shared = np.concatenate(list(areas.by_group.values()))
    top = float(np.percentile(shared, 99.8)) * 1.02 if shared.size else 1.0
    edges = np.linspace(0, top, 41)
    values, most = areas.by_group[group], 0.0
    for of_group in areas.by_group.values():
        if of_group.size:
            most = max(most, 100 * np.histogram(of_group, edges)[0].max() / of_group.size)
    if values.size:
        weights = np.full(values.size, 100 / values.size)
        ax.hist(values, edges, weights=weights, color=COLORS[group], alpha=0.75,
                edgecolor="white", linewidth=0.4)  # fmt: skip
        mean = float(values.mean())
        ax.axvline(mean, color="black", lw=0.9, ls="--")
        said = f"{values.size:,} frames, {areas.experiments[group]} experiments\n"
        said += f"{mean:,.0f} ± {values.std():,.0f} {areas.unit}"
    else:
        said = "no frames"
    ax.text(0.97, 0.95, f"{group.capitalize()}\n{said}", ha="right", va="top", fontsize=7,
            transform=ax.transAxes, linespacing=1.4,
            bbox={"color": "white", "alpha": 0.85, "pad": 1.5})  # fmt: skip
    ax.set_xlim(0, 1.03 * top)  # the last bar stands free of the frame
    ax.set_ylim(0, 1.08 * most or 1)
    ax.set_xlabel(f"Keyhole area ({areas.unit})")
    ax.set_ylabel("Frames (%)")
    if top >= 1e4:
        ax.xaxis.set_major_formatter("{x:,.0f}")


def draw_map(ax: Any, table: Any, axes: MapAxes, found: GroupComparison | None) -> None:
    """One point an experiment: colour and marker by group, size by the largest pore's diameter;
    the groups' ellipses and the line between them, where there are any.
    """
    shown = table[np.isfinite(table[[axes.x, axes.y]].astype(float)).all(axis=1)]
    reach = marker_sizes(table)
    for group in GROUPS:
        rows = shown[shown["pores"] == (group == WITH)]
        sizes = reach.points(rows["pore_diameter"]) if group == WITH else _PLAIN_PT
        ax.scatter(
            axes.scale * rows[axes.x], axes.scale * rows[axes.y], s=sizes**2, c=COLORS[group],
            marker=MARKERS[group], alpha=0.62, linewidths=0.5, edgecolors="white",
            label=f"{group} ({len(rows)})",
        )  # fmt: skip
    if len(shown):
        _draw_comparison(ax, axes, found)
    ax.set_xlabel(axes.x_label)
    ax.set_ylabel(axes.y_label)
    ax.legend(loc="upper left", handletextpad=0.5, labelspacing=0.35)


def draw_power_velocity(ax: Any, table: Any) -> None:
    """Laser power against scan speed, coloured by pore formation; experiments of the same settings
    stand beside each other.
    """
    axes = MAPS["power_velocity"]
    shown = table.dropna(subset=[axes.x, axes.y])
    x, y = side_by_side(shown[axes.x].to_numpy(float), shown[axes.y].to_numpy(float))
    for group in GROUPS:
        rows = (shown["pores"] == (group == WITH)).to_numpy(bool)
        ax.scatter(x[rows], y[rows], s=26, c=COLORS[group], marker=MARKERS[group], alpha=0.85,
                   linewidths=0.5, edgecolors="white", label=f"{group} ({rows.sum()})")  # fmt: skip
    ax.set_xlabel(axes.x_label)
    ax.set_ylabel(axes.y_label)
    ax.margins(0.06)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.3)


def draw_size_legend(ax: Any, sizes: MarkerSizes) -> None:
    """Markers of a few pore diameters, in the upper right corner, beside the legend there is:
    that is above what is drawn.
    """
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="", marker=MARKERS[WITH], ms=float(sizes.points([d])[0]), alpha=0.62,
               color=COLORS[WITH], mec="white", mew=0.5, label=f"{d:g} {sizes.unit}")
        for d in sizes.examples()
    ]  # fmt: skip
    if handles:
        first = ax.get_legend()
        ax.legend(handles=handles, title="largest pore", title_fontsize=7, loc="upper right",
                  labelspacing=0.7, frameon=True, edgecolor="none", framealpha=0.9)  # fmt: skip
        if first is not None:
            ax.add_artist(first)


def correlation_figure(
    table: Any, maps: Mapping[str, GroupComparison], areas: FrameAreas | None, path: Path
) -> None:
    """Write Figure 7: (a, b) keyhole area with and without pores, (c) average against greatest
    deviation of the area, (d) of the area against the depth, as PNG (or SVG, PDF by suffix).
    Without frame tables only (c) and (d), then called (a) and (b).
    """
    with _styled() as new_figure:
        figure = new_figure((_DOUBLE_IN, 5.9 if areas else 3.5))
        panels = figure.subplots(2 if areas else 1, 2, squeeze=False, height_ratios=(
            (1, 1.5) if areas else (1,)))  # fmt: skip
        if areas is not None:
            draw_area_histogram(panels[0, 0], areas, WITH)
            draw_area_histogram(panels[0, 1], areas, WITHOUT)
        for ax, name in zip(panels[-1], ("area", "area_depth"), strict=True):
            draw_map(ax, table, MAPS[name], maps[name])
            draw_size_legend(ax, marker_sizes(table))
        _letter(panels.ravel())
        _save(figure, path)


def histogram_figure(areas: FrameAreas, path: Path) -> None:
    """Write the histograms of keyhole area, with and without pores, as PNG (or SVG, PDF)."""
    with _styled() as new_figure:
        figure = new_figure((_DOUBLE_IN, 2.5))
        panels = figure.subplots(1, 2)
        for ax, group in zip(panels, (WITH, WITHOUT), strict=True):
            draw_area_histogram(ax, areas, group)
        _letter(panels)
        _save(figure, path)


def power_velocity_figure(table: Any, path: Path) -> None:
    """Write the power-velocity map, one journal column wide, as PNG (or SVG, PDF by suffix)."""
    with _styled() as new_figure:
        figure = new_figure((_SINGLE_IN, 3.0))
        draw_power_velocity(figure.subplots(), table)
        _save(figure, path)


def _draw_comparison(ax: Any, axes: MapAxes, found: GroupComparison | None) -> None:
    if found is None:
        return
    ax.autoscale_view()
    for group in GROUPS:
        ellipse = found.ellipses[group]
        if ellipse is not None:
            outline = axes.scale * ellipse.outline()
            label = f"{100 * ellipse.level:g} % ellipse" if group == _first_ellipse(found) else None
            ax.plot(*outline.T, color=COLORS[group], lw=1.1)
            ax.fill(*outline.T, color=COLORS[group], alpha=0.07, lw=0)
            if label:
                ax.plot([], [], color="0.35", lw=1.1, label=label)
    ax.autoscale_view()
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    if found.line is not None:
        ends = (np.array(ends_of_line(found.line, (left / axes.scale, right / axes.scale),
                                      (bottom / axes.scale, top / axes.scale))))  # fmt: skip
        ax.plot(*(axes.scale * ends).T, color="black", lw=1.1, ls="--",
                label=line_label(found.line))  # fmt: skip
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top + 0.42 * (top - bottom))  # room for the legend


def _first_ellipse(found: GroupComparison) -> str | None:
    return next((group for group in GROUPS if found.ellipses[group] is not None), None)


def _letter(panels: Any) -> None:
    for ax, letter in zip(panels, "abcd", strict=False):
        ax.set_title(f"({letter})", loc="left", fontweight="bold")


@contextmanager
def _styled() -> Iterator[Any]:
    """Sizes and ticks of a journal, for the figures made inside."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield lambda size: Figure(figsize=size, layout="constrained")


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=300, format=figure_format(path))
