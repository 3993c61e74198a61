"""Keyhole area and depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.measure.components import connected_parts
from napari_amseg.measure.line import Line
from napari_amseg.measure.surface import first_rows

Mask = NDArray[np.bool_]


def keyhole_area_px(mask: Mask) -> int:
    """Area A_k of the keyhole: all keyhole pixels of the frame, mask (Y, X)."""
    return int(np.count_nonzero(mask))


def largest_component(mask: Mask) -> tuple[Mask, tuple[int, int]]:
    """The largest 8-connected part of a mask, cut to its bounding box, and that box's corner.

    Of parts of equal size the first in row order counts. The mask must not be empty.
    """
    parts = connected_parts(mask)
    if parts is None:
        raise ValueError("the mask is empty: it has no largest part.")
    numbers, n = parts.numbers, parts.n
    if n == 1:  # it fills all but the border
        return numbers[1:-1, 1:-1] > 0, (int(parts.rows[1]), int(parts.columns[1]))
    biggest = int(np.bincount(numbers.ravel())[1:].argmax()) + 1
    rows, columns = ndimage.find_objects(numbers, biggest)[biggest - 1]
    corner = int(parts.rows[rows.start]), int(parts.columns[columns.start])
    return numbers[rows, columns] == biggest, corner


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
    columns = np.asarray(component.any(axis=0)).nonzero()[0]
    deepest = component.shape[0] - 1 - component[::-1].argmax(axis=0)[columns]
    lower_edge = corner[0] + deepest + 1
    return max(0.0, float((lower_edge - surface((columns + corner[1]).astype(np.float64))).max()))


def mouth_depth_px(mask: Mask, part: tuple[Mask, tuple[int, int]], surface: Line) -> float:
    """How far below the surface, or the first row, the keyhole begins; negative with a hump.

    mask : (Y, X). part : its largest component and corner; others count in its columns only.
    """
    component, (_, left) = part
    columns = left + np.flatnonzero(component.any(axis=0))
    top = first_rows(mask[:, columns])
    return float((top - np.maximum(surface(columns.astype(np.float64)), 0)).min())
