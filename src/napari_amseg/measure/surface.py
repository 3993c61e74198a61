"""The surface of the substrate: the line from which depth is counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.measure.line import Line, fit_line

# A surface is nearly level: looking for it in bands is several times faster than in whole columns.
_BLOCK_ROWS = 24


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
    x = np.flatnonzero(seen if seen.any() else columns)
    return fit_line(x, top[x])


def first_rows(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """First row of a mask (Y, X) in each column, -1 where there is none."""
    found = np.full(mask.shape[1], -1, np.intp)
    rows = np.flatnonzero(mask.any(axis=1))
    missing = mask.any(axis=0)
    for start in range(rows[0] if rows.size else 0, mask.shape[0], _BLOCK_ROWS):
        if not missing.any():
            break
        block = mask[start : start + _BLOCK_ROWS]
        here = missing & block.any(axis=0)
        found[here] = start + block[:, here].argmax(axis=0)
        missing &= ~here
    return found
