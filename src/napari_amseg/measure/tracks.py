"""Laser tracks: runs of frames with a keyhole, and how fast its front moves in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_amseg.measure.line import fit_line

LONGEST_GAP_FRAMES = 2
_JUMP_PX = 40.0
_FEWEST_FRAMES = 3


def split_tracks(
    frames: ArrayLike, middle_px: ArrayLike, *, max_gap_frames: int = LONGEST_GAP_FRAMES
) -> list[NDArray[np.intp]]:
    """Indices of each laser track among the frames that hold a keyhole.

    A new track begins after more than `max_gap_frames` frames without a keyhole, or where the
    keyhole jumps: farther than 40 px and ten times its usual step.

    Parameters
    ----------
    frames, middle_px : frame index and middle column of the keyhole, shape (n,), in order.
    """
    frames, middle = np.asarray(frames, np.float64), np.asarray(middle_px, np.float64)
    if frames.size == 0:
        return []
    step = np.abs(np.diff(middle))
    usual = float(np.median(step)) if step.size else 0.0
    breaks = (np.diff(frames) > max_gap_frames + 1) | (step > max(_JUMP_PX, 10 * usual))
    return np.split(np.arange(frames.size), np.flatnonzero(breaks) + 1)


def leading_edge_speed_px(
    frames: ArrayLike,
    left_px: ArrayLike,
    right_px: ArrayLike,
    *,
    tracks: Sequence[NDArray[np.intp]] | None = None,
) -> float | None:
    """Pixels a frame by which the keyhole's leading edge moves; positive to the right.

    The leading edge is the border of the keyhole on the side towards which its middle moves; a
    straight line is fitted robustly to its column, track by track. Of several tracks the median
    speed counts, with the direction of most frames.

    Parameters
    ----------
    frames, left_px, right_px : frame index, first and last column of the keyhole, shape (n,).
    tracks : indices of the frames of each laser track; found by :func:`split_tracks` if not given.

    Returns
    -------
    None without a track of three frames.
    """
    x = np.asarray(frames, np.float64)
    left, right = np.asarray(left_px, np.float64), np.asarray(right_px, np.float64)
    found = split_tracks(x, (left + right) / 2) if tracks is None else tracks
    long_enough = [track for track in found if track.size >= _FEWEST_FRAMES]
    if not long_enough:
        return None
    slopes = np.array([_edge_slope(x[i], left[i], right[i]) for i in long_enough])
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
    frames: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
) -> float:
    middle = fit_line(frames, (left + right) / 2, tolerance=np.inf)
    to_the_right = middle is None or middle.slope >= 0
    edge = fit_line(frames, right if to_the_right else left, tolerance=5.0)
    return 0.0 if edge is None else edge.slope
