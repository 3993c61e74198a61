"""Frames with their masks drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.types import Stack

_SCALE_BARS_UM = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def draw_overlay(
    ax: Any,
    frame: NDArray[Any],
    labels: NDArray[np.uint8],
    *,
    scheme: LabelScheme = DEFAULT_SCHEME,
    limits: tuple[float, float] | None = None,
    pixel_size_um: float | None = None,
    alpha: float = 0.35,
) -> None:
    """A grey frame (Y, X) with its label image over it, and a scale bar where the scale is known.

    limits : grey values shown black and white. alpha : opacity of the classes; keyhole and pore
    are drawn stronger and outlined.
    """
    low, high = limits or tuple(np.percentile(frame, (0.5, 99.5)))
    ax.imshow(frame, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    rgba = np.zeros((*labels.shape, 4), np.float32)
    for c in scheme.classes:
        strong = c.role in ("keyhole", "pore")
        rgba[labels == c.code] = (*_rgb(c.color), min(1.0, alpha * (1.6 if strong else 0.7)))
    ax.imshow(rgba, interpolation="nearest")
    for role in ("keyhole", "pore"):
        code = scheme.code_of(role)
        if code is not None and (labels == code).any():
            ax.contour(labels == code, levels=[0.5], colors="white", linewidths=0.7)
    if pixel_size_um:
        _draw_scale_bar(ax, labels.shape, pixel_size_um)
    ax.set_axis_off()


def overlay_figure(
    stack: Stack,
    labels: Stack,
    path: Path,
    *,
    frames: Sequence[int],
    scheme: LabelScheme = DEFAULT_SCHEME,
) -> None:
    """Write chosen frames, raw above and with masks below, with a legend, as one PNG."""
    from matplotlib.figure import Figure

    height, width = stack.frame_shape
    columns = min(len(frames), 3)
    panel_in = min(9.0 / columns, 5.0)
    figure = Figure(
        figsize=(max(columns * panel_in, 5.0), 2 * panel_in * height / width + 0.7),
        layout="constrained",
    )
    axes = figure.subplots(2, columns, squeeze=False)
    experiment = stack.experiment
    for (top, bottom), t in zip(axes.T, frames[:columns], strict=True):
        frame = stack.read(t)
        limits = tuple(np.percentile(frame, (0.5, 99.5)))
        top.imshow(frame, cmap="gray", vmin=limits[0], vmax=limits[1], interpolation="nearest")
        top.set_axis_off()
        top.set_title(_title(t, experiment.frame_rate_hz), fontsize=9)
        draw_overlay(
            bottom,
            frame,
            labels.read(t),
            scheme=scheme,
            limits=limits,
            pixel_size_um=experiment.pixel_size_um,
        )
    handles = class_handles(scheme)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles) if columns > 1 else 3,
        frameon=False,
        fontsize=9,
    )
    figure.savefig(path, dpi=150, format="png")


def class_handles(scheme: LabelScheme) -> list[Any]:
    """Legend entries of the classes."""
    from matplotlib.patches import Patch

    return [Patch(color=c.color, label=c.name) for c in scheme.classes]


def _title(t: int, frame_rate_hz: float | None) -> str:
    return f"frame {t}, {1e3 * t / frame_rate_hz:.3f} ms" if frame_rate_hz else f"frame {t}"


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _draw_scale_bar(ax: Any, shape: tuple[int, ...], pixel_size_um: float) -> None:
    wanted = shape[1] * pixel_size_um / 5
    bar_um = min(_SCALE_BARS_UM, key=lambda um: abs(um - wanted))
    x1, y = shape[1] * 0.96, shape[0] * 0.94
    x0 = x1 - bar_um / pixel_size_um
    ax.plot([x0, x1], [y, y], color="white", lw=2.5, solid_capstyle="butt")
    ax.text((x0 + x1) / 2, y - shape[0] * 0.02, f"{bar_um} µm", color="white", ha="center",
            va="bottom", fontsize=8)  # fmt: skip
