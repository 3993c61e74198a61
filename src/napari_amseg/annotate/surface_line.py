"""The surface of the substrate as a straight line: drawn, found in grey values, or from labels.

Rows and columns count pixel centres, as napari does: pixel (r, c) reaches from r - 0.5 to r + 0.5.
A substrate whose first row is s has its surface at s - 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, optimize, signal, stats

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_STEEPEST = float(np.tan(np.radians(11)))
_BLOCKS = 48
_EDGE_PX = 1.5  # smoothing along columns before the slope of the grey values is taken
# Columns that may be disturbed, by keyhole or spatter, without any harm to the line.
_DISTURBED = 0.25
_CLEAR = 1.0  # noise reaches 0.3
# The slit's edge and the rims above the metal are stronger at times, but are above its edge.
_STRONG, _RIMS_PX = 0.5, 40
_NEAR_PX = 4
_START_POINTS = 128


@dataclass(frozen=True, slots=True)
class SurfaceLine:
    """The top edge of the substrate.

    row_px : where it crosses column 0. slope : rows it falls a column, positive to the right.
    """

    row_px: float
    slope: float = 0.0

    @classmethod
    def from_points(cls, points: ArrayLike) -> SurfaceLine:
        """The line nearest to points (row, column), shape (n, 2), as a person draws them.

        Raises
        ------
        ValueError
            If there are fewer than two, or all are in one column.
        """
        drawn = np.asarray(points, np.float64)
        if drawn.ndim != 2 or drawn.shape[1] != 2 or drawn.shape[0] < 2 or not np.ptp(drawn[:, 1]):
            raise ValueError(
                f"a surface line cannot go through points of shape {drawn.shape}: "
                "draw at least two (row, column) in different columns."
            )
        slope, row = np.polynomial.Polynomial.fit(drawn[:, 1], drawn[:, 0], 1).convert().coef[::-1]
        return cls(float(row), float(slope))

    def rows(self, columns: ArrayLike) -> Floats:
        """Row of the line at each column, in px; float64 of the shape of `columns`."""
        return np.asarray(self.row_px + self.slope * np.asarray(columns, np.float64))

    def below(self, shape: tuple[int, int]) -> Mask:
        """Where a frame (rows, columns) is below the line, by pixel centres; bool (Y, X)."""
        return np.asarray(np.arange(shape[0])[:, None] > self.rows(np.arange(shape[1])))


def fit_surface(image: NDArray[Any]) -> SurfaceLine:
    """Find the surface in the grey values of one frame.

    Looked for is a step of grey values, to bright or to dark, along a line tilted by no more than
    11 degrees, that is there in at least three quarters of the columns: the uneven top of a powder
    bed is not, the substrate below it is. Of several such lines within 40 px, as the slit of the
    beam and phase-contrast rims draw them, it is the lowest of those with at least half the
    strength of the strongest. Its course is then refined in blocks of columns; blocks that lie off,
    at the keyhole, do not count.

    How far this holds: where the edge of the plate is blurred over many rows, with a rim on either
    side, the line is one of the rims, some pixels off, mostly above. Powder that is level on top
    and stands out more than the substrate below it is taken for the surface, and so are horizontal
    bands of the beam where there is no stronger edge. So show the line before anything is filled.

    Parameters
    ----------
    image : (Y, X), any scale of grey values.

    Raises
    ------
    ValueError
        If no line stands out.
    """
    grey = np.asarray(image, np.float32)
    slope = _steepness(grey)
    steps, columns = _steps(_levelled(grey, slope))
    score = _agreement(steps)
    row = _lowest_edge(score)
    if not score[row] > _CLEAR * _usual(steps):
        raise ValueError(
            "no straight surface stands out in the grey values of this frame: draw the line "
            "yourself, or fit it in a frame in which the edge of the substrate can be seen."
        )
    found = _positions(steps, row) + slope * (columns - _middle(grey))
    return _robust_line(columns, found)


def fit_surface_of_labels(substrate: Mask, keyhole: Mask | None = None) -> SurfaceLine:
    """The surface from what is labelled already.

    The first substrate pixel of each column without keyhole is one point; the line goes robustly
    through them. Columns where it is the first pixel of the frame count only if there are no
    others: the edge may lie outside.

    Parameters
    ----------
    substrate, keyhole : bool (Y, X).

    Raises
    ------
    ValueError
        If substrate is in fewer than two such columns.
    """
    columns = substrate.any(axis=0)
    if keyhole is not None:
        columns &= ~keyhole.any(axis=0)
    top = substrate.argmax(axis=0)
    seen = columns & (top > 0)
    x = np.flatnonzero(seen if seen.any() else columns)
    if x.size < 2:
        raise ValueError(
            f"substrate is labelled in {x.size} columns without keyhole, a surface needs two: "
            "label more substrate, or draw the line yourself."
        )
    return _robust_line(x.astype(np.float64), top[x] - 0.5)


def fill_sides(
    labels: NDArray[np.uint8], line: SurfaceLine, *, above: int | None, below: int | None
) -> NDArray[np.uint8]:
    """Propose codes for what is not labelled yet, by the side of the surface it is on.

    Parameters
    ----------
    labels : uint8 (Y, X), 0 where unlabelled. above, below : codes; None leaves that side alone.

    Returns
    -------
    uint8 (Y, X), 0 where nothing is proposed.
    """
    sides = np.where(line.below(labels.shape), below or 0, above or 0)
    return np.where(labels == 0, sides, 0).astype(np.uint8)


def _middle(grey: NDArray[np.float32]) -> float:
    return 0.5 * (len(grey[0]) - 1)


def _steps(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], Floats]:
    """Change of the grey value from row to row in blocks of columns, and the centres of these."""
    n = max(1, min(_BLOCKS, grey.shape[1] // 4))
    edges = np.linspace(0, grey.shape[1], n + 1).astype(np.intp)
    blocks = np.add.reduceat(grey, edges[:-1], axis=1) / np.diff(edges).astype(np.float32)
    steps = ndimage.gaussian_filter1d(blocks, _EDGE_PX, axis=0, order=1, mode="nearest")
    return steps, (edges[:-1] + edges[1:] - 1) / 2


def _agreement(steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The step that nearly all blocks reach with one sign, in each row; below 0 without any."""
    ordered = np.sort(steps, axis=-1)
    k = int(_DISTURBED * steps.shape[-1])
    return np.maximum(ordered[..., k], -ordered[..., -1 - k])


