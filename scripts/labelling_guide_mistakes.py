"""Labels as they should not be, made from right ones, for the labelling guide."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings
from napari_amseg.sample.process import Process
from napari_amseg.sample.scene import Scene

Array = np.ndarray


def painted(labels: Array, where: Array, label: Label) -> Array:
    out = labels.copy()
    out[where] = label
    return out


def with_open_mouth(labels: Array) -> Array:
    """The keyhole drawn on to the top of the hump."""
    surface = int(np.flatnonzero((labels == Label.SUBSTRATE).any(axis=1))[0])
    mouth = np.flatnonzero(labels[surface] == Label.KEYHOLE)
    out = labels.copy()
    for step in range(9):
        out[surface - 1 - step, mouth[0] + step // 2 : mouth[-1] - step // 2] = Label.KEYHOLE
    return out


def on_window(settings: PhantomSettings, labels: Array) -> Array:
    """The particles that stick to a window in front of the plate."""
    scene = Scene(Process(settings))
    middle = scene.points // 2
    stuck = scene.window_um[middle :: scene.points, middle :: scene.points] > 0
    return np.asarray(stuck & (labels == Label.SUBSTRATE))


def spatter(settings: PhantomSettings, t: int, labels: Array) -> Array:
    """The drops in flight in a frame."""
    drops = discs(Scene(Process(settings)).spatter.at(t), labels)
    return np.asarray(drops & (labels == Label.BACKGROUND))


def with_gaps(settings: PhantomSettings, t: int, labels: Array) -> Array:
    """Powder without the gaps between its grains."""
    scene = Scene(Process(settings))
    grains = discs(np.concatenate([scene.bed.at(t), scene.flying.at(t)]), labels)
    return painted(labels, (labels == Label.POWDER) & ~grains, Label.BACKGROUND)


def discs(particles: Array, labels: Array) -> Array:
    """Where particles, rows of column, row and radius, cover a frame."""
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    inside = [np.hypot(x - c, y - r) < radius for c, r, radius in particles]
    return np.asarray(np.any(inside, axis=0))


def narrowest(mask: Array) -> Array:
    """Three rows of a mask at its neck."""
    width = mask.sum(axis=1)
    rows = np.flatnonzero(width)
    inner = rows[rows.size // 4 : 3 * rows.size // 4]
    row = inner[np.argmin(width[inner])]
    return np.asarray(mask & (np.abs(np.arange(mask.shape[0]) - row) <= 1)[:, None])


def lower_part(mask: Array) -> Array:
    """What lies below the neck."""
    row = int(np.flatnonzero(narrowest(mask).any(axis=1))[-1])
    return np.asarray(mask & (np.arange(mask.shape[0]) > row)[:, None])


def with_crumbs(labels: Array) -> Array:
    """Specks and unpainted pixels, as quick work leaves them."""
    rng = np.random.default_rng(1)
    keyhole = labels == Label.KEYHOLE
    border = ndimage.binary_dilation(keyhole, iterations=2) & ~ndimage.binary_erosion(keyhole)
    out = painted(labels, border & (rng.random(labels.shape) < 0.25), Label.UNLABELLED)
    near = ndimage.binary_dilation(keyhole, iterations=14) & (labels == Label.SUBSTRATE)
    out[near & (rng.random(labels.shape) < 0.006)] = Label.KEYHOLE
    out[keyhole & (rng.random(labels.shape) < 0.012)] = Label.SUBSTRATE
    return out
