"""Pixels that carry no value: found once, filled from their nearest good neighbour."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class Filler:
    """Overwrites the dead pixels of a frame, in place, with the nearest good ones.

    Attributes
    ----------
    dead, good : (2, n), rows and columns of the dead pixels and of what replaces them.
    """

    dead: NDArray[np.intp]
    good: NDArray[np.intp]

    def __call__(self, frame: Frame) -> None:
        """Overwrite the dead pixels of a frame (Y, X)."""
        frame[self.dead[0], self.dead[1]] = frame[self.good[0], self.good[1]]

    def within(self, window: tuple[slice, slice]) -> Filler | None:
        """The same for frames cropped to `window`; None if a good pixel lies outside."""
        inside = _inside(self.dead, window)
        dead, good = self.dead[:, inside], self.good[:, inside]
        if not _inside(good, window).all():
            return None
        corner = np.array([[window[0].start], [window[1].start]])
        return Filler(dead - corner, good - corner)


def filler(dead: NDArray[np.bool_]) -> Filler | None:
    """What fills these pixels of an image (Y, X); None if there is nothing to fill.

    Raises
    ------
    ValueError
        If no pixel is good.
    """
    if dead.all():
        raise ValueError("no pixel of the image can be divided by: it is zero or negative.")
    if not dead.any():
        return None
    nearest = distance_transform_edt(dead, return_distances=False, return_indices=True)
    return Filler(np.array(np.nonzero(dead)), nearest[:, dead])


def _inside(places: NDArray[np.intp], window: tuple[slice, slice]) -> NDArray[np.bool_]:
    (y, x), (rows, columns) = places, window
    within: NDArray[np.bool_] = (
        (rows.start <= y) & (y < rows.stop) & (columns.start <= x) & (x < columns.stop)
    )
    return within