def _usual(steps: NDArray[np.float32]) -> float:
    """Standard deviation of the steps of noise and texture."""
    return float(1.4826 * np.median(np.abs(steps)))


def _steepness(grey: NDArray[np.float32]) -> float:
    """Slope of the line along which most blocks agree."""
    steps, columns = _steps(grey)
    n_rows, n_blocks = steps.shape
    reach = _STEEPEST * _middle(grey)
    # Zeros beyond the frame, so that a line may leave it at a side.
    padded = np.pad(steps, ((int(reach) + 1,) * 2, (0, 0)))
    start = np.arange(n_rows)[:, None] + int(reach) + 1
    tilts = np.linspace(-1, 1, 2 * int(np.ceil(reach)) + 1) * _STEEPEST  # a row apart at the sides
    best = [
        _agreement(padded[start + shift, np.arange(n_blocks)]).max()
        for shift in np.rint(tilts[:, None] * (columns - _middle(grey))).astype(np.intp)
    ]
    return float(tilts[int(np.argmax(best))])


def _levelled(grey: NDArray[np.float32], slope: float) -> NDArray[np.float32]:
    """The frame sheared so that a line of this slope is level, at the row of its middle."""
    offset = (-slope * _middle(grey), 0.0)
    sheared = ndimage.affine_transform(
        grey, [[1.0, slope], [0.0, 1.0]], offset=offset, order=1, mode="nearest"
    )
    return np.asarray(sheared)


def _lowest_edge(score: NDArray[np.float32]) -> int:
    strongest = int(score.argmax())
    edges, _ = signal.find_peaks(score, height=_STRONG * score[strongest])
    edges = edges[(edges >= strongest) & (edges <= strongest + _RIMS_PX)]
    return int(edges[-1]) if edges.size else strongest


def _positions(steps: NDArray[np.float32], row: int) -> Floats:
    """Row of the strongest step near `row` in each block, between rows by a parabola."""
    sign = np.sign(np.median(steps[row]))
    first = max(0, row - _NEAR_PX)
    near = sign * steps[first : row + _NEAR_PX + 1]
    peak = np.clip(near.argmax(axis=0), 1, max(1, near.shape[0] - 2))
    block = np.arange(near.shape[1])
    before, at, after = (near[peak + k, block].astype(np.float64) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(at), where=bend < 0)
    return np.asarray(first + peak + np.clip(shift, -1, 1))


def _robust_line(columns: Floats, rows: Floats) -> SurfaceLine:
    """Through most of the points: Theil-Sen for a start, then Cauchy's loss on all of them."""
    if columns.size < 2:
        return SurfaceLine(float(rows[0]))
    some = np.linspace(0, columns.size - 1, min(columns.size, _START_POINTS)).astype(np.intp)
    start = stats.theilslopes(rows[some], columns[some])
    middle = float(columns.mean())

    def residuals(line: Floats) -> Floats:
        return np.asarray(line[0] + line[1] * (columns - middle) - rows)

    fitted = optimize.least_squares(
        residuals,
        (start.intercept + start.slope * middle, start.slope),
        x_scale=(1.0, 1.0 / max(1.0, float(np.ptp(columns)))),
        loss="cauchy",
        f_scale=0.5,
    ).x
    return SurfaceLine(float(fitted[0] - fitted[1] * middle), float(fitted[1]))
