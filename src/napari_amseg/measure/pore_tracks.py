"""Pores followed from frame to frame: which is which, where they come from and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.pore_links import Ints, Sightings, link_sightings, preceding
from napari_amseg.measure.pore_merges import Merge, find_merges
from napari_amseg.measure.pore_track_table import BIRTHS, ENDS, TRACK_COLUMNS, track_table
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BIRTHS", "ENDS", "TRACK_COLUMNS", "PoreTracks", "track_pores"]


@dataclass(frozen=True, slots=True, eq=False)
class PoreTracks:
    """The tracks of a stack's pores.

    track_ids : int64 (n pores), the track of each row of the pore table, from 0 in the order of
    first appearance. tracks : `TRACK_COLUMNS`, one row a track.
    """

    track_ids: NDArray[np.int64]
    tracks: pd.DataFrame


def track_pores(
    pores: pd.DataFrame,
    frames: pd.DataFrame,
    *,
    max_step_px: float = 12.0,
    max_gap_frames: int = 2,
    pinch_off_px: float = 16.0,
    experiment: Experiment | None = None,
) -> PoreTracks:
    """Follow pores from frame to frame.

    Parameters
    ----------
    pores : one row a pore a frame, in any order: ``frame, centroid_y_px, centroid_x_px, area_px,
        equivalent_diameter_px``.
    frames : one row a frame: ``frame, keyhole_area_px, keyhole_tip_y_px, keyhole_tip_x_px,
        keyhole_left_px, keyhole_right_px``, NaN without a keyhole.
    max_step_px : farthest a pore may move between two frames.
    max_gap_frames : a pore may be missed for so many frames.
    pinch_off_px : a pore first seen with its outline so near to the keyhole's tip was pinched off.
    experiment : pixel size (um) and frame rate (Hz); without them the ``_um`` and ``_s`` columns
        are empty.

    Returns
    -------
    PoreTracks. Where two pores merge both tracks end and a new one begins, where one splits its
    track ends and two begin, so that velocity and growth are those of one pore.

    Raises
    ------
    ValueError
        If a place or an area is missing or an area is not positive.

    Notes
    -----
    See :func:`link_sightings` for the links, :func:`find_merges` for merges and splits, and
    ``docs/reference/definitions.md``.
    """
    seen, order = _sightings(pores)
    following = link_sightings(seen, max_step_px=max_step_px, max_gap_frames=max_gap_frames)
    merges = find_merges(seen, following, max_step_px=max_step_px)
    splits = _find_splits(seen, following, max_step_px)
    track = _numbered(following, merges, splits)
    parents = {int(track[m.merged]): int(track[m.larger]) for m in merges}
    parents |= {int(track[row]): int(track[s.merged]) for s in splits for row in _two(s)}
    table = track_table(
        seen,
        track,
        frames,
        parents=parents,
        merged_into={int(track[row]): int(track[m.merged]) for m in merges for row in _two(m)},
        divided={int(track[s.merged]) for s in splits},
        pinch_off_px=pinch_off_px,
        experiment=experiment or Experiment(),
    )
    track_ids = np.empty(len(pores), np.int64)
    track_ids[order] = track
    return PoreTracks(track_ids, table)


def _sightings(pores: pd.DataFrame) -> tuple[Sightings, NDArray[np.intp]]:
    """The pores sorted by frame, and the row of the table of each."""
    order = np.argsort(pores["frame"].to_numpy(np.int64), kind="stable")
    frame = pores["frame"].to_numpy(np.int64)[order]
    y, x, area, diameter = (
        pores[name].to_numpy(np.float64)[order]
        for name in ("centroid_y_px", "centroid_x_px", "area_px", "equivalent_diameter_px")
    )
    if not (np.isfinite(y + x + area + diameter) & (area > 0)).all():
        raise ValueError(
            "the pore table has a pore without a centroid, a diameter or a positive area: measure "
            "the labels again, or remove that row."
        )
    return Sightings(frame, y, x, area, diameter / 2), order


def _find_splits(seen: Sightings, following: Ints, max_step_px: float) -> list[Merge]:
    """Splits as merges backwards in time: `larger` and `smaller` come from `merged`."""
    last = len(seen) - 1
    before = preceding(following)[::-1]
    backwards = np.where(before >= 0, last - before, -1)
    found = find_merges(seen.reversed(), backwards, max_step_px=max_step_px)
    return [Merge(last - m.larger, last - m.smaller, last - m.merged) for m in found]


def _two(merge: Merge) -> tuple[int, int]:
    return merge.larger, merge.smaller


def _numbered(following: Ints, merges: list[Merge], splits: list[Merge]) -> Ints:
    """The track of each sighting, in order of first appearance; merges and splits begin new."""
    before = preceding(following)
    before[[m.merged for m in merges]] = -1
    before[[row for s in splits for row in _two(s)]] = -1
    track, n = np.empty(following.size, np.int64), 0
    for row, earlier in enumerate(before.tolist()):
        if earlier < 0:
            track[row], n = n, n + 1
        else:
            track[row] = track[earlier]
    return track
