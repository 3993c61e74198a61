"""Shape of the keyhole: widths, walls, tip, outline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.line import Line

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
# Between these shares of the depth a wall is taken for straight.
WALL_FROM, WALL_TO = 0.1, 0.9
_FEWEST_WALL_LEVELS = 3
_FEWEST_OUTLINE_PX = 5
_ANGLES = np.arange(64) * math.pi / 64
_DIRECTIONS = np.column_stack([np.sin(_ANGLES), np.cos(_ANGLES)])
_OF_A_PIXEL = np.abs(_DIRECTIONS).max(axis=1)


@dataclass(frozen=True, slots=True)
class Profile:
    """A keyhole part seen level by level, each one pixel deep and parallel to the surface.

    Attributes
    ----------
    width_px : keyhole pixels on each level, from the surface down, (levels,).
    left_px, right_px : pixel edges on both sides of each level, NaN on one without keyhole.
    left_y_px, right_y_px : image heights of these edges.
    opening : index of the first level with keyhole. depth_px : as in the definition of d_k.
    opening_x_px : middle of the opening. tip_y_px, tip_x_px : centre of the deepest pixel; of
        several, their mean.
    """

    width_px: NDArray[np.int64]
    left_px: NDArray[np.float64]
    right_px: NDArray[np.float64]
    left_y_px: NDArray[np.float64]
    right_y_px: NDArray[np.float64]
    opening: int
    depth_px: float
    opening_x_px: float
    tip_y_px: float
    tip_x_px: float


def keyhole_profile(component: Mask, corner: tuple[int, int], surface: Line | None) -> Profile:
    """The largest keyhole part, level by level below the surface.

    Parameters
    ----------
    component : (rows, columns) of the part in its bounding box, its corner (row, column) in the
        frame. surface : y(x); without one, levels are counted from the part's first row.

    Notes
    -----
    Level k holds in each column the pixel that contains the height surface(x) + k + 0.5. What lies
    above the surface, in the hump, has no level; a part wholly above it is measured from its top.
    """
    height, width = component.shape
    x = np.arange(width, dtype=np.float64) + corner[1]
    top = np.full(width, float(corner[0])) if surface is None else surface(x)
    columns = np.asarray(component.any(axis=0)).nonzero()[0]
    lowest = height - 1 - component[::-1].argmax(axis=0)
    lower_edge = corner[0] + lowest[columns] + 1
    below = lower_edge - top[columns]
    depth = float(below.max())
    if depth <= 0:
        return keyhole_profile(component, corner, None)
    deepest = columns[below >= depth - 0.5]
    levels = np.arange(max(1, math.ceil(depth - 0.5)))
    on_level = _on_levels(component, top + levels[:, None] + 0.5, corner[0])
    n = on_level.sum(axis=1)
    first, last = on_level.argmax(axis=1), width - 1 - on_level[:, ::-1].argmax(axis=1)
    there = n > 0
    if not there.any():  # a sliver above the middle of the first level
        return keyhole_profile(component, corner, None)
    opening = int(there.argmax())
    return Profile(
        width_px=n,
        left_px=np.where(there, first + corner[1], np.nan),
        right_px=np.where(there, last + corner[1] + 1.0, np.nan),
        left_y_px=levels + 0.5 + top[first],
        right_y_px=levels + 0.5 + top[last],
        opening=opening,
        depth_px=depth,
        opening_x_px=_mean(on_level[opening].nonzero()[0]) + corner[1],
        tip_y_px=_mean(lowest[deepest]) + corner[0],
        tip_x_px=_mean(deepest) + corner[1],
    )


def _on_levels(component: Mask, y: NDArray[np.float64], first_row: int) -> Mask:
    """Whether the part covers the heights `y`, (levels, columns), in each of its columns.

    y : written to. first_row : of the part in the frame.
    """
    height, width = component.shape
    padded = np.zeros((height + 2, width), bool)  # one empty row for all that is above, one below
    padded[1:-1] = component
    np.floor(y, out=y)
    y -= first_row - 1
    np.maximum(y, 0, out=y)
    np.minimum(y, height + 1, out=y)
    index = y.astype(np.intp)
    index *= width
    index += np.arange(width)
    return padded.ravel().take(index)


def opening_width_px(profile: Profile) -> float:
    """Width of the keyhole at the surface; of one that is closed at the top, of its first level."""
    return float(profile.width_px[profile.opening])


def width_at_px(profile: Profile, share: float) -> float:
    """Width at a share of the depth: keyhole pixels along a line parallel to the surface.

    Linear between the middles of neighbouring levels.
    """
    levels = np.arange(profile.width_px.size) + 0.5
    return float(np.interp(share * profile.depth_px, levels, profile.width_px))


def mean_width_px(profile: Profile) -> float:
    """Area below the surface over the depth of the levels that it spans, opening to tip."""
    return _mean(profile.width_px[profile.opening :])


def aspect_ratio(profile: Profile) -> float:
    """Depth over width at half depth; NaN where the keyhole has no width there."""
    half = width_at_px(profile, 0.5)
    return profile.depth_px / half if half else math.nan


def wall_angles_deg(profile: Profile) -> tuple[float, float]:
    """Angles of the left and the right wall from the vertical.

    A straight line x(y) is fitted by least squares to the outer edge of the levels between 10 and
    90 % of the depth. Positive where the keyhole widens upwards: a wedge has two positive angles.
    NaN where fewer than three levels hold keyhole.
    """
    at = (np.arange(profile.width_px.size) + 0.5) / profile.depth_px
    wall = (at >= WALL_FROM) & (at <= WALL_TO) & (profile.width_px > 0)
    if np.count_nonzero(wall) < _FEWEST_WALL_LEVELS:
        return math.nan, math.nan
    left = _slope(profile.left_y_px[wall], profile.left_px[wall])
    right = _slope(profile.right_y_px[wall], profile.right_px[wall])
    return math.degrees(math.atan(left)), -math.degrees(math.atan(right))


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    from_mean = x - _mean(x)
    spread = float(from_mean @ from_mean)
    return float(from_mean @ y) / spread if spread > 0 else math.nan


def _mean(values: NDArray[Any]) -> float:
    """Of an array that is not empty; a third of the time of NumPy's."""
    return float(np.add.reduce(values)) / values.size


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one component.

    perimeter_px : after Crofton in four directions. circularity : 4 pi A / P**2, at most 1.
    convexity : perimeter of the convex hull over the perimeter, at most 1 (ISO 9276-6).
    """

    perimeter_px: float
    circularity: float
    convexity: float


def outline(component: Mask, area_px: int) -> Outline:
    """Perimeter, circularity and convexity of a component in its bounding box; NaN below 5 px."""
    if area_px < _FEWEST_OUTLINE_PX:
        return Outline(math.nan, math.nan, math.nan)
    perimeter = perimeter_px(component)
    # Cauchy: the perimeter of a convex outline is pi times its mean width over all directions.
    hull = math.pi * _mean(caliper_widths_px(component))
    return Outline(perimeter, circularity(area_px, perimeter), min(1.0, hull / perimeter))


def perimeter_px(component: Mask) -> float:
    """Perimeter after Crofton in four directions, of a component in its bounding box.

    pi / 2 times the mean, over the directions, of the number of crossings of the outline with
    parallel lines through the pixels times the distance of these lines.
    """
    padded = np.zeros((component.shape[0] + 2, component.shape[1] + 2), bool)
    padded[1:-1, 1:-1] = component
    flat, width = padded.ravel(), padded.shape[1]
    row, column, *diagonals = (
        int(np.count_nonzero(flat[step:] != flat[:-step]))  # into the next row past empty pixels
        for step in (1, width, width + 1, width - 1)
    )
    return perimeter_of_crossings_px(row + column, sum(diagonals))


def perimeter_of_crossings_px(straight: int, diagonal: int) -> float:
    """The same from the crossings with rows and columns, and with diagonal lines."""
    return math.pi / 8 * (straight + diagonal / math.sqrt(2))


def circularity(area_px: int, perimeter: float) -> float:
    """4 pi A / P**2, 1 for a disc and at most 1."""
    return min(1.0, 4 * math.pi * area_px / perimeter**2)


def caliper_widths_px(component: Mask) -> NDArray[np.float64]:
    """Distance of the two parallel tangents in 64 directions, of a component in its bounding box.

    A pixel is taken as the square through the middles of its edges, as in scikit-image.
    """
    rows = np.asarray(component.any(axis=1)).nonzero()[0]
    left = component[rows].argmax(axis=1)
    right = component.shape[1] - 1 - component[rows, ::-1].argmax(axis=1)
    return caliper_widths_of_runs_px(rows, left, right, np.array([0]))[:, 0]


def caliper_widths_of_runs_px(
    row: Indices, first: Indices, last: Indices, starts: Indices
) -> NDArray[np.float64]:
    """The same, float64 (64, groups), for groups of runs of pixels.

    row, first, last : (n,), row of each run, its first and its last column. starts : index of the
        first run of each group.
    """
    ends = np.empty((2, row.size, 2))
    ends[0] = row[:, None]
    ends[1, :, 0], ends[1, :, 1] = first, last
    along = _DIRECTIONS @ ends.reshape(2, -1)
    greatest, least = (f.reduceat(along, 2 * starts, axis=1) for f in (np.maximum, np.minimum))
    return np.asarray(greatest - least + _OF_A_PIXEL[:, None], np.float64)


def feret_diameter_px(component: Mask) -> float:
    """Maximum Feret diameter: the greatest of the caliper widths (to 0.03 %)."""
    return float(caliper_widths_px(component).max())
