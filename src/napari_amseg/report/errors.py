"""Errors of keyhole area, keyhole depth and pore area against the truth: the AM-SegNet paper's
Figure 6, with Bland-Altman plots.

Functions take a pandas table with a row a frame and the columns ``<measure>_truth`` and
``<measure>``: ``evaluation_frames.csv``, or what :func:`napari_amseg.measure.errors.error_table`
makes of two measured label stacks. A column ``material`` makes groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.errors import Agreement, agreement, relative_errors
from napari_amseg.report.series import figure_format
from napari_amseg.words import counted

# Okabe and Ito's colours, told apart by the colour-blind; the markers differ as well.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
# stem, title, suffix and unit where the scale is known, and where not
MEASURES = (
    ("keyhole_area", "Keyhole area", ("_um2", "µm²"), ("_px", "px²")),
    ("keyhole_depth", "Keyhole depth", ("_um", "µm"), ("_px", "px")),
    ("pore_area", "Pore area", ("_um2", "µm²"), ("_px", "px²")),
)
NOT_STATED = "not stated"
_SHOWN = (2.0, 98.0)  # per cent of the points that the axis must hold
_WIDE_GROUPS = 3  # with more, words stand upright
_NOTE_PT, _FONT_PT = 6, 7


@dataclass(frozen=True, slots=True)
class Pairs:
    """Truth and prediction of one measure, (n,) each, both known.

    material : name of each. one_sided : frames with a value in only one of the two.
    both_zero : frames where both are 0, which tell nothing and are not among the n.
    """

    truth: NDArray[np.float64]
    value: NDArray[np.float64]
    material: NDArray[Any]
    unit: str
    one_sided: int
    both_zero: int

    @property
    def n_zero_truth(self) -> int:
        """Pairs without a relative error."""
        return int(np.count_nonzero(self.truth == 0))


def pairs_of(table: Any, measure: tuple[Any, ...]) -> Pairs:
    """The pairs of a measure of `MEASURES`, in um if every pair has them, else in px.

    Raises
    ------
    ValueError
        If the table does not have the measure.
    """
    stem, _, scaled, plain = measure
    found = {}
    for suffix, unit in (scaled, plain):
        if {f"{stem}{suffix}", f"{stem}{suffix}_truth"} <= set(table):
            found[unit] = [
                table[f"{stem}{suffix}{end}"].to_numpy(np.float64, na_value=np.nan)
                for end in ("_truth", "")
            ]
    if not found:
        raise ValueError(f"table of errors: it has no columns of {stem}, as prediction and truth.")
    counts = {unit: np.isfinite(values).all(axis=0).sum() for unit, values in found.items()}
    unit = max(found, key=lambda u: (counts[u], u == scaled[1]))
    was, got = found[unit]
    known = np.isfinite(was) & np.isfinite(got)
    zero = known & (was == 0) & (got == 0)
    use = known & ~zero
    return Pairs(
        was[use],
        got[use],
        _materials(table)[use],
        unit,
        int(np.count_nonzero(np.isfinite(was) ^ np.isfinite(got))),
        int(zero.sum()),
    )


def _materials(table: Any) -> NDArray[Any]:
    if "material" not in table:
        return np.full(len(table), NOT_STATED, object)
    return table["material"].fillna(NOT_STATED).replace("", NOT_STATED).to_numpy(object)  # type: ignore[no-any-return]


def draw_relative(ax: Any, pairs: Pairs, colors: Mapping[str, str]) -> None:
    """Relative errors (%) of each material on a matplotlib axis: a box of quartiles and median,
    whiskers to 1.5 interquartile ranges (IQR), every frame a point; median and IQR as numbers.

    Points far outside are triangles at the edge and are counted.
    """
    relative = 100 * relative_errors(pairs.truth, pairs.value)
    if not np.isfinite(relative).any():
        return _say(ax, _nothing(pairs))
    low, high = _span(relative)
    groups = {name: relative[(pairs.material == name) & np.isfinite(relative)] for name in colors}
    narrow = len(groups) > _WIDE_GROUPS
    names = [
        f"n = {v.size}" if len(groups) == 1 else f"{k}\nn = {v.size}" for k, v in groups.items()
    ]
    ax.set_xticks(range(len(groups)), names, fontsize=_FONT_PT, rotation=90 if narrow else 0)
    for place, (name, values) in enumerate(groups.items()):
        if values.size:
            _draw_group(ax, values, place, colors[name], (low, high))
    ax.set_xlim(-0.6, len(groups) - 0.4)
    ax.set_ylim(low, high + (0.75 if narrow else 0.24) * (high - low))
    ax.axhline(0, color="0.4", lw=0.7, zorder=0)
    ax.set_ylabel("Relative error (%)", fontsize=_FONT_PT)
    _tidy(ax)
    return None


def _draw_group(
    ax: Any, values: NDArray[np.float64], place: int, color: str, span: tuple[float, float]
) -> None:
    low, high = span
    narrow = len(ax.get_xticks()) > _WIDE_GROUPS
    # A golden-ratio sequence spreads the points evenly, and the same way every time.
    x = place + 0.44 * ((0.5 + np.arange(values.size) * 0.618034) % 1 - 0.5)
    inside = (values >= low) & (values <= high)
    size = float(np.clip(60 / np.sqrt(values.size), 2, 12))
    ax.scatter(x[inside], values[inside], s=size, color=color, alpha=0.55, lw=0, zorder=1)
    for outside, marker, edge, side in (
        (values < low, "v", low, 1),
        (values > high, "^", high, -1),
    ):
        if outside.any():
            y = edge + 0.015 * side * (high - low)
            ax.scatter(x[outside], np.full(outside.sum(), y), s=9, marker=marker, color=color, lw=0)
            count = str(outside.sum()) if narrow else f"{outside.sum()} beyond"
            ax.annotate(count, (place, y), (0, 3),
                        textcoords="offset points", ha="center", fontsize=_NOTE_PT - 1,
                        va="bottom", color=color)  # fmt: skip
    if values.size > 1:
        ax.boxplot(values, positions=[place], widths=0.62, showfliers=False, manage_ticks=False,
                   medianprops={"color": "black", "lw": 1.4},
                   boxprops={"color": "0.25", "lw": 0.8},
                   whiskerprops={"color": "0.25", "lw": 0.8},
                   capprops={"color": "0.25", "lw": 0.8})  # fmt: skip
    first, middle, third = np.percentile(values, (25, 50, 75))
    told = [f"{_signed(middle, '.1f')} %"] + [f"IQR {third - first:.1f}"] * (values.size > 1)
    ax.annotate(("  " if narrow else "\n").join(told), (place, 1), (0, 0),
                xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
                va="top", fontsize=_NOTE_PT, rotation=90 if narrow else 0)  # fmt: skip


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """An axis that holds the quartiles, the whiskers, zero and nearly all of the points."""
    values = values[np.isfinite(values)]
    first, third = np.percentile(values, (25, 75))
    reach = 1.5 * (third - first)
    low, high = np.percentile(values, _SHOWN)
    low = max(values.min(), min(low, first - reach))
    high = min(values.max(), max(high, third + reach))
    low, high = min(low, 0.0), max(high, 0.0)
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def draw_bland_altman(ax: Any, pairs: Pairs, colors: Mapping[str, str]) -> Agreement | None:
    """Difference of prediction and truth against their mean on a matplotlib axis, with the bias
    and the limits of agreement (bias +- 1.96 standard deviations); returns them.
    """
    if not pairs.truth.size:
        _say(ax, _nothing(pairs))
        return None
    mean, difference = (pairs.truth + pairs.value) / 2, pairs.value - pairs.truth
    size = float(np.clip(80 / np.sqrt(mean.size), 3, 14))
    for place, (name, color) in enumerate(colors.items()):
        of_group = pairs.material == name
        ax.scatter(mean[of_group], difference[of_group], s=size, color=color, alpha=0.6, lw=0,
                   marker=_MARKERS[place % len(_MARKERS)])  # fmt: skip
    found = agreement(pairs.truth, pairs.value)
    lines = [(found.bias, "-", "bias")]
    if np.isfinite(found.sd):
        lines += [(y, "--", f"{'+' if y > found.bias else '−'}1.96 SD") for y in found.limits]
    _draw_levels(ax, sorted(lines), np.append(difference, [y for y, _, _ in lines]))
    ax.axhline(0, color="0.75", lw=0.7, zorder=0)
    ax.set_xlabel(f"Mean of truth and prediction ({pairs.unit})", fontsize=_FONT_PT)
    ax.set_ylabel(f"Prediction − truth ({pairs.unit})", fontsize=_FONT_PT)
    _tidy(ax)
    return found


def _draw_levels(ax: Any, lines: list[tuple[float, str, str]], shown: Any) -> None:
    """Horizontal lines with their numbers in the right margin, kept apart."""
    low, high = float(min(shown.min(), 0)), float(max(shown.max(), 0))
    margin = 0.12 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)
    least = 0.15 * (high - low + 2 * margin)
    places = [y for y, _, _ in lines]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    shift = (sum(y for y, _, _ in lines) - sum(places)) / len(lines)
    for (y, style, name), place in zip(lines, places, strict=True):
        ax.axhline(y, color="black", lw=1.0, ls=style)
        ax.annotate(f"{name}\n{_number(y)}", (1.0, place + shift), (3, 0), va="center",
                    xycoords=("axes fraction", "data"), textcoords="offset points",
                    fontsize=_NOTE_PT, annotation_clip=False)  # fmt: skip


def errors_figure(table: Any, path: Path, *, title: str = "") -> None:
    """Write Figure 6: above, relative errors by material; below, Bland-Altman plots; a column each
    for keyhole area, keyhole depth and pore area, as far as the table has them. One PNG (or SVG,
    PDF by suffix).

    Raises
    ------
    ValueError
        If the table has none of the measures.
    """
    from matplotlib.figure import Figure

    measures = [
        m for m in MEASURES if f"{m[0]}_px_truth" in table or f"{m[0]}{m[2][0]}_truth" in table
    ]
    if not measures:
        raise ValueError(
            "table of errors: it has no measure with a truth, such as keyhole_area_px_truth."
        )
    told = [m for m in measures if pairs_of(table, m).truth.size]
    measures = told or measures  # a stack without pores has nothing to say of them
    names = sorted(set(_materials(table)), key=lambda name: (name == NOT_STATED, name))
    colors = {name: _COLORS[i % len(_COLORS)] for i, name in enumerate(names)}
    width = 7.2 if len(measures) > 1 else 3.5
    figure = Figure(figsize=(width, 5.3), layout="constrained")
    axes = figure.subplots(2, len(measures), squeeze=False)
    for number, (column, measure) in enumerate(zip(axes.T, measures, strict=True)):
        pairs = pairs_of(table, measure)
        draw_relative(column[0], pairs, colors)
        draw_bland_altman(column[1], pairs, colors)
        column[0].set_title(f"({'abc'[number]}) {measure[1]}", loc="left", fontsize=8)
        column[1].set_title(f"({'abcdef'[number + len(measures)]})", loc="left", fontsize=8)
        column[0].set_xlabel(_remarks(pairs), fontsize=_NOTE_PT, color="0.3")
    if len(colors) > 1:
        _material_legend(figure, colors)
    if title:
        figure.suptitle(title, fontsize=9)
    figure.savefig(path, dpi=200, format=figure_format(path))


def _material_legend(figure: Any, colors: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=color, marker=_MARKERS[i % len(_MARKERS)], ls="", ms=4, label=name)
        for i, (name, color) in enumerate(colors.items())
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False,
                  fontsize=_FONT_PT)  # fmt: skip


def _remarks(pairs: Pairs) -> str:
    """What the points leave out."""
    told = (
        (pairs.n_zero_truth, "with truth 0: no relative error"),
        (pairs.one_sided, "with a value in one only: left out"),
        (pairs.both_zero, "with 0 in both: left out"),
    )
    return "\n".join(f"{counted(n, 'frame')} {what}" for n, what in told if n)


def _nothing(pairs: Pairs) -> str:
    return "no relative error:\ntruth is 0" if pairs.n_zero_truth else "nothing to compare"


def _say(ax: Any, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=_FONT_PT,
            color="0.3")  # fmt: skip
    ax.set_xticks([])
    ax.set_yticks([])
    _tidy(ax)


def _tidy(ax: Any) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=_NOTE_PT)


def _number(value: float) -> str:
    return _signed(value, ",.0f" if abs(value) >= 100 else ".3g")


def _signed(value: float, form: str) -> str:
    return f"{value:+{form}}".replace("-", "−")
