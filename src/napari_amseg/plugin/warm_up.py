"""What napari loads and builds for its first labels layer, done before somebody waits for it."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np


@cache
def warm_up_labels() -> threading.Thread:
    """Start it in a thread, once a session: a click that adds labels then takes half the time."""
    thread = threading.Thread(target=_build, name="amseg-warm-up", daemon=True)
    thread.start()
    return thread


def _build() -> None:
    from napari.layers import Labels
    from vispy.visuals import LineVisual  # type: ignore[import-untyped]

    Labels(np.zeros((1, 1), np.uint8), features={"index": [0]})  # pandas, the random colours
    LineVisual(np.zeros((2, 2), np.float32), method="agg")  # outlines: dash patterns are kept
