"""The laser line without masks, searched for in an x-t projection of the grey values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_amseg.measure.laser_frame import relative_change
from napari_amseg.measure.laser_line import FEWEST_FRAMES, LaserLine, remarks
from napari_amseg.measure.laser_refine import leading_edge, refined_velocity
from napari_amseg.measure.line import fit_line

_SMOOTH_PX = 2.0
_TOLERANCE_PX = 4.0
_LONGEST_LAG = 64
_STARTS = 48  # frames from which lines are tried, with a few hundred partners each
_PARTNERS = 16
_WAYS = 32  # to look at the change, about
_SEED = 20240311
_MOST_BY_CHANCE = 1e-4
_LEAST_HEIGHT = 4.5  # of what stands still, over the noise
_LEAST_CONFIDENCE = 0.5
_LEAST_TRAVEL_PX = 8.0  # a line that crosses less stands still
_MOVING_SHARE = 0.6  # of the best score: a line that moves with this one is taken
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Change:
    """What a frame is compared with: the one `lag` frames before, the first, or the median."""

    against: str
    lag: int = 0


@dataclass(frozen=True, slots=True)
class _Track:
    """A line through the column of the greatest change of each frame.

    score : frames on the line less those off it, in its range, first and last frame included.
    height : median size of its changes, over the noise.
    """

    slope: float
    offset: float
    range: tuple[int, int]
    inliers: NDArray[np.bool_]
    score: int
    change: _Change
    peaks: NDArray[np.float64]
    height: float = 0.0

    @property
    def travel_px(self) -> float:
        """Columns it crosses."""
        return abs(self.slope) * (self.last - self.first)

    @property
    def last(self) -> int:
        return self.range[1]

    @property
    def first(self) -> int:
        return self.range[0]


def line_from_projection(xt: ArrayLike) -> LaserLine:
    """The laser line in an x-t projection of grey values, without masks.

    The keyhole is the spot that moves over a background that stands still. In the difference of
    two frames, a few frames apart, its front and its rear stand out. The column of the greatest
    change of each frame is a point; the straight line that most points of an unbroken run of frames
    lie on is the laser's. Powder and spatter give points elsewhere, which do not count. Lines of
    all slopes compete: to the right, to the left and standing still.

    Parameters
    ----------
    xt : (T, X), mean grey value of each column and frame, best over the rows of the substrate.

    Returns
    -------
    LaserLine through the leading edge, where the change falls to half its greatest value.

    Raises
    ------
    ValueError
        If there are fewer than four frames, or no line to trust: fewer than half of its frames lie
        on it, or it would turn up by chance in more than one of ten thousand stacks of noise.

    References
    ----------
    M. A. Fischler and R. C. Bolles, Commun. ACM 24 (1981) 381: lines through random pairs of
    points, judged by how many points agree.
    """
    change = relative_change(xt)
    n_frames, width = change.shape
    if n_frames < FEWEST_FRAMES + 1:
        raise ValueError(
            f"the stack has {n_frames} frames: a line from grey values needs {FEWEST_FRAMES + 1}."
        )
    tracks = list(_candidates(change))
    best = _choice(tracks)
    confidence = _confidence(best, width, n_frames)
    moves = best.travel_px > _LEAST_TRAVEL_PX
    velocity = best.slope if moves else 0.0
    x0 = best.offset if moves else float(np.median(best.peaks[best.inliers]))
    frames = np.flatnonzero(best.inliers)
    response = _smooth(change, best.change)
    front, (first, last) = 0.0, best.range
    if moves:
        front, first, last = leading_edge(response, x0, velocity, frames, best.change.lag)
    first, last = _seen_by_two(tracks, best, first, last)
    if moves:
        velocity = refined_velocity(change, best.slope, first, last)
        x0 += (best.slope - velocity) * float(frames.mean())
    distance = best.peaks[frames] - x0 - velocity * frames
    return LaserLine(
        x0_px=x0 + front + 0.5,  # an index is the middle of its column
        velocity_px=velocity,
        first_frame=first,
        last_frame=last,
        residual_px=float(np.sqrt(np.mean(distance**2))),
        confidence=confidence,
        method="projection",
        notes=remarks(first),
    )


def _candidates(change: Array) -> Iterator[_Track]:
    """The best line of each way to look at the change."""
    longest = min(_LONGEST_LAG, len(change) // 3)
    lags = [2**i for i in range(20) if 2**i <= longest]
    for way in (*(_Change("before", lag) for lag in lags), *map(_Change, ("median", "first"))):
        response = _smooth(change, way)
        for seen in (response, -response, np.abs(response)):
            yield _best_track(seen, way)


def _choice(tracks: list[_Track]) -> _Track:
    """The track that most frames agree on, the first of equals; one that moves before others.

    Something that stands still may be an artefact: a keyhole in the frame that others are compared
    with leaves its ghost in all of them.
    """
    best = max(tracks, key=lambda track: track.score)
    moving = [track for track in tracks if track.travel_px > _LEAST_TRAVEL_PX]
    # the first frame, or the median, may hold part of the same keyhole: that bends the line
    steady = [track for track in moving if track.change.lag]
    for some in (steady, moving):
        moved = max(some, key=lambda track: track.score, default=best)
        if some and moved.score >= _MOVING_SHARE * best.score:
            return moved
    return best


def _seen_by_two(tracks: list[_Track], best: _Track, first: int, last: int) -> tuple[int, int]:
    """First and last frame of a track, as far as two ways to look at the change show it."""
    firsts, lasts = [first], [last]
    for track in tracks:
        drift = abs(track.slope - best.slope) * (best.last - best.first)
        overlap = min(track.last, last) - max(track.first, first)
        alike = drift <= _LEAST_TRAVEL_PX and overlap > 0 and track.score >= best.score / 2
        if alike and track is not best:
            firsts.append(track.first)
            # its end shows in the frames after it
            lasts.append(max(track.first, track.last - track.change.lag))
    if len(firsts) > 2:  # a stray point may have lengthened one
        first, last = sorted(firsts)[1], sorted(lasts)[-2]
    # there is no frame before to compare with
    return (0 if first <= best.change.lag else first), max(first, last)


def _smooth(change: Array, way: _Change) -> Array:
    """The change as this way shows it, smoothed along x; zero where there was no frame before."""
    difference = change.copy()
    if way.against == "before":
        difference[way.lag :] -= change[: -way.lag]
        difference[: way.lag] = 0
    elif way.against == "first":
        difference -= change[:1]
    difference -= np.median(difference, axis=1, keepdims=True)
    smooth: Array = ndimage.gaussian_filter1d(difference, _SMOOTH_PX, axis=1)
    return smooth


def _best_track(response: Array, change: _Change) -> _Track:
    """The line that most frames' greatest responses lie on."""
    peaks, height = _peaks(response)
    frames = np.arange(peaks.size, dtype=np.float64)
    valid = frames >= change.lag
    none = np.zeros(peaks.size, bool)
    best = _Track(0.0, 0.0, (0, 0), none, 0, change, peaks)
    for slope, offset in zip(*_trial_lines(frames, peaks, height, valid), strict=True):
        on = np.count_nonzero((np.abs(peaks - offset - slope * frames) <= _TOLERANCE_PX) & valid)
        if on > best.score:  # else it cannot be better
            track = _judged(peaks, valid, slope, offset, change)
            best = track if track.score > best.score else best
    for _ in range(3):
        line = fit_line(frames[best.inliers], peaks[best.inliers])
        if line is None:
            break
        offset = float(line(np.zeros(1))[0])
        best = _judged(peaks, valid, line.slope, offset, change)
    return replace(best, height=float(np.median(height[best.inliers]))) if best.score else best


