"""Pores: 8-connected components of the pore class, each with its size, place and shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.components import Parts, connected_parts
from napari_amseg.measure.shape import (
    caliper_widths_of_runs_px,
    circularity,
    perimeter_of_crossings_px,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
    parts = connected_parts(mask)
    if parts is None:
        return []
    straight, diagonal = _crossings(parts)
    columns = *_size_and_place(parts), straight, diagonal
    return [
        _pore(*numbers)
        for numbers in zip(*(column.tolist() for column in columns), strict=True)
        if numbers[0] >= min_area_px
    ]


def _pore(
    area: int, y: float, x: float, feret_diameter: float, straight: int, diagonal: int
) -> Pore:
    round_ = math.nan
    if area >= _SMALLEST_WITH_OUTLINE_PX:
        round_ = circularity(area, perimeter_of_crossings_px(straight, diagonal))
    return Pore(area, y, x, round_, feret_diameter)


def _size_and_place(parts: Parts) -> tuple[Ints, Floats, Floats, Floats]:
    """Areas, rows and columns of the centroids, Feret diameters.

    All from the runs of pixels in a row: there are far fewer runs than pixels.
    """
    width = parts.numbers.shape[1]
    flat = parts.numbers.ravel()
    ends = (flat[1:] != flat[:-1]).nonzero()[0]  # a run cannot touch another one: 0 is between
    of_pore = flat[ends[1::2]]
    order = np.argsort(of_pore, kind="stable")
    row, first = divmod(ends[::2][order] + 1, width)
    length = (ends[1::2] - ends[::2])[order]
    last = first + length - 1
    starts = np.searchsorted(of_pore[order], np.arange(1, parts.n + 1))
    top, left = row[starts], np.minimum.reduceat(first, starts)
    count = np.diff(starts, append=row.size)
    y, x_first, x_last = (
        a - np.repeat(corner, count) for a, corner in ((row, top), (first, left), (last, left))
    )
    area = np.add.reduceat(length, starts)
    centroid_y = np.add.reduceat(y * length, starts) / area + parts.rows[top]
    twice_x = np.add.reduceat((x_first + x_last) * length, starts)
    centroid_x = (twice_x // 2) / area + parts.columns[left]
    widths = caliper_widths_of_runs_px(y, x_first, x_last, starts)
    return area, centroid_y, centroid_x, widths.max(axis=0)


def _crossings(parts: Parts) -> tuple[Ints, Ints]:
    """Crossings of each outline with lines along rows and columns, and with diagonal ones."""
    width = parts.numbers.shape[1]
    flat = parts.numbers.ravel()
    counts = []
    for step in (1, width, width - 1, width + 1):  # into the next row past the empty border
        before, after = flat[:-step], flat[step:]
        at = (before != after).nonzero()[0]
        # Parts do not touch: one of the two is 0.
        counts.append(np.bincount(before[at] + after[at], minlength=parts.n + 1)[1:])
    return counts[0] + counts[1], counts[2] + counts[3]
