"""What is to be known of results, in words: what they lack, and where to look first.

``segment``, ``quantify`` and ``watch`` say the same.
"""

from __future__ import annotations

from pathlib import Path

from napari_amseg.measure.scales import lacking
from napari_amseg.types import Experiment

_MOST_UNCERTAIN = 3
_LEAST_UNCERTAIN = 0.005  # below, they are all zero in print
_OPTIONS = {"pixel_size_um": "--pixel-size", "frame_rate_hz": "--frame-rate"}


def scale_notes(experiment: Experiment) -> tuple[str, ...]:
    """Which columns stay empty, as nobody said what they need."""
    return tuple(f"no {_OPTIONS[name]}: {lost}." for name, lost in lacking(experiment).items())


def frame_notes(table: Path) -> tuple[str, ...]:
    """Frames that are flagged and those of the highest uncertainty; none where it is not known.

    table : ``_frames.csv``.
    """
    import pandas as pd

    frames = pd.read_csv(table, dtype={"flags": str}, index_col="frame")
    flags = frames["flags"].dropna().str.split("; ").explode().value_counts()
    known = frames["uncertainty"].dropna()
    several = len(known) > 1  # of one frame there is no order
    doubtful = known[several & (known >= _LEAST_UNCERTAIN)].nlargest(_MOST_UNCERTAIN)
    notes = {
        "look at flagged frames": [f"{flag} in {n}" for flag, n in flags.items()],
        "frames with the most uncertain masks": [f"{t} ({u:.2f})" for t, u in doubtful.items()],
    }
    return tuple(f"{what}: {', '.join(told)}." for what, told in notes.items() if told)
