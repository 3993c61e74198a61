"""The speed and the leading edge of a laser line that was found roughly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_REACH_PX, _STEP_PX = 16.0, 0.5  # of the drift over the whole track
_SHORTEST_WAVE_PX = 8.0  # finer structure is noise
_MOST_FRAMES = 512
_NEAR_PX = 80  # of the line, where the leading edge is looked for
_LEAST_APART = 0.02  # of what stands and what moves; closer than that they cannot be told apart


def refined_velocity(change: NDArray[Any], velocity: float, first: int, last: int) -> float:
    """The velocity, near a first guess, at which a moving and a standing part explain most.

    Column by column a short track has always some keyhole in its median over time, which bends any
    line through what differs from it. Here both parts are fitted at once by least squares: a wave
    along x of a pattern that moves turns steadily in phase, one of a pattern that stands does not.

    Parameters
    ----------
    change : (T, X), what changes. velocity : first guess, px a frame; searched is where the drift
        over the track differs by at most 16 px. first, last : frames of the track.
    """
    span = max(last - first, 1)
    n_frames = min(last - first + 1, _MOST_FRAMES)
    frames = np.unique(np.linspace(first, last, n_frames).round().astype(np.intp))
    waves = np.fft.rfft(change[frames], axis=1)
    number = 2 * np.pi * np.fft.rfftfreq(change.shape[1])
    coarse = (number > 0) & (number < 2 * np.pi / _SHORTEST_WAVE_PX)
    waves, number = waves[:, coarse], number[coarse]
    time = frames - frames.mean()
    drifts = np.arange(-_REACH_PX, _REACH_PX + _STEP_PX, _STEP_PX)
    explained = np.array([_explained(waves, number, velocity + d / span, time) for d in drifts])
    best = int(explained.argmax())
    shift = 0.0
    if 0 < best < drifts.size - 1:  # the top of the parabola through three points
        before, here, after = explained[best - 1 : best + 2]
        curvature = before - 2 * here + after
        shift = 0.5 * (before - after) / curvature if curvature < 0 else 0.0
    return velocity + float(drifts[best] + shift * _STEP_PX) / span


def _explained(
    waves: NDArray[Any], number: NDArray[Any], velocity: float, time: NDArray[Any]
) -> float:
    """Energy that a part moving at this velocity explains beyond one that stands."""
    n = time.size
    phase = np.exp(-1j * velocity * time[:, np.newaxis] * number)
    common = phase.sum(axis=0)
    moving = (phase.conj() * waves).sum(axis=0) - common.conj() * waves.sum(axis=0) / n
    apart = 1 - np.abs(common / n) ** 2
    energy = np.abs(moving) ** 2 / (n * np.maximum(apart, _LEAST_APART))
    return float(energy[apart > _LEAST_APART].sum())


def leading_edge(
    response: NDArray[Any], x0: float, velocity: float, frames: NDArray[np.intp], lag: int
) -> tuple[float, int, int]:
    """How far right of a line the leading edge lies, and where it is seen first and last.

    The responses are averaged along the line. The lobe farthest ahead that reaches half the
    greatest is the front; its outer flank at half height is the leading edge.

    Parameters
    ----------
    response : (T, X), the change against `lag` frames before. x0, velocity : the line, through the
        greatest changes of `frames`.

    Returns
    -------
    Columns, negative to the left; first and last frame whose front reaches half the mean height,
    looked for a little beyond `frames` too.
    """
    ahead = np.arange(-_NEAR_PX, _NEAR_PX + 1) * np.sign(velocity)
    columns = np.arange(response.shape[1])

    def along(some: NDArray[np.intp]) -> NDArray[Any]:
        at = x0 + velocity * some[:, np.newaxis] + ahead
        return np.array([np.interp(x, columns, response[t]) for x, t in zip(at, some, strict=True)])

    profile = along(frames).mean(axis=0)
    inner, outer = _flank(np.abs(profile))
    last = int(frames[-1]) + lag + 3
    near = np.arange(max(0, int(frames[0]) - lag - 2), min(len(response), last))
    here = along(near)[:, max(0, inner - 2) : inner + 3].mean(axis=1) * np.sign(profile[inner])
    seen = near[here >= abs(profile[inner]) / 2]
    # against `lag` frames before, the end of the track shows as well as its beginning
    on = (int(seen[0]), int(seen[-1])) if seen.size else (int(frames[0]), int(frames[-1]))
    on = min(int(frames[0]), on[0]), max(int(frames[-1]) - lag, on[1])
    return float((outer - _NEAR_PX) * np.sign(velocity)), *on


def _flank(size: NDArray[Any]) -> tuple[int, float]:
    """Top of the last lobe that reaches half the greatest size, and where it has fallen to half its
    height after it, between two points.
    """
    inner = int(np.flatnonzero(size >= size.max() / 2)[-1])
    while inner and size[inner - 1] >= size[inner]:
        inner -= 1
    half = size[inner] / 2
    after = int(np.argmax(np.append(size[inner:], -1) < half)) + inner
    if after == size.size:
        return inner, float(after - 1)
    return inner, after - float((half - size[after]) / (size[after - 1] - size[after]))
