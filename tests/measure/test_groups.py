"""Ellipses and lines against their formulas and against distributions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from napari_amseg.measure.groups import (
    compare_groups,
    covariance_ellipse,
    separating_line,
)

NAMES = ("without", "with")


def exactly(mean, covariance, n, rng):
    """Points whose sample mean and sample covariance are the given ones, to rounding."""
    z = rng.standard_normal((n, 2))
    z -= z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    return z @ np.linalg.cholesky(np.asarray(covariance, float)).T + mean


def test_the_axes_are_those_of_the_covariance(rng):
    turn = np.radians(30)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    covariance = axes.T @ np.diag([9.0, 1.0]) @ axes
    ellipse = covariance_ellipse(exactly((5, -2), covariance, 40, rng), level=0.9)
    k = np.sqrt(chi2.ppf(0.9, 2))
    assert (ellipse.center_x, ellipse.center_y) == pytest.approx((5, -2))
    assert (ellipse.semi_major, ellipse.semi_minor) == pytest.approx((3 * k, k))
    assert ellipse.angle_deg == pytest.approx(30)
    inverse = np.linalg.inv(covariance)
    offsets = ellipse.outline(25) - (5, -2)
    distances = np.einsum("ij,jk,ik->i", offsets, inverse, offsets)
    np.testing.assert_allclose(distances, chi2.ppf(0.9, 2))


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_ellipse_holds_its_share_of_a_normal_distribution(rng, level):
    points = rng.multivariate_normal((1, 2), [[4, -1.5], [-1.5, 1]], size=20_000)
    ellipse = covariance_ellipse(points[:4000], level=level)
    assert ellipse.contains(points).mean() == pytest.approx(level, abs=0.015)
    assert -90 <= ellipse.angle_deg < 0


def test_units_do_not_decide_what_is_singular(rng):
    points = rng.normal(size=(20, 2)) * (1e-6, 1e6)
    ellipse = covariance_ellipse(points)
    assert abs(ellipse.angle_deg) == pytest.approx(90, abs=1e-3)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.empty((0, 2)), "no point"),
        ([[1, 2], [3, 4], [0, 1], [2, 5]], "4 points; an ellipse needs 5"),
        ([[0, 0], [1, 2], [2, 4], [3, 6], [4, 8]], "straight line"),
        ([[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]], "straight line"),
        ([[1, 1]] * 5, "straight line"),
        ([[1, 2, 3]] * 5, r"shape \(5, 3\)"),
        ([[1, 2], [3, np.nan], [5, 5], [0, 1]], "NaN"),
    ],
)
def test_no_ellipse_has_a_reason(points, reason):
    with pytest.raises(ValueError, match=reason):
        covariance_ellipse(points)


def test_level_is_a_share():
    with pytest.raises(ValueError, match="level is 95"):
        covariance_ellipse([[0, 0], [1, 0], [0, 1]], level=95)


def test_the_lda_line_is_the_analytic_one(rng):
    covariance = np.array([[2.0, 0.6], [0.6, 1.0]])
    low, high = np.array([0.0, 0.0]), np.array([4.0, 1.0])
    points = np.concatenate([exactly(m, covariance, 50, rng) for m in (low, high)])
    line = separating_line(points, np.repeat([False, True], 50), method="lda")
    normal = np.linalg.solve(covariance, high - low)  # Fisher's, through the middle
    normal /= np.linalg.norm(normal)
    assert (line.a, line.b) == pytest.approx(tuple(normal))
    assert line.c == pytest.approx(-normal @ (low + high) / 2)
    side = points @ (line.a, line.b) + line.c > 0
    assert line.accuracy == pytest.approx((side == np.repeat([False, True], 50)).mean())
    assert line.larger_group == 0.5
    np.testing.assert_allclose(line.a * 3 + line.b * line.y(3) + line.c, 0, atol=1e-12)


def test_a_line_of_separable_groups_is_right_about_all(rng):
    points = np.concatenate([rng.normal(0, 0.2, (12, 2)), rng.normal(3, 0.2, (30, 2))])
    groups = np.arange(42) >= 12
    for method in ("lda", "logistic"):
        line = separating_line(points * (0.01, 100), groups, method=method)
        assert (line.accuracy, line.accuracy_left_one_out) == (1, 1)
        assert line.larger_group == pytest.approx(30 / 42)
        side = points * (0.01, 100) @ (line.a, line.b) + line.c > 0
        assert (side == groups).all()


def test_leaving_one_out_does_not_flatter(rng):
    """Groups that are the same: fitted points look better than points not fitted."""
    groups = np.arange(12) % 2 == 0
    lines = [separating_line(rng.normal(size=(12, 2)), groups) for _ in range(10)]
    fitted = np.mean([line.accuracy for line in lines])
    assert fitted > 0.6
    assert np.mean([line.accuracy_left_one_out for line in lines]) < fitted - 0.1


@pytest.mark.parametrize(
    ("points", "groups", "reason"),
    [
        (np.eye(2)[[0, 1, 0, 1]], [True] * 4, "no point"),
        (np.arange(12).reshape(6, 2) ** 2, [True, True, False, False, False, False], "2 points"),
        (np.column_stack([np.arange(8), np.arange(8)]), np.arange(8) > 3, "straight line"),
        (np.column_stack([np.ones(8), np.arange(8)]), np.arange(8) > 3, "straight line"),
        (np.zeros((8, 2)), [True], "groups of shape"),
    ],
)
def test_no_line_has_a_reason(points, groups, reason):
    with pytest.raises(ValueError, match=reason):
        separating_line(points, groups)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="svm"):
        separating_line(np.zeros((6, 2)), [True] * 6, method="svm")


def test_what_cannot_be_compared_is_a_note(rng):
    points = np.concatenate([rng.normal(size=(10, 2)), [[5, 5], [6, 7], [np.nan, 1]]])
    found = compare_groups(points, np.arange(13) >= 10, names=NAMES)
    assert found.ellipses["without"] is not None
    assert (found.ellipses["with"], found.line) == (None, None)
    assert [found.spreads[name].n for name in NAMES] == [10, 2]
    assert found.spreads["with"].mean == pytest.approx((5.5, 6))
    assert found.spreads["with"].std == pytest.approx((0.5**0.5, 2**0.5))
    assert len(found.notes) == 2
    assert found.notes[0].startswith("no ellipse with: 2 points")
    assert found.to_json()["ellipses"]["with"] is None


def test_no_points_at_all():
    found = compare_groups(np.empty((0, 2)), [], names=NAMES)
    assert found.line is None
    assert found.spreads["with"].mean is None
    assert len(found.notes) == 3
