"""What tables lack where nobody said how large a pixel is or how fast frames came."""

from __future__ import annotations

from napari_amseg.types import Experiment

_NEEDED_FOR = {
    "pixel_size_um": "columns in um are empty",
    "frame_rate_hz": "times and the scan speed are empty",
}


def lacking(experiment: Experiment) -> dict[str, str]:
    """What is not known of an experiment, and in words what that leaves empty."""
    return {name: w for name, w in _NEEDED_FOR.items() if getattr(experiment, name) is None}
