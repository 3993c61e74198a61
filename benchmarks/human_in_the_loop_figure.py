"""The curves of `human_in_the_loop.py`: IoU against the number of corrected frames."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

COLOURS = {"advisor": "#541352", "plain": "#d62728", "spread": "#2f9aa0", "random": "0.55"}
WORDS = {
    "advisor": "advisor",
    "plain": "plain order",
    "spread": "spread evenly",
    "random": "at random",
}
TITLES = {"phantom": "Phantom, 48 frames", "hpdc": "Die casting, 10 frames"}
ROWS = (
    ("rest", "mean", "Mean IoU, not corrected"),
    ("held_out", "mean", "Mean IoU, other frames"),
    ("held_out", "pore", "Pore IoU, other frames"),
)


def draw(record: dict[str, Any], path: Path) -> None:
    """A column a stack; a thin line a seed, a thick one their mean."""
    from matplotlib.figure import Figure

    names = [name for name in TITLES if any(row["case"] == name for row in record["rows"])]
    figure = Figure(figsize=(3.8 * len(names), 8), layout="constrained")
    axes = figure.subplots(len(ROWS), len(names), sharex=True, squeeze=False)
    for column, name in zip(axes.T, names, strict=True):
        rows = [row for row in record["rows"] if row["case"] == name]
        for ax, (part, what, label) in zip(column, ROWS, strict=True):
            draw_curves(ax, rows, part, what)
            ax.set_ylabel(label)
        column[0].set_title(TITLES[name], fontsize=10)
        column[-1].set_xlabel("Corrected frames")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


def draw_curves(ax: Any, rows: list[dict[str, Any]], part: str, what: str) -> None:
    """One axis: `part` of the rows is scored, `what` is a class or ``mean``."""
    for strategy, colour in COLOURS.items():
        by_seed: dict[int, dict[int, float]] = defaultdict(dict)
        for row in rows:
            if row["strategy"] == strategy:
                by_seed[row["seed"]][len(row["corrected"])] = iou(row[part], what)
        if not by_seed:
            continue
        for curve in by_seed.values():
            ax.plot(list(curve), list(curve.values()), color=colour, lw=0.7, alpha=0.5)
        numbers = sorted(set.intersection(*(set(curve) for curve in by_seed.values())))
        means = [np.mean([curve[n] for curve in by_seed.values()]) for n in numbers]
        ax.plot(numbers, means, "o-", color=colour, lw=1.8, ms=4, label=WORDS[strategy])
        ax.set_xticks(numbers)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def iou(scored: dict[str, Any], what: str) -> float:
    """IoU of a class, or the mean over the classes in the truth."""
    return float(scored["mean_iou"] if what == "mean" else scored["iou"].get(what, np.nan))
