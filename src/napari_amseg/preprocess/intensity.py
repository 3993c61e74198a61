"""Grey values: inverting, and mapping to the range a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from napari_amseg.preprocess.pointwise import Everywhere, Image, changed
from napari_amseg.preprocess.statistics import grey_levels
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class Invert(Settings):
    """Mirror grey values about the middle of the stack's range: low + high - I; float32.

    For pores that are dark, as in casting, or keyholes that are. `low` and `high` are the smallest
    and largest value of the sampled stack unless given.
    """

    kind: ClassVar[str] = "invert"

    low: float | None = setting(None, help="Value that becomes `high`; empty: the stack's least.")
    high: float | None = setting(None, help="Value that becomes `low`; empty: the stack's most.")

    def fit(self, stack: Stack) -> Invert:
        """With the range of this stack written in."""
        if self.low is not None and self.high is not None:
            return self
        low, high = grey_levels(stack, (0.0, 100.0))
        return replace(
            self,
            low=low if self.low is None else self.low,
            high=high if self.high is None else self.high,
        )

    def apply(self, stack: Stack) -> Stack:
        """The inverted stack."""
        fitted = self.fit(stack)
        total = np.float32(fitted.low) + np.float32(fitted.high)
        return changed(stack, Everywhere(lambda frame: np.subtract(total, frame, out=frame)))


@dataclass(frozen=True, slots=True)
class Normalise(Settings):
    """Map grey values linearly to a fixed range and clip; float32.

    The limits are percentiles of the *stack*, not of each frame: scaling frame by frame would make
    the result flicker. `low` and `high`, when given, replace the percentiles.

    Attributes
    ----------
    low_percentile, high_percentile : of the pixels of the stack, from at most 64 frames.
    out_low, out_high : where the limits go.
    keep_uint8 : leave uint8 stacks as they are: networks fed with 8 bit grey values expect this.
    """

    kind: ClassVar[str] = "normalise"

    low_percentile: float = setting(
        0.5, low=0, high=100, unit="%", help="Percentile of the stack that becomes the low end."
    )
    high_percentile: float = setting(
        99.5, low=0, high=100, unit="%", help="Percentile of the stack that becomes the high end."
    )
    low: float | None = setting(None, help="Grey value that becomes the low end, if fixed.")
    high: float | None = setting(None, help="Grey value that becomes the high end, if fixed.")
    out_low: float = setting(0.0, help="Low end of the range produced.")
    out_high: float = setting(1.0, help="High end of the range produced.")
    keep_uint8: bool = setting(False, help="Leave uint8 stacks as they are.")

    def fit(self, stack: Stack) -> Normalise:
        """With the limits of this stack written in.

        Raises
        ------
        ValueError
            If the limits coincide: the stack is blank.
        """
        if (self.low is not None and self.high is not None) or self._keeps(stack):
            return self
        low, high = grey_levels(stack, (self.low_percentile, self.high_percentile))
        fitted = replace(
            self,
            low=low if self.low is None else self.low,
            high=high if self.high is None else self.high,
        )
        if not fitted.high > fitted.low:  # type: ignore[operator]
            raise ValueError(
                f"the stack is blank, or all but a few pixels of it: its {self.low_percentile:g} "
                f"and {self.high_percentile:g} percentiles are both {low:g}. Look at the file."
            )
        return fitted

    def apply(self, stack: Stack) -> Stack:
        """The mapped stack."""
        if self._keeps(stack):
            return changed(stack)
        fitted = self.fit(stack)
        low, high = float(fitted.low), float(fitted.high)  # type: ignore[arg-type]
        if not high > low:
            raise ValueError(f"normalise: high is {high:g}, it must lie above low, {low:g}.")
        gain = np.float32((self.out_high - self.out_low) / (high - low))
        shift = np.float32(self.out_low - low * float(gain))

        def scale(frame: Image) -> None:
            frame *= gain
            frame += shift
            np.clip(frame, self.out_low, self.out_high, out=frame)

        ends = f"{self.out_low:g} and {self.out_high:g}"
        note = f"grey values {low:g} and {high:g} become {ends}; what lies beyond is cut off"
        return changed(stack, Everywhere(scale), note=note)

    def _keeps(self, stack: Stack) -> bool:
        return self.keep_uint8 and stack.dtype == np.uint8
