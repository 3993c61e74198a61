"""Labels of a phantom as a person draws them from its image, by the labelling guide.

The guide puts a border half-way in grey between the bright and the dark rim. A hollow gets thin
towards its wall and refraction bends rays into it, so that this border lies up to two pixels inside
the exact one. Networks learn the border that people draw, or their masks are compared with labels
of another meaning; exact numbers stay those of the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.camera import Camera
from napari_amseg.sample.scene import LEAST_SIGNAL, MOST_COUNTED_PX

Array = NDArray[Any]
RIM_PX = 4  # rims are looked for so far from the exact border
AROUND_PX, LEAST_AROUND_PX = 12, 30  # the metal that a hollow is compared with
LEAST_CONTRAST = 0.01  # of the plate's brightness; below it nobody sees the border
_DISC = np.hypot(*np.mgrid[-RIM_PX : RIM_PX + 1, -RIM_PX : RIM_PX + 1]) <= RIM_PX + 0.5


def drawn_labels(camera: Camera, t: int) -> Array:
    """The labels of frame `t`, uint8 (Y, X), with keyhole and pores up to their visible borders.

    Where there is no contrast, the exact border stays.
    """
    exact, gas = camera.scene.labels(t), camera.scene.below < 0
    drawn, opening_um = exact.copy(), camera.scene.openings_um(t)
    for inside, box in _hollows(exact, RIM_PX):
        with_gas = inside | gas[box]  # a mouth has no wall
        seen = _looks_hollow(camera.hollows(opening_um, box), with_gas)
        drawn[box][inside & ~seen] = Label.SUBSTRATE
    return drawn


def hidden_hollows(image: Array, labels: Array) -> Array:
    """Keyhole and pores that the metal around them hides: nobody would draw these.

    Neither they nor the rim beside them stand out against the noise and the texture of the plate,
    by Rose's criterion over their area.

    Parameters
    ----------
    image : grey values (Y, X). labels : uint8 (Y, X) of its classes.

    Returns
    -------
    bool (Y, X).
    """
    hidden = np.zeros(labels.shape, bool)
    grey = image.astype(np.float32)
    for inside, box in _hollows(labels, AROUND_PX):
        apart = ndimage.distance_transform_edt(~inside)
        metal = labels[box] == Label.SUBSTRATE
        around = metal & (apart > RIM_PX) & (apart <= AROUND_PX)
        rim = metal & (apart <= RIM_PX / 2)
        if np.count_nonzero(around) < LEAST_AROUND_PX or not rim.any():
            continue
        contrast = _levelled(grey[box], around)
        signal = max(contrast[inside].mean(), -contrast[rim].mean())
        signal /= max(float(contrast[around].std()), 1e-6)
        counted_px = min(float(inside.sum()), MOST_COUNTED_PX)
        if signal * math.sqrt(counted_px) < LEAST_SIGNAL:
            hidden[box] |= inside | rim
    return hidden


def _levelled(grey: Array, around: Array) -> Array:
    """The grey values less the plane through those `around`: beams are not even."""
    y, x = np.nonzero(around)
    plane, *_ = np.linalg.lstsq(np.stack([y, x, np.ones(len(y))], 1), grey[around], rcond=None)
    rows, columns = np.indices(grey.shape)
    return np.asarray(grey - (plane[0] * rows + plane[1] * columns + plane[2]))


def _hollows(labels: Array, margin_px: int) -> Iterator[tuple[Array, tuple[slice, slice]]]:
    """Keyhole and every pore, bool, in a box that reaches `margin_px` beyond."""
    pores, _ = ndimage.label(labels == Label.PORE, np.ones((3, 3), bool))
    for numbered in (pores, (labels == Label.KEYHOLE).astype(np.int32)):
        for number, box in enumerate(ndimage.find_objects(numbered), start=1):
            rows, columns = (
                slice(max(0, side.start - margin_px), min(size, side.stop + margin_px))
                for side, size in zip(box, numbered.shape, strict=True)
            )
            yield numbered[rows, columns] == number, (rows, columns)


def _looks_hollow(grey: Array, inside: Array) -> Array:
    """What of `inside` lies within the line half-way between the rims of its border."""
    bright = ndimage.maximum_filter(grey, footprint=_DISC, mode="nearest")
    dark = ndimage.minimum_filter(grey, footprint=_DISC, mode="nearest")
    deep, (row, column) = ndimage.distance_transform_edt(inside, return_indices=True)
    bright, dark = bright[row, column], dark[row, column]  # at the border that is nearest
    metal = inside & (deep <= RIM_PX) & (grey <= (bright + dark) / 2)
    metal &= bright - dark > LEAST_CONTRAST
    outside = ndimage.binary_propagation(~inside, mask=~inside | metal)
    return np.asarray(inside & ~outside)
