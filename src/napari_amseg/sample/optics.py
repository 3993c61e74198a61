"""From projected thickness to the intensity on the detector: absorption and refraction.

Absorption follows Beer and Lambert. Behind the sample every ray goes on in the direction that
the projected phase gives it, -delta grad(t), and its energy lands where the ray meets the detector:
the transport of intensity equation in its conservative form (Paganin, Coherent X-Ray Optics, 2006,
section 4.5), which stays positive and conserves energy where the first-order expansion does not.
Diffraction fringes are narrower than the blur of most cameras and are not drawn: what they do to
an edge is a blur of the size of the first Fresnel zone.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[Any]
UM_PER_CM, UM_PER_M = 1e4, 1e6


def transmission(thickness_um: Array, *, attenuation_per_cm: float) -> Array:
    """Transmitted fraction of the beam, exp(-mu t); any shape, float32."""
    per_um = np.float32(attenuation_per_cm / UM_PER_CM)
    return np.asarray(np.exp(-per_um * np.asarray(thickness_um, np.float32)))


def refracted(
    intensity: Array, path_um: Array, *, step_um: float, distance_um: float, most_um: float
) -> Array:
    """The intensity some way behind the sample: bright outside an edge of metal, dark inside.

    Parameters
    ----------
    intensity : transmitted fraction, float32 (Y, X).
    path_um : optical path, delta times projected thickness, float32 (Y, X).
    step_um : size of a sample point. distance_um : from the sample to the detector.
    most_um : no ray goes farther aside; those of steeper edges pile up before it.

    Returns
    -------
    float32 (Y, X) of the same sum: beyond the border the scene goes on mirrored.
    """
    if distance_um == 0:
        return intensity
    lever, most = np.float32(distance_um / step_um**2), np.float32(most_um / step_um)
    landing = []
    for axis, size in enumerate(intensity.shape):
        shift = most * np.tanh(np.gradient(path_um, axis=axis) * (-lever / most))
        start = np.arange(size, dtype=np.float32)
        place = np.abs(shift + (start[:, None] if axis == 0 else start))
        mirrored = np.minimum(place, 2 * (size - 1) - place)
        landing.append(np.maximum(mirrored, 0))  # an image narrower than the shift
    top, left = (place.astype(np.int32) for place in landing)
    down, right = landing[0] - top, landing[1] - left
    height, width = intensity.shape
    landed = np.zeros((height + 1) * (width + 1))
    corner = top * (width + 1) + left
    for step, share in (
        (0, (1 - down) * (1 - right)),
        (1, (1 - down) * right),
        (width + 1, down * (1 - right)),
        (width + 2, down * right),
    ):
        weights = (intensity * share).ravel()
        landed += np.bincount((corner + step).ravel(), weights, minlength=landed.size)
    return landed.reshape(height + 1, width + 1)[:height, :width].astype(np.float32)


def fresnel_blur_um(wavelength_um: float, distance_um: float) -> float:
    """Standard deviation in micrometres of the blur that stands for diffraction.

    A tenth more than the one with which an edge rises from 10 to 90 % over the width that it has
    behind an opaque half-plane (Born and Wolf, Principles of Optics, 7th ed., section 8.7.3).
    """
    return 0.35 * math.sqrt(wavelength_um * distance_um)


def binned(fine: Array, factor: int) -> Array:
    """Mean over blocks of `factor` by `factor` points, (Y, X) from (factor Y, factor X)."""
    height, width = fine.shape[0] // factor, fine.shape[1] // factor
    return np.asarray(fine.reshape(height, factor, width, factor).mean(axis=(1, 3)), np.float32)


@lru_cache(maxsize=1024)
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


def smoothed(image: Array, sigma: float | tuple[float, float]) -> Array:
    """Gaussian blur, edges repeated; unchanged where it would not be seen."""
    if np.max(sigma) < 0.2:
        return image
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3))
