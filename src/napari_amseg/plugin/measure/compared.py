"""What is drawn over the series of a stack: that of another stack, and an external signal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure import MeasureSettings
from napari_amseg.measure.quantities import Quantity
from napari_amseg.plugin.measure.results import Range, Results

Values = NDArray[np.float64]
_EMPTY = np.empty(0)


@dataclass(frozen=True, slots=True)
class Overlay:
    """An external signal over the frames of a stack: x in frames, values in `unit`."""

    name: str
    unit: str
    x: Values
    values: Values


@dataclass(frozen=True, slots=True)
class Compared:
    """Another stack, drawn over the frames of the one that is shown.

    Both are laid over each other by time where both frame rates are known, else frame by frame.
    """

    name: str
    results: Results
    shown: Results

    @property
    def frames_per_frame(self) -> float:
        """How many frames of the shown stack a frame of this one lasts."""
        own, theirs = self.results.experiment.frame_rate_hz, self.shown.experiment.frame_rate_hz
        return theirs / own if own and theirs else 1.0

    def fits(self, quantity: Quantity) -> bool:
        """Whether both stacks give the quantity in the same unit."""
        return not quantity.power or self.results.in_um == self.shown.in_um

    def curve(self, quantity: Quantity) -> tuple[Values, Values]:
        """Frames of the shown stack and values; nothing where the units differ."""
        if not self.fits(quantity):
            return _EMPTY, _EMPTY
        values = self.results.values(quantity)
        return np.arange(values.size, dtype=np.float64) * self.frames_per_frame, values

    def value_at(self, quantity: Quantity, frame: int) -> float:
        """The value at a frame of the shown stack, NaN where there is none."""
        _, values = self.curve(quantity)
        here = round(frame / self.frames_per_frame)
        return float(values[here]) if 0 <= here < values.size else np.nan

    def range_of(self, frames: Range) -> Range:
        """The frames of this stack that lie in a range of the shown one, ends included."""
        first, last = (round(frame / self.frames_per_frame) for frame in frames)
        return first, last

    def remarks(self, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
        """What a user must know who compares the two. shapes : of the shown and of this one."""
        said = []
        if shapes[0] != shapes[1]:
            own, theirs = (" × ".join(str(n) for n in shape) for shape in (shapes[1], shapes[0]))
            said.append(f"it has {own} px, the shown one {theirs}")
        if self.results.in_um != self.shown.in_um:
            without = "it" if self.shown.in_um else "the shown stack"
            said.append(f"{without} has no pixel size, so lengths and areas are not compared")
        if _options(self.results) != _options(self.shown):
            said.append("it was measured with other options")
        if self.results.stale:
            said.append("its labels changed since it was measured")
        rates = self.results.experiment.frame_rate_hz, self.shown.experiment.frame_rate_hz
        if (rates[0] is None) != (rates[1] is None):
            said.append("one frame rate is unknown, so they are laid over each other by frame")
        return "; ".join(said)


def _options(results: Results) -> MeasureSettings:
    """How it was measured, but for the laser-on frames, which are those of one stack."""
    return replace(results.settings, laser_on_frames="")
