"""Pores: 8-connected components of the pore class, each with its size, place and shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import perimeter_crofton

from napari_amseg.measure.keyhole import EIGHT_NEIGHBOURS

# Fewer pixels have no outline worth a number.
_SMALLEST_WITH_OUTLINE_PX = 5


@dataclass(frozen=True, slots=True)
class Pore:
    """One pore of one frame, in pixels.

    centroid_y_px, centroid_x_px : mean of the pixel centres; row 0, column 0 has its at (0, 0).
    circularity : 4 pi A / P**2 with Crofton's perimeter (4 directions), at most 1; NaN below 5 px.
    """

    area_px: int
    centroid_y_px: float
    centroid_x_px: float
    circularity: float

    @property
    def equivalent_diameter_px(self) -> float:
        """Diameter of the disc of equal area, sqrt(4 A / pi)."""
        return math.sqrt(4 * self.area_px / math.pi)


def find_pores(mask: NDArray[np.bool_], *, min_area_px: float = 0.0) -> list[Pore]:
    """The pores in a mask (Y, X), in row order of their first pixel; smaller ones are left out."""
    if not mask.any():
        return []
    parts, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    found = []
    for number, window in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[window] == number
        area = int(np.count_nonzero(part))
        if area >= min_area_px:
            rows, columns = np.nonzero(part)
            found.append(
                Pore(
                    area_px=area,
                    centroid_y_px=float(rows.mean()) + window[0].start,
                    centroid_x_px=float(columns.mean()) + window[1].start,
                    circularity=circularity(part, area),
                )
            )
    return found


def circularity(part: NDArray[np.bool_], area_px: int) -> float:
    """4 pi A / P**2 of one component (1 for a disc); NaN if it is too small for an outline."""
    if area_px < _SMALLEST_WITH_OUTLINE_PX:
        return math.nan
    perimeter = perimeter_crofton(np.pad(part, 1), directions=4)  # type: ignore[no-untyped-call]
    return min(1.0, 4 * math.pi * area_px / float(perimeter) ** 2)
