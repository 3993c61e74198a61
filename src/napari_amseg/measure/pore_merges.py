"""Where two pores become one; backwards in time, where one becomes two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_amseg.measure.pore_links import Floats, Ints, Sightings, preceding

# Growth of the larger pore over the area of the smaller. Areas add up in the projection when pores
# just touch; two equal spheres that become one of their volume grow by 0.59, unequal ones by less.
_LEAST_GROWTH, _MOST_GROWTH = 0.25, 1.5
# Masks of a pore that does not change differ by some percent: less is no sign of a merge.
_LEAST_CHANGE = 0.05
_AREAS_AVERAGED = 3


@dataclass(frozen=True, slots=True)
class Merge:
    """Two sightings of one frame that are one in the next, by their rows."""

    larger: int
    smaller: int
    merged: int


def find_merges(seen: Sightings, following: Ints, *, max_step_px: float) -> list[Merge]:
    """Two pores of one frame that are one pore of the next.

    At least one of the two ends there, the other may go on as the merged one. Their outlines are at
    most `max_step_px` apart, and so is their common centroid from that of the merged pore. The
    merged pore is larger than the larger of the two by 0.25 to 1.5 times the smaller and by at
    least 5 %: two pores of which one passes behind the other, or is lost beside it, do not merge.
    Areas are medians of up to three sightings before and after. A sighting takes part in one
    merge, the one with the nearest centroid.
    """
    before = preceding(following)
    found = []
    for one, other, merged in _candidates(seen, following, before, max_step_px):
        past = {row: _typical_area(seen.area_px, before, row) for row in (one, other)}
        larger, smaller = sorted(past, key=lambda row: (-past[row], row))
        growth = _typical_area(seen.area_px, following, merged) - past[larger]
        if not _LEAST_GROWTH <= growth / past[smaller] <= _MOST_GROWTH:
            continue
        if growth < _LEAST_CHANGE * past[larger]:
            continue
        distance = _to_common_centroid(seen, larger, smaller, merged)
        if distance <= max_step_px:
            found.append((distance, Merge(larger, smaller, merged)))
    return _each_once(found)


def _each_once(found: list[tuple[float, Merge]]) -> list[Merge]:
    taken: set[int] = set()
    merges = []
    for _, merge in sorted(found, key=lambda pair: (pair[0], pair[1].merged, pair[1].smaller)):
        rows = {merge.larger, merge.smaller, merge.merged}
        if not rows & taken:
            taken |= rows
            merges.append(merge)
    return merges


def _candidates(
    seen: Sightings, following: Ints, before: Ints, max_step_px: float
) -> Iterator[tuple[int, int, int]]:
    """Two neighbours of a frame, the first of which ends, and what they may have become."""
    if not len(seen):
        return
    starts = np.flatnonzero(np.diff(seen.frame, prepend=seen.frame[0] - 1))
    stops = np.append(starts[1:], len(seen))
    for now, nearly in enumerate(zip(starts[:-1], stops[:-1], strict=True)):
        rows = np.arange(*nearly)
        ending = rows[following[rows] < 0]
        if not ending.size or seen.frame[starts[now + 1]] != seen.frame[rows[0]] + 1:
            continue
        heads = np.arange(starts[now + 1], stops[now + 1])
        heads = heads[before[heads] < 0]
        for one in ending.tolist():
            for other in _neighbours(seen, one, rows, max_step_px):
                after = int(following[other])
                if after < 0:
                    yield from ((one, other, int(head)) for head in heads)
                elif seen.frame[after] == seen.frame[other] + 1:
                    yield one, other, after


def _neighbours(seen: Sightings, one: int, rows: Ints, max_step_px: float) -> list[int]:
    """The other pores of a frame whose outlines are near."""
    apart = np.hypot(seen.y_px[rows] - seen.y_px[one], seen.x_px[rows] - seen.x_px[one])
    apart -= seen.radius_px[rows] + seen.radius_px[one]
    return [int(row) for row in rows[apart <= max_step_px] if row != one]


def _to_common_centroid(seen: Sightings, larger: int, smaller: int, merged: int) -> float:
    rows = [larger, smaller]
    weight = seen.area_px[rows] / seen.area_px[rows].sum()
    y, x = seen.y_px[rows] @ weight, seen.x_px[rows] @ weight
    return float(np.hypot(y - seen.y_px[merged], x - seen.x_px[merged]))


def _typical_area(area: Floats, neighbour: Ints, row: int) -> float:
    """Median area of a sighting and up to two on one side of it, along its track."""
    areas: list[float] = []
    while row >= 0 and len(areas) < _AREAS_AVERAGED:
        areas.append(area[row])
        row = int(neighbour[row])
    return float(np.median(areas))
