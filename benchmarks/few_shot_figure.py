"""The curves of `few_shot.py`: IoU against the number of labelled frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLOURS = {"init": "#541352", "scratch": "#2f9aa0", "init-not-inverted": "#d69fd4"}
TITLES = {"ti64_plate": "Keyhole welding, Ti-6Al-4V", "hpdc": "Die casting"}
MARGIN = 0.03  # of IoU, below the lowest point


def draw(record: dict[str, Any], path: Path) -> None:
    """A column a case, cavity above and mean below; a line a start, levels for the rest."""
    from matplotlib.figure import Figure

    cases = record["cases"]
    figure = Figure(figsize=(3.8 * len(cases), 6), layout="constrained")
    axes = figure.subplots(2, len(cases), sharex="col", squeeze=False)
    for (name, case), column in zip(cases.items(), axes.T, strict=True):
        for ax, what in zip(column, (case["cavity"], "mean"), strict=True):
            draw_curves(ax, case["rows"], what, record["init"]["name"])
            ax.set_ylabel(f"IoU, {what}")
        column[0].set_title(TITLES.get(name, name), fontsize=10)
        column[1].set_xlabel("Labelled frames")
    entries = {
        label: handle
        for ax in axes.flat
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        entries.values(), entries, loc="outside lower center", ncols=2, frameon=False, fontsize=9
    )
    figure.savefig(path, dpi=150)


def draw_curves(ax: Any, rows: Sequence[dict[str, Any]], what: str, init: str) -> None:
    """One axis: `what` is a class or ``mean``, `init` the name of the model started from."""
    labels = {
        "init": f"from {init}",
        "scratch": "from scratch",
        "init-not-inverted": f"from {init}, not inverted",
    }
    shown, ticks = [], set()
    for start, label in labels.items():
        points = sorted((r["labelled"], iou(r, what)) for r in rows if r["start"] == start)
        trained = [point for point in points if point[0]]
        if trained:
            numbers, values = zip(*trained, strict=True)
            ax.plot(numbers, values, "o-", color=COLOURS[start], label=label)
            shown += values
            ticks |= set(numbers)
    for start, label, dashes in (("init", f"{init} as it is", ":"), ("paper", "the paper's", "--")):
        level = next(
            (iou(r, what) for r in rows if (r["labelled"], r["start"]) == (0, start)), None
        )
        if level is not None:
            colour = COLOURS.get(start, "0.4")
            ax.axhline(level, color=colour, ls=dashes, lw=1.2, label=label)
            shown.append(level)
    ax.set_xscale("log")
    ax.set_xticks(sorted(ticks), [str(n) for n in sorted(ticks)])
    ax.minorticks_off()
    ax.set_ylim(min(shown) - MARGIN, 1)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def iou(row: dict[str, Any], what: str) -> float:
    """IoU of a class, or the mean over the classes in the truth."""
    return float(row["mean_iou"] if what == "mean" else row["iou"][what])
