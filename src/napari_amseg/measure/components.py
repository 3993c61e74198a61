"""Connected parts of a class, found where the class is and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Parts:
    """The 8-connected parts of a mask, without most of the empty rows and columns between them.

    Attributes
    ----------
    numbers : int32 (rows, columns), 0 outside and 1 to `n` inside the parts, in row order of their
        first pixels; with a border of zeros. A part has no empty row or column, so it looks as in
        the frame.
    n : how many parts. rows, columns : index in the frame of each row and column, -1 of the
        border.
    """

    numbers: NDArray[np.int32]
    n: int
    rows: Indices
    columns: Indices


def connected_parts(mask: Mask) -> Parts | None:
    """The 8-connected parts of a mask (Y, X); None of an empty one.

    Numbering costs by the pixel, ten times as much as a look at it: specks all over a frame are
    moved together first.
    """
    rows = _kept(np.asarray(mask.any(axis=1)))
    if rows.size == 2:
        return None
    strip = mask.take(rows[1:-1], axis=0)
    columns = _kept(np.asarray(strip.any(axis=0)))
    dense = np.zeros((rows.size, columns.size), bool)
    dense[1:-1, 1:-1] = strip.take(columns[1:-1], axis=1)
    numbers, n = ndimage.label(dense, EIGHT_NEIGHBOURS)
    return Parts(numbers, n, rows, columns)


def _kept(used: NDArray[np.bool_]) -> Indices:
    """Indices of what is used, and of one in each gap, which keeps parts apart; -1 on both ends."""
    kept = used.copy()
    kept[1:] |= used[:-1]
    index = kept.nonzero()[0]
    if index.size and not used[index[-1]]:
        index = index[:-1]
    with_border = np.full(index.size + 2, -1)
    with_border[1:-1] = index
    return with_border
