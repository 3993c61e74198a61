"""Labels of a phantom as a person draws them from its image, by the labelling guide.

The guide puts a border half-way in grey between the bright and the dark rim. A hollow gets thin
towards its wall and refraction bends rays into it, so that this border lies up to two pixels inside
the exact one. Networks learn the border that people draw, or their masks are compared with labels
of another meaning; exact numbers stay those of the formulas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.camera import Camera

Array = NDArray[Any]
RIM_PX = 4  # rims are looked for so far from the exact border
LEAST_CONTRAST = 0.01  # of the plate's brightness; below it nobody sees the border
_DISC = np.hypot(*np.mgrid[-RIM_PX : RIM_PX + 1, -RIM_PX : RIM_PX + 1]) <= RIM_PX + 0.5


def drawn_labels(camera: Camera, t: int) -> Array:
    """The labels of frame `t`, uint8 (Y, X), with keyhole and pores up to their visible borders.

    Where there is no contrast, the exact border stays.
    """
    exact, gas = camera.scene.labels(t), camera.scene.below < 0
    drawn = exact.copy()
    pores, _ = ndimage.label(exact == Label.PORE, np.ones((3, 3), bool))
    for hollows in (pores, (exact == Label.KEYHOLE).astype(np.int32)):
        for number, box in _boxes(hollows):
            inside = hollows[box] == number
            seen = _looks_hollow(camera.hollows(t, box), inside | gas[box])  # a mouth has no wall
            drawn[box][inside & ~seen] = Label.SUBSTRATE
    return drawn


def _boxes(numbered: Array) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Every number above 0 and the surroundings of its pixels."""
    for i, box in enumerate(ndimage.find_objects(numbered), start=1):
        rows, columns = (
            slice(max(0, side.start - RIM_PX), min(size, side.stop + RIM_PX))
            for side, size in zip(box, numbered.shape, strict=True)
        )
        yield i, (rows, columns)


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
