"""Figures on how well a model does: confusion matrix, frames beside their truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.report.overlay import class_handles, draw_overlay
from napari_amseg.report.series import figure_format
from napari_amseg.scores import Confusion

_LIGHT_ABOVE = 0.6


def draw_confusion(ax: Any, confusion: Confusion) -> None:
    """The confusion matrix on a matplotlib axis, in per cent of the pixels of each true class.

    Rows are the truth; a last column holds predictions of classes that the truth does not have.
    """
    names = list(confusion.scheme.names)
    counts = confusion.counts if confusion.counts[:, -1].any() else confusion.counts[:, :-1]
    columns = [*names, "other"][: counts.shape[1]]
    truth = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, truth, out=np.zeros(counts.shape), where=truth > 0)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        text = f"{100 * value:.1f}" if truth[row] else "–"
        color = "white" if value > _LIGHT_ABOVE else "black"
        ax.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("Predicted")
    ax.set_ylabel("True")


def confusion_figure(confusion: Confusion, path: Path, *, title: str = "") -> None:
    """Write the confusion matrix, and IoU and F1 of each class, as one PNG (or SVG, PDF)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    draw_confusion(left, confusion)
    left.set_title("% of the true pixels", fontsize=9)
    draw_class_scores(right, confusion)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=150, format=figure_format(path))


def draw_class_scores(ax: Any, confusion: Confusion) -> None:
    """IoU (filled) and F1 (outlined) of each class as bars on a matplotlib axis."""
    scores = confusion.to_json()
    present = [c for c in confusion.scheme.classes if c.name in scores["iou"]]
    for place, label in enumerate(present):
        iou, f1 = scores["iou"][label.name], scores["f1"][label.name]
        ax.barh(place - 0.18, iou, height=0.34, color=label.color)
        ax.barh(place + 0.18, f1, height=0.34, color="none", edgecolor=label.color)
        ax.text(iou - 0.02, place - 0.18, f"{iou:.3f}", va="center", ha="right", fontsize=8,
                color="black" if label.role == "powder" else "white")  # fmt: skip
        ax.text(f1 - 0.02, place + 0.18, f"{f1:.3f}", va="center", ha="right", fontsize=8)
    ax.set_yticks(range(len(present)), [c.name for c in present])
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel("IoU (filled), F1 (outlined)")
    ax.spines[["top", "right"]].set_visible(False)
    if scores["mean_iou"] is not None:
        ax.set_title(
            f"mean IoU {scores['mean_iou']:.3f}, mean F1 {scores['mean_f1']:.3f}", fontsize=9
        )


def frames_figure(
    frames: Sequence[tuple[str, NDArray[Any], NDArray[np.uint8], NDArray[np.uint8]]],
    path: Path,
    *,
    scheme: LabelScheme,
) -> None:
    """Write frames as rows of image, truth and prediction, with a legend, as one PNG.

    frames : name, image (Y, X), true labels (Y, X), predicted labels (Y, X).
    """
    from matplotlib.figure import Figure

    height, width = frames[0][1].shape
    figure = Figure(
        figsize=(10.5, len(frames) * (3.4 * height / width + 0.25) + 0.6), layout="constrained"
    )
    axes = figure.subplots(len(frames), 3, squeeze=False)
    for row, (name, image, truth, labels) in zip(axes, frames, strict=True):
        row[0].imshow(image, cmap="gray", interpolation="nearest")
        row[0].set_axis_off()
        row[0].set_title(name, fontsize=9)
        for ax, codes, what in ((row[1], truth, "truth"), (row[2], labels, "prediction")):
            draw_overlay(ax, image, codes, scheme=scheme)
            ax.set_title(what, fontsize=9)
    figure.legend(
        handles=class_handles(scheme),
        loc="outside lower center",
        ncols=len(scheme.classes),
        frameon=False,
        fontsize=9,
    )
    figure.savefig(path, dpi=150, format=figure_format(path))
