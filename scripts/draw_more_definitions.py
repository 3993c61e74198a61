"""Drawings of surface, pores, tracks and deviations for docs/reference/definitions.md.

    python scripts/draw_more_definitions.py

As in draw_definitions.py, the numbers drawn are those that measuring gives for what is drawn.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from draw_definitions import INK, draw_labels, note
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from napari_amseg import measure_stack
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.measure import Measurements, fit_surface, measure_frame
from napari_amseg.types import Experiment

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
HEIGHT, WIDTH = 150, 190  # those of draw_definitions, whose labels are drawn with its frame
Labels = NDArray[np.uint8]


def main() -> None:
    for name, draw in (("surface", surface), ("pores", pores), ("deviations", deviations)):
        path = IMAGES / f"definitions-{name}.png"
        draw().savefig(path, dpi=130)
        print(path)


def plate() -> Labels:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    depth = y - 42 - math.tan(math.radians(3)) * (x - WIDTH / 2)
    return np.where(depth >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)


def disc(labels: Labels, y: float, x: float, radius: float, code: int, flat: float = 1) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    labels[((rows - y) / flat) ** 2 + (columns - x) ** 2 < radius**2] = code


def frame_axes(figure: Figure) -> object:
    ax = figure.subplots()
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(HEIGHT, 0)
    ax.set_axis_off()
    return ax


def surface() -> Figure:
    """Which columns count, and that spatter and a broken keyhole do not disturb."""
    labels = plate()
    labels[22:30, 20:36] = Label.SUBSTRATE  # spatter, taken for plate
    labels[40:80, 120:142] = Label.KEYHOLE
    labels[50:80, 112:121] = Label.KEYHOLE  # the mouth is narrower than what is below
    labels[86:118, 116:132] = Label.KEYHOLE  # cut off from it
    labels[30:60, 60:76] = Label.UNLABELLED
    line, row = fit_surface(labels, scheme=DEFAULT_SCHEME), measure_frame(labels).row
    figure = Figure(figsize=(6.2, 4.6), layout="constrained")
    ax = frame_axes(figure)
    draw_labels(ax, labels)
    substrate, x = labels == Label.SUBSTRATE, np.arange(WIDTH)
    first = substrate.argmax(axis=0)
    counted = ~(labels == Label.KEYHOLE).any(axis=0) & (labels[first - 1, x] != Label.UNLABELLED)
    ax.plot(x[counted] + 0.5, first[counted], ".", color="#d62728", ms=3)
    ends = np.array([0.0, WIDTH])
    ax.plot(ends, line(ends - 0.5), color=INK, lw=1.4, ls="--")
    bottom, tip = row["keyhole_tip_y_px"] + 1, row["keyhole_tip_x_px"] + 0.5
    top = float(line(np.array(tip - 0.5)))
    ax.annotate("", (tip, bottom), (tip, top), arrowprops={"arrowstyle": "<->", "color": "white"})
    note(ax, f"depth {row['keyhole_depth_px']:.1f} px,\nof the largest part", (146, 68))
    note(ax, f"{row['keyhole_parts_px']} px in another part:\nthey count for the area", (135, 106))
    note(ax, "first substrate pixel\nof each column", (4, 54))
    note(ax, "spatter: does not pull", (4, 16))
    note(ax, "unlabelled:\nnot counted", (58, 70))
    opening = row["keyhole_width_opening_px"]
    ax.annotate("", (142, 50), (142 - opening, 50),
                arrowprops={"arrowstyle": "<->", "color": "#ffcf20"})  # fmt: skip
    note(ax, f"opening {opening:.0f} px", (146, 52))
    note(ax, f"surface, {row['surface_tilt_deg']:.1f}°", (WIDTH - 2, 34), ha="right")
    return figure


def pores() -> Figure:
    """One pore with its measures, and what is and is not one pore."""
    labels = plate()
    labels[38:96, 30:52] = Label.KEYHOLE
    disc(labels, 100, 100, 16, Label.PORE, flat=0.6)
    labels[112:118, 146:152] = labels[118:124, 152:158] = Label.PORE  # touch at a corner
    found = measure_frame(labels)
    line = fit_surface(labels, scheme=DEFAULT_SCHEME)
    large, corner = sorted(found.pores, key=lambda pore: -pore["area_px"])
    y, x = large["centroid_y_px"] + 0.5, large["centroid_x_px"] + 0.5
    top = float(line(np.array(x - 0.5)))
    tip = found.row["keyhole_tip_x_px"] + 0.5, found.row["keyhole_tip_y_px"] + 0.5
    figure = Figure(figsize=(6.2, 4.6), layout="constrained")
    ax = frame_axes(figure)
    draw_labels(ax, labels)
    ends = np.array([0.0, WIDTH])
    ax.plot(ends, line(ends - 0.5), color=INK, lw=1.2, ls="--")
    ax.add_patch(
        Circle((x, y), large["equivalent_diameter_px"] / 2, fill=False, ec="white", lw=1.6)
    )
    ax.annotate("", (x, y), (x, top), arrowprops={"arrowstyle": "<->", "color": INK})
    ax.annotate("", (x, y), tip, arrowprops={"arrowstyle": "<->", "color": INK})
    half = large["feret_diameter_px"] / 2
    ax.annotate("", (x - half, 114), (x + half, 114),
                arrowprops={"arrowstyle": "<->", "color": "#ffcf20"})  # fmt: skip
    note(ax, f"depth\n{large['depth_px']:.0f} px", (x + 2, 70))
    note(ax, f"to the tip {large['tip_distance_px']:.0f} px", (x - 20, 104), ha="right")
    note(ax, f"longest distance {large['feret_diameter_px']:.0f} px", (x, 120), ha="center")
    note(ax, f"disc of equal area,\n{large['equivalent_diameter_px']:.0f} px across", (118, 92))
    note(ax, f"corners touch:\none pore, {corner['area_px']} px", (142, 134))
    return figure


def series() -> Measurements:
    """A keyhole that comes, fluctuates, is lost for one frame, and goes."""
    depths = [0, 0, 18, 40, 52, 60, 47, 0, 55, 63, 50, 45, 58, 52, 24, 0, 0]
    found = Measurements(Experiment())
    labels = np.full((len(depths), 110, 200), Label.SUBSTRATE, np.uint8)
    labels[:, :30] = Label.BACKGROUND
    for t, depth in enumerate(depths):
        labels[t, 30 : 30 + depth, 20 + 8 * t : 32 + 8 * t] = Label.KEYHOLE
    for result in measure_stack(labels):
        found.append(result.row, result.pores)
    return found


def deviations() -> Figure:
    """Laser on, gap, mean, and the deviations from it."""
    found = series()
    table, depth = found.frames(), found.summary()["keyhole_depth_px"]
    frames, values = table["frame"], table["keyhole_depth_px"]
    figure = Figure(figsize=(6.8, 3.6), layout="constrained")
    ax = figure.subplots()
    on = frames[table["laser_on"] == 1]
    ax.axvspan(on.min() - 0.5, on.max() + 0.5, color="#fff3cf")
    ax.plot(frames, values, "o-", color="#541352", ms=5)
    ax.axhline(depth["mean"], color=INK, ls="--", lw=1)
    worst = int(table["keyhole_depth_delta"].idxmax())
    for t in table.index[values.notna()]:
        ax.plot([frames[t]] * 2, [values[t], depth["mean"]], color="#d62728",
                lw=2.4 if t == worst else 0.8)  # fmt: skip
    gap = int(frames[table["flags"] == "keyhole gap"].iloc[0])
    ax.annotate("keyhole gap: laser on,\nnot in the mean", (gap, 20), ha="center", fontsize=8)
    ax.annotate("laser on", (on.min() - 0.4, 70), fontsize=8)
    ax.annotate(f"mean {depth['mean']:.1f} px", (frames.max(), depth["mean"] + 1.5), ha="right",
                fontsize=8)  # fmt: skip
    ax.annotate(f"delta_max = {depth['delta_max']:.2f}", (worst + 0.2, 12), fontsize=8,
                color="#d62728")  # fmt: skip
    ax.set_title(f"delta_avg = {depth['delta_avg']:.2f}: mean of the red lines over the mean",
                 fontsize=9, loc="left")  # fmt: skip
    ax.set_xlabel("frame")
    ax.set_ylabel("keyhole depth (px)")
    ax.set_ylim(0, 76)
    return figure


if __name__ == "__main__":
    main()
