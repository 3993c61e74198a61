"""The two figures of a benchmark: right numbers in the legend and at the bars."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from napari_amseg.dataset import Statistics
from napari_amseg.dataset.statistics import Group
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.report.dataset import (
    draw_images_pie,
    draw_pixel_bars,
    images_figure,
    pixels_figure,
)


def group(by, value, images, pixels=(1, 2, 3, 4, 0)):
    pixels = np.array(pixels, np.int64)
    return Group(by, value, np.full(5, images), pixels, images)


@pytest.fixture
def axes():
    return Figure().subplots()


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_pie_is_sorted_and_tells_counts(axes):
    draw_images_pie(axes, {"unknown": 9, "Al": 1, "Ti-6Al-4V": 30}, title="Substrate material")
    assert legend_of(axes) == ["Ti-6Al-4V: 30 (75.0 %)", "Al: 1 (2.5 %)", "unknown: 9 (22.5 %)"]
    angles = [wedge.theta2 - wedge.theta1 for wedge in axes.patches]
    assert np.abs(angles) == pytest.approx([270, 9, 81])


def test_many_materials_are_taken_together(axes):
    draw_images_pie(axes, {f"m{i}": 20 - i for i in range(12)}, title="")
    told = legend_of(axes)
    assert len(told) == 8
    assert told[-1].startswith(f"others: {sum(20 - i for i in range(7, 12))} ")
    colors = {wedge.get_facecolor() for wedge in axes.patches}
    assert len(colors) == 8


def test_bars_show_the_share_of_every_class(axes):
    pixels = (338, 1290, 53_900, 44_472, 0)
    statistics = Statistics(DEFAULT_SCHEME, (group("all", "", 3, pixels),))
    draw_pixel_bars(axes, statistics)
    assert [t.get_text() for t in axes.texts] == [
        "0.338 % (338 px)", "1.29 % (1,290 px)", "53.9 % (53,900 px)", "44.5 % (44,472 px)",
        "no pixel",
    ]  # fmt: skip
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends[:4] == pytest.approx([0.338, 1.29, 53.9, 44.472])
    assert axes.get_xscale() == "log"
    assert [t.get_text() for t in axes.get_yticklabels()] == list(DEFAULT_SCHEME.names)


@pytest.mark.parametrize("pixels", [(1, 2, 3, 4, 0), (0, 0, 0, 0, 0)])
def test_figures_are_written(tmp_path, pixels):
    groups = [group("all", "", 3, pixels)]
    groups += [group("substrate_material", "Al", 3), group("facility", "unknown", 3)]
    statistics = Statistics(DEFAULT_SCHEME, tuple(groups))
    images_figure(statistics, tmp_path / "images.png")
    pixels_figure(statistics, tmp_path / "pixels.png")
    for name in ("images", "pixels"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
