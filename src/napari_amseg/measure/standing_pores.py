"""Pores that were there before the laser came and never move: perhaps none at all.

In liquid metal pores drift, rise or are dragged along; in solid metal they stand. A pore that is
seen from the first frame on, at the same place to the last, lies in solid metal all the time: a
pore of an earlier track, or a mark on the surface or the camera that the model takes for a pore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_FRAMES = 8  # of a shorter stack nobody can say that something stands
_BEGUN_BY = 2  # frames after the first; a mask may be missed at first
_SHARE_OF_FRAMES = 0.8  # from first to last sighting
_STILL_PX, _STILL_SHARE = 1.0, 0.1  # of what its diameter is: the noise of a centroid
_FEWEST, _SHARE_OF_SIGHTINGS = 3, 0.25  # from here on it is worth a note


def standing(tracks: pd.DataFrame, frames: pd.Series) -> NDArray[np.bool_]:
    """Which tracks stand from the first frames to the end, bool (n tracks,).

    tracks : as :func:`.track_table` makes it. frames : the numbers of the frames of the stack.
    """
    if len(frames) < _FEWEST_FRAMES or not len(tracks):
        return np.zeros(len(tracks), bool)
    life = tracks["last_frame"] - tracks["first_frame"] + 1
    step = np.hypot(tracks["velocity_y_px_per_frame"], tracks["velocity_x_px_per_frame"])
    still = np.maximum(_STILL_PX, _STILL_SHARE * tracks["max_equivalent_diameter_px"])
    early = tracks["first_frame"] <= frames.min() + _BEGUN_BY
    lasts = life >= _SHARE_OF_FRAMES * (frames.max() - frames.min() + 1)
    return np.asarray(early & lasts & (step * life <= still), bool)


def standing_notes(tracks: pd.DataFrame, frames: pd.Series) -> tuple[str, ...]:
    """What must be known of the pores, in words; empty if few stand still. As :func:`standing`."""
    still = standing(tracks, frames)
    n, seen = int(still.sum()), tracks["n_frames"]
    if n < _FEWEST or seen[still].sum() < _SHARE_OF_SIGHTINGS * seen.sum():
        return ()
    return (
        f"{n} of {len(tracks)} pores stand still from the first frames to the last: check whether "
        "they are pores of earlier tracks, or scratches, dust or texture taken for pores.",
    )
