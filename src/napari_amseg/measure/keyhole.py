"""Keyhole area and depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.measure.line import Line

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
Mask = NDArray[np.bool_]


def keyhole_area_px(mask: Mask) -> int:
    """Area A_k of the keyhole: all keyhole pixels of the frame, mask (Y, X)."""
    return int(np.count_nonzero(mask))


def largest_component(mask: Mask) -> tuple[Mask, tuple[int, int]]:
    """The largest 8-connected part of a mask, cut to its bounding box, and that box's corner.

    Of parts of equal size the first in row order counts. The mask must not be empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    y0, x0 = int(rows[0]), int(columns[0])
    box = mask[y0 : rows[-1] + 1, x0 : columns[-1] + 1]
    parts, n = ndimage.label(box, EIGHT_NEIGHBOURS)
    if n == 1:
        return box, (y0, x0)
    biggest = int(np.bincount(parts.ravel())[1:].argmax()) + 1
    window = ndimage.find_objects(parts)[biggest - 1]
    return parts[window] == biggest, (y0 + window[0].start, x0 + window[1].start)


def keyhole_depth_px(component: Mask, corner: tuple[int, int], surface: Line | None) -> float:
    """Depth d_k of a keyhole: greatest vertical distance from the surface to a lower pixel edge.

    Parameters
    ----------
    component : (rows, columns) of the largest keyhole part in its bounding box.
    corner : (row, column) of that box in the frame.
    surface : y(x) from :func:`fit_surface`; without one, the row extent of the part is its depth.

    Notes
    -----
    Flat surface with first substrate row s, deepest keyhole row b: b + 1 - s. A keyhole wholly
    above the surface has depth 0.
    """
    if surface is None:
        return float(component.shape[0])
    columns = np.flatnonzero(component.any(axis=0))
    deepest = component.shape[0] - 1 - component[::-1].argmax(axis=0)[columns]
    lower_edge = corner[0] + deepest + 1
    return max(0.0, float((lower_edge - surface((columns + corner[1]).astype(np.float64))).max()))
