"""The surface of the substrate: the line from which depth is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.measure.line import Line, fit_line

# A surface is nearly level: looking for it in bands is several times faster than in whole columns.
_BLOCK_ROWS = 64
_HALF_PX = 0.5


def fit_surface(labels: NDArray[np.uint8], *, scheme: LabelScheme) -> Line | None:
    """Straight, possibly tilted top edge of the substrate, y(x) in pixels.

    The first substrate row of every column that holds no keyhole is one point; the line is fitted
    robustly through them. x counts pixel centres, y pixel edges: a flat substrate whose first row
    is s has y = s. Columns where the edge cannot be seen do not count: an unlabelled pixel lies on
    it, or it lies outside the frame while other columns show it.

    Parameters
    ----------
    labels : uint8 (Y, X). scheme : tells which codes are substrate and keyhole.

    Returns
    -------
    The line, or None when there is no substrate outside the keyhole's columns.
    """
    return surface_of(
        labels,
        substrate=scheme.mask(labels, "substrate"),
        keyhole=scheme.mask(labels, "keyhole"),
    )


def surface_of(
    labels: NDArray[np.uint8], *, substrate: NDArray[np.bool_], keyhole: NDArray[np.bool_]
) -> Line | None:
    """The surface, from the masks (Y, X) of substrate and keyhole in `labels`."""
    top = first_rows(substrate)
    columns = (top >= 0) & ~keyhole.any(axis=0)
    above = labels[np.maximum(top - 1, 0), np.arange(labels.shape[1])]
    columns &= (top == 0) | (above != 0)
    seen = columns & (top > 0)
    x = (seen if seen.any() else columns).nonzero()[0]
    line = fit_line(x, top[x])
    to_the_top = (columns & (top == 0)).nonzero()[0]
    if line is None or not to_the_top.size:
        return line
    should_show = np.count_nonzero(line(to_the_top.astype(np.float64)) > -_HALF_PX)
    return replace(line, cut=should_show / int(np.count_nonzero(columns)))


def first_rows(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """First row of a mask (Y, X) in each column, -1 where there is none."""
    found = np.full(mask.shape[1], -1, np.intp)
    missing = mask.any(axis=0)
    if not missing.any():
        return found
    highest = int(mask.ravel().argmax()) // mask.shape[1]
    for start in range(highest, mask.shape[0], _BLOCK_ROWS):
        block = mask[start : start + _BLOCK_ROWS]
        row = first_rows_of_block(block)
        here = (row < len(block)) & missing
        np.copyto(found, row + start, where=here)
        missing ^= here
        if not missing.any():
            break
    return found


def first_rows_of_block(block: NDArray[np.bool_]) -> NDArray[np.intp]:
    """First row of a mask of up to 255 rows in each column, their number where there is none.

    The greatest of numbers that fall from row to row: several times as fast as argmax, which
    walks down the columns one by one.
    """
    n = len(block)
    falling = np.arange(n, 0, -1, dtype=np.uint8)[:, None]
    return np.asarray(n - (block.view(np.uint8) * falling).max(axis=0).astype(np.intp))
