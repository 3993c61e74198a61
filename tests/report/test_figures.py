"""Figures are written, with units where known, and for stacks with nothing in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from napari_amseg import measure_stack
from napari_amseg.measure.quantities import QUANTITIES
from napari_amseg.report import overlay_figure, series_figure
from napari_amseg.report.series import column, draw_series, time_axis
from napari_amseg.types import Experiment, stack_from_array

PNG = b"\x89PNG"


def table(labels, experiment):
    return pd.DataFrame([r.row for r in measure_stack(labels, experiment=experiment)])


@pytest.mark.parametrize("pixel_size_um", [2.0, None])
def test_units_follow_what_is_known(labels, pixel_size_um):
    frames = table(labels, Experiment(pixel_size_um=pixel_size_um))
    values, unit = column(frames, QUANTITIES["keyhole_area"])
    assert unit == ("µm²" if pixel_size_um else "px²")
    assert values[0] == 45 * (4 if pixel_size_um else 1)
    assert time_axis(frames)[1] == "Frame"
    assert time_axis(table(labels, Experiment(frame_rate_hz=1000)))[1] == "Time (ms)"


@pytest.mark.parametrize("empty", [False, True])
def test_figures_are_written(tmp_path, labels, empty):
    stack = stack_from_array(np.stack([labels * (0 if empty else 1)] * 3))
    frames = table(stack, Experiment(pixel_size_um=2.0))
    series_figure(frames, tmp_path / "series.png", title="t")
    series_figure(frames.assign(uncertainty=0.3), tmp_path / "scored.png")
    overlay_figure(stack, stack, tmp_path / "overlay.png", frames=[0, 1, 2])
    for name in ("series", "scored", "overlay"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)


def test_the_highest_point_lies_below_the_top_of_the_axis():
    frames = pd.DataFrame({"frame": range(5), "time_s": np.nan,
                           "keyhole_area_px": [990.0, 1000, 995, 992, 991]})  # fmt: skip
    ax = Figure().subplots()
    draw_series(ax, frames, QUANTITIES["keyhole_area"])
    assert ax.get_ylim() == (0, pytest.approx(1080))
