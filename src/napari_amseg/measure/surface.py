"""The surface of the substrate: the line from which depth is counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.measure.line import Line, fit_line


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
    substrate, keyhole = scheme.code_of("substrate"), scheme.code_of("keyhole")
    if substrate is None:
        return None
    solid = labels == substrate
    top = solid.argmax(axis=0)
    columns = solid.any(axis=0)
    if keyhole is not None:
        columns &= ~(labels == keyhole).any(axis=0)
    above = labels[np.maximum(top - 1, 0), np.arange(labels.shape[1])]
    columns &= (top == 0) | (above != 0)
    seen = columns & (top > 0)
    x = np.flatnonzero(seen if seen.any() else columns)
    return fit_line(x, top[x])
