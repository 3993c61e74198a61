"""The drawing of the keyhole's measures for docs/reference/definitions.md.

    python scripts/draw_definitions.py

The numbers drawn are those that measuring gives for the drawn keyhole.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.measure import fit_surface, keyhole_profile, largest_component, measure_frame

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "definitions-keyhole.png"
HEIGHT, WIDTH, SURFACE, DEPTH = 150, 190, 34, 96
INK = "#222222"


def main() -> None:
    labels = drawn()
    row = measure_frame(labels).row
    surface = fit_surface(labels, scheme=DEFAULT_SCHEME)
    profile = keyhole_profile(*largest_component(labels == int(Label.KEYHOLE)), surface)
    figure = Figure(figsize=(6.2, 4.6), layout="constrained")
    ax = figure.subplots()
    draw_labels(ax, labels)
    x = np.array([0.0, WIDTH])
    ax.plot(x, surface(x - 0.5), color=INK, lw=1.2, ls="--")
    note(ax, "surface", (WIDTH - 1, float(surface(np.array(WIDTH - 1.0))) - 2.5), ha="right")
    for share in (0.25, 0.5, 0.75):
        draw_width(ax, profile, share, row[f"keyhole_width_{100 * share:.0f}_px"])
    draw_walls(ax, profile, row)
    tip = row["keyhole_tip_x_px"] + 0.5, row["keyhole_tip_y_px"] + 1
    top = float(surface(np.array(tip[0] - 0.5)))
    ax.annotate("", tip, (tip[0], top), arrowprops={"arrowstyle": "<->", "color": "white"})
    ax.text(tip[0] + 2, top + 20, f"depth\n{row['keyhole_depth_px']:.0f} px", color="white",
            fontsize=8)  # fmt: skip
    ax.plot(*tip, "o", color="white", ms=5, mec=INK)
    note(ax, "tip", (tip[0] + 4, tip[1] + 7))
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(HEIGHT, 0)
    ax.set_axis_off()
    figure.savefig(OUT, dpi=150)
    print(OUT)


def drawn() -> np.ndarray:
    """A keyhole that leans back, wider at the top, in a tilted plate; the laser moves right."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    depth = y - SURFACE - math.tan(math.radians(2)) * (x - WIDTH / 2)
    share = np.clip(depth / DEPTH, 0, 1)
    middle = 105 - 26 * share
    half = 22 - 11 * share
    inside = (abs(x - middle) < half * np.sqrt(np.clip(1 - share**6, 0, 1))) & (depth > -5)
    labels = np.where(depth >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[inside & (depth < DEPTH)] = Label.KEYHOLE
    return labels


def draw_labels(ax, labels: np.ndarray) -> None:
    colors = {c.code: c.color for c in DEFAULT_SCHEME.classes}
    rgb = np.zeros((*labels.shape, 3))
    for code, color in colors.items():
        rgb[labels == code] = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    ax.imshow(0.75 * rgb + 0.25, extent=(0, WIDTH, HEIGHT, 0), interpolation="nearest")


def draw_width(ax, profile, share: float, width_px: float) -> None:
    level = int(share * profile.depth_px)
    left, right, y = profile.left_px[level], profile.right_px[level], profile.left_y_px[level]
    ax.annotate("", (right, y), (left, y), arrowprops={"arrowstyle": "<->", "color": "#ffcf20"})
    ax.annotate(f"width at {100 * share:.0f} %: {width_px:.0f} px", (left, y), (3, y + 1),
                fontsize=8, color=INK, va="center",
                arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.5})  # fmt: skip


def draw_walls(ax, profile, row) -> None:
    """The fitted lines between 10 and 90 % of the depth, with their angles."""
    at = (np.arange(profile.width_px.size) + 0.5) / profile.depth_px
    wall = (at >= 0.1) & (at <= 0.9)
    sides = (
        (profile.left_px, profile.left_y_px, "rear wall", row["keyhole_left_wall_deg"]),
        (profile.right_px, profile.right_y_px, "front wall", row["keyhole_right_wall_deg"]),
    )
    for x, y, name, angle in sides:
        slope, offset = np.polyfit(y[wall], x[wall], 1)
        ends = np.array([y[wall][0], y[wall][-1]])
        ax.plot(offset + slope * ends, ends, color="white", lw=1.8)
        if name == "front wall":
            place = (offset + slope * ends.mean() + 6, ends.mean())
            note(ax, f"{name}\n{angle:.0f}°", place)
        else:
            place = (offset + slope * ends[0] - 4, ends[0] - 1)
            note(ax, f"{name} {angle:.0f}°", place, ha="right")
    note(ax, "laser moves →", (WIDTH - 1, 12), ha="right")


def note(ax, text: str, place: tuple[float, float], ha: str = "left") -> None:
    ax.text(*place, text, fontsize=8, color=INK, ha=ha, va="center")


if __name__ == "__main__":
    main()
