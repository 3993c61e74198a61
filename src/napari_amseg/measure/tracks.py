"""Laser tracks: runs of frames with a keyhole, and how fast its front moves in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter

from napari_amseg.measure.line import fit_line

LONGEST_GAP_FRAMES = 2
_JUMP_PX = 40.0
_FEWEST_FRAMES = 3


def split_tracks(
    frames: ArrayLike, middle_px: ArrayLike, *, max_gap_frames: int = LONGEST_GAP_FRAMES
) -> list[NDArray[np.intp]]:
    """Indices of each laser track among the frames that hold a keyhole.

    A new track begins after more than `max_gap_frames` frames without a keyhole, or where the
    keyhole jumps, farther than 40 px and ten times its usual step, and stays there; or where it
    turns round.

    Parameters
    ----------
    frames, middle_px : frame index and middle column of the keyhole, shape (n,), in order.
    """
    frames, middle = np.asarray(frames, np.float64), np.asarray(middle_px, np.float64)
    if frames.size == 0:
        return []
    step = np.abs(np.diff(middle))
    far = max(_JUMP_PX, 10 * float(np.median(step))) if step.size else _JUMP_PX
    runs = np.split(
        np.arange(frames.size), np.flatnonzero(np.diff(frames) > max_gap_frames + 1) + 1
    )
    stays = [part for run in runs for part in _without_flicker(run, middle, far)]
    return [leg for part in stays for leg in _legs(part, middle)]


def _without_flicker(
    run: NDArray[np.intp], middle: NDArray[np.float64], far: float
) -> list[NDArray[np.intp]]:
    """Split at jumps, but not for a frame or two whose largest part lies elsewhere."""
    jumps = np.flatnonzero(np.abs(np.diff(middle[run])) > far) + 1
    parts = np.split(run, jumps)
    kept = [parts[0]]
    for place, part in enumerate(parts[1:], start=1):
        back = abs(middle[part[0]] - middle[kept[-1][-1]]) <= far
        next_is_back = (
            place + 1 < len(parts)
            and abs(middle[parts[place + 1][0]] - middle[kept[-1][-1]]) <= far
        )
        if back or (part.size < _FEWEST_FRAMES and next_is_back):
            inside = part if back else part[:0]  # a flicker is on, but belongs to no track
            kept[-1] = np.concatenate([kept[-1], inside])
        else:
            kept.append(part)
    return kept


def _legs(track: NDArray[np.intp], middle: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Split where the laser turns round: where it goes back by more than 40 px.

    Looked at over five frames, so that a single one does not count.
    """
    x = median_filter(middle[track], 5, mode="nearest").tolist()
    turns, sign, farthest = [], 0, 0
    for i, here in enumerate(x):
        ahead = (here - x[farthest]) * (sign or 1)
        if sign == 0 and abs(here - x[0]) > _JUMP_PX:
            sign, farthest = (1 if here > x[0] else -1), i
        elif sign and ahead > 0:
            farthest = i
        elif sign and ahead < -_JUMP_PX:
            turns.append(farthest + 1)
            sign, farthest = -sign, i
    return np.split(track, turns)


def leading_edge_speed_px(
    frames: ArrayLike,
    left_px: ArrayLike,
    right_px: ArrayLike,
    *,
    tracks: Sequence[NDArray[np.intp]] | None = None,
    sign: int | None = None,
) -> float | None:
    """Pixels a frame by which the keyhole's leading edge moves; positive to the right.

    The leading edge is the border of the keyhole on the side towards which its middle moves; a
    straight line is fitted robustly to its column, track by track. Of several tracks the median
    speed counts, with the direction of most frames.

    Parameters
    ----------
    frames, left_px, right_px : frame index, first and last column of the keyhole, shape (n,).
    tracks : indices of the frames of each laser track; found by :func:`split_tracks` if not given.
    sign : 1 if the laser moves to the right, -1 if to the left, 0 if it stands; found if None.

    Returns
    -------
    None without a track of three frames, and for a beam that is said to stand.
    """
    if sign == 0:
        return None
    x = np.asarray(frames, np.float64)
    left, right = np.asarray(left_px, np.float64), np.asarray(right_px, np.float64)
    found = split_tracks(x, (left + right) / 2) if tracks is None else tracks
    long_enough = [track for track in found if track.size >= _FEWEST_FRAMES]
    if not long_enough:
        return None
    slopes = np.array([_edge_slope(x[i], left[i], right[i], sign) for i in long_enough])
    lengths = np.array([track.size for track in long_enough])
    direction = 1.0 if float((np.sign(slopes) * lengths).sum()) >= 0 else -1.0
    return direction * float(np.median(np.abs(slopes)))


def track_direction(frames: ArrayLike, left_px: ArrayLike, right_px: ArrayLike) -> int:
    """Where the laser moves in one track: 1 to the right, -1 to the left, 0 if it stands.

    It stands if over the whole track its leading edge moves by less than half the keyhole's width,
    or if there are fewer than three frames.

    frames, left_px, right_px : frame index, first and last column of the keyhole, shape (n,).
    """
    x = np.asarray(frames, np.float64)
    left, right = np.asarray(left_px, np.float64), np.asarray(right_px, np.float64)
    if x.size < _FEWEST_FRAMES:
        return 0
    slope = _edge_slope(x, left, right)
    width = float(np.median(right - left)) + 1
    return int(np.sign(slope)) if abs(slope) * (x[-1] - x[0]) >= width / 2 else 0


def _edge_slope(
    frames: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    sign: int | None = None,
) -> float:
    if sign is None:
        middle = fit_line(frames, (left + right) / 2, tolerance=np.inf)
        sign = 1 if middle is None or middle.slope >= 0 else -1
    edge = fit_line(frames, right if sign > 0 else left, tolerance=5.0)
    return 0.0 if edge is None else edge.slope
