"""Two groups of experiments on a map: probability ellipses, and the straight line between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_POINTS = 3  # of a group, for a line
LEAST_IN_ELLIPSE = 5  # with fewer its covariance says next to nothing
LINE_METHODS = ("lda", "logistic")
_SINGULAR = 1e-9  # of 1 - r², r the correlation of the two coordinates
_WEAK_PENALTY = 100.0  # scikit-learn's C: keeps the line finite where the groups are separable


@dataclass(frozen=True, slots=True)
class Ellipse:
    """The region that holds a share `level` of a bivariate normal distribution.

    Attributes
    ----------
    center_x, center_y : the mean of the points. semi_major, semi_minor : half axes, in the units
        of the points. angle_deg : from the x axis to the major axis, towards y, -90 to 90.
    """

    center_x: float
    center_y: float
    semi_major: float
    semi_minor: float
    angle_deg: float
    level: float

    def outline(self, n: int = 181) -> NDArray[np.float64]:
        """Points on the ellipse, float64 (n, 2), the first and the last the same."""
        turn = np.linspace(0, 2 * np.pi, n)
        own = np.column_stack([self.semi_major * np.cos(turn), self.semi_minor * np.sin(turn)])
        return own @ self._axes() + (self.center_x, self.center_y)

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which of the points (n, 2) lie inside."""
        own = (np.asarray(points, np.float64) - (self.center_x, self.center_y)) @ self._axes().T
        inside: NDArray[np.bool_] = ((own / (self.semi_major, self.semi_minor)) ** 2).sum(1) <= 1
        return inside

    def _axes(self) -> NDArray[np.float64]:
        """Unit vectors of the major and the minor axis, as rows."""
        c, s = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        return np.array([[c, s], [-s, c]])


@dataclass(frozen=True, slots=True)
class SeparatingLine:
    """The line a x + b y + c = 0 between two groups; a x + b y + c > 0 on the side of the second.

    Attributes
    ----------
    a, b, c : a² + b² = 1. method : ``lda`` or ``logistic``.
    accuracy : share of the points on their group's side. accuracy_left_one_out : the same when
        the line for each point is fitted to all others; the honest one.
    larger_group : share of the larger group: what calling every point by its name would reach.
    """

    a: float
    b: float
    c: float
    method: str
    accuracy: float
    accuracy_left_one_out: float
    larger_group: float

    def y(self, x: ArrayLike) -> NDArray[np.float64]:
        """The line's y at `x`; infinite where it is vertical."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(self.a * np.asarray(x, np.float64) + self.c) / np.float64(self.b)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many points a group has, and mean and sample standard deviation of both coordinates."""

    n: int
    mean: tuple[float, float] | None
    std: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Two groups on a map; what could not be computed is None, and a note says why.

    Attributes
    ----------
    spreads, ellipses : by group name. line : between the two groups.
    """

    spreads: Mapping[str, Spread]
    ellipses: Mapping[str, Ellipse | None]
    line: SeparatingLine | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain record, in the units of the points."""
        return asdict(self)


def covariance_ellipse(points: ArrayLike, *, level: float = 0.95) -> Ellipse:
    """The ellipse that would hold a share `level` of a normal distribution with the points' mean
    and sample covariance S: (p - mean)ᵀ S⁻¹ (p - mean) = chi² quantile of two degrees of freedom.

    It describes single points, not the uncertainty of their mean.

    Parameters
    ----------
    points : (n, 2), finite. level : between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than five points or they lie on a line; the message says which.
    """
    values = _checked(points)
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}: it is a share between 0 and 1, such as 0.95.")
    from scipy.stats import chi2  # takes half a second

    if len(values) < LEAST_IN_ELLIPSE:
        raise ValueError(f"{_points(len(values))}; an ellipse needs {LEAST_IN_ELLIPSE} or more.")
    covariance = np.cov(values, rowvar=False)
    if _is_singular(covariance):
        raise ValueError("the points lie on a straight line; their covariance has no ellipse.")
    variances, axes = np.linalg.eigh(covariance)  # ascending
    angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
    minor, major = np.sqrt(variances * chi2.ppf(level, 2))
    x, y = values.mean(axis=0)
    turned = (angle + 90) % 180 - 90  # an axis has no direction
    return Ellipse(float(x), float(y), float(major), float(minor), turned, level)


