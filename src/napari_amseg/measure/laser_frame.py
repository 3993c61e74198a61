"""The frame of the laser: windows that travel with it, and kymographs of what they cross."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Experiment, Frame, Stack, sample_indices

_SAMPLED_FRAMES = 16
_CLEARANCE_PX = 3  # below the edge, which is soft
_FEWEST_ROWS = 16
_REDUCE: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max, "min": np.min}
# Wraps the frame numbers of a loop, to show progress or to stop it by an exception.
Track = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class WindowSettings(Settings):
    """What of the frame travels with the laser."""

    ahead_px: int = setting(
        60, low=0, high=10_000, unit="px", help="Columns ahead of the laser's leading edge."
    )
    behind_px: int = setting(
        200, low=0, high=10_000, unit="px", help="Columns behind the laser's leading edge."
    )
    ahead_um: float | None = setting(
        None, low=0, unit="µm", help="The same as a length; needs the pixel size."
    )
    behind_um: float | None = setting(
        None, low=0, unit="µm", help="The same as a length; needs the pixel size."
    )
    to_the_right: bool = setting(
        True, help="Mirror the window of a laser that moves to the left: it then moves right."
    )
    laser_on_only: bool = setting(False, help="Only the frames of the laser track.")


@dataclass(frozen=True, slots=True)
class Window:
    """A window in pixels: `ahead` and `behind` columns on either side of the laser's.

    mirror : whether a laser that moves to the left is shown moving to the right. on_only : whether
    the frames in which the laser is off are left out.
    """

    ahead_px: int
    behind_px: int
    mirror: bool = True
    on_only: bool = False

    @classmethod
    def of(cls, settings: WindowSettings, experiment: Experiment) -> Window:
        """The window of these settings, in whole pixels.

        Raises
        ------
        ValueError
            If a length is given in um and the pixel size is not known.
        """
        ahead = _columns("ahead", settings.ahead_px, settings.ahead_um, experiment)
        behind = _columns("behind", settings.behind_px, settings.behind_um, experiment)
        return cls(ahead, behind, settings.to_the_right, settings.laser_on_only)

    @property
    def width_px(self) -> int:
        """Columns of the window, the laser's among them."""
        return self.ahead_px + self.behind_px + 1

    def mirrors(self, line: LaserLine) -> bool:
        """Whether the window of this laser is mirrored."""
        return self.mirror and line.direction < 0

    def laser_column(self, line: LaserLine) -> int:
        """The column of the window at which the laser is: the outermost one behind its edge."""
        leftwards = line.direction < 0 and not self.mirror
        return self.ahead_px if leftwards else self.behind_px


def _columns(name: str, px: int, um: float | None, experiment: Experiment) -> int:
    if um is None:
        return px
    if experiment.pixel_size_um is None:
        raise ValueError(
            f"{name}_um is {um:g} µm, but the pixel size is not known: give it, or {name}_px."
        )
    return round(um / experiment.pixel_size_um)


def window_offsets(line: LaserLine, window: Window, n_frames: int) -> NDArray[np.float64]:
    """Column of the source frame that is column 0 of the window, for each frame, shape (n_frames,).

    Of a mirrored window, whose columns count to the left, it is the rightmost.
    """
    x = line.column(np.arange(n_frames))
    before = window.laser_column(line)
    return x + before if window.mirrors(line) else x - before


def travelling_window(
    stack: Stack, line: LaserLine, window: Window, *, labels: bool = False
) -> Stack:
    """The stack as the laser sees it: a window of columns that travels with the laser.

    Parameters
    ----------
    stack : grey frames or label images, (T, Y, X). line : where the laser is.
    window : what of the frame is kept.
    labels : whether the frames hold codes: they are moved by whole columns then. Grey values are
        interpolated linearly between columns, so that the picture does not shake.

    Returns
    -------
    Lazy stack (T or the frames of the laser track, Y, ahead + behind + 1) of the same dtype.
    Outside the source frame it is 0, unlabelled; NaN for floating-point frames. With
    `window.on_only` its frame 0 is the line's `first_frame`.

    Raises
    ------
    ValueError
        If the line's laser track lies outside the stack, or the laser is never in sight.
    """
    n_frames, height, width = stack.shape
    first, last = line.first_frame, min(line.last_frame, n_frames - 1)
    if first >= n_frames:
        raise ValueError(
            f"the laser is on from frame {first}, the stack has {n_frames}: is it another stack's?"
        )
    x = line(np.arange(first, last + 1))
    if not ((x >= 0) & (x <= width)).any():
        raise ValueError(
            f"the laser line goes from column {x[0]:.0f} to {x[-1]:.0f}, frames are {width} wide: "
            "it is never in sight. Fit it anew, or correct it."
        )
    start = first if window.on_only else 0
    offsets = window_offsets(line, window, n_frames)
    steps = np.arange(window.width_px) * (-1 if window.mirrors(line) else 1)
    cut = _cut_whole if labels else _cut_between

    def read(t: int) -> Frame:
        return cut(stack.read(t + start), offsets[t + start] + steps)

    return stack.derived(
        read,
        shape=(last + 1 - start if window.on_only else n_frames, height, window.width_px),
        note=f"travels with the laser, which is at column {window.laser_column(line)}",
    )


