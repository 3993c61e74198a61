"""The two drawings of docs/architecture.md: the layers, and the way of a frame.

    python scripts/draw_architecture.py

The layers are read from the import contract in pyproject.toml, which the tests enforce.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
INK, TEAL, SAND, GREY = "#222222", "#cfe8ea", "#f6e8c3", "#ececec"
COLORS = {"cli": SAND, "plugin": SAND, "io": GREY}


def main() -> None:
    for name, draw in (("architecture-layers", layers), ("architecture-flow", flow)):
        figure = Figure(figsize=(8.4, 4.6), layout="constrained")
        ax = figure.subplots()
        ax.set_axis_off()
        draw(ax)
        path = IMAGES / f"{name}.png"
        figure.savefig(path, dpi=120)
        print(path)


def contract() -> list[list[str]]:
    """Rows of packages, from the top, as import-linter checks them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(c for c in contracts if c["id"] == "layers")["layers"]
    return [[name.strip(" ()") for name in row.replace(":", "|").split("|")] for row in rows]


def layers(ax: Axes) -> None:
    """A row of boxes for every layer; a package may import from the rows below its own."""
    rows = contract()
    ax.set_xlim(0, 100)
    ax.set_ylim(-10 * len(rows), 4)
    for i, row in enumerate(rows):
        width = 92 / len(row)
        for j, name in enumerate(row):
            color = COLORS.get(name, TEAL)
            box(ax, (j * width, -10 * i - 8), (width - 1, 7.2), name, color)
    ax.add_patch(FancyArrowPatch((97, 0), (97, 2 - 10 * len(rows)), arrowstyle="-|>",
                                 mutation_scale=14, color=INK))  # fmt: skip
    ax.text(98.5, -5 * len(rows), "may import", rotation=-90, va="center", fontsize=8.8, color=INK)


def flow(ax: Axes) -> None:
    """The way of a frame through the two processes, and what the command line does alone."""
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 60)
    ax.add_patch(FancyBboxPatch((1, 34), 98, 24, boxstyle="round,pad=0.5", fc="none", ec="#888888",
                                ls="--"))  # fmt: skip
    ax.text(2, 55.5, "compute process: Keras or OpenVINO; the command line runs this in its own",
            fontsize=8.5, color=INK)  # fmt: skip
    steps = ["files", "read_stack", "chain", "segment_frames", "measure_frame", "labels, rows"]
    notes = ["TIFF, HDF5,\nimages", "a lazy Stack", "flat, crop,\nbackground",
             "labels,\nuncertainty", "a row, and one\na pore",
             "into files,\nor to napari"]  # fmt: skip
    for i, (step, note) in enumerate(zip(steps, notes, strict=True)):
        x = 2 + 16.4 * i
        box(ax, (x, 43), (14.2, 8), step, GREY if step in ("files", "labels, rows") else TEAL)
        ax.text(x + 7.1, 41.5, note, ha="center", va="top", fontsize=8, color=INK)
        if i:
            arrow(ax, (x - 2.2, 47), (x, 47))
    ax.add_patch(FancyBboxPatch((1, 2), 98, 22, boxstyle="round,pad=0.5", fc="none", ec="#888888",
                                ls="--"))  # fmt: skip
    ax.text(2, 3, "napari's process: draws, never imports Keras", fontsize=8.5, color=INK)
    panels = ["Load", "Preprocess", "Annotate", "Train", "Segment", "Measure"]
    for i, panel in enumerate(panels):
        box(ax, (2 + 16.4 * i, 10), (14.2, 8), panel, SAND)
    arrow(ax, (30, 24.8), (30, 33.2))
    ax.text(28.5, 29, "settings, paths, cancel", ha="right", va="center", fontsize=8.5, color=INK)
    arrow(ax, (62, 33.2), (62, 24.8))
    ax.text(63.5, 29, "labels in mapped memory, small records", va="center", fontsize=8.5,
            color=INK)  # fmt: skip


def box(
    ax: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, color: str
) -> None:
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.8", fc=color,
                                ec=INK, lw=0.8))  # fmt: skip
    middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
    ax.text(*middle, text, ha="center", va="center", fontsize=8.8, color=INK)


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=INK,
                                 shrinkA=0, shrinkB=0))  # fmt: skip


if __name__ == "__main__":
    main()
