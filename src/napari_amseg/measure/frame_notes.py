"""Which frames of a stack to look at first, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_MOST_UNCERTAIN = 3
_LEAST_UNCERTAIN = 0.005  # below, they are all zero in print


def frame_notes(frames: pd.DataFrame) -> tuple[str, ...]:
    """Frames that are flagged and those of the highest uncertainty; none where it is not known.

    frames : the content of ``_frames.csv``.
    """
    words = frames["flags"].dropna().str.split("; ").explode()
    flags = words[words != ""].value_counts()
    known = frames.set_index("frame")["uncertainty"].dropna()
    several = len(known) > 1  # of one frame there is no order
    doubtful = known[several & (known >= _LEAST_UNCERTAIN)].nlargest(_MOST_UNCERTAIN)
    notes = {
        "look at flagged frames": [f"{flag} in {n}" for flag, n in flags.items()],
        "frames with the most uncertain masks": [f"{t} ({u:.2f})" for t, u in doubtful.items()],
    }
    return tuple(f"{what}: {', '.join(told)}." for what, told in notes.items() if told)
