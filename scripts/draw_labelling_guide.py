"""The pictures of the labelling guide, and the numbers that its text states.

    python scripts/draw_labelling_guide.py

Frames are of the phantom: licences forbid showing real ones. Its exact outlines are moved in by
one pixel, to where the guide wants the border.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from labelling_guide_mistakes import (
    lower_part,
    narrowest,
    on_window,
    painted,
    spatter,
    with_crumbs,
    with_gaps,
    with_open_mouth,
)
from labelling_guide_numbers import ALONG, WALLS, moved, print_numbers, wall_profile
from labelling_guide_sheet import (
    DPI,
    OUT,
    Box,
    Panel,
    around,
    cut,
    draw_panel,
    draw_sheet,
    note,
    save,
)
from matplotlib.figure import Figure
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample import Phantom, PhantomSettings, simulate

CLEAN: dict[str, Any] = {
    "photons": 60_000, "substrate_thickness_um": 200.0, "slit_transmission": 1.0,
    "beam_height": 3.0, "beam_width": 3.0,
    "roughness_um": 0.6, "height_px": 170, "width_px": 345, "n_frames": 40,
}  # fmt: skip
BARE: dict[str, Any] = {"powder_layer_um": 0.0, "window_particles": 0, "pore_every_frames": 0}
POWDER = PhantomSettings(
    **CLEAN, seed=32, hump_um=20, spatter=4, flying=5, window_particles=10,
    powder_filling=0.22, powder_layer_um=80, particle_radius_um=14, denuded_um=110,
    keyhole_depth_um=110, old_pores=2, pore_every_frames=6, scan_speed_m_s=0.4,
)  # fmt: skip
PLATE = PhantomSettings(**CLEAN, **BARE, seed=3, keyhole_depth_um=130, hump_um=22)
NECK = PhantomSettings(**CLEAN, **BARE, seed=5, keyhole_neck=0.78, keyhole_bulb=0.9)
PINCHED = PhantomSettings(
    **CLEAN, **{**BARE, "pore_every_frames": 3}, seed=5, pore_radius_um=15, keyhole_bulb=0.1
)
CASTING = PhantomSettings(
    **CLEAN, **BARE, seed=9, surface_at=-0.5, inverted=True, old_pores=16, pore_radius_um=22,
    pore_lobing=0.4, laser_off_frames=20,
)  # fmt: skip
CLIPPED = PhantomSettings(
    **{**CLEAN, "beam_height": 0.5, "beam_width": 0.34}, **BARE, seed=3, keyhole_depth_um=110
)

POWDER_FRAME, NECK_FRAME, PINCHED_FRAME = 24, 20, 28

Array = np.ndarray


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    draw_classes()
    draw_edge()
    draw_mouth()
    draw_pinch_off()
    draw_powder()
    draw_unlabelled()
    draw_casting()
    draw_mistakes()
    size = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{len(list(OUT.glob('*.png')))} pictures; the folder has {size / 1000:.0f} kB")
    print_numbers()


@cache
def phantom(settings: PhantomSettings) -> Phantom:
    return simulate(settings)


def frame_of(settings: PhantomSettings, t: int) -> tuple[Array, Array]:
    """Image and labels of a frame, as the guide wants them."""
    made = phantom(settings)
    labels = made.labels[t].copy()
    hollow = np.isin(labels, (Label.KEYHOLE, Label.PORE))
    open_above = np.isin(labels, (Label.BACKGROUND, Label.POWDER))  # the mouth stays as it is
    labels[hollow & ~ndimage.binary_erosion(hollow | open_above)] = Label.SUBSTRATE
    return np.asarray(made.stack[t]), labels


def draw_classes() -> None:
    frame, labels = (image[:150] for image in frame_of(POWDER, POWDER_FRAME))
    seen = (
        ("powder bed", (310, 55), (315, 14)),
        ("spatter", (226, 18), (262, 10)),
        ("powder\nin flight", (92, 15), (50, 14)),
        ("hump", (160, 65), (150, 38)),
        ("surface,\npowder blown away", (105, 70), (95, 44)),
        ("keyhole", (180, 92), (225, 92)),
        ("particle on a window", (120, 114), (130, 138)),
        ("pore", (57, 106), (22, 90)),
    )
    names = (
        ("background", (130, 22), None), ("powder", (310, 55), None), ("keyhole", (181, 82), None),
        ("substrate", (290, 115), None), ("pore", (57, 106), (22, 90)),
    )  # fmt: skip
    panels = [
        Panel("what is seen", frame, notes=seen),
        Panel("how it is labelled", frame, labels, names),
    ]
    draw_sheet("classes", panels, zoom=2, columns=1)


def draw_edge() -> None:
    """A wall of the keyhole beside the grey values across it."""
    settings = replace(WALLS, distance_m=0.1, photons=60_000, roughness_um=0.6)
    frame = np.asarray(phantom(settings).stack[12])
    keyhole = phantom(settings).labels[12] == Label.KEYHOLE
    profile, border = wall_profile(settings)
    row = 80
    wall = int(np.flatnonzero(keyhole[row])[-1]) + 1
    box = cut(frame, (row - 24, wall - 30, 48, 54))
    figure = Figure(figsize=(6.9, 3.0), dpi=DPI)
    ax = figure.add_axes((0, 0.02, 0.42, 0.9))
    draw_panel(ax, Panel("a wall of a keyhole, magnified", box))
    ax.plot([20, 42], [24, 24], color="#ffcf20", lw=1.2)
    ax.plot([29.5 + border] * 2, [12, 36], color="#d62728", lw=2)
    note(ax, "keyhole", (10, 8), None)
    note(ax, "substrate", (43, 8), None)
    note(ax, "border", (29.5 + border, 36), (43, 42))
    ax = figure.add_axes((0.5, 0.15, 0.48, 0.76))
    ax.plot(ALONG, profile, color="#222222", lw=1.5)
    ax.axvline(border, color="#d62728", lw=1.5)
    ax.axvline(0, color="#666666", lw=1, ls=":")
    high, low = profile.max(), profile.min()
    half = (high + low) / 2
    for level in (high, half, low):
        ax.axhline(level, color="#999999", lw=0.6, ls="--")
    words = (
        ("bright rim", (ALONG[profile.argmax()], high), (-7, high + 0.03 * half)),
        ("dark rim", (ALONG[profile.argmin()], low), (5.5, low - 0.01 * half)),
        ("half-way grey:\nthe border", (border, half), (6.5, half + 0.05 * half)),
        ("true outline", (0, half - 0.05 * half), (-5.5, low + 0.02 * half)),
    )
    for text, at, where in words:
        ax.annotate(text, at, where, fontsize=8.5, ha="center", va="center",
                    arrowprops={"arrowstyle": "->", "lw": 0.8})  # fmt: skip
    ax.set_title("grey values across it", fontsize=8.5, loc="left", pad=3)
    ax.set_xlabel("pixels; keyhole to the left, substrate to the right", fontsize=8)
    ax.set_yticks([])
    ax.tick_params(labelsize=8)
    ax.set_xlim(-10, 10)
    ax.set_ylim(low - 0.05 * half, high + 0.07 * half)
    save(figure, "edge")


def draw_mouth() -> None:
    frame, labels = frame_of(PLATE, 20)
    box = around(labels == Label.KEYHOLE, 110, 112, up=0.55)
    grey, right = cut(frame, box), cut(labels, box)
    surface = int(np.flatnonzero((right == Label.SUBSTRATE).any(axis=1))[0]) - 0.5

    def line(ax: Any) -> None:
        ax.axhline(surface, color="#ffcf20", lw=1.2, ls="--")

    middle = float(np.flatnonzero(right[int(surface + 2)] == Label.KEYHOLE).mean())
    seen = (
        ("hump", (middle - 14, surface - 4), (22, surface - 16)),
        ("surface line", (96, surface), (88, surface + 13)),
    )
    panels = [
        Panel("grey", grey, notes=seen, draw=line),
        Panel("right: closed by the surface line", grey, right, draw=line),
        Panel("wrong: runs on into the hump", grey, with_open_mouth(right), draw=line),
    ]
    draw_sheet("mouth", panels, zoom=2, columns=3)


def draw_pinch_off() -> None:
    panels = []
    for settings, t, title in (
        (NECK, NECK_FRAME, "still joined: all of it is keyhole"),
        (PINCHED, PINCHED_FRAME, "metal in between: keyhole and pore"),
    ):
        frame, labels = frame_of(settings, t)
        box = around(labels == Label.KEYHOLE, 92, 112)
        panels += [Panel("grey", cut(frame, box)), Panel(title, cut(frame, box), cut(labels, box))]
    draw_sheet("pinch-off", panels, zoom=3, columns=2)


def draw_powder() -> None:
    frame, labels = frame_of(POWDER, POWDER_FRAME)
    panels = []
    box = (8, 232, 76, 113)
    panels.append(Panel("grey", cut(frame, box)))
    panels.append(Panel("gaps inside the bed are powder", cut(frame, box), cut(labels, box)))
    draw_sheet("powder", panels, zoom=3, columns=2)


def draw_unlabelled() -> None:
    frame, labels = frame_of(CLIPPED, 20)
    frame = frame.astype(float)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    lit = 1 / (1 + np.exp((np.hypot((x - 190) / 1.5, y - 70) - 100) / 2))
    spot = np.exp(-(((x - 262) / 6) ** 2) - ((y - 108) / 6) ** 2)
    text = (y > 148) & (x < 92)
    frame = np.where(text, frame.max() * 0.9, frame * (0.02 + lit) + frame.max() * spot)
    unclear = (lit < 0.6) | (spot > 0.08) | text
    labels = np.where(unclear, Label.UNLABELLED, labels).astype(np.uint8)

    def legend(ax: Any) -> None:
        ax.text(46, 160, "Ti64  200 W  50 kHz", fontsize=8.5, color="black", ha="center",
                va="center")  # fmt: skip

    notes = (
        ("corner without beam", (338, 8), (255, 14)),
        ("hot spot", (262, 108), (292, 84)),
        ("writing", (92, 155), (130, 150)),
    )
    panels = [
        Panel("grey", frame, notes=notes, draw=legend),
        Panel("no colour: unlabelled", frame, labels, draw=legend),
    ]
    draw_sheet("unlabelled", panels, zoom=2, columns=1)


def draw_casting() -> None:
    frame, labels = frame_of(CASTING, 0)
    labels[labels == Label.SUBSTRATE] = Label.BACKGROUND
    box = (10, 165, 150, 170)
    panels = [Panel("grey", cut(frame, box)), Panel("labels", cut(frame, box), cut(labels, box))]
    draw_sheet("casting", panels, zoom=2, columns=2)


def draw_mistakes() -> None:
    powder, plate, neck = (
        frame_of(s, t) for s, t in ((POWDER, POWDER_FRAME), (PLATE, 20), (NECK, NECK_FRAME))
    )
    keyhole = around(plate[1] == Label.KEYHOLE, 84, 84)
    joint = neck[1] == Label.KEYHOLE
    whole = around(joint, 84, 84)
    stuck = on_window(POWDER, powder[1])
    drops = spatter(POWDER, POWDER_FRAME, powder[1])
    gapped = with_gaps(POWDER, POWDER_FRAME, powder[1])
    draw_mistake("rim", plate, moved(plate[1], Label.KEYHOLE, 3), keyhole)
    draw_mistake("window", powder, painted(powder[1], stuck, Label.PORE), (86, 38, 56, 92))
    draw_mistake("gaps", powder, gapped, (34, 284, 40, 60), zoom=3)
    draw_mistake("spatter", powder, painted(powder[1], drops, Label.POWDER), (2, 160, 56, 92))
    draw_mistake("neck", neck, painted(neck[1], lower_part(joint), Label.PORE), whole)
    draw_mistake("broken", neck, painted(neck[1], narrowest(joint), Label.SUBSTRATE), whole)
    draw_mistake("crumbs", plate, with_crumbs(plate[1]), keyhole)


def draw_mistake(
    name: str, case: tuple[Array, Array], wrong: Array, box: Box, *, zoom: int = 2
) -> None:
    frame = cut(case[0], box)
    panels = [
        Panel("wrong", frame, cut(wrong, box)),
        Panel("right", frame, cut(case[1], box)),
    ]
    draw_sheet(f"mistake-{name}", panels, zoom=zoom, columns=2)


if __name__ == "__main__":
    main()
