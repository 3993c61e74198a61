"""Where the laser is in the image: a straight line in column against frame number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure.keyhole import largest_component
from napari_amseg.measure.line import Line, fit_line
from napari_amseg.measure.tracks import split_tracks, track_direction
from napari_amseg.types import Experiment, Stack

FEWEST_FRAMES = 3
_EDGE_TOLERANCE_PX = 5.0


@dataclass(frozen=True, slots=True)
class LaserLine:
    """x(t) = x0 + v t, the place of the keyhole's leading edge; t counts frames of the stack.

    Column i reaches from x = i to i + 1, so that an edge lies between columns.

    Attributes
    ----------
    x0_px : place at frame 0 of the stack, whether the laser was on there or not.
    velocity_px : pixels a frame, positive to the right; 0 for a laser that stands. Its x is then
        the middle of the keyhole.
    first_frame, last_frame : first and last frame of the laser track; its t = 0 is `first_frame`.
    residual_px : standard deviation of the fitted positions from the line; None if none were.
    confidence : share of the frames of the track, 0 to 1, that lie on the line; None by hand.
    method : ``edges``, from masks; ``projection``, from grey values; ``given``, by hand.
    notes : remarks worth showing or recording.
    """

    x0_px: float
    velocity_px: float
    first_frame: int
    last_frame: int
    residual_px: float | None = None
    confidence: float | None = None
    method: str = "given"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (np.isfinite(self.x0_px) and np.isfinite(self.velocity_px)):
            raise ValueError(
                f"the laser line has x0 {self.x0_px} px and v {self.velocity_px} px a frame: "
                "both must be finite numbers."
            )
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValueError(
                f"the laser is on from frame {self.first_frame} to {self.last_frame}: "
                "give the first frame, from 0, and one that does not come before it."
            )

    def __call__(self, frame: ArrayLike) -> NDArray[np.float64]:
        """Place of the laser in each frame, extrapolated where the laser is off."""
        return self.x0_px + self.velocity_px * np.asarray(frame, np.float64)

    def column(self, frame: ArrayLike) -> NDArray[np.float64]:
        """Index of the outermost column behind the edge, or in the middle of a standing keyhole."""
        return self(frame) - (1 + self.direction) / 2

    @property
    def direction(self) -> int:
        """1 to the right, -1 to the left, 0 if the laser stands."""
        return int(np.sign(self.velocity_px))

    def scan_speed_m_s(self, experiment: Experiment) -> float | None:
        """Speed in m/s, without sign; None unless pixel size and frame rate are known."""
        pixel, rate = experiment.pixel_size_um, experiment.frame_rate_hz
        return None if pixel is None or rate is None else abs(self.velocity_px) * pixel * rate / 1e6

    def speed_difference_percent(self, experiment: Experiment) -> float | None:
        """How much faster it is than the entered scan speed, in per cent; None if unknown."""
        speed, entered = self.scan_speed_m_s(experiment), experiment.scan_speed_mm_s
        return None if speed is None or entered is None else 100 * (1000 * speed / entered - 1)

    def to_json(self, experiment: Experiment) -> dict[str, Any]:
        """Plain record in px and frames, and in um, s and m/s where the units are known."""
        pixel, rate = experiment.pixel_size_um, experiment.frame_rate_hz
        entered = experiment.scan_speed_mm_s
        start_px = float(self(self.first_frame))
        return {
            "x0_px": self.x0_px,
            "velocity_px_per_frame": self.velocity_px,
            "direction": {1: "right", -1: "left", 0: "none"}[self.direction],
            "scan_speed_m_s": self.scan_speed_m_s(experiment),
            "entered_scan_speed_m_s": None if entered is None else entered / 1000,
            "difference_to_entered_percent": self.speed_difference_percent(experiment),
            "t0_frame": self.first_frame,
            "t0_s": None if rate is None else self.first_frame / rate,
            "last_frame": self.last_frame,
            "x_at_t0_px": start_px,
            "x_at_t0_um": None if pixel is None else start_px * pixel,
            "method": self.method,
            "residual_px": self.residual_px,
            "confidence": self.confidence,
            "notes": list(self.notes),
        }


def keyhole_edges(
    labels: Stack, *, scheme: LabelScheme = DEFAULT_SCHEME
) -> Iterator[tuple[int, int] | None]:
    """First and last column of the keyhole of each frame, of its largest part; None without one.

    Raises
    ------
    ValueError
        If the scheme has no keyhole.
    """
    code = scheme.code_of("keyhole")
    if code is None:
        raise ValueError("the label scheme names no keyhole: the laser cannot be found from it.")
    for frame in labels:
        mask = frame == code
        if not mask.any():
            yield None
            continue
        part, (_, left) = largest_component(mask)
        yield left, left + part.shape[1] - 1


def line_from_edges(frames: ArrayLike, left_px: ArrayLike, right_px: ArrayLike) -> LaserLine:
    """The laser line through the leading edge of the keyhole, from masks.

    The leading edge is the border of the keyhole on the side to which it moves, as in
    ``leading_edge_px`` of the frame table: the far side of its outermost pixel. Of several laser
    tracks, which gaps of up to two frames do not end, the longest is taken.

    Parameters
    ----------
    frames, left_px, right_px : frame index, first and last column of the keyhole, shape (n,), for
        the frames that hold one, in order.

    Raises
    ------
    ValueError
        If no laser track has three frames with a keyhole.
    """
    x = np.asarray(frames, np.float64)
    left, right = np.asarray(left_px, np.float64), np.asarray(right_px, np.float64)
    tracks = split_tracks(x, (left + right) / 2)
    track = max(tracks, key=len, default=np.empty(0, np.intp))
    if track.size < FEWEST_FRAMES:
        raise ValueError(
            f"the longest laser track has {track.size} frames with a keyhole, a line needs "
            f"{FEWEST_FRAMES}: fit it from the grey values, or give it by hand."
        )
    x, left, right = x[track], left[track], right[track]
    direction = track_direction(x, left, right)
    edge = {1: right + 1, -1: left, 0: (left + right + 1) / 2}[direction]
    line = fit_line(x, edge, tolerance=_EDGE_TOLERANCE_PX)
    if line is None or direction == 0:
        line = Line(0.0, float(np.median(edge)), float(x.mean()))
    distance = np.abs(edge - line(x))
    near = distance <= max(_EDGE_TOLERANCE_PX, 3 * 1.4826 * float(np.median(distance)))
    return LaserLine(
        x0_px=float(line(np.zeros(1))[0]),
        velocity_px=line.slope,
        first_frame=int(x[0]),
        last_frame=int(x[-1]),
        residual_px=float(np.sqrt(np.mean(distance[near] ** 2))),
        confidence=float(near.mean()),
        method="edges",
        notes=remarks(int(x[0]), len(tracks)),
    )


def remarks(first_frame: int, n_tracks: int = 1) -> tuple[str, ...]:
    """What is worth knowing about where a laser track begins."""
    notes = []
    if first_frame == 0:
        notes.append("the laser is on in the first frame; it may have been on before: t = 0 there")
    if n_tracks > 1:
        notes.append(f"of {n_tracks} laser tracks the longest was taken")
    return tuple(notes)
