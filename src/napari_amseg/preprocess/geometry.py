"""Crop: the region of interest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_amseg.preprocess.pointwise import Changed
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class Crop(Settings):
    """Rows y0 to y1 and columns x0 to x1, ends excluded; keeps the dtype. 0 as end: the border."""

    kind: ClassVar[str] = "crop"

    y0: int = setting(0, low=0, unit="px", help="First row.")
    y1: int = setting(0, low=0, unit="px", help="Row after the last; 0: to the border.")
    x0: int = setting(0, low=0, unit="px", help="First column.")
    x1: int = setting(0, low=0, unit="px", help="Column after the last; 0: to the border.")

    @classmethod
    def parse(cls, text: str) -> Crop:
        """From ``Y0:Y1,X0:X1``; an empty place means the border.

        Raises
        ------
        ValueError
            If the text has another form.
        """
        match = re.fullmatch(r"\s*(\d*):(\d*)\s*,\s*(\d*):(\d*)\s*", text)
        if match is None:
            raise ValueError(f"crop is {text!r}: write Y0:Y1,X0:X1, for example 0:256,100:612.")
        if any(end and not int(end) for end in match.group(2, 4)):
            raise ValueError(f"crop is {text!r}: a region that ends at 0 is empty.")
        y0, y1, x0, x1 = (int(part or 0) for part in match.groups())
        return cls(y0=y0, y1=y1, x0=x0, x1=x1)

    def fit(self, stack: Stack) -> Crop:
        """Nothing to take from the stack."""
        return self

    def apply(self, stack: Stack) -> Stack:
        """The cropped stack.

        Raises
        ------
        ValueError
            If the region is empty or reaches beyond the frame.
        """
        height, width = stack.frame_shape
        y1, x1 = self.y1 or height, self.x1 or width
        if not (self.y0 < y1 <= height and self.x0 < x1 <= width):
            raise ValueError(
                f"crop {self.y0}:{y1},{self.x0}:{x1} does not lie inside frames of "
                f"{height}x{width} (rows x columns)."
            )
        window = np.s_[self.y0 : y1, self.x0 : x1]
        read = stack.read
        # What will be cut off need not be corrected first, unless dead pixels are filled from it.
        first = read.within(window) if isinstance(read, Changed) else None
        return stack.derived(
            first or (lambda t: read(t)[window]), shape=(len(stack), y1 - self.y0, x1 - self.x0)
        )