def separating_line(points: ArrayLike, groups: ArrayLike, *, method: str = "lda") -> SeparatingLine:
    """The straight line that best separates two groups of points.

    Parameters
    ----------
    points : (n, 2), finite. groups : bool (n,), True for the second group.
    method : ``lda``, linear discriminant analysis (normal groups of one covariance, the shares of
        the groups as prior), or ``logistic`` regression, hardly regularised. Both see coordinates
        scaled to unit variance.

    Raises
    ------
    ValueError
        If a group has fewer than three points or the points lie on a line; the message says which.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, second = _checked(points), np.asarray(groups, bool)
    _check_separable(values, second, method)
    judge = LinearDiscriminantAnalysis() if method == "lda" else LogisticRegression(C=_WEAK_PENALTY)
    model = make_pipeline(StandardScaler(), judge).fit(values, second)
    scaler = model[0]
    slopes = judge.coef_[0] / scaler.scale_
    offset = float(judge.intercept_[0] - slopes @ scaler.mean_)
    length = float(np.hypot(*slopes))
    if not length > 0:
        raise ValueError("the groups have the same mean; there is no line between them.")
    left_out = cross_val_score(model, values, second, cv=LeaveOneOut())
    share = float(second.mean())
    return SeparatingLine(
        a=float(slopes[0] / length),
        b=float(slopes[1] / length),
        c=offset / length,
        method=method,
        accuracy=float(model.score(values, second)),
        accuracy_left_one_out=float(left_out.mean()),
        larger_group=max(share, 1 - share),
    )


def compare_groups(
    points: ArrayLike,
    groups: ArrayLike,
    *,
    names: tuple[str, str],
    level: float = 0.95,
    method: str = "lda",
) -> GroupComparison:
    """Spread and ellipse of each group and the line between them, as far as they exist.

    points : (n, 2); points with NaN are left out. groups : bool (n,), True for the second group.
    names : of the first and the second group.
    """
    values, second = np.asarray(points, np.float64).reshape(-1, 2), np.asarray(groups, bool)
    known = np.isfinite(values).all(axis=1)
    values, second = values[known], second[known]
    ellipses: dict[str, Ellipse | None] = {}
    spreads, notes = {}, []
    for name, members in zip(names, (~second, second), strict=True):
        spreads[name] = _spread(values[members])
        try:
            ellipses[name] = covariance_ellipse(values[members], level=level)
        except ValueError as reason:
            ellipses[name] = None
            notes.append(f"no ellipse {name}: {reason}")
    line = None
    try:
        line = separating_line(values, second, method=method)
    except ValueError as reason:
        notes.append(f"no separating line: {reason}")
    return GroupComparison(spreads, ellipses, line, tuple(notes))


def _spread(values: NDArray[np.float64]) -> Spread:
    n = len(values)
    mean = tuple(values.mean(axis=0).tolist()) if n else None
    std = tuple(values.std(axis=0, ddof=1).tolist()) if n > 1 else None
    return Spread(n, mean, std)


def _checked(points: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(points, np.float64)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"points have shape {values.shape}: expected (n, 2), x and y.")
    if not np.isfinite(values).all():
        raise ValueError("points hold NaN or infinity: leave those out first.")
    return values


def _check_separable(values: NDArray[np.float64], second: NDArray[np.bool_], method: str) -> None:
    if method not in LINE_METHODS:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(LINE_METHODS)}.")
    if second.shape != values.shape[:1]:
        raise ValueError(f"{len(values)} points have groups of shape {second.shape}.")
    least = min(int(second.sum()), int((~second).sum()))
    if least < LEAST_POINTS:
        raise ValueError(
            f"the smaller group has {_points(least)}; a line needs {LEAST_POINTS} or more of each."
        )
    within = values - np.where(
        second[:, None], values[second].mean(axis=0), values[~second].mean(axis=0)
    )
    if _is_singular(np.cov(values, rowvar=False)):
        raise ValueError("the points lie on a straight line.")
    if method == "lda" and _is_singular(np.cov(within, rowvar=False)):
        raise ValueError("each group lies on a straight line; logistic regression may find one.")


def _is_singular(covariance: NDArray[np.float64]) -> bool:
    """Whether a 2 x 2 covariance has no inverse, whatever the units of the two coordinates."""
    product = float(covariance[0, 0] * covariance[1, 1])
    return not product > 0 or 1 - float(covariance[0, 1]) ** 2 / product < _SINGULAR


def _points(n: int) -> str:
    return "no point" if n == 0 else "1 point" if n == 1 else f"{n} points"
