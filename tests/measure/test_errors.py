"""Errors by hand-computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_amseg import measure_stack
from napari_amseg.measure.errors import agreement, error_columns, error_table, relative_errors
from napari_amseg.types import stack_from_array


def test_bias_and_limits_of_agreement_by_hand():
    """Differences 1, 2, 3, 6: mean 3, sum of squares 14, variance 14/3."""
    found = agreement([10, 20, 30, 40], [11, 22, 33, 46])
    sd = math.sqrt(14 / 3)
    assert (found.n, found.bias) == (4, 3.0)
    assert found.sd == pytest.approx(sd)
    assert found.limits == pytest.approx((3 - 1.96 * sd, 3 + 1.96 * sd))


def test_one_pair_has_a_bias_but_no_limits_and_none_is_refused():
    found = agreement([4.0, np.nan, 5.0], [5.0, 1.0, np.nan])
    assert (found.n, found.bias) == (1, 1.0)
    assert all(math.isnan(limit) for limit in found.limits)
    with pytest.raises(ValueError, match="no pair"):
        agreement([np.nan], [1.0])


def test_relative_errors_where_the_truth_is_not_zero():
    relative = relative_errors([10, 0, 20, np.nan, -4], [11, 3, 15, 1, -5])
    np.testing.assert_allclose(relative, [0.1, np.nan, -0.25, np.nan, 0.25])


def test_columns_are_empty_where_one_has_no_value():
    row = error_columns({"a": 2, "b": None}, {"a": 5, "b": 1}, ["a", "b"])
    assert row == {
        "a_truth": 2, "a": 5, "a_error": 3, "b_truth": None, "b": 1, "b_error": None,
    }  # fmt: skip


def test_two_measured_stacks_are_joined_by_frame(labels):
    truth = np.stack([labels, labels, np.roll(labels, 1, axis=1)])
    found = truth.copy()
    found[1, 25:28, 10:13] = 3  # the pore is missed
    rows = [
        pd.DataFrame([r.row for r in measure_stack(stack_from_array(stack))])
        for stack in (found, truth)
    ]
    table = error_table(rows[0], rows[1].iloc[::-1])
    assert table["frame"].tolist() == [0, 1, 2]
    assert table["pore_area_px_truth"].tolist() == [9, 9, 9]
    assert table["pore_area_px_error"].tolist() == [0, -9, 0]
    assert table["keyhole_area_px"].tolist() == [45, 45, 45]
    assert table["keyhole_depth_um_error"].isna().all()


def test_experiments_are_kept_apart_and_frames_of_one_only_left_out():
    truth = [{"experiment": e, "frame": 0, "pore_count": n} for e, n in (("a", 1), ("b", 5))]
    found = [{"experiment": "b", "frame": 0, "pore_count": 3}]
    table = error_table(found, truth)
    assert table.to_dict("records") == [
        {"experiment": "b", "frame": 0, "pore_count_truth": 5, "pore_count": 3,
         "pore_count_error": -2},
    ]  # fmt: skip


def test_tables_that_do_not_fit_are_refused():
    row = {"frame": 0, "pore_count": 1}
    with pytest.raises(ValueError, match="no frame in common"):
        error_table([row], [row | {"frame": 1}])
    with pytest.raises(ValueError, match=r"truth has two rows of \{'frame': 0\}"):
        error_table([row], [row, row])
    for wrong in ({"pore_count": 1}, {"frame": 0}):
        with pytest.raises(ValueError, match="'frame' and a measure"):
            error_table([wrong], [row])
