"""When the laser was on: runs of frames with a keyhole, found or given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_amseg.measure.tracks import split_tracks


@dataclass(frozen=True, slots=True)
class LaserOn:
    """The laser-on ranges of a stack.

    Attributes
    ----------
    on : bool (n frames), the laser was on, frames in short gaps included.
    gap : bool (n frames), on but without a keyhole. averaged : bool (n frames), counts in means
        and deviations: with a keyhole and not trimmed.
    tracks : indices of the keyhole frames of each range, in order.
    """

    on: NDArray[np.bool_]
    gap: NDArray[np.bool_]
    averaged: NDArray[np.bool_]
    tracks: list[NDArray[np.intp]]


def find_laser_on(
    frames: ArrayLike,
    has_keyhole: ArrayLike,
    middle_px: ArrayLike,
    *,
    max_gap_frames: int = 2,
    trim_frames: int = 0,
    within: tuple[int, int] | None = None,
) -> LaserOn:
    """Find the laser-on ranges: from the first to the last keyhole of each laser track.

    Parameters
    ----------
    frames, has_keyhole, middle_px : frame index, whether it holds a keyhole, middle column of the
        keyhole; (n,), in order of the frames.
    max_gap_frames : so many frames in a row may lack the keyhole without ending the range.
    trim_frames : keyhole frames left out of the averages at both ends of each range.
    within : frames (first, end) given by hand, the end excluded; others count as laser off.
    """
    frames = np.asarray(frames, np.int64)
    keyhole = np.asarray(has_keyhole, bool)
    if within is not None:
        keyhole = keyhole & (frames >= within[0]) & (frames < within[1])
    index = np.flatnonzero(keyhole)
    middle = np.asarray(middle_px, np.float64)[index]
    tracks = [index[t] for t in split_tracks(frames[index], middle, max_gap_frames=max_gap_frames)]
    on, averaged = np.zeros(frames.size, bool), np.zeros(frames.size, bool)
    for track in tracks:
        on[track[0] : track[-1] + 1] = True
        kept = track[trim_frames : track.size - trim_frames]
        if (
            kept.size
        ):  # a frame that belongs to no track, as its largest part lies elsewhere, counts
            inside = slice(kept[0], kept[-1] + 1)
            averaged[inside] = keyhole[inside]
    return LaserOn(on, on & ~keyhole, averaged, tracks)


def parse_range(text: str) -> tuple[int, int]:
    """Frames ``A:B``, B excluded, as two numbers.

    Raises
    ------
    ValueError
        If the text has another form or holds no frame.
    """
    try:
        first, end = (int(part) for part in text.split(":"))
    except ValueError:
        first = end = -1
    if not 0 <= first < end:
        raise ValueError(
            f"laser_on_frames is {text!r}: write A:B, the first frame and the one after the last, "
            "for example 20:480."
        )
    return first, end
