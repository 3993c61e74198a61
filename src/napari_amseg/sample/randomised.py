"""Training frames with everything varied far beyond what one beamline shows.

Only the geometry is meant to be right. Contrast, rims, dirt and noise are drawn
from wide ranges, so that a network trained on them has to go by form. Lengths
are in pixels, absorption in optical depth (mu times thickness).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.dirt import band_noise
from napari_amseg.sample.exposure import exposed
from napari_amseg.sample.geometry import Keyhole, KeyholeProfile, Pore, Surface, make_keyhole
from napari_amseg.sample.imaging import add_spheres, edge_rim
from napari_amseg.sample.powder import clustered, powder_bed, scattered
from napari_amseg.sample.scene import Scene, between

Array = NDArray[Any]


def random_frame(
    rng: np.random.Generator, shape: tuple[int, int] = (192, 384)
) -> tuple[Array, Array]:
    """One random training frame.

    Parameters
    ----------
    rng : source of all randomness.
    shape : rows and columns.

    Returns
    -------
    image : float32 (Y, X) camera values, not yet mapped to the network's range.
    labels : uint8 (Y, X); 0 where a person could not tell either.
    """
    scene = _plate(rng, shape)
    if scene.has_surface:
        _track_bump(rng, scene)
    keyhole = _keyhole(rng, scene) if scene.has_surface and rng.random() < 0.75 else None
    _pores(rng, scene)
    if scene.has_powder:
        _bed(rng, scene, keyhole)
    flying = 0.6 if scene.has_powder else 0.2
    if scene.has_surface and not scene.is_clipped and rng.random() < flying:
        _in_flight(rng, scene)
    if rng.random() < 0.45:
        _window_particles(rng, scene)
    return exposed(rng, scene), scene.labels


def to_input_range(image: Array, *, low: float = 0.5, high: float = 99.5) -> Array:
    """Map two percentiles of an image to 0..1, clipped, float32: what the network is fed."""
    bottom, top = np.percentile(image, [low, high])
    scaled = (image - bottom) / max(top - bottom, 1e-6)
    return np.asarray(np.clip(scaled, 0, 1), np.float32)


def _plate(rng: np.random.Generator, shape: tuple[int, int]) -> Scene:
    kind = rng.choice(["bare", "powder", "interior"], p=[0.5, 0.36, 0.14])
    has_surface = kind != "interior"
    row = rng.uniform(0.06, 0.62) * shape[0] if has_surface else -60.0
    tilt = math.tan(math.radians(rng.normal(0, 4 if rng.random() < 0.25 else 0.5)))
    surface = Surface(row, tilt if has_surface else 0.0, shape[1] / 2)
    below = surface.depth_map(shape)
    labels = np.where(below >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    plate = between(rng, 0.12, 1.8)
    softness = rng.choice([0.3, rng.uniform(0.3, 4)])
    optical_depth = plate * np.clip(below / softness + 0.5, 0, 1)
    contrast = between(rng, 0.07 + 0.1 * plate, 0.9)  # a dark plate needs more to show any
    return Scene(
        surface=surface,
        has_surface=has_surface,
        has_powder=bool(kind == "powder"),
        is_clipped=bool(rng.random() < {"bare": 0.5, "powder": 0.06, "interior": 0}[str(kind)]),
        below=below,
        labels=labels,
        optical_depth=optical_depth,
        glitter=np.ones(shape, np.float32),
        plate=plate,
        contrast=contrast,
    )


def _track_bump(rng: np.random.Generator, scene: Scene) -> None:
    """A raised, half transparent weld track on part of the surface."""
    if rng.random() < 0.5:
        return
    width = scene.labels.shape[1]
    ends = np.sort(rng.uniform(-0.3, 1.3, 2)) * width
    x = np.arange(width) + 0.5
    height = rng.uniform(1, 8) * np.interp(
        x, [ends[0] - 1, ends[0], ends[1], ends[1] + 12], [0, 1, 1, 0]
    )
    height *= 1 + 0.3 * np.sin(x / rng.uniform(5, 25) + rng.uniform(0, 6))
    opacity = rng.uniform(0.2, 1)
    bump = (scene.below < 0) & (scene.below > -height)
    scene.optical_depth[bump] = opacity * scene.plate
    scene.labels[bump] = Label.SUBSTRATE if opacity > 0.7 else Label.UNLABELLED


def _keyhole(rng: np.random.Generator, scene: Scene) -> Keyhole | None:
    height, width = scene.labels.shape
    mouth = rng.uniform(-0.02, 1.02) * width
    room = height - scene.surface.row_at(mouth) + (20 if rng.random() < 0.06 else -3)
    if room < 12:
        return None
    depth = between(rng, 9, min(150.0, room))
    hook = rng.random() < 0.4
    keyhole = make_keyhole(
        mouth,
        depth_px=depth,
        width_px=float(np.clip(depth / between(rng, 0.8, 8), 4, 45)),
        direction=int(rng.choice([-1, 1])),
        profile=KeyholeProfile(
            bend=rng.uniform(0, 0.6),
            bend_power=rng.uniform(4, 9) if hook else rng.uniform(1, 3),
            flare=rng.uniform(0, 1.6),
            bulb=rng.uniform(-0.15, 0.9),
            tip=rng.uniform(0.06, 0.5),
            shelf=rng.uniform(0, 3) if rng.random() < 0.3 else 0.0,
        ),
        wobble=rng.normal(0, 0.04 * depth * rng.random(), 7),
    )
    box, offset = keyhole.relative_offset(scene.below)
    power = between(rng, 2, 6)
    chord = np.sqrt(np.clip(1 - np.abs(offset) ** power, 0, None))
    gradient = 1 + rng.normal(0, 0.25) * (scene.below[box] / depth - 0.5)
    opening = scene.contrast * np.clip(gradient, 0.4, 1.6) * chord
    inside = np.abs(offset) <= 1
    scene.optical_depth[box] -= np.where(inside, opening, 0)
    scene.labels[box][inside] = Label.KEYHOLE
    return keyhole


def _pores(rng: np.random.Generator, scene: Scene) -> None:
    """Elliptical and lobed pores in the plate, clear of the keyhole."""
    if scene.has_surface and rng.random() < 0.3:
        return
    height, width = scene.labels.shape
    substrate = scene.labels == Label.SUBSTRATE
    free = ndimage.binary_erosion(substrate, iterations=2)
    for _ in range(rng.integers(1, 6 if scene.has_surface else 22)):
        major = between(rng, 2.2, 22)
        pore = Pore(
            rng.uniform(0, width),
            rng.uniform(0, height),
            major,
            max(1.6, major * rng.uniform(0.4, 1)),
            rng.normal(0, 0.5),
        )
        box, radius = pore.relative_radius((height, width))
        if radius.size == 0:
            continue
        radius = radius * _lobes(rng, radius, pore, box)
        inside = radius <= 1
        if not inside.any() or not free[box][inside].all():
            continue
        strength = scene.contrast * rng.uniform(0.5, 1.3)
        chord = np.sqrt(np.clip(1 - radius ** between(rng, 2, 6), 0, None))
        scene.optical_depth[box] -= np.where(inside, strength * chord, 0)
        scene.labels[box][inside] = Label.PORE
        free[box] &= radius > 1.4


def _lobes(rng: np.random.Generator, radius: Array, pore: Pore, box: Any) -> Array:
    """Angle-dependent stretching that makes an ellipse irregular."""
    if rng.random() < 0.5:
        return np.ones_like(radius)
    y = np.arange(box[0].start, box[0].stop)[:, None] + 0.5 - pore.row_px
    x = np.arange(box[1].start, box[1].stop)[None] + 0.5 - pore.column_px
    angle = np.arctan2(y, x)
    depth = rng.uniform(0, 0.25)
    lobed = 1 + depth * np.cos(rng.integers(2, 5) * angle + rng.uniform(0, 6))
    return np.asarray(lobed + depth * 0.5, np.float32)


def _bed(rng: np.random.Generator, scene: Scene, keyhole: Keyhole | None) -> None:
    """A powder bed, pushed away around the keyhole and perhaps along the molten track."""
    radius = between(rng, 2.2, 12)
    height = max(2.5 * radius, between(rng, 8, 60))
    layers = between(rng, 1.5, 14)
    bed = powder_bed(
        rng,
        surface=scene.surface,
        width_px=scene.labels.shape[1],
        height_px=min(height, scene.surface.row_px + 20),
        radius_px=radius,
        layers=layers,
        roughness=rng.uniform(0.05, 0.4),
    )
    if keyhole is not None:
        clear = between(rng, 5, 80)
        gone = np.abs(bed[:, 0] - keyhole.centre[0]) < clear
        if rng.random() < 0.5:
            behind = (bed[:, 0] - keyhole.centre[0]) * rng.choice([-1, 1]) > 0
            gone |= behind & (rng.random(len(bed)) < rng.uniform(0.4, 1))
        bed = bed[~gone]
    before = scene.labels.copy()
    _add_particles(scene, bed, between(rng, 0.03, 0.5) * scene.plate / layers**0.7 + 0.02)
    if rng.random() < 0.6:  # many lenses in a row: bright and dark spots, no single rims
        spots = band_noise(rng, scene.labels.shape, between(rng, 0.25, 0.7) * radius)
        bed_only = (scene.labels == Label.POWDER) & (before != Label.POWDER)
        scene.glitter[bed_only] *= np.exp(between(rng, 0.08, 0.8) * spots[bed_only])


def _in_flight(rng: np.random.Generator, scene: Scene) -> None:
    rows = (-5.0, max(0.0, scene.surface.row_px - 3))
    place = clustered if rng.random() < 0.4 else scattered
    particles = place(
        rng,
        int(rng.integers(1, 60 if rng.random() < 0.4 else 15)),
        rows=rows,
        width_px=scene.labels.shape[1],
        radius_px=between(rng, 1.8, 10),
    )
    _add_particles(scene, particles, between(rng, 0.08, 0.8) * min(1.0, scene.plate) + 0.02)


def _add_particles(scene: Scene, particles: Array, peak: float) -> None:
    """Add spheres with a typical central optical depth `peak`, labelled above the surface."""
    if len(particles) == 0:
        return
    powder = np.zeros_like(scene.optical_depth)
    add_spheres(powder, particles, per_px=peak / (2 * float(np.median(particles[:, 2]))))
    scene.optical_depth += np.where(scene.below < 0, powder, 0)
    seen = ndimage.binary_closing(powder > 0.15 * peak, iterations=1)
    scene.labels[seen & (scene.below < 0)] = Label.POWDER


def _window_particles(rng: np.random.Generator, scene: Scene) -> None:
    """Powder stuck to the windows: over the plate it is dirt, over the gas nobody can tell."""
    height, width = scene.labels.shape
    radius = between(rng, 1.8, 11)
    dense = rng.random() < 0.4
    cover = rng.uniform(0.3, 2.5) if dense else rng.uniform(0.01, 0.2)
    n = max(2, round(cover * height * width / (math.pi * radius**2)))
    place = clustered if rng.random() < 0.4 else scattered
    particles = place(rng, n, rows=(0, height), width_px=width, radius_px=radius)
    if rng.random() < 0.5:  # less and less far from the bed
        below = particles[:, 1] - scene.surface.row_at(particles[:, 0])
        reach = between(rng, 10, 200)
        particles = particles[rng.random(len(particles)) < np.exp(-np.clip(below, 0, None) / reach)]
    if scene.has_surface and rng.random() < (0.75 if dense else 0.5):
        keep = particles[:, 1] > scene.surface.row_at(particles[:, 0])
        particles = particles[keep]
    film = np.zeros_like(scene.optical_depth)
    peak = min(between(rng, 0.02, 0.3), 0.7 * scene.contrast)
    add_spheres(film, particles, per_px=peak / (2 * radius))
    film = ndimage.gaussian_filter(film, rng.choice([0.0, rng.uniform(0, 1.2)]))
    scene.optical_depth += film
    if rng.random() < 0.6:
        strength = between(rng, 0.5, 5)
        scene.glitter *= edge_rim(film, pixel_size_um=1.0, rim_um=strength, blur_px=0.8)
    gas = scene.labels == Label.BACKGROUND
    scene.labels[gas & (film > 0.2 * peak)] = Label.UNLABELLED