def _peaks(response: Array) -> tuple[Array, Array]:
    """Column of the greatest response of each frame, between pixels, and how far it stands out."""
    at = response.argmax(axis=1)
    rows = np.arange(len(response))
    inner = np.clip(at, 1, response.shape[1] - 2)
    before, here, after = (response[rows, inner + i] for i in (-1, 0, 1))
    curvature = before - 2 * here + after
    shift = np.where(curvature < 0, (before - after) / np.where(curvature < 0, 2 * curvature, 1), 0)
    noise = 1.4826 * np.median(np.abs(response[:, ::4]), axis=1)  # fewer will do
    height = response[rows, at] / np.maximum(noise, 1e-12)
    return inner + np.clip(shift, -1, 1), height


def _trial_lines(
    frames: Array, peaks: Array, height: Array, valid: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Slopes and offsets of lines through pairs of points, near and far apart in time.

    They start from the points that stand out most, some of each part of the stack.
    """
    rng = np.random.default_rng(_SEED)
    n = frames.size
    order = np.argsort(-np.where(valid, height, -1))
    starts = np.unique(np.r_[order[: _STARTS // 2], rng.permutation(order[: n // 2 + 1])[:_STARTS]])
    apart = np.unique(np.geomspace(1, n - 1, _PARTNERS).round().astype(np.intp))
    i = np.repeat(starts, 2 * apart.size)
    j = i + np.tile(np.r_[apart, -apart], starts.size)
    there = (j >= 0) & (j < n)
    i, j = i[there], j[there]
    slopes = (peaks[j] - peaks[i]) / (frames[j] - frames[i])
    return slopes, peaks[i] - slopes * frames[i]


def _judged(
    peaks: Array, valid: NDArray[np.bool_], slope: float, offset: float, change: _Change
) -> _Track:
    """The run of frames in which more points lie on a line than off it, by the widest margin."""
    distance = np.abs(peaks - offset - slope * np.arange(peaks.size))
    near = (distance <= _TOLERANCE_PX) & valid
    total = np.concatenate(([0], np.cumsum(np.where(near, 1, -1))))
    gain = total - np.minimum.accumulate(total)
    end = int(gain.argmax())
    first = int(total[: end + 1].argmin())
    near[:first] = near[end:] = False
    run = first, max(first, end - 1)
    return _Track(slope, offset, run, near, int(gain[end]), change, peaks)


def _confidence(track: _Track, width: int, n_frames: int) -> float:
    """Share of the frames of a track on its line; ValueError if chance might have done it."""
    from scipy import stats  # takes half a second

    on, length = int(track.inliers.sum()), track.last - track.first + 1
    share = on / length
    by_chance = min(1.0, (2 * _TOLERANCE_PX + 1) / width)
    tries = _WAYS * float(n_frames) ** 2  # a line through any two points
    odds = tries * float(stats.binom.sf(on - FEWEST_FRAMES, max(length - 2, 0), by_chance))
    # noise of the frame that others are compared with stands still too, but is not high
    low = track.travel_px <= _LEAST_TRAVEL_PX and track.height < _LEAST_HEIGHT
    if share < _LEAST_CONFIDENCE or on < FEWEST_FRAMES or odds > _MOST_BY_CHANCE or low:
        raise ValueError(
            f"no laser line in the grey values: at most {on} of {length} frames agree on one. "
            "Choose the rows just below the surface, use labels, or give the line by hand."
        )
    return share
