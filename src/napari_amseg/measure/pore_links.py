"""Which pore of a later frame is which of an earlier one: linear assignment, by laptrack.

A pair that competes with no other is a link whatever solves it: only contested ones go to laptrack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Node = tuple[int, int]

# laptrack builds graphs of Python objects, about 2 kB a pore, and its gap closing compares all
# segments with all others. Costs are given, not estimated from all pores together, so parts that
# cannot be linked with one another are solved apart with the same result.
_PORES_AT_ONCE = 10_000
_SEGMENTS_AT_ONCE = 100
# What an unlinked pore costs, relative to the dearest link: every possible link is made.
_UNLINKED = 1.05


@dataclass(frozen=True, slots=True)
class Sightings:
    """Pores as they were seen, sorted by frame: one entry a pore a frame, all (n,).

    frame : int64. y_px, x_px : centroids. area_px : pixels. radius_px : of the disc of that area.
    """

    frame: Ints
    y_px: Floats
    x_px: Floats
    area_px: Floats
    radius_px: Floats

    def __len__(self) -> int:
        return self.frame.size

    def reversed(self) -> Sightings:
        """The same backwards in time: a split becomes a merge."""
        parts = (self.y_px, self.x_px, self.area_px, self.radius_px)
        return Sightings(-self.frame[::-1], *(part[::-1] for part in parts))


def link_sightings(seen: Sightings, *, max_step_px: float, max_gap_frames: int) -> Ints:
    """For each sighting the next one of the same pore, -1 where there is none.

    The cost of a link is the squared distance of the centroids over the number of frames between
    them, plus the squared difference of the radii; it is at most max_step_px**2. Neighbouring
    frames are linked first so that the sum of costs is least, then the ends that are left over to
    later beginnings, with at most `max_gap_frames` frames missing in between (Jaqaman et al.,
    Nature Methods 5 (2008) 695, as implemented by laptrack).
    """
    following = np.full(len(seen), -1, np.int64)
    if len(seen) < 2:
        return following
    table = np.column_stack([seen.frame, seen.y_px, seen.x_px, seen.radius_px])
    contested = _link_uncontested(table, following, max_step_px, 1)
    frame = _without_long_gaps(table[contested, 0])
    for rows in _spans(frame):
        part = np.column_stack([frame[rows], table[contested[rows], 1:]])
        for before, after in _solve(part, np.arange(rows.size), [], max_step_px, None):
            following[contested[rows[before]]] = contested[rows[after]]
    _link_uncontested(table, following, max_step_px, max_gap_frames + 1)
    for rows, known in _broken(table, following, max_step_px, max_gap_frames):
        for before, after in _solve(table, rows, known, max_step_px, max_gap_frames + 1):
            following[before] = after
    return following


def preceding(following: Ints) -> Ints:
    """The inverse of :func:`link_sightings`: for each sighting the one before, or -1."""
    before = np.full(following.size, -1, np.int64)
    linked = np.flatnonzero(following >= 0)
    before[following[linked]] = linked
    return before


def _link_uncontested(table: Floats, following: Ints, max_step_px: float, most_frames: int) -> Ints:
    """Link the pairs of a loose end and a later beginning that compete with no other pair.

    Returns the rows of the pairs that do compete.
    """
    heads, tails = np.flatnonzero(preceding(following) < 0), np.flatnonzero(following < 0)
    one, other = _near(table, tails, heads, max_step_px, most_frames)
    alone = (np.bincount(one)[one] == 1) & (np.bincount(other)[other] == 1)
    following[one[alone]] = other[alone]
    return np.unique(np.concatenate([one[~alone], other[~alone]]))


def _without_long_gaps(frame: Floats) -> Ints:
    """Sorted frame numbers, renumbered so that neighbours stay neighbours and others stay apart."""
    return np.cumsum(np.minimum(np.diff(frame, prepend=frame[:1]), 2)).astype(np.int64)


def _spans(frame: Ints) -> Iterator[Ints]:
    """Rows of stretches of frames; each begins with the last frame of the one before."""
    if not frame.size:
        return
    starts = np.flatnonzero(np.diff(frame, prepend=frame[0] - 1))
    bounds = np.append(starts, frame.size)
    first = 0
    while first < starts.size - 1:
        full = int(np.searchsorted(bounds, bounds[first] + _PORES_AT_ONCE))
        end = min(max(full, first + 2), starts.size)
        yield np.arange(bounds[first], bounds[end])
        first = end - 1


def _broken(
    table: Floats, following: Ints, max_step_px: float, max_gap_frames: int
) -> Iterator[tuple[Ints, list[tuple[int, int]]]]:
    """Segments that could go on in others, in groups: their end rows, and which belong together."""
    heads, tails = np.flatnonzero(preceding(following) < 0), np.flatnonzero(following < 0)
    end = np.arange(following.size)  # of each head, the tail of its segment
    for row in range(following.size - 1, -1, -1):
        if following[row] >= 0:
            end[row] = end[following[row]]
    segment = np.empty(following.size, np.int64)
    segment[heads] = segment[end[heads]] = np.arange(heads.size)
    one, other = _near(table, tails, heads, max_step_px, max_gap_frames + 1)
    one, other = segment[one], segment[other]
    graph = coo_array((np.ones(one.size), (one, other)), shape=(heads.size, heads.size))
    _, part = connected_components(graph, directed=False)
    busy = np.unique(np.concatenate([one, other]))
    for group in _grouped(busy, part):
        first, last = heads[group], end[heads[group]]
        several = first != last
        pairs = zip(first[several].tolist(), last[several].tolist(), strict=True)
        yield np.unique(np.concatenate([first, last])), list(pairs)


def _near(
    table: Floats, tails: Ints, heads: Ints, max_step_px: float, most_frames: int
) -> tuple[Ints, Ints]:
    """Pairs of a tail and a head at most `most_frames` later that may be linked."""
    reach = max_step_px * np.sqrt(most_frames) + 1e-6
    scaled = table[:, :3] * (reach / most_frames, 1.0, 1.0)
    beginnings = cKDTree(scaled[heads])
    found = beginnings.query_ball_point(scaled[tails], reach * (1 + 1e-9), p=np.inf)
    counts = np.array([len(hits) for hits in found])
    one = np.repeat(tails, counts)
    other = heads[np.fromiter((i for hits in found for i in hits), np.int64, counts.sum())]
    allowed = _cost(table[one].T, table[other].T) < _dearest(max_step_px)
    return one[allowed], other[allowed]


def _grouped(busy: Ints, part: NDArray[np.int32]) -> Iterator[Ints]:
    """Segments by connected part, small parts together."""
    if not busy.size:
        return
    order = busy[np.argsort(part[busy], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(part[order])) + 1)
    parts.sort(key=lambda segments: int(segments[0]))  # neighbours in time share a group
    group: list[Ints] = []
    for segments in parts:
        if group and sum(map(len, group)) + len(segments) > _SEGMENTS_AT_ONCE:
            yield np.concatenate(group)
            group = []
        group.append(segments)
    yield np.concatenate(group)


def _solve(
    table: Floats,
    rows: Ints,
    known: list[tuple[int, int]],
    max_step_px: float,
    most_frames: int | None,
) -> list[tuple[int, int]]:
    """New links among some rows, as (row before, row after), by laptrack.

    known : links that exist. most_frames : longest link; None for neighbouring frames only.
    """
    from laptrack import LapTrack

    nodes, coordinates = _by_frame(table, rows)
    place = dict(zip(nodes, rows.tolist(), strict=True))
    node = dict(zip(rows.tolist(), nodes, strict=True))
    tracker = LapTrack(**_options(max_step_px, most_frames))
    kept = [(node[before], node[after]) for before, after in known]
    graph = tracker.predict(coordinates, connected_edges=kept)
    links = {(place[before], place[after]) for before, after in graph.edges}
    return sorted(links - set(known))


def _options(max_step_px: float, most_frames: int | None) -> dict[str, Any]:
    """The settings of laptrack for rows of (frame, y, x, radius)."""
    most = _dearest(max_step_px)
    costs = ("track_start", "track_end", "segment_start", "segment_end", "no_splitting")
    return {
        "metric": "sqeuclidean",
        "cutoff": most + 1,  # the frames are among the coordinates: neighbours are 1 apart
        "gap_closing_metric": _gap_cost,
        "gap_closing_cutoff": most if most_frames else False,
        "gap_closing_max_frame_count": most_frames or 0,
        **{f"{name}_cost": _UNLINKED * (most + 1) for name in (*costs, "no_merging")},
    }


def _by_frame(table: Floats, rows: Ints) -> tuple[list[Node], list[Floats]]:
    """The rows as laptrack takes them: (frame from 0, index) of each, coordinates of each frame."""
    frame = table[rows, 0].astype(np.int64)
    frame -= frame[0]
    starts = np.searchsorted(frame, np.arange(frame[-1] + 2))
    coordinates = [table[rows[a:b]] for a, b in pairwise(starts)]
    index = np.arange(frame.size) - starts[frame]
    return list(zip(frame.tolist(), index.tolist(), strict=True)), coordinates


def _dearest(max_step_px: float) -> float:
    """What every link costs less than."""
    return max(max_step_px, 1e-3) ** 2 * (1 + 1e-9)


def _gap_cost(before: Any, after: Any) -> float:
    """The cost of one link, for laptrack."""
    return float(_cost(before, after))


def _cost(before: Floats, after: Floats) -> Floats:
    """Cost of links over several frames; a pore that drifts at random gets sqrt(frames) as far."""
    frames = after[0] - before[0]
    moved = (after[1] - before[1]) ** 2 + (after[2] - before[2]) ** 2
    forward = np.maximum(frames, 1)
    return np.where(frames > 0, moved / forward + (after[3] - before[3]) ** 2, np.inf)
