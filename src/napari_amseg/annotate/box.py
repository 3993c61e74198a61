"""Rows and columns around a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice]


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box of rows and columns around the true pixels; None if there are none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def widened(box: Box, margin_px: int, shape: tuple[int, ...]) -> Box:
    """A box with a margin, as far as the frame (rows, columns) has one."""
    rows, columns = (
        slice(max(0, side.start - margin_px), min(n, side.stop + margin_px))
        for side, n in zip(box, shape, strict=True)
    )
    return rows, columns
