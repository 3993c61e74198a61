"""One rule for the unit of time, in the dock and in figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_amseg.report.series import time_axis
from napari_amseg.report.time_unit import time_unit


@pytest.mark.parametrize(
    ("rate", "n", "name", "last"),
    [(1e6, 500, "µs", 499.0), (1e3, 500, "ms", 499.0), (10.0, 500, "s", 49.9), (1e3, 1, "ms", 0)],
)
def test_figures_and_dock_tell_time_in_the_same_unit(rate, n, name, last):
    frame = np.arange(n)
    frames = pd.DataFrame({"frame": frame, "time_s": frame / rate})
    unit = time_unit(rate, n)
    assert n == 1 or unit.name == name
    for axis, label in (time_axis(frames), time_axis(frames, unit)):
        assert n == 1 or label == f"Time ({name})"
        assert axis.iloc[-1] == pytest.approx(last)


def test_without_a_frame_rate_frames_are_counted():
    frames = pd.DataFrame({"frame": [0, 1], "time_s": [np.nan, np.nan]})
    assert time_axis(frames)[1] == time_axis(frames, time_unit(None, 2))[1] == "Frame"
