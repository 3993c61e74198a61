"""The numbers of the labelling guide: where the border lies, and what an error of it costs.

Distances are in pixels from the exact wall of the phantom, positive into the metal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.measure import measure_frame
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.sample.geometry import Keyhole, Pore
from napari_amseg.sample.process import Process

Array = np.ndarray
ALONG = np.arange(-10, 12.01, 0.25)
FRAMES = (8, 12, 16)
WALLS = PhantomSettings(
    n_frames=24, height_px=200, width_px=320, surface_at=0.2, powder_layer_um=0, window_particles=0,
    pore_every_frames=0, old_pores=10, keyhole_depth_um=200, keyhole_bend=0.1, keyhole_bulb=0,
    laser_off_frames=2, slit_transmission=1, photons=1e7, roughness_um=0,
)  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "no rims": {"distance_m": 0},
    "weak rims, 0.1 m": {"distance_m": 0.1},
    "strong rims, 0.25 m": {"distance_m": 0.25},
    "very strong rims, 0.5 m": {"distance_m": 0.5},
    "0.25 m, round section": {"distance_m": 0.25, "section": 2},
    "0.25 m, moves 3.8 px in the exposure": {"distance_m": 0.25, "exposure_us": 15},
    "0.1 m, noise and rough plate": {"distance_m": 0.1, "photons": 10_000, "roughness_um": 1},
}


def print_numbers() -> None:
    print("border half-way between bright and dark, minus exact wall, px: median, 10 %, 90 %")
    for name, changed in CASES.items():
        settings = replace(WALLS, **changed)
        keyhole, pores = (
            np.array([border_offset(p) for p in profiles])
            for profiles in (keyhole_profiles(settings), pore_profiles(settings))
        )
        print(f"  {name}: keyhole {_spread(keyhole)}; pores {_spread(pores)}")
    print_errors()


def keyhole_profiles(settings: PhantomSettings) -> Iterable[Array]:
    """Grey values along `ALONG` across both walls of the keyhole, from 20 to 80 % of its depth."""
    stack, process = simulate(settings).stack, Process(settings)
    for t in FRAMES:
        keyhole = process.keyhole_at(t)
        assert isinstance(keyhole, Keyhole)
        depth = np.linspace(0.2, 0.8, 40) * keyhole.depth_px
        centre = np.interp(depth, keyhole.below, keyhole.centre)
        half = np.interp(depth, keyhole.below, keyhole.half_width)
        image = np.asarray(stack[t], float)
        for x, w, y in zip(centre, half, depth + process.surface.row_px, strict=True):
            for side in (-1.0, 1.0):
                yield _profile(image, (x + side * w, y), (side, 0.0))


def pore_profiles(settings: PhantomSettings) -> Iterable[Array]:
    """The same across the walls of the pores, at right angles."""
    stack, process = simulate(settings).stack, Process(settings)
    image = np.asarray(stack[FRAMES[0]], float)
    for pore in process.pores_at(FRAMES[0]):
        for place, outward in _wall(pore):
            yield _profile(image, place, outward)


def _wall(pore: Pore) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
    turn = np.array(
        [
            [np.cos(pore.angle_rad), -np.sin(pore.angle_rad)],
            [np.sin(pore.angle_rad), np.cos(pore.angle_rad)],
        ]
    )
    axes = np.array([pore.major_px, pore.minor_px])
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        unit = np.array([np.cos(angle), np.sin(angle)])
        normal = unit / axes
        x, y = turn @ (unit * axes) + (pore.column_px, pore.row_px)
        dx, dy = turn @ (normal / np.hypot(*normal))
        yield (float(x), float(y)), (float(dx), float(dy))


def _profile(image: Array, place: tuple[float, float], outward: tuple[float, float]) -> Array:
    x, y = place[0] + outward[0] * ALONG, place[1] + outward[1] * ALONG
    return np.asarray(ndimage.map_coordinates(image, [y - 0.5, x - 0.5], order=1, mode="nearest"))


def border_offset(profile: Array) -> float:
    """Where the grey is half-way between the bright and the dark side within 4 px of the wall."""
    near = np.abs(ALONG) <= 4
    bright = int(np.argmax(np.where(near, profile, -np.inf)))
    dark = int(np.argmin(np.where(near, profile, np.inf)))
    half = (profile[bright] + profile[dark]) / 2
    first, last = sorted((bright, dark))
    between = profile[first : last + 1] - half
    i = first + int(np.flatnonzero(np.diff(np.sign(between)))[0])
    share = (half - profile[i]) / (profile[i + 1] - profile[i])
    return float(ALONG[i] + share * (ALONG[i + 1] - ALONG[i]))


def wall_profile(settings: PhantomSettings) -> tuple[Array, float]:
    """The mean profile across the keyhole's wall, and where its half-way grey lies."""
    mean = np.mean(list(keyhole_profiles(settings)), axis=0)
    return mean, border_offset(mean)


def print_errors() -> None:
    """What one pixel, a break in the keyhole and an early pore do to the numbers."""
    settings = PhantomSettings()
    labels = simulate(settings).labels[30]
    for size, changed in (
        ("typical", labels),
        ("border 1 px in", moved(labels, Label.KEYHOLE, -1)),
        ("border 1 px out", moved(labels, Label.KEYHOLE, 1)),
        ("one row missing half-way down", broken(labels)),
    ):
        row = measure_frame(changed).row
        print(f"  keyhole, {size}: area {row['keyhole_area_px']:.0f} px, "
              f"depth {row['keyhole_depth_px']:.0f} px, "
              f"width {row['keyhole_width_50_px']:.1f} px")  # fmt: skip
    y, x = np.mgrid[-30:31, -30:31]
    for radius in (4, 9):
        areas = [int((np.hypot(y, x) <= radius + step).sum()) for step in (-1, 0, 1)]
        less, more = (area / areas[1] - 1 for area in (areas[0], areas[2]))
        print(f"  pore of {2 * radius} px: 1 px in {less:+.0%}, 1 px out {more:+.0%} of the area")


def moved(labels: Array, of: Label, steps: int) -> Array:
    """Labels whose class `of` ends so many pixels farther out in the metal, or farther in."""
    mask, metal = labels == of, labels == Label.SUBSTRATE
    above = np.isin(labels, (Label.BACKGROUND, Label.POWDER))
    change = ndimage.binary_dilation if steps > 0 else ndimage.binary_erosion
    start = mask if steps > 0 else mask | above
    after = change(start, iterations=abs(steps)) & (mask | metal)
    out = labels.copy()
    out[mask] = Label.SUBSTRATE
    out[after] = of
    return out


def broken(labels: Array) -> Array:
    """Labels whose keyhole lacks one row half-way down."""
    out = labels.copy()
    rows = np.flatnonzero((labels == Label.KEYHOLE).any(axis=1))
    row = out[rows[rows.size // 2]]
    row[row == Label.KEYHOLE] = Label.SUBSTRATE
    return out


def _spread(offsets: Array) -> str:
    return "{:+.1f} ({:+.1f} {:+.1f})".format(*np.percentile(offsets, (50, 10, 90)))
