"""What would make a click wait, done before somebody clicks."""

from __future__ import annotations

import gc
import threading
from functools import cache

import numpy as np


@cache
def warm_up_labels() -> threading.Thread:
    """What napari loads and builds for its first labels layer, in a thread, once a session."""
    thread = threading.Thread(target=_build, name="amseg-warm-up", daemon=True)
    thread.start()
    return thread


def _build() -> None:
    from napari.layers import Labels
    from vispy.visuals import LineVisual  # type: ignore[import-untyped]

    Labels(np.zeros((1, 1), np.uint8), features={"index": [0]})  # pandas, the random colours
    LineVisual(np.zeros((2, 2), np.float32), method="agg")  # outlines: dash patterns are kept


def collect_garbage() -> None:
    """Call in a pause: else Python's full collection, some 0.13 s, may come with the next click."""
    gc.collect()
