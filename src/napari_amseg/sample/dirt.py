"""What real frames show besides the process: plate texture, scratches, detector flaws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label

Array = NDArray[Any]


def band_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma_px: float | tuple[float, float]
) -> Array:
    """Smooth Gaussian noise of unit variance, float32 (Y, X)."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, sigma_px, mode="wrap", truncate=2.5)
    return np.asarray(smooth / (smooth.std() + 1e-6), np.float32)


def plate_texture(rng: np.random.Generator, below: Array, labels: Array) -> Array:
    """Brightness factor of grain, rough patches, scratches and specks on a plate.

    Parameters
    ----------
    below : depth of pixel centres under the surface, (Y, X).
    labels : uint8 (Y, X), to keep most of the dirt on the plate.

    Returns
    -------
    float32 (Y, X), around 1.
    """
    shape = labels.shape
    dirt = np.zeros(shape, np.float32)
    if rng.random() < 0.8:
        dirt += rng.uniform(0, 0.05) * band_noise(rng, shape, rng.uniform(0.5, 2.5))
    if rng.random() < 0.6:
        patches = band_noise(rng, shape, rng.uniform(4, 16)) > rng.uniform(0.3, 2)
        dirt += (
            patches * rng.uniform(0.02, 0.14) * (band_noise(rng, shape, rng.uniform(0.6, 2)) + 0.3)
        )
    if rng.random() < 0.5:
        along = (rng.uniform(10, 50), rng.uniform(0.4, 1.2))
        sigma = along if rng.random() < 0.7 else along[::-1]
        dirt += rng.uniform(0, 0.05) * band_noise(rng, shape, sigma)
    if rng.random() < 0.5:
        _add_specks(rng, dirt, low=below.min())
    if rng.random() < 0.5:
        dirt += rng.uniform(0, 0.12) * band_noise(rng, shape, rng.uniform(20, 60))
    if rng.random() < 0.4:
        dirt += rng.normal(0, 0.15) * np.exp(-np.abs(below) / rng.uniform(2, 30))
    gas = labels == Label.BACKGROUND
    factor = 1 + np.where(gas, rng.uniform(0, 0.6) * dirt, dirt)
    return np.asarray(np.clip(factor, 0.2, 3), np.float32)


def _add_specks(rng: np.random.Generator, dirt: Array, *, low: float) -> None:
    """Small dark or bright dots, in place."""
    height, width = dirt.shape
    n = int(rng.integers(1, 60))
    rows, columns = rng.integers(0, height, n), rng.integers(0, width, n)
    dots = np.zeros_like(dirt)
    dots[rows, columns] = rng.normal(-0.2 if low < 0 else -0.4, 1, n)
    sigma = rng.uniform(0.5, 1.6)
    dirt += ndimage.gaussian_filter(dots, sigma) * (2 * np.pi * sigma**2 * rng.uniform(0.05, 0.3))


def detector_flaws(rng: np.random.Generator, image: Array) -> Array:
    """Flat-field residue: stripes along rows or columns and a smooth shading."""
    height, width = image.shape
    flawed = image
    if rng.random() < 0.4:
        stripes = np.asarray(rng.normal(0, rng.uniform(0, 0.03), width), np.float32)
        flawed = flawed * (1 + ndimage.gaussian_filter1d(stripes, rng.uniform(0.3, 3)))[None]
    if rng.random() < 0.4:
        stripes = np.asarray(rng.normal(0, rng.uniform(0, 0.03), height), np.float32)
        flawed = flawed * (1 + ndimage.gaussian_filter1d(stripes, rng.uniform(0.3, 3)))[:, None]
    slope = rng.normal(0, 0.15, 2)
    shading = (
        1
        + slope[0] * np.linspace(-0.5, 0.5, width)[None]
        + slope[1] * np.linspace(-0.5, 0.5, height)[:, None]
    )
    return np.asarray(flawed * np.clip(shading, 0.5, 1.5), np.float32)
