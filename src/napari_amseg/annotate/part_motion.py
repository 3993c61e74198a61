"""Which part of a mask became which part of another, and how far it moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

Mask = NDArray[np.bool_]

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
# Parts that lie two sums of their radii apart, or whose radii differ sevenfold, are not the same.
_REACH = 2.0
_SIZE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Parts:
    """The connected parts of a mask, also over corners.

    numbered : int (Y, X), 1 and up, 0 outside. centre_px : (n, 2), row and column of the centroid
    of each part. radius_px : (n,), of a disc of equal area.
    """

    numbered: NDArray[np.int32]
    centre_px: NDArray[np.float64]
    radius_px: NDArray[np.float64]

    def mask(self, part: int) -> Mask:
        """Where part `part` is, counted from 0; (Y, X)."""
        return np.asarray(self.numbered == part + 1)


def parts_of(mask: Mask) -> Parts:
    """Find the connected parts of a mask (Y, X)."""
    numbered, n = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    rows, columns = np.nonzero(numbered)
    part = numbered[rows, columns] - 1
    area = np.bincount(part, minlength=n)
    sums = [np.bincount(part, along, minlength=n) for along in (rows, columns)]
    return Parts(numbered, np.stack(sums, axis=1) / area[:, None], np.sqrt(area / np.pi))


def matched_parts(before: Parts, after: Parts, *, reach_px: float | None) -> list[tuple[int, int]]:
    """Pairs (part before, part after) of least cost, each part in one pair at most.

    The cost is the distance of the centroids over the reach, plus half the logarithm of the ratio
    of the radii. A pair that would cost more than 1 is none.

    Parameters
    ----------
    reach_px : the distance that costs 1; None is twice the sum of the two radii.
    """
    distance = np.linalg.norm(before.centre_px[:, None] - after.centre_px[None], axis=-1)
    reach = reach_px or _REACH * (before.radius_px[:, None] + after.radius_px[None])
    ratio = np.log(before.radius_px)[:, None] - np.log(after.radius_px)[None]
    cost = np.minimum(distance / reach + _SIZE_WEIGHT * np.abs(ratio), 1.0)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(i), int(j)) for i, j in pairs if cost[i, j] < 1]