def _cut_whole(frame: Frame, columns: NDArray[np.float64]) -> Frame:
    """The nearest column for each wanted one, 0 outside."""
    # halves are rounded one way, so that neighbours stay neighbours
    wanted = np.floor(columns + 0.5).astype(np.intp)
    inside = (wanted >= 0) & (wanted < frame.shape[1])
    cut = np.zeros((frame.shape[0], columns.size), frame.dtype)
    cut[:, inside] = frame[:, wanted[inside]]
    return cut


def _cut_between(frame: Frame, columns: NDArray[np.float64]) -> Frame:
    """Columns between columns, interpolated linearly; 0 outside, NaN of floating-point frames."""
    floating = frame.dtype.kind == "f"
    inside = (columns >= 0) & (columns <= frame.shape[1] - 1)
    cut = np.full((frame.shape[0], columns.size), np.nan if floating else 0, frame.dtype)
    left = np.minimum(np.floor(columns[inside]).astype(np.intp), max(frame.shape[1] - 2, 0))
    right = np.minimum(left + 1, frame.shape[1] - 1)
    share = (columns[inside] - left).astype(np.float32)
    mixed = frame[:, left] * (1 - share) + frame[:, right] * share
    cut[:, inside] = mixed if floating else np.rint(mixed)
    return cut


def kymograph(
    stack: Stack,
    *,
    rows: tuple[int, int] | None = None,
    reduce: str = "mean",
    track: Track = iter,
) -> NDArray[np.float32]:
    """An x-t image: every frame reduced to one row.

    Parameters
    ----------
    stack : (T, Y, X), a travelling window too. rows : first and end, the end excluded; all if not
        given. reduce : ``mean``, ``max`` or ``min`` of each column over these rows.
    track : wraps the loop over the frame numbers; an exception in it stops the work.

    Returns
    -------
    float32 (T, X). One frame is in memory at a time, besides the result: 4 T X bytes, 41 MB for
    20 000 frames of 512 columns.

    Raises
    ------
    ValueError
        If the rows are not inside the frames, or `reduce` is another word.
    """
    if reduce not in _REDUCE:
        raise ValueError(f"reduce is {reduce!r}: choose one of {', '.join(_REDUCE)}.")
    n_frames, height, width = stack.shape
    first, end = rows or (0, height)
    if not 0 <= first < end <= height:
        raise ValueError(f"rows {first}:{end} are not inside frames of {height} rows.")
    xt = np.empty((n_frames, width), np.float32)
    for t in track(range(n_frames)):
        xt[t] = _REDUCE[reduce](stack.read(t)[first:end], axis=0)
    return xt


def relative_change(xt: ArrayLike) -> NDArray[np.float32]:
    """What changes in an x-t projection (T, X), relative: brighter 0.1 means 10 % brighter.

    The flicker of the beam (the median of each row) and what stands still (the median of each
    column over time) are divided out, or subtracted where grey values are not positive.
    """
    found = np.asarray(xt, np.float32)
    flicker = np.median(found, axis=1, keepdims=True)
    if (found <= 0).any():  # the background was subtracted
        change = (found - flicker) / (float(np.abs(found).max()) or 1.0)
        change -= np.median(change, axis=0)
    else:
        change = found / flicker
        change = change / np.median(change, axis=0) - 1
    return change.astype(np.float32, copy=False)


def substrate_rows(stack: Stack) -> tuple[int, int]:
    """The rows below the surface, where the keyhole is: first and end, the end excluded.

    The surface is taken to be the strongest horizontal edge of the median of a few frames. All rows
    if fewer than 16 would be left.
    """
    frames = [stack.read(int(t)) for t in sample_indices(len(stack), _SAMPLED_FRAMES)]
    profile = np.median(np.median(np.stack(frames), axis=0), axis=1).astype(np.float64)
    height = profile.size
    if height < 2 * _FEWEST_ROWS:
        return 0, height
    edge = np.abs(ndimage.gaussian_filter1d(profile, 2.0, order=1))
    edge[:2] = edge[-2:] = 0
    strong = np.flatnonzero(edge >= edge.max() / 2)
    strong = strong[strong <= int(edge.argmax()) + _FEWEST_ROWS]
    first = int(strong[-1]) + _CLEARANCE_PX
    return (first, height) if height - first >= _FEWEST_ROWS else (0, height)
