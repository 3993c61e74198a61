"""The shape of the keyhole as columns of the frame table."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.line import Line
from napari_amseg.measure.shape import (
    aspect_ratio,
    keyhole_profile,
    mean_width_px,
    opening_width_px,
    outline,
    wall_angles_deg,
    width_at_px,
)
from napari_amseg.measure.units import twice

SHAPE_COLUMNS = (
    "keyhole_height_px", "keyhole_height_um",
    "keyhole_width_opening_px", "keyhole_width_opening_um",
    "keyhole_width_25_px", "keyhole_width_25_um", "keyhole_width_50_px", "keyhole_width_50_um",
    "keyhole_width_75_px", "keyhole_width_75_um", "keyhole_width_mean_px", "keyhole_width_mean_um",
    "keyhole_aspect_ratio", "keyhole_left_wall_deg", "keyhole_right_wall_deg",
    "keyhole_tip_y_px", "keyhole_tip_x_px", "keyhole_tip_offset_px", "keyhole_tip_offset_um",
    "keyhole_perimeter_px", "keyhole_perimeter_um", "keyhole_convexity", "keyhole_circularity",
)  # fmt: skip


def shape_columns(
    component: NDArray[np.bool_],
    corner: tuple[int, int],
    surface: Line | None,
    pixel_size_um: float | None,
    *,
    depth_px: float,
    area_px: int,
) -> dict[str, float | None]:
    """`SHAPE_COLUMNS` of the largest keyhole part; None where there is nothing to measure.

    Parameters
    ----------
    component : (rows, columns) in its bounding box, whose corner in the frame is `corner`.
    surface : y(x) from :func:`fit_surface`. depth_px : below it; at 0, for a part that lies wholly
        above, there are no widths, walls and tip. area_px : its pixels.
    """
    edge = outline(component, area_px)
    numbers: dict[str, float] = {
        "keyhole_convexity": edge.convexity,
        "keyhole_circularity": edge.circularity,
    }
    lengths = {"height": float(component.shape[0]), "perimeter": edge.perimeter_px}
    if depth_px > 0:
        of_depth = _below_surface(component, corner, surface)
        lengths |= of_depth[0]
        numbers |= of_depth[1]
    row: dict[str, float | None] = dict.fromkeys(SHAPE_COLUMNS)
    for name, value in numbers.items():
        row[name] = _known(value)
    for name, value in lengths.items():
        row |= twice(f"keyhole_{name}", _known(value), pixel_size_um)
    return row


def _below_surface(
    component: NDArray[np.bool_], corner: tuple[int, int], surface: Line | None
) -> tuple[dict[str, float], dict[str, float]]:
    """Lengths in px, by their names, and the other numbers by their columns."""
    profile = keyhole_profile(component, corner, surface)
    left, right = wall_angles_deg(profile)
    lengths = {
        "width_opening": opening_width_px(profile),
        "width_25": width_at_px(profile, 0.25),
        "width_50": width_at_px(profile, 0.5),
        "width_75": width_at_px(profile, 0.75),
        "width_mean": mean_width_px(profile),
        "tip_offset": profile.tip_x_px - profile.opening_x_px,
    }
    numbers = {
        "keyhole_aspect_ratio": aspect_ratio(profile),
        "keyhole_left_wall_deg": left,
        "keyhole_right_wall_deg": right,
        "keyhole_tip_y_px": profile.tip_y_px,
        "keyhole_tip_x_px": profile.tip_x_px,
    }
    return lengths, numbers


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
