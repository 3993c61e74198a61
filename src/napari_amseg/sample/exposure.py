"""The camera image of a random scene, with rims, beam, dirt, blur and noise of any strength."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.sample.dirt import band_noise, detector_flaws, plate_texture
from napari_amseg.sample.imaging import beam_profile, detect, edge_rim
from napari_amseg.sample.scene import Scene, between

Array = NDArray[Any]


def exposed(rng: np.random.Generator, scene: Scene) -> Array:
    """The camera image of a scene."""
    shape = scene.labels.shape
    optical_depth = np.asarray(scene.optical_depth, np.float32)
    image = np.exp(-optical_depth) * scene.glitter
    if rng.random() < 0.85:
        strength = (
            between(rng, 0.1, 4) / max(1.0, scene.plate) * (1 if rng.random() < 0.93 else -0.5)
        )
        image *= edge_rim(
            optical_depth,
            pixel_size_um=1.0,
            rim_um=strength,
            blur_px=rng.uniform(0.6, 2.2),
            limit=rng.uniform(0.15, 0.9),
        )
    image *= plate_texture(rng, scene.below, scene.labels)
    image *= beam_profile(
        shape,
        centre=tuple(rng.uniform(0.1, 0.9, 2)),
        width=(between(rng, 0.5, 3), between(rng, 0.6, 3)),
    )
    if scene.is_clipped:
        image *= _clipped_beam(rng, scene)
    blur = rng.uniform(0, 1.6)
    if blur > 0.3:
        image = ndimage.gaussian_filter(image, blur, truncate=3)
    image = detector_flaws(rng, image)
    level = float(np.median(image))
    noise = min(0.07, scene.contrast / between(rng, 2, 25))
    camera = detect(
        image / level,
        rng=rng,
        full_count=1 / (noise * noise),
        gain=1000.0,
        offset=100.0,
        read_noise=rng.uniform(0, 8),
    )
    gamma = math.exp(rng.normal(0, 0.15))
    return np.asarray(1000 * (np.clip(camera, 0, None) / 1000) ** gamma, np.float32)


def _clipped_beam(rng: np.random.Generator, scene: Scene) -> Array:
    """A slit that cuts the beam off above the surface, with its fringes: the gas turns dark."""
    dark = between(rng, 0.03, 0.9) * math.exp(-scene.plate)
    edge = scene.below + rng.uniform(-1, 5)
    lit = 1 / (1 + np.exp(-np.clip(edge / between(rng, 0.3, 5), -30, 30)))
    profile = dark + (1 - dark) * lit
    profile *= np.where(scene.below < 0, np.exp(scene.below / between(rng, 40, 800)), 1)
    for _ in range(rng.integers(0, 4)):
        centre, width = -rng.uniform(1, 25), rng.uniform(1, 5)
        band = np.exp(-(((scene.below - centre) / width) ** 2))
        if rng.random() < 0.5:
            band = band * (1 + 0.5 * band_noise(rng, scene.labels.shape, (1, between(rng, 3, 60))))
        profile *= 1 + rng.uniform(-0.7, 0.8) * band
    return np.asarray(np.clip(profile, 0, None), np.float32)
