"""Pixels that carry no value: found once, filled from their nearest good neighbour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_amseg.types import Frame

# A divisor below this fraction of its own median cannot be told from zero.
_SMALLEST_RELATIVE_DIVISOR = 1e-3


def dead_pixels(divisor: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where dividing by `divisor` (Y, X) has no meaning: not finite, negative or near zero."""
    finite = np.isfinite(divisor)
    level = float(np.median(divisor[finite])) if finite.any() else 0.0
    return ~(finite & (divisor > max(level, 0.0) * _SMALLEST_RELATIVE_DIVISOR))


def filler(dead: NDArray[np.bool_]) -> Callable[[Frame], Frame]:
    """A function that overwrites, in place, the dead pixels of a frame with the nearest good one.

    Raises
    ------
    ValueError
        If no pixel is good.
    """
    if dead.all():
        raise ValueError("no pixel of the image can be divided by: it is zero or negative.")
    if not dead.any():
        return lambda frame: frame
    rows, columns = distance_transform_edt(dead, return_distances=False, return_indices=True)
    rows, columns = rows[dead], columns[dead]

    def fill(frame: Frame) -> Frame:
        frame[dead] = frame[rows, columns]
        return frame

    return fill
