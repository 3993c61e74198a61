"""Pores: 8-connected components of the pore class, each with its size, place and shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.measure.keyhole import EIGHT_NEIGHBOURS
from napari_amseg.measure.shape import circularity, feret_diameter_px, perimeter_px

# Fewer pixels have no outline worth a number.
_SMALLEST_WITH_OUTLINE_PX = 5


@dataclass(frozen=True, slots=True)
class Pore:
    """One pore of one frame, in pixels.

    centroid_y_px, centroid_x_px : mean of the pixel centres; row 0, column 0 has its at (0, 0).
    circularity : 4 pi A / P**2 with Crofton's perimeter (4 directions), at most 1; NaN below 5 px.
    feret_diameter_px : greatest distance between two points of the outline.
    """

    area_px: int
    centroid_y_px: float
    centroid_x_px: float
    circularity: float
    feret_diameter_px: float

    @property
    def equivalent_diameter_px(self) -> float:
        """Diameter of the disc of equal area, sqrt(4 A / pi)."""
        return math.sqrt(4 * self.area_px / math.pi)


def find_pores(mask: NDArray[np.bool_], *, min_area_px: float = 0.0) -> list[Pore]:
    """The pores in a mask (Y, X), in row order of their first pixel; smaller ones are left out."""
    rows_there = np.flatnonzero(mask.any(axis=1))
    if not rows_there.size:
        return []
    y0 = int(rows_there[0])
    strip = mask[y0 : rows_there[-1] + 1]
    columns_there = np.flatnonzero(strip.any(axis=0))
    x0 = int(columns_there[0])
    parts, _ = ndimage.label(strip[:, x0 : columns_there[-1] + 1], EIGHT_NEIGHBOURS)
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[rows, columns] == number
        area = int(np.count_nonzero(part))
        if area >= min_area_px:
            found.append(_pore(part, area, y0 + rows.start, x0 + columns.start))
    return found


def _pore(part: NDArray[np.bool_], area: int, y0: int, x0: int) -> Pore:
    rows, columns = np.nonzero(part)
    too_small = area < _SMALLEST_WITH_OUTLINE_PX
    return Pore(
        area_px=area,
        centroid_y_px=float(rows.sum()) / area + y0,
        centroid_x_px=float(columns.sum()) / area + x0,
        circularity=math.nan if too_small else circularity(area, perimeter_px(part)),
        feret_diameter_px=feret_diameter_px(part),
    )
