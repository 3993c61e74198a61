"""Thickness of the powder layer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.measure.line import Line
from napari_amseg.measure.surface import first_rows

# So far above the fitted line the bed may begin: labels and line differ by a pixel or two.
_LOOSE_PX = 3


def powder_layer_px(
    labels: NDArray[np.uint8], surface: Line | None, *, scheme: LabelScheme
) -> float | None:
    """Mean thickness of the powder bed on the substrate, over the columns that hold one.

    In each column the bed is the unbroken run of powder that begins at the surface; particles in
    flight do not belong to it. None without a surface, a powder class or a bed.

    Parameters
    ----------
    labels : uint8 (Y, X). surface : y(x). scheme : tells which code is powder.
    """
    code = scheme.code_of("powder")
    if surface is None or code is None:
        return None
    below = surface(np.array([0.0, labels.shape[1] - 1.0])).max()
    powder = labels[: max(0, math.ceil(below))] == code
    columns = np.flatnonzero(powder.any(axis=0))
    if not columns.size:
        return None
    top = surface(columns.astype(np.float64))
    height = powder.shape[0]
    from_here = np.ceil(top - _LOOSE_PX).clip(0, height).astype(np.int32)
    filled = powder[:, columns] | (np.arange(height, dtype=np.int32)[:, None] >= from_here)
    # From the bottom up, the first row that is neither bed nor below it; the lowest always is.
    run = filled[::-1].argmin(axis=0)
    reached = np.where(run == 0, 0, height - run)
    thickness = top - reached
    thin = thickness <= _LOOSE_PX  # no powder, or a bed that ends where it may begin
    if thin.any():
        start = int(reached[thin].min())
        highest = first_rows(powder[start:, columns[thin]]) + start
        thickness[thin] = np.where(highest < reached[thin], 0, top[thin] - highest)
    bed = thickness > 0
    return float(thickness[bed].mean()) if bed.any() else None
