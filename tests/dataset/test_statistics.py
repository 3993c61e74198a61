"""Pixels and images are counted exactly, by class, material, facility, experiment and size."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.dataset import create_benchmark, describe

KEYHOLE, PORE, SUBSTRATE, BACKGROUND, POWDER = range(5)


def test_counts_of_a_drawn_benchmark(bench):
    statistics = describe(bench)
    total = statistics.total
    assert total.images == 8
    assert total.unlabelled_px == 48
    # run a: six frames with a keyhole of 45 px and a pore of 9 px; b: the upper left of two.
    assert total.class_px[KEYHOLE] == 6 * 45 + 2 * 5 * 8
    assert total.class_px[PORE] == 6 * 9
    assert total.class_px.sum() + 48 == 6 * 32 * 48 + 2 * 20 * 30
    assert total.class_images.tolist() == [8, 6, 8, 8, 0]


def test_groups_add_up_to_the_whole(bench):
    statistics = describe(bench)
    for grouping, values in {
        "substrate_material": ["Al", "unknown"],
        "facility": ["ESRF", "unknown"],
        "experiment": ["b", "run a"],
        "size": ["20x30", "32x48"],
    }.items():
        groups = statistics.by(grouping)
        assert [g.value for g in groups] == values
        assert sum(g.images for g in groups) == 8
        np.testing.assert_array_equal(sum(g.class_px for g in groups), statistics.total.class_px)
    assert {g.value: g.images for g in statistics.by("size")} == {"20x30": 2, "32x48": 6}


def test_rows_name_their_columns(bench):
    rows = list(describe(bench).rows())
    assert rows[0]["by"] == "all"
    assert rows[0]["pore_images"] == 6
    assert rows[0]["pore_px"] == 54
    assert len(rows) == 9


def test_some_frames(bench):
    chosen = [f for f in bench.frames if f.experiment == "b"]
    assert describe(bench, chosen).total.class_px[PORE] == 0
    assert describe(create_benchmark(bench.folder / "new")).total.images == 0


def test_unknown_codes_are_an_error(bench):
    tifffile.imwrite(bench.label_path(bench.frames[0]), np.full((20, 30), 8, np.uint8))
    with pytest.raises(ValueError, match="label of b/0000: code 8"):
        describe(bench)
