"""From projected thickness to a detector image: absorption, edge rims, blur, counts.

Absorption follows Beer and Lambert. The rims are the first-order transport of
intensity equation, I(z) = I(0) (1 + z delta laplace(t)) (Paganin, Coherent X-Ray
Optics, 2006, section 4.5), limited where that expansion stops being valid.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[Any]
UM_PER_CM = 1e4


def transmission(thickness_um: Array, *, attenuation_per_cm: float) -> Array:
    """Transmitted fraction of the beam, exp(-mu t); any shape, float32."""
    per_um = np.float32(attenuation_per_cm / UM_PER_CM)
    return np.asarray(np.exp(-per_um * np.asarray(thickness_um, np.float32)))


def edge_rim(
    thickness_um: Array, *, pixel_size_um: float, rim_um: float, blur_px: float, limit: float = 0.6
) -> Array:
    """Factor of propagation contrast: bright outside an edge of material, dark inside.

    Parameters
    ----------
    thickness_um : projected material, (Y, X).
    rim_um : propagation distance times the refractive decrement delta.
    blur_px : standard deviation of the blur that softens every edge.
    limit : the factor stays within 1 - limit and 1 + limit.
    """
    if rim_um == 0:
        return np.ones_like(thickness_um)
    smooth = ndimage.gaussian_filter(thickness_um, blur_px, mode="nearest", truncate=3)
    curvature = ndimage.laplace(smooth, mode="nearest") / pixel_size_um**2
    return np.asarray(1 + limit * np.tanh(rim_um * curvature / limit), np.float32)


def detect(
    expected: Array,
    *,
    rng: np.random.Generator,
    full_count: float,
    gain: float,
    offset: float,
    read_noise: float,
) -> Array:
    """Camera values of an expected brightness (1 = open beam), float32 (Y, X).

    full_count : detected photons a pixel at brightness 1 (Poisson noise; drawn as a
    normal of equal variance, since counts here are in the hundreds).
    gain, offset, read_noise : in camera values; gain is the value at brightness 1.
    """
    bright = np.maximum(expected, 0)
    variance = bright * (gain * gain / full_count) + read_noise**2
    noise = rng.standard_normal(expected.shape, dtype=np.float32) * np.sqrt(variance)
    return np.asarray(bright * gain + offset + noise, np.float32)


def beam_profile(
    shape: tuple[int, int], *, centre: tuple[float, float], width: tuple[float, float]
) -> Array:
    """A beam of Gaussian section, 1 at its middle; centre and width relative to the frame."""
    rows = (np.linspace(0, 1, shape[0], dtype=np.float32)[:, None] - centre[0]) / width[0]
    columns = (np.linspace(0, 1, shape[1], dtype=np.float32)[None] - centre[1]) / width[1]
    return np.asarray(np.exp(-0.5 * (rows**2 + columns**2)), np.float32)


@lru_cache(maxsize=512)
def sphere_chord(quarter_radius: int) -> Array:
    """Chord lengths through a sphere of radius `quarter_radius` / 4 px, in pixels, odd square."""
    radius = quarter_radius / 4
    half = math.ceil(radius)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    chord = 2 * np.sqrt(np.clip(radius**2 - x**2 - y**2, 0, None))
    chord.setflags(write=False)
    return np.asarray(chord)


def add_spheres(thickness: Array, spheres: Array, *, per_px: float = 1.0) -> None:
    """Add the chords of many spheres to a thickness map, in place.

    Parameters
    ----------
    thickness : float32 (Y, X).
    spheres : (n, 3) of column, row and radius in pixels.
    per_px : thickness of one pixel of chord (the pixel size, for micrometres).
    """
    height, width = thickness.shape
    columns = np.floor(spheres[:, 0]).astype(int).tolist()
    rows = np.floor(spheres[:, 1]).astype(int).tolist()
    quarters = np.maximum(2, np.round(spheres[:, 2] * 4)).astype(int).tolist()
    for x, y, quarter in zip(columns, rows, quarters, strict=True):
        stamp = sphere_chord(quarter)
        half = stamp.shape[0] // 2
        top, left = y - half, x - half
        y0, y1 = max(0, top), min(height, y + half + 1)
        x0, x1 = max(0, left), min(width, x + half + 1)
        if y0 < y1 and x0 < x1:
            part = stamp[y0 - top : y1 - top, x0 - left : x1 - left]
            thickness[y0:y1, x0:x1] += part * np.float32(per_px)
