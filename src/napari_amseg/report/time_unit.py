"""The unit in which the time of a stack is told."""

from __future__ import annotations

from dataclasses import dataclass

_UNITS = (("µs", 1e6, 2e-3), ("ms", 1e3, 2.0))


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """A unit, ``frame`` where the frame rate is unknown. per_frame : units a frame."""

    name: str
    per_frame: float

    @property
    def label(self) -> str:
        """As on an axis."""
        return "frame" if self.name == "frame" else f"time ({self.name})"


def time_unit(frame_rate_hz: float | None, n_frames: int) -> TimeUnit:
    """µs, ms or s, as suits the length of a stack; frames without a frame rate."""
    if frame_rate_hz is None:
        return TimeUnit("frame", 1.0)
    name, factor = length_unit(n_frames / frame_rate_hz)
    return TimeUnit(name, factor / frame_rate_hz)


def length_unit(length_s: float) -> tuple[str, float]:
    """µs, ms or s, as suits a length of time, and how many make a second."""
    return next(((n, f) for n, f, most in _UNITS if length_s <= most), ("s", 1.0))
