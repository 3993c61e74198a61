"""What is to be known of results, in words: what they lack, and where to look first.

``segment``, ``quantify`` and ``watch`` say the same.
"""

from __future__ import annotations

from pathlib import Path

from napari_amseg.measure.frame_notes import frame_notes
from napari_amseg.measure.scales import lacking
from napari_amseg.types import Experiment

_OPTIONS = {"pixel_size_um": "--pixel-size", "frame_rate_hz": "--frame-rate"}


def scale_notes(experiment: Experiment) -> tuple[str, ...]:
    """Which columns stay empty, as nobody said what they need."""
    return tuple(f"no {_OPTIONS[name]}: {lost}." for name, lost in lacking(experiment).items())


def table_notes(table: Path) -> tuple[str, ...]:
    """What :func:`.frame_notes` says of a ``_frames.csv``."""
    import pandas as pd

    return frame_notes(pd.read_csv(table, dtype={"flags": str}))
