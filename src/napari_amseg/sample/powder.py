"""Powder: particle sizes, a bed on a surface, particles in flight or on the windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.sample.geometry import Surface

Array = NDArray[Any]


def radii(rng: np.random.Generator, n: int, *, median_px: float, spread: float = 0.3) -> Array:
    """Log-normal particle radii in pixels, (n,)."""
    return np.clip(median_px * np.exp(spread * rng.standard_normal(n)), 0.8, 4 * median_px)


def powder_bed(
    rng: np.random.Generator,
    *,
    surface: Surface,
    width_px: int,
    height_px: float,
    radius_px: float,
    layers: float,
    roughness: float = 0.15,
) -> Array:
    """Particles resting on a surface.

    Parameters
    ----------
    width_px : columns of the frame. height_px : mean height of the bed.
    radius_px : median particle radius.
    layers : mean number of particles one ray crosses.
    roughness : relative variation of the height along the bed.

    Returns
    -------
    float array (n, 3) of column, row and radius in pixels.
    """
    n = max(1, round(layers * width_px * height_px / (math.pi * radius_px**2)))
    radius = radii(rng, n, median_px=radius_px)
    column = rng.uniform(-2 * radius_px, width_px + 2 * radius_px, n)
    knots = max(4, round(width_px / (6 * radius_px)))
    waves = height_px * (1 + roughness * rng.standard_normal(knots))
    top = np.interp(column, np.linspace(0, width_px, knots), np.maximum(waves, 2 * radius_px))
    above = radius + rng.uniform(0, 1, n) * np.maximum(top - 2 * radius, 0)
    return np.stack([column, surface.row_at(column) - above, radius], axis=1)


def scattered(
    rng: np.random.Generator, n: int, *, rows: tuple[float, float], width_px: int, radius_px: float
) -> Array:
    """`n` particles anywhere between two rows, (n, 3) of column, row and radius in pixels."""
    column = rng.uniform(0, width_px, n)
    return np.stack(
        [column, rng.uniform(*rows, n), radii(rng, n, median_px=radius_px, spread=0.4)], axis=1
    )


def clustered(
    rng: np.random.Generator, n: int, *, rows: tuple[float, float], width_px: int, radius_px: float
) -> Array:
    """Particles in touching groups, as they fly or stick to a window; (n, 3) as `scattered`."""
    seeds = scattered(rng, max(1, n // 4), rows=rows, width_px=width_px, radius_px=radius_px)
    particles = seeds[rng.integers(len(seeds), size=n)].copy()
    particles[:, :2] += rng.normal(0, 2 * radius_px, (n, 2))
    particles[:, 2] = radii(rng, n, median_px=radius_px)
    return particles
