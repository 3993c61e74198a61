"""The shape of a class between two frames in which somebody drew it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.annotate.box import Box, bounding_box, widened
from napari_amseg.annotate.part_motion import Mask, matched_parts, parts_of

Distance = NDArray[np.float64]


def interpolate_mask(
    before: Mask,
    after: Mask,
    fraction: float,
    *,
    motion: bool = True,
    reach_px: float | None = None,
) -> Mask:
    """A class somewhere between two key frames, by its signed distances to the edge.

    The distances in both frames are blended in the ratio of time; the class is where the blend is
    positive, so that an edge moves evenly from one place to the other. Distances count beyond
    the frame as at its edge: a shape cut by the border stays cut by it.

    With `motion`, each connected part is first moved along the straight way between its centroids
    and then blended with its counterpart: a shape that moves by more than its own width stays
    whole. A part without counterpart appears or vanishes at once half-way, in its full shape: that
    is wrong in some frames but in none of them a shape that never was. Likewise, with or without
    `motion`, the class as a whole where one of the key frames has none of it.

    Parameters
    ----------
    before, after : bool (Y, X), where the class is in the two key frames.
    fraction : 0..1, the time since `before` over the time between them.
    motion : whether parts move. Without, a part without counterpart shrinks or grows.
    reach_px : how far a part may move between the key frames; None is twice the sum of the radii
        of the part before and after, of discs of equal area.

    Returns
    -------
    bool (Y, X).

    Raises
    ------
    ValueError
        If the masks differ in shape, `fraction` is outside 0..1 or `reach_px` is not positive.

    References
    ----------
    S. P. Raya, J. K. Udupa, IEEE Trans. Med. Imaging 9 (1990) 32: shape-based interpolation.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction:g}: it runs from 0, before, to 1, after.")
    return _Between(before, after, motion=motion, reach_px=reach_px).at(fraction)


def interpolate_frames(
    before: Mask,
    after: Mask,
    n_between: int,
    *,
    motion: bool = True,
    reach_px: float | None = None,
) -> Iterator[tuple[int, Mask]]:
    """The class in every frame between two key frames, evenly in time.

    Parameters
    ----------
    n_between : frames between the key frames; the rest as in :func:`interpolate_mask`.

    Yields
    ------
    k : 1..n_between, frames after `before`. mask : bool (Y, X).

    Raises
    ------
    ValueError
        As :func:`interpolate_mask` does.
    """
    between = _Between(before, after, motion=motion, reach_px=reach_px)
    for k in range(1, n_between + 1):
        yield k, between.at(k / (n_between + 1))


class _Between:
    """Two masks, ready to give any one between them."""

    def __init__(self, before: Mask, after: Mask, *, motion: bool, reach_px: float | None) -> None:
        if before.shape != after.shape:
            raise ValueError(
                f"the key frames are {before.shape} and {after.shape}: take them from one stack."
            )
        if reach_px is not None and not reach_px > 0:
            raise ValueError(f"reach_px is {reach_px:g}: a part moves by more than 0 px, or None.")
        self._leaving, self._coming = before.astype(bool), after.astype(bool)
        self._parts: list[_MovingPart] = []
        if not (self._leaving.any() and self._coming.any()):
            return
        if motion:
            self._pair_parts(reach_px)
        else:
            self._pair(self._leaving, self._coming, np.zeros(2))

    def _pair_parts(self, reach_px: float | None) -> None:
        before, after = parts_of(self._leaving), parts_of(self._coming)
        for i, j in matched_parts(before, after, reach_px=reach_px):
            self._pair(before.mask(i), after.mask(j), after.centre_px[j] - before.centre_px[i])

    def _pair(self, before: Mask, after: Mask, way_px: NDArray[np.float64]) -> None:
        self._parts.append(_moving_part(before, after, way_px))
        self._leaving, self._coming = self._leaving & ~before, self._coming & ~after

    def at(self, fraction: float) -> Mask:
        mask = np.zeros_like(self._leaving)
        if fraction <= 0.5:
            mask |= self._leaving
        if fraction >= 0.5:
            mask |= self._coming
        for part in self._parts:
            mask[part.box] |= part.at(fraction)
        return mask


@dataclass(frozen=True, slots=True)
class _MovingPart:
    """Signed distances to the edge of one part within a box that holds it all the way."""

    box: Box
    before: Distance
    after: Distance
    way_px: NDArray[np.float64]

    def at(self, fraction: float) -> Mask:
        before = _moved(self.before, fraction * self.way_px)
        after = _moved(self.after, (fraction - 1) * self.way_px)
        return np.asarray((1 - fraction) * before + fraction * after > 0)


def _moving_part(before: Mask, after: Mask, way_px: NDArray[np.float64]) -> _MovingPart:
    around = bounding_box(before | after)
    assert around is not None  # a part has pixels
    # Farther than the way itself, so that nothing is asked for beyond the box inside the frame.
    box = widened(around, 2 + int(np.abs(way_px).max()), before.shape)
    return _MovingPart(box, signed_distance(before[box]), signed_distance(after[box]), way_px)


def signed_distance(mask: Mask) -> Distance:
    """Distance of each pixel's centre to the edge, which runs half a pixel beyond the last centre;
    positive inside, (Y, X).
    """
    if mask.all():
        return np.full(mask.shape, float(sum(mask.shape)))
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask)
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))


def _moved(distance: Distance, way_px: NDArray[np.float64]) -> Distance:
    if not way_px.any():
        return distance
    return np.asarray(ndimage.shift(distance, way_px, order=1, mode="nearest"))
