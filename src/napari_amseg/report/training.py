"""Learning curves: loss and IoU against the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_amseg.labels import LabelScheme
from napari_amseg.report.series import figure_format

_TRAINING, _VALIDATION = "#8c8c8c", "#1f4e9c"


def draw_loss(ax: Any, history: Sequence[Mapping[str, Any]]) -> None:
    """Training and validation loss against the epoch, on a matplotlib axis.

    history : rows of ``training.csv``.
    """
    _curve(ax, history, "loss", color=_TRAINING, label="training")
    _curve(ax, history, "validation_loss", color=_VALIDATION, label="validation")
    ax.set_ylabel("Loss")
    ax.set_ylim(0)


def draw_iou(ax: Any, history: Sequence[Mapping[str, Any]], scheme: LabelScheme) -> None:
    """IoU of each class and their mean against the epoch, of the validation images if there are
    any, else of the training images; a vertical line marks the best mean.
    """
    prefix = "validation_" if "validation_mean_iou" in history[-1] else ""
    for label in scheme.classes:
        _curve(ax, history, f"{prefix}iou_{label.name}", color=label.color, label=label.name)
    _curve(ax, history, f"{prefix}mean_iou", color="black", label="mean", lw=2)
    means = [(row[f"{prefix}mean_iou"] or 0.0, -row["epoch"]) for row in history]
    score, epoch = max(means)
    ax.axvline(-epoch, color="black", lw=0.8, ls=":")
    ax.set_title(f"best mean IoU {score:.3f} in epoch {-epoch}", fontsize=9, loc="right")
    ax.set_ylabel(f"{'Validation' if prefix else 'Training'} IoU")
    ax.set_ylim(0, 1)


def training_figure(
    history: Sequence[Mapping[str, Any]], path: Path, *, scheme: LabelScheme, title: str = ""
) -> None:
    """Write loss and IoU curves as one PNG (or SVG, PDF by suffix)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.0), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    draw_loss(axes[0], history)
    draw_iou(axes[1], history, scheme)
    for ax in axes:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[-1].set_xlabel("Epoch")
    axes[-1].set_xlim(0.5, max(row["epoch"] for row in history) + 0.5)
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=150, format=figure_format(path))


def _curve(
    ax: Any, history: Sequence[Mapping[str, Any]], column: str, *, lw: float = 1.2, **style: Any
) -> None:
    """A column against the epoch, left out where no row has it."""
    points = [(row["epoch"], row[column]) for row in history if row.get(column) is not None]
    if points:
        marker = "." if len(points) <= 60 else ""
        ax.plot(*zip(*points, strict=True), lw=lw, marker=marker, ms=4, **style)
