"""Figure 6: what is in it, and that odd tables still give a figure or a clear word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from napari_amseg.report.errors import (
    MEASURES,
    draw_bland_altman,
    draw_relative,
    errors_figure,
    pairs_of,
)

AREA, DEPTH, _ = MEASURES
BLUE = {"not stated": "#0072B2"}


def table(truth, value, stem="keyhole_area_px", **more):
    return pd.DataFrame({f"{stem}_truth": truth, stem: value, **more})


def texts(ax):
    return [t.get_text() for t in ax.texts]


def test_pairs_tell_what_they_leave_out():
    pairs = pairs_of(table([10, 0, 0, None, 5.0], [12, 0, 3, 4, None]), AREA)
    assert pairs.truth.tolist() == [10, 0]
    assert pairs.value.tolist() == [12, 3]
    assert (pairs.n_zero_truth, pairs.one_sided, pairs.both_zero, pairs.unit) == (1, 2, 1, "px²")


def test_units_are_um_only_where_all_frames_have_them():
    known = table([1.0, 2.0], [1.0, 3.0]).assign(
        keyhole_area_um2=[4.0, 12.0], keyhole_area_um2_truth=[4.0, 8.0]
    )
    assert pairs_of(known, AREA).unit == "µm²"
    known.loc[1, "keyhole_area_um2"] = None
    assert pairs_of(known, AREA).unit == "px²"
    with pytest.raises(ValueError, match="no columns of keyhole_depth"):
        pairs_of(known, DEPTH)


def test_median_and_iqr_are_as_computed_by_hand():
    """Errors of +10, +20, -10, 0 and +40 %: median +10, quartiles 0 and 20."""
    pairs = pairs_of(table([100] * 5, [110, 120, 90, 100, 140]), AREA)
    ax = Figure().subplots()
    draw_relative(ax, pairs, BLUE)
    assert "+10.0 %\nIQR 20.0" in texts(ax)
    assert ax.get_ylabel() == "Relative error (%)"
    low, high = ax.get_ylim()
    assert low < -10
    assert high > 40


def test_outliers_are_counted_not_drawn_out_of_sight():
    value = np.full(200, 101.0)
    value[:100] = 99
    value[7] = 100_000
    ax = Figure().subplots()
    draw_relative(ax, pairs_of(table([100.0] * 200, value), AREA), BLUE)
    assert "1 beyond" in texts(ax)
    assert ax.get_ylim()[1] < 20


def test_bland_altman_shows_bias_and_limits():
    ax = Figure().subplots()
    found = draw_bland_altman(ax, pairs_of(table([10, 20, 30, 40], [11, 22, 33, 46]), AREA), BLUE)
    sd = np.sqrt(14 / 3)
    heights = sorted(line.get_ydata()[0] for line in ax.lines)
    np.testing.assert_allclose(heights, [3 - 1.96 * sd, 0, 3, 3 + 1.96 * sd])
    assert found.bias == 3
    assert {"bias\n+3", "+1.96 SD\n+7.23", "−1.96 SD\n−1.23"} == set(texts(ax))
    points = ax.collections[0].get_offsets()
    np.testing.assert_allclose(points, [(10.5, 1), (21, 2), (31.5, 3), (43, 6)])


def many(rng, n, materials):
    truth = rng.uniform(100, 900, n)
    columns = {"material": [materials[i % len(materials)] for i in range(n)]}
    for stem in ("keyhole_area_px", "keyhole_depth_px", "pore_area_px"):
        columns |= {f"{stem}_truth": truth, stem: truth * rng.normal(1, 0.1, n)}
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("n", "materials"), [(60, ("Ti", "Al", None)), (1, (None,)), (40, tuple("ABCDEFGHI"))]
)
@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")])
def test_figures_are_written(rng, tmp_path, n, materials, name, start):
    errors_figure(many(rng, n, materials), tmp_path / name, title="model")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_nothing_to_compare_is_said(tmp_path):
    empty = pd.DataFrame(
        {"keyhole_area_px_truth": [0, 0], "keyhole_area_px": [0, 0],
         "keyhole_depth_px_truth": [None, None], "keyhole_depth_px": [None, None],
         "pore_area_px_truth": [0, 0], "pore_area_px": [3, 0]}
    )  # fmt: skip
    errors_figure(empty, tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert "truth is 0" in drawn
    assert "Keyhole" not in drawn  # nothing to compare: no empty panels
    errors_figure(empty.drop(columns=["pore_area_px_truth", "pore_area_px"]), tmp_path / "c.svg")
    drawn = (tmp_path / "c.svg").read_text()
    for words in ("nothing to compare", "2 frames with 0 in both"):
        assert words in drawn
    with pytest.raises(ValueError, match="no measure with a truth"):
        errors_figure(pd.DataFrame({"frame": [1]}), tmp_path / "b.png")
