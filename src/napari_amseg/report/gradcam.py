"""A frame, what a network made of it, and where Grad-CAM says it looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.explain import Explanation
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.report.overlay import draw_overlay

HEAT_COLORS = "inferno"  # perceptually uniform: equal steps of evidence look equal


def draw_heat(
    ax: Any,
    frame: NDArray[Any],
    found: Explanation,
    *,
    limits: tuple[float, float] | None = None,
    alpha: float = 0.5,
) -> Any:
    """A grey frame (Y, X) with a heat map over it, the predicted class outlined.

    limits : grey values shown black and white. alpha : opacity of the heat map.
    Returns what a colour bar is made from.
    """
    low, high = limits or tuple(np.percentile(frame, (0.5, 99.5)))
    ax.imshow(frame, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    shown = ax.imshow(
        found.heat, cmap=HEAT_COLORS, vmin=0, vmax=1, alpha=alpha, interpolation="nearest"
    )
    predicted = found.labels == found.label.code
    if predicted.any() and not predicted.all():
        ax.contour(predicted, levels=[0.5], colors="white", linewidths=0.7)
    ax.set_axis_off()
    return shown


def gradcam_figure(
    frame: NDArray[Any],
    found: Explanation,
    path: Path,
    *,
    title: str = "",
    scheme: LabelScheme = DEFAULT_SCHEME,
    pixel_size_um: float | None = None,
) -> None:
    """Write frame, prediction and heat map, one above the other where frames are wide, as PNG.

    frame : (Y, X), as the network sees it. title : what the frame is.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    height, width = frame.shape
    rows, columns = (3, 1) if width > 1.5 * height else (1, 3)
    panel_in = 7.0 if rows == 3 else 3.4
    figure = Figure(
        figsize=(columns * panel_in + 0.8, rows * (panel_in * height / width + 0.22) + 0.8),
        layout="constrained",
    )
    raw, prediction, heat = figure.subplots(rows, columns).flat
    low, high = np.percentile(frame, (0.5, 99.5))
    limits = (float(low), float(high))
    raw.imshow(frame, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    raw.set_axis_off()
    raw.set_title(title or "frame", fontsize=9)
    draw_overlay(
        prediction,
        frame,
        found.labels,
        scheme=scheme,
        limits=limits,
        pixel_size_um=pixel_size_um,
    )
    prediction.set_title("prediction", fontsize=9)
    shown = draw_heat(heat, frame, found, limits=limits)
    heat.set_title(f"Grad-CAM: {found.label.name}, layer {found.layer}", fontsize=9)
    bar = figure.colorbar(shown, ax=heat, shrink=0.9, pad=0.02)
    bar.set_label("evidence (largest = 1)", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    handles = [Patch(color=c.color, label=c.name) for c in scheme.classes]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=9,
    )
    figure.savefig(path, dpi=150, format="png")
