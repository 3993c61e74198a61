"""Strokes of a brush as numbers: what a person scribbled, without the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of a round brush.

    class_name : of the label scheme. width_px : of the brush.
    points_px : (row, column) pairs, joined by straight lines; one point is a dot.
    """

    class_name: str
    width_px: float
    points_px: tuple[tuple[float, float], ...]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Stroke:
        """From ``{"class": name, "width_px": w, "points_px": [[row, column], ...]}``.

        Raises
        ------
        ValueError
            If the record has another form.
        """
        try:
            points = tuple((float(y), float(x)) for y, x in record["points_px"])
            stroke = cls(str(record["class"]), float(record["width_px"]), points)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"stroke {record!r} is not readable ({error}): give class, width_px and "
                "points_px, pairs of row and column."
            ) from error
        if not points or not stroke.width_px > 0:
            raise ValueError(f"stroke {record!r} draws nothing: it needs a width and points.")
        return stroke


def draw_strokes(
    strokes: Iterable[Stroke], shape: tuple[int, int], scheme: LabelScheme
) -> NDArray[np.uint8]:
    """Codes under the strokes, uint8 (Y, X), 0 elsewhere; a later stroke covers an earlier one.

    Raises
    ------
    ValueError
        If the scheme has no class of a stroke's name.
    """
    codes = {c.name: c.code for c in scheme.classes}
    drawn = np.zeros(shape, np.uint8)
    for stroke in strokes:
        if stroke.class_name not in codes:
            raise ValueError(
                f"a stroke is of class {stroke.class_name!r}: the scheme has "
                f"{', '.join(scheme.names)}."
            )
        drawn[stroke_mask(stroke, shape)] = codes[stroke.class_name]
    return drawn


def stroke_mask(stroke: Stroke, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels, bool (Y, X), whose centre the brush passed over."""
    ends = np.array(stroke.points_px, np.float64)
    pieces = list(pairwise(ends)) or [(ends[0], ends[0])]
    # a brush one pixel wide still marks the pixels it touches
    reach = max(stroke.width_px / 2, 0.5 * np.sqrt(2))
    mask = np.zeros(shape, bool)
    for start, end in pieces:
        low = np.floor(np.minimum(start, end) - reach).astype(int).clip(0)
        high = np.ceil(np.maximum(start, end) + reach).astype(int).clip(-1) + 1
        box = slice(low[0], high[0]), slice(low[1], high[1])
        y, x = np.ogrid[box[0], box[1]]
        y, x = y[: max(shape[0] - low[0], 0)], x[:, : max(shape[1] - low[1], 0)]
        along, span = end - start, float(((end - start) ** 2).sum())
        at = ((y - start[0]) * along[0] + (x - start[1]) * along[1]) / (span or 1.0)
        at = np.clip(at, 0, 1)
        distance_y, distance_x = y - start[0] - at * along[0], x - start[1] - at * along[1]
        mask[box] |= distance_y**2 + distance_x**2 <= reach**2
    return mask
