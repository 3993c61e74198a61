"""Networks compared: the AM-SegNet paper's Figure 4, and its Figure 8 for transfer learning.

All functions take pandas tables: `repeats` with a row a repeat of a network (``network``, ``seed``,
``iou_<class>``, ``training_s``, ``segmentation_ms``), `curves` with a row an epoch of a repeat
(``network``, ``seed`` and the columns of ``training.csv``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.labels import LabelScheme
from napari_amseg.report.series import figure_format

# Okabe and Ito's colours, told apart by the colour-blind.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
BUDGETS = (0.25, 0.5, 0.75, 1.0)
_BAR_SPACE = 0.8  # of the distance between two groups of bars


def draw_times(ax: Any, repeats: Any, column: str, label: str) -> None:
    """Mean of a time as one bar a network, with the deviation over the repeats and the number."""
    groups = repeats.groupby("network", sort=False)[column]
    for place, (name, values) in enumerate(groups):
        mean, error = values.mean(), values.std(ddof=1)
        ax.barh(place, mean, xerr=_drawn(error), height=0.65, color=color(repeats, name),
                error_kw={"capsize": 2.5, "lw": 1})  # fmt: skip
        end = mean + (0 if np.isnan(error) else error)
        ax.annotate(_number(mean), (end, place), xytext=(4, 0), textcoords="offset points",
                    va="center", fontsize=8)  # fmt: skip
    ax.set_yticks(range(len(groups)), [name for name, _ in groups])
    ax.set_ylim(max(len(groups), 3) - 0.5, -0.5)
    ax.margins(x=0.25)
    ax.set_xlim(0)
    ax.set_xlabel(label)
    _tidy(ax, "x")


def draw_learning(ax: Any, curves: Any, x: str, label: str) -> None:
    """Mean IoU against the time or the epoch: every repeat thin, their mean bold.

    x : ``seconds`` or ``epoch``. label : of the axis. The mean goes as far as all repeats do.
    """
    column = score_column(curves)
    for place, (name, of_network) in enumerate(curves.groupby("network", sort=False)):
        tone = color(curves, name)
        repeats = [rows for _, rows in of_network.groupby("seed")]
        for rows in repeats:
            ax.plot(rows[x], rows[column], color=tone, lw=0.7, alpha=0.5)
        by_epoch = of_network.groupby("epoch")[["seconds", column]].agg(["mean", "size"])
        common = by_epoch[by_epoch[column, "size"] == len(repeats)]
        at = common.index if x == "epoch" else common[x, "mean"]
        ax.plot(at, common[column, "mean"], color=tone, lw=2, marker=_MARKERS[place % 7], ms=4,
                markevery=max(1, len(common) // 10), label=name)  # fmt: skip
    ax.set_ylabel(score_label(curves))
    ax.set_xlabel(label)
    ax.set_xlim(0)
    _tidy(ax, "both")


def draw_budgets(ax: Any, curves: Any) -> None:
    """Best mean IoU reached within shares of the shortest training, as groups of bars."""
    budgets, reached = scores_at_budgets(curves)
    groups = [f"{_number(seconds)} s\n({share:.0%})" for share, seconds in budgets.items()]
    draw_groups(ax, reached, groups, colors={name: color(curves, name) for name in reached})
    ax.set_ylabel(f"Best {score_label(curves)[0].lower()}{score_label(curves)[1:]}")
    late = any(not len(values) for of_groups in reached.values() for values in of_groups)
    ax.set_xlabel(
        "Training time (share of the shortest training)"
        + ("; –: first epoch not done by then" if late else "")
    )


def draw_class_iou(ax: Any, repeats: Any, scheme: LabelScheme) -> None:
    """IoU of each class on the test images, as groups of bars with the deviation over repeats."""
    there = [c for c in scheme.names if repeats[f"iou_{c}"].notna().any()]
    values = {
        name: [rows[f"iou_{c}"].dropna().to_numpy(float) for c in there]
        for name, rows in repeats.groupby("network", sort=False)
    }
    draw_groups(ax, values, there, colors={name: color(repeats, name) for name in values})
    ax.set_ylabel("Test IoU")


def draw_groups(
    ax: Any,
    values: Mapping[str, Sequence[Any]],
    groups: Sequence[str],
    *,
    colors: Mapping[str, str],
) -> None:
    """Bars of the mean, with the sample standard deviation, side by side in each group.

    values : by network, the repeats' values in each group; no values, no bar.
    """
    width = _BAR_SPACE / len(values)
    size = min(8.0, 4.5 + 12 * width)
    for number, (name, of_groups) in enumerate(values.items()):
        for place, repeats in enumerate(of_groups):
            x = place + (number + 0.5) * width - _BAR_SPACE / 2
            if not len(repeats):
                ax.text(x, 0.01, "–", ha="center", va="bottom", fontsize=size)
                continue
            mean = float(np.mean(repeats))
            error = float(np.std(repeats, ddof=1)) if len(repeats) > 1 else 0.0
            ax.bar(x, mean, yerr=error or None, width=0.92 * width, color=colors[name],
                   error_kw={"capsize": 2, "lw": 0.9})  # fmt: skip
            ax.annotate(f"{mean:.3f}", (x, mean + error), xytext=(0, 3),
                        textcoords="offset points", ha="center", va="bottom",
                        rotation=90, fontsize=size)  # fmt: skip
    ax.set_xticks(range(len(groups)), groups, fontsize=9)
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.set_ylim(0, 1.18)
    ax.set_yticks(np.linspace(0, 1, 6))
    _tidy(ax, "y")
    ax.spines["left"].set_bounds(0, 1)


def scores_at_budgets(curves: Any) -> tuple[dict[float, float], dict[str, list[Any]]]:
    """Training times that are `BUDGETS` of the shortest training's, and by network the best mean
    IoU of each repeat within them; empty where a repeat had not finished its first epoch by then.
    """
    column = score_column(curves)
    shortest = curves.groupby(["network", "seed"])["seconds"].max().min()
    budgets = {share: float(share * shortest) for share in BUDGETS}
    reached: dict[str, list[Any]] = {}
    for name, of_network in curves.groupby("network", sort=False):
        n = of_network["seed"].nunique()
        reached[name] = []
        for seconds in budgets.values():
            in_time = of_network[of_network["seconds"] <= seconds]
            best = in_time.groupby("seed")[column].max().dropna().to_numpy(float)
            reached[name].append(best if len(best) == n else np.empty(0))
    return budgets, reached


def networks_figure(repeats: Any, curves: Any, path: Path, *, scheme: LabelScheme) -> None:
    """Write Figure 4: (a) times, (b) mean IoU against training time, (c) mean IoU at training
    budgets, (d) test IoU of each class, as one PNG (or SVG, PDF by suffix).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 8.2), layout="constrained")
    grid = figure.add_gridspec(2, 4, width_ratios=(1, 1, 1, 1))
    training, segmenting = (figure.add_subplot(grid[0, column]) for column in (0, 1))
    draw_times(training, repeats, "training_s", "Training time (s)")
    draw_times(segmenting, repeats, "segmentation_ms", "Segmentation of a frame (ms)")
    segmenting.set_yticklabels([])
    learning = figure.add_subplot(grid[0, 2:])
    draw_learning(learning, curves, "seconds", "Training time (s)")
    budgets = figure.add_subplot(grid[1, :2])
    draw_budgets(budgets, curves)
    classes = figure.add_subplot(grid[1, 2:])
    draw_class_iou(classes, repeats, scheme)
    for ax, letter in ((training, "a"), (learning, "b"), (budgets, "c"), (classes, "d")):
        ax.set_title(f"({letter})", loc="left", fontsize=11)
    _finish(figure, learning, _title(repeats))
    figure.savefig(path, dpi=150, format=figure_format(path))


