"""The box of rows and columns around a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice]


def box_around(mask: NDArray[np.bool_], margin_px: int) -> Box:
    """Rows and columns that hold a mask (Y, X), not empty, and a margin as far as there is one."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin_px), int(rows[-1]) + 1 + margin_px),
        slice(max(0, int(columns[0]) - margin_px), int(columns[-1]) + 1 + margin_px),
    )
