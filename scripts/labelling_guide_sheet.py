"""Sheets of magnified frames with labels, words and arrows, for the labelling guide."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image
from scipy import ndimage

from napari_amseg.report.overlay import draw_overlay

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src/napari_amseg/plugin/annotate/guide"
DPI, TITLE_PX, GAP_PX, STEP = 100, 20, 6, 4

Array = np.ndarray
Box = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class Panel:
    """One picture of a sheet.

    labels : drawn over the frame, None leaves it grey. notes : text, the point meant, and where
    the text stands, (x, y) in pixels of the cut frame.
    """

    title: str
    frame: Array
    labels: Array | None = None
    notes: Sequence[tuple[str, tuple[float, float], tuple[float, float] | None]] = ()
    draw: Callable[[Any], None] | None = None


def cut(image: Array, box: Box) -> Array:
    top, left, height, width = box
    return image[top : top + height, left : left + width]


def around(mask: Array, height: int, width: int, *, up: float = 0.5) -> Box:
    """A box with the middle of a mask at `up` of its height."""
    y, x = (round(float(v)) for v in ndimage.center_of_mass(mask))
    top = int(np.clip(y - up * height, 0, mask.shape[0] - height))
    return top, int(np.clip(x - width / 2, 0, mask.shape[1] - width)), height, width


def draw_sheet(name: str, panels: Sequence[Panel], *, zoom: int, columns: int) -> None:
    """Panels of one size, every frame pixel `zoom` picture pixels wide."""
    height, width = (zoom * n for n in panels[0].frame.shape)
    rows = -(-len(panels) // columns)
    full = (columns * width + (columns - 1) * GAP_PX, rows * (height + TITLE_PX))
    figure = Figure(figsize=(full[0] / DPI, full[1] / DPI), dpi=DPI)
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        left, bottom = column * (width + GAP_PX), full[1] - (row + 1) * (height + TITLE_PX)
        ax = figure.add_axes((left / full[0], bottom / full[1], width / full[0], height / full[1]))
        draw_panel(ax, panel)
    save(figure, name)


def draw_panel(ax: Any, panel: Panel) -> None:
    labels = np.zeros(panel.frame.shape, np.uint8) if panel.labels is None else panel.labels
    low, high = np.percentile(panel.frame, (0.2, 99.8))
    draw_overlay(ax, panel.frame, labels, limits=(low, high), alpha=0.5)
    color = {"wrong": "#b00020", "right": "#0a7a2f"}.get(panel.title.split(":")[0], "#222222")
    ax.set_title(panel.title, fontsize=8.5, color=color, pad=3, loc="left")
    for text, at, where in panel.notes:
        note(ax, text, at, where)
    if panel.draw:
        panel.draw(ax)
    ax.set_xlim(-0.5, panel.frame.shape[1] - 0.5)
    ax.set_ylim(panel.frame.shape[0] - 0.5, -0.5)


def note(ax: Any, text: str, at: tuple[float, float], where: tuple[float, float] | None) -> None:
    """White words with a dark rim; an arrow from them to `at`, or the words there."""
    edge = [withStroke(linewidth=2.6, foreground="#222222")]
    arrow = {"arrowstyle": "->", "color": "white", "lw": 1.2, "shrinkA": 1, "shrinkB": 1}
    ax.annotate(
        text, at, where or at, fontsize=8.5, color="white", ha="center", va="center",
        arrowprops=arrow | {"path_effects": edge} if where else None, path_effects=edge,
    )  # fmt: skip


def save(figure: Figure, name: str) -> None:
    """In steps of four grey values: half the bytes, and the wheel carries it."""
    with io.BytesIO() as buffer:
        figure.savefig(buffer, dpi=DPI, format="png")
        picture = np.asarray(Image.open(buffer).convert("RGB")) // STEP * STEP + (STEP - 1)
    Image.fromarray(picture.astype(np.uint8)).save(OUT / f"{name}.png", optimize=True)
    print(f"{name}.png {picture.shape[1::-1]} {(OUT / f'{name}.png').stat().st_size / 1000:.0f} kB")
