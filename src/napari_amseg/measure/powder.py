"""Thickness of the powder layer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.measure.line import Line
from napari_amseg.measure.surface import first_rows, first_rows_of_block

# So far above the fitted line the bed may begin: labels and line differ by a pixel or two.
_LOOSE_PX = 3
# Most beds are thinner: looked at from the surface up, so many rows at once.
_BLOCK_ROWS = 32


def powder_layer_px(
    labels: NDArray[np.uint8], surface: Line | None, *, scheme: LabelScheme
) -> float | None:
    """Mean thickness of the powder bed on the substrate, over the columns that hold one.

    In each column the bed is the unbroken run of powder that begins at the surface; particles in
    flight do not belong to it, nor do columns in which the surface lies below the frame. None
    without a surface, a powder class or a bed.

    Parameters
    ----------
    labels : uint8 (Y, X). surface : y(x). scheme : tells which code is powder.
    """
    code = scheme.code_of("powder")
    if surface is None or code is None:
        return None
    below = max(surface.at(0.0), surface.at(labels.shape[1] - 1.0))
    powder = labels[: max(0, math.ceil(below))] == code
    top = surface(np.arange(labels.shape[1], dtype=np.float64))
    bedded = powder.any(axis=0) & (top <= labels.shape[0])
    if not bedded.any():
        return None
    from_here = np.maximum(np.ceil(top - _LOOSE_PX), 0).astype(np.int32)
    reached = _reached(powder, from_here)
    thickness = top - reached
    thin = bedded & (thickness <= _LOOSE_PX)  # no bed, or one that ends where it may begin
    if thin.any():
        start = int(reached[thin].min())
        highest = first_rows(powder[start:]) + start
        thickness[thin] = np.where(highest < reached, 0, top - highest)[thin]
    bed = bedded & (thickness > 0)
    return float(thickness[bed].mean()) if bed.any() else None


def _reached(powder: NDArray[np.bool_], from_here: NDArray[np.int32]) -> NDArray[np.intp]:
    """In each column, the row up to which powder lies without a gap on the row `from_here`."""
    reached = np.zeros(powder.shape[1], np.intp)
    pending = np.ones(powder.shape[1], bool)
    for stop in range(min(int(from_here.max()), len(powder)), 0, -_BLOCK_ROWS):
        upwards = np.arange(stop - 1, max(-1, stop - 1 - _BLOCK_ROWS), -1, dtype=np.int32)
        gap = ~powder[upwards] & (upwards[:, None] < from_here)
        up = first_rows_of_block(gap)
        here = (up < len(gap)) & pending
        np.copyto(reached, stop - up, where=here)
        pending ^= here
        if not pending.any():
            break
    return reached
