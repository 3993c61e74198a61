"""The drawings of a campaign hold its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from napari_amseg.measure.groups import SeparatingLine, compare_groups
from napari_amseg.report.correlation import (
    FrameAreas,
    correlation_figure,
    draw_area_histogram,
    draw_map,
    draw_power_velocity,
    draw_size_legend,
    histogram_figure,
    power_velocity_figure,
)
from napari_amseg.report.maps import (
    GROUPS,
    MAPS,
    WITH,
    WITHOUT,
    MarkerSizes,
    ends_of_line,
    marker_sizes,
    side_by_side,
)


@pytest.fixture
def table(rng):
    """Twelve experiments without pores, twenty with; one of these had no keyhole."""
    pores = np.arange(32) >= 12
    avg = np.where(pores, 0.15, 0.05) * (1 + 0.2 * rng.standard_normal(32))
    table = pd.DataFrame(
        {
            "pores": pores,
            "keyhole_area_delta_max": avg * (3 + 0.5 * rng.random(32)),
            "keyhole_area_delta_avg": avg,
            "keyhole_depth_delta_avg": 0.7 * avg * (1 + 0.2 * rng.random(32)),
            "pore_diameter": np.where(pores, 10.0 + np.arange(32), np.nan),
            "laser_power_w": 200.0 + 10 * (np.arange(32) % 8),
            "map_speed_mm_s": 500.0 + 100 * (np.arange(32) // 16),
        }
    )
    table.loc[31, list(table.columns[1:4])] = np.nan
    return table


def compared(table, name):
    axes = MAPS[name]
    points = table[[axes.x, axes.y]].to_numpy(float)
    return compare_groups(points, table["pores"].to_numpy(bool), names=GROUPS)


@pytest.fixture
def areas(rng):
    by_group = {WITHOUT: rng.normal(3000, 200, 500), WITH: rng.normal(5000, 900, 2000)}
    return FrameAreas(by_group, "µm²", {WITHOUT: 12, WITH: 19})


def axis():
    return Figure().subplots()


def test_a_map_has_a_point_an_experiment_in_per_cent(table):
    ax, found = axis(), compared(table, "area_depth")
    draw_map(ax, table, MAPS["area_depth"], found)
    without, with_pores = ax.collections
    assert len(without.get_offsets()) == 12
    assert len(with_pores.get_offsets()) == 19
    np.testing.assert_allclose(
        without.get_offsets()[0],
        100 * table[["keyhole_depth_delta_avg", "keyhole_area_delta_avg"]].iloc[0],
    )
    assert len(set(with_pores.get_sizes())) == 19
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said[:3] == ["without pores (12)", "with pores (19)", "95 % ellipse"]
    accuracy = round(100 * found.line.accuracy)
    assert said[3].startswith(f"LDA line: {accuracy} % (leave-one-out ")
    outline = ax.lines[0].get_xydata()
    np.testing.assert_allclose(outline, 100 * found.ellipses[WITHOUT].outline())


def test_a_map_without_ellipses_and_line_says_nothing_of_them(table):
    few = table.iloc[[0, 1, 20]]
    ax = axis()
    draw_map(ax, few, MAPS["area"], compared(few, "area"))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "without pores (2)",
        "with pores (1)",
    ]
    assert not ax.lines


def test_the_size_legend_stands_beside_the_other(table):
    ax = axis()
    draw_map(ax, table, MAPS["area"], None)
    draw_size_legend(ax, marker_sizes(table))
    said = [t.get_text() for t in ax.get_legend().get_texts()]
    assert said == ["4 µm", "10 µm", "20 µm"]
    assert len(ax.artists) == 1


@pytest.mark.parametrize(
    ("largest", "examples"),
    [(48.0, [4, 10, 20]), (100.0, [20, 50, 100]), (3.0, [1, 2]), (None, [])],
)
def test_examples_of_sizes_are_round_and_not_above_the_largest(largest, examples):
    assert MarkerSizes(largest, "px").examples() == examples


def test_histograms_can_be_compared_and_hold_all_frames(areas):
    heights = []
    for group in GROUPS:
        ax = axis()
        draw_area_histogram(ax, areas, group)
        heights.append(sum(bar.get_height() for bar in ax.patches))
        last = np.percentile(np.concatenate(list(areas.by_group.values())), 99.8) * 1.02
        bars = ax.patches[-1]
        assert bars.get_x() + bars.get_width() == pytest.approx(last)
        assert ax.get_xlim() == (0, pytest.approx(1.03 * last))  # the last bar stands free
    assert heights[0] == pytest.approx(100)
    assert 99 < heights[1] <= 100
    assert "2,000 frames, 19 experiments" in ax.texts[0].get_text()


def test_a_group_without_frames_says_so(areas):
    empty = FrameAreas({**areas.by_group, WITHOUT: np.empty(0)}, "µm²", {WITHOUT: 0, WITH: 19})
    ax = axis()
    draw_area_histogram(ax, empty, WITHOUT)
    assert ax.texts[0].get_text() == "Without pores\nno frames"


def test_points_that_coincide_are_set_apart_by_little():
    x, y = np.array([1.0, 1.0, 1.0, 3.0]), np.array([5.0, 5.0, 5.0, 9.0])
    moved = np.column_stack(side_by_side(x, y))
    assert tuple(moved[3]) == (3, 9)
    assert len(np.unique(moved.round(9), axis=0)) == 4
    np.testing.assert_allclose(moved[:3].mean(axis=0), (1, 5))
    assert np.abs(moved[:3] - (1, 5)).max() < 0.02 * 4
    assert [len(v) for v in side_by_side(np.empty(0), np.empty(0))] == [0, 0]
    one = np.column_stack(side_by_side(np.array([7.0, 7.0]), np.array([2.0, 2.0])))
    assert len(np.unique(one, axis=0)) == 2


def test_power_velocity_shows_every_experiment_apart(table):
    ax = axis()
    draw_power_velocity(ax, table)
    points = np.concatenate([c.get_offsets() for c in ax.collections])
    assert len(np.unique(points.round(6), axis=0)) == len(table)


def test_ends_of_a_line():
    line = SeparatingLine(0.6, 0.8, -4, "lda", 1, 1, 0.5)
    ends = ends_of_line(line, (0, 10), (0, 4))
    np.testing.assert_allclose(ends, [(4 / 3, 4), (20 / 3, 0)])
    assert ends_of_line(line, (20, 30), (5, 9)) == []
    upright = SeparatingLine(1, 0, -2, "lda", 1, 1, 0.5)
    np.testing.assert_allclose(ends_of_line(upright, (0, 10), (0, 4)), [(2, 0), (2, 4)])


def test_figures_of_every_kind_are_written(table, areas, tmp_path):
    maps = {name: compared(table, name) for name in ("area", "area_depth")}
    for ending, magic in (("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        path = tmp_path / f"c.{ending}"
        correlation_figure(table, maps, areas if ending == "svg" else None, path)
        assert path.read_bytes().startswith(magic)
    histogram_figure(areas, tmp_path / "h.pdf")
    power_velocity_figure(table, tmp_path / "p.svg")
    assert (tmp_path / "h.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "p.svg").read_text(encoding="utf-8")
