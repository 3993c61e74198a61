"""What a plate shows besides the process: rough faces, scratches, patches, specks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.sample.settings import PhantomSettings

Array = NDArray[Any]


def band_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma_px: float | tuple[float, float]
) -> Array:
    """Smooth Gaussian noise of unit variance, float32 (Y, X)."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, sigma_px, mode="wrap", truncate=2.5)
    return np.asarray(smooth / (smooth.std() + 1e-6), np.float32)


def roughness_um(rng: np.random.Generator, s: PhantomSettings) -> Array:
    """Metal missing or in excess on the two faces, float32 on the fine grid.

    Fine grain everywhere, and with `flaws` scratches along one direction, patches of coarser
    damage, pits and grains of dirt.
    """
    points = s.oversampling
    shape = (s.height_px * points, s.width_px * points)
    step = s.pixel_size_um / points
    sigma = max(0.6, 0.5 * s.grain_um / step)
    rough = math.sqrt(2) * s.roughness_um * band_noise(rng, shape, sigma)
    if not s.flaws:
        return rough
    strength = s.flaws * 12
    along = (rng.uniform(20, 90) / step, rng.uniform(0.8, 2.5) / step)
    scratches = band_noise(rng, shape, along if rng.random() < 0.7 else along[::-1])
    rough += rng.uniform(0, 0.35) * strength * scratches
    for _ in range(rng.integers(1, 4)):
        rough += s.flaws * _patches(rng, shape, step)
    return rough + _specks(rng, shape, step, strength)


def _patches(rng: np.random.Generator, shape: tuple[int, int], step_um: float) -> Array:
    """Ragged places, damaged or grown over: up to some ten micrometres less or more metal."""
    size = rng.uniform(5, 40) / step_um
    outline = band_noise(rng, shape, size) + 0.6 * band_noise(rng, shape, max(0.6, size / 4))
    inside = 1 / (1 + np.exp(-np.clip(6 * (outline - rng.uniform(0.8, 2.4)), -30, 30)))
    grain_um = math.exp(rng.uniform(math.log(0.8), math.log(8)))
    texture = band_noise(rng, shape, max(0.6, grain_um / step_um))
    depth = rng.uniform(2, 40) * (rng.uniform(0.1, 1) * texture + rng.uniform(-1, 0.4))
    if rng.random() < 0.4:  # crumbs of hollows with sound metal in between
        depth = rng.uniform(2, 30) * np.minimum(0.0, rng.uniform(0, 1.2) - np.abs(texture))
    return np.asarray(inside * depth, np.float32)


def _specks(
    rng: np.random.Generator, shape: tuple[int, int], step_um: float, strength: float
) -> Array:
    """Pits (metal missing) and grains of dirt (in excess), a few micrometres each."""
    n = int(rng.integers(1, 60))
    dots = np.zeros(shape, np.float32)
    place = rng.integers(0, shape[0], n), rng.integers(0, shape[1], n)
    dots[place] = rng.normal(-0.3, 1, n)
    sigma = max(0.6, rng.uniform(1, 4) / step_um)
    peak = strength * rng.uniform(1, 5)
    spots = ndimage.gaussian_filter(dots, sigma, truncate=3)
    return np.asarray(spots * (2 * np.pi * sigma**2 * peak), np.float32)


def stains(rng: np.random.Generator, s: PhantomSettings) -> Array:
    """Brightness factor of slow changes over the plate, float32 (Y, X), around 1."""
    shape = (s.height_px, s.width_px)
    sigma = rng.uniform(15, 60)
    small = (math.ceil(shape[0] / 8), math.ceil(shape[1] / 8))
    slow = np.kron(band_noise(rng, small, sigma / 8), np.ones((8, 8), np.float32))
    slow = ndimage.gaussian_filter(slow[: shape[0], : shape[1]], 5)
    return np.asarray(np.clip(1 + 0.1 * s.flaws * rng.random() * slow, 0.5, 1.5), np.float32)
