"""Shapes of the phantom with exact areas: a straight surface, a keyhole, pores.

Pixel (row i, column j) covers [i, i+1) x [j, j+1); its centre decides its class.
All lengths are in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Box = tuple[slice, slice]
STEPS = 400


def centres(size_px: int, points: int = 1) -> Array:
    """Middles of the sample points along one side, in pixels, float32."""
    return (np.arange(size_px * points, dtype=np.float32) + 0.5) / points


@dataclass(frozen=True, slots=True)
class Surface:
    """The straight top edge of the substrate.

    row_px : height at `pivot_px`, counted downwards. slope : rows per column.
    """

    row_px: float
    slope: float
    pivot_px: float

    def row_at(self, column_px: Any) -> Any:
        """Row of the surface at one or many columns."""
        return self.row_px + self.slope * (column_px - self.pivot_px)

    def depth_map(self, shape: tuple[int, int], *, points: int = 1) -> Array:
        """Vertical distance of every pixel centre below the surface, float32 (Y, X).

        With `points` the same for a grid of so many points a pixel along each side.
        """
        rows, columns = centres(shape[0], points)[:, None], centres(shape[1], points)[None]
        return np.asarray(rows - self.row_at(columns), np.float32)


def drawn_up(values: Array, metal: Array) -> Array:
    """The values with those of the first row of `metal` in all rows above; both (Y, X).

    Columns without metal stay as they are.
    """
    row = np.maximum(np.arange(len(values))[:, None], np.argmax(metal, axis=0))
    return np.take_along_axis(values, row, axis=0)


@dataclass(frozen=True, slots=True)
class KeyholeProfile:
    """Form of a keyhole, free of its place; lengths relative to depth or width.

    bend : how far the tip trails behind the mouth, times the depth.
    bend_power : 1 leans straight, 3 and more is a hook at the bottom.
    flare : extra width of the mouth, times the width. bulb : the same near the tip.
    tip : part of the depth that is the rounded tip.
    shelf : extra width of the mouth on its rear side, times the width.
    neck : part of the width that is missing half-way down.
    """

    bend: float = 0.35
    bend_power: float = 2.5
    flare: float = 0.6
    bulb: float = 0.3
    tip: float = 0.25
    shelf: float = 0.0
    neck: float = 0.0


@dataclass(frozen=True, slots=True)
class Keyhole:
    """A cavity open at the surface: at depth v it spans ``|x - centre(v)| <= half_width(v)``.

    depth_px : greatest vertical distance below the surface. below : (n,) depths.
    centre, half_width : (n,) columns at these depths. Because every slice is
    measured vertically from the surface, tilt changes neither area nor depth.
    """

    depth_px: float
    below: Array
    centre: Array
    half_width: Array

    @property
    def area_px(self) -> float:
        """Integral of the width over the depth."""
        return float(np.trapezoid(2 * self.half_width, self.below))

    @property
    def tip_column_px(self) -> float:
        """Column of the deepest point."""
        return float(self.centre[-1])

    def relative_offset(self, depth_map: Array, *, points: int = 1) -> tuple[Box, Array]:
        """``(x - centre) / half_width`` inside the columns the keyhole can reach.

        Returns the box of rows and columns of `depth_map`, which has `points` points a pixel,
        and float32 values in it; beyond the keyhole's depth and above the surface they are
        infinite.
        """
        left = max(0, math.floor((self.centre - self.half_width).min() * points))
        right = min(depth_map.shape[1], math.ceil((self.centre + self.half_width).max() * points))
        columns = slice(min(left, depth_map.shape[1]), max(right, left))
        part = depth_map[:, columns]
        if part.size == 0:
            return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.float32)
        hit = np.flatnonzero(((part >= 0) & (part <= self.depth_px)).any(axis=1))
        rows = slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0)
        depth = depth_map[rows, columns]
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / points
        centre = np.interp(depth, self.below, self.centre)
        width = np.interp(depth, self.below, self.half_width)
        inside = (depth >= 0) & (depth <= self.depth_px) & (width > 0)
        offset = np.full(depth.shape, np.inf, np.float32)
        np.divide(x - centre, width, out=offset, where=inside, casting="same_kind")
        return (rows, columns), offset


def make_keyhole(
    mouth_column_px: float,
    *,
    depth_px: float,
    width_px: float,
    direction: int,
    profile: KeyholeProfile,
    wobble: Array | None = None,
) -> Keyhole:
    """A keyhole whose laser travels towards +x (`direction` 1) or -x (-1).

    wobble : optional (n,) sideways displacement of its walls over the depth, in pixels.
    """
    s = 1 - (1 - np.linspace(0, 1, STEPS)) ** 2  # dense near the tip, where the width falls fast
    body = 1 + profile.flare * np.exp(-s / 0.12)
    body += profile.bulb * np.exp(-(((s - 0.8) / 0.15) ** 2))
    body *= 1 - profile.neck * np.exp(-(((s - 0.5) / 0.12) ** 2))
    into_tip = np.clip((s - (1 - profile.tip)) / profile.tip, 0, 1)
    half_width = 0.5 * width_px * body * np.sqrt(1 - into_tip**2)
    centre = mouth_column_px - direction * profile.bend * depth_px * s**profile.bend_power
    shelf = 0.5 * profile.shelf * width_px * np.exp(-s / 0.04)
    half_width, centre = half_width + shelf, centre - direction * shelf
    if wobble is not None:
        centre = centre + np.interp(s, np.linspace(0, 1, len(wobble)), wobble)
    return Keyhole(depth_px, s * depth_px, centre, half_width)


@dataclass(frozen=True, slots=True)
class Pore:
    """A pore: an ellipse, or one with lobes.

    major_px, minor_px : half axes. angle_rad : of the first against x. lobing : share by which
    the wall swings about the ellipse, `lobes` times around; 0 is the ellipse itself.
    """

    column_px: float
    row_px: float
    major_px: float
    minor_px: float
    angle_rad: float = 0.0
    lobing: float = 0.0
    lobes: int = 3

    @property
    def area_px(self) -> float:
        """Area: the mean square of ``1 + a cos(n phi)`` is ``1 + a^2 / 2``."""
        return math.pi * self.major_px * self.minor_px * (1 + self.lobing**2 / 2)

    @property
    def reach_px(self) -> float:
        """No point of the pore is farther from its centre."""
        return max(self.major_px, self.minor_px) * (1 + self.lobing)

    def relative_radius(self, shape: tuple[int, int], *, points: int = 1) -> tuple[Box, Array]:
        """Radius relative to the wall (1 there) in a box around the pore, float32.

        shape : rows and columns of the frame in pixels; the box counts its points, `points` a
        pixel along each side.
        """
        reach = (self.reach_px + 1) * points
        rows = _clipped(self.row_px * points, reach, shape[0] * points)
        columns = _clipped(self.column_px * points, reach, shape[1] * points)
        y = centres(shape[0], points)[rows][:, None] - self.row_px
        x = centres(shape[1], points)[columns][None] - self.column_px
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        along = (x * cos + y * sin) / self.major_px
        across = (y * cos - x * sin) / self.minor_px
        radius = np.hypot(along, across)
        if self.lobing:
            radius = radius / (1 + self.lobing * np.cos(self.lobes * np.arctan2(across, along)))
        return (rows, columns), np.asarray(radius, np.float32)

    def inside(self, shape: tuple[int, int], margin_px: float = 1.0) -> bool:
        """Whether the whole pore lies in the frame, with a margin."""
        reach = self.reach_px + margin_px
        return (
            reach <= self.row_px <= shape[0] - reach and reach <= self.column_px <= shape[1] - reach
        )


def _clipped(centre: float, reach: float, size: int) -> slice:
    start = min(size, max(0, math.floor(centre - reach)))
    return slice(start, max(start, min(size, math.ceil(centre + reach))))