def transfer_figure(repeats: Any, curves: Any, path: Path, *, scheme: LabelScheme) -> None:
    """Write Figure 8: a network from scratch and from a trained model; mean IoU against epoch and
    time, and the test IoU of each class, as one PNG (or SVG, PDF by suffix).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 4.2), layout="constrained")
    by_epoch, by_time, classes = figure.subplots(1, 3, width_ratios=(1, 1, 1.4))
    draw_learning(by_epoch, curves, "epoch", "Epoch")
    by_epoch.xaxis.get_major_locator().set_params(integer=True)
    draw_learning(by_time, curves, "seconds", "Training time (s)")
    draw_class_iou(classes, repeats, scheme)
    for ax, letter in ((by_epoch, "a"), (by_time, "b"), (classes, "c")):
        ax.set_title(f"({letter})", loc="left", fontsize=11)
    _finish(figure, by_epoch, _title(repeats))
    figure.savefig(path, dpi=150, format=figure_format(path))


def score_column(curves: Any) -> str:
    """The mean IoU of the validation images; of the training images where there are no others."""
    return "validation_mean_iou" if "validation_mean_iou" in curves else "mean_iou"


def score_label(curves: Any) -> str:
    """What :func:`score_column` holds, for an axis."""
    if score_column(curves).startswith("validation"):
        return "Validation mean IoU"
    return "Training mean IoU (no validation images)"


def color(table: Any, network: str) -> str:
    """The colour of a network, by its place in the table."""
    names = list(dict.fromkeys(table["network"]))
    return _COLORS[names.index(network) % len(_COLORS)]


def _title(repeats: Any) -> str:
    counts = repeats.groupby("network").size()
    least, most = counts.min(), counts.max()
    n = f"{most}" if least == most else f"{least} to {most}"
    if most == 1:
        return "One repeat of each network"
    return f"{n} repeats of each network; mean ± standard deviation"


def _tidy(ax: Any, axis: str) -> None:
    ax.grid(axis=axis, alpha=0.25)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _finish(figure: Any, labelled: Any, title: str) -> None:
    handles, labels = labelled.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _drawn(error: float) -> float | None:
    """A deviation to draw; none of a single repeat."""
    return None if np.isnan(error) else error
