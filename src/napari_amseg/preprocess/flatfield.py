"""Flat-field correction: from counts to transmission."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io import read_stack
from napari_amseg.preprocess.repair import dead_pixels, filler
from napari_amseg.preprocess.statistics import reduction, temporal_image
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Frame, Stack

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FlatField(Settings):
    """(I - D) / (F - D) with flat F and dark D; float32, about 1 where nothing absorbs.

    Where F - D is zero, negative or not finite the pixel is dead: it takes the corrected value of
    its nearest good neighbour, and the number of such pixels is noted on the stack. With
    `flat_after`, F goes linearly from `flat` at the first frame to `flat_after` at the last.

    Attributes
    ----------
    flat, dark, flat_after : paths of stacks or images with the frames' shape; no dark means 0.
    reduce : how the frames of a flat or dark become one image, ``median`` or ``mean``.
    """

    kind: ClassVar[str] = "flat_field"

    flat: str = setting("", help="Flat-field stack or image, recorded without the sample.")
    dark: str | None = setting(None, help="Dark-field stack or image, recorded without beam.")
    flat_after: str | None = setting(
        None, help="Second flat, recorded after the stack: the flat is interpolated between both."
    )
    reduce: str = setting(
        "median", choices=("median", "mean"), help="How the frames of a flat or dark are combined."
    )

    def fit(self, stack: Stack) -> FlatField:
        """Nothing to take from the stack: flats and darks are files."""
        return self

    def apply(self, stack: Stack) -> Stack:
        """The corrected stack.

        Raises
        ------
        ValueError
            If a flat or dark has another shape than the frames, or nowhere exceeds the dark.
        """
        dark: Any = 0.0 if self.dark is None else self._image(self.dark, "dark field", stack)
        first = self._image(self.flat, "flat field", stack) - dark
        last = first
        if self.flat_after is not None:
            last = self._image(self.flat_after, "second flat field", stack) - dark
        dead = dead_pixels(first) | dead_pixels(last)
        if dead.all():
            raise ValueError(
                f"flat field {self.flat} nowhere exceeds the dark field: are they swapped?"
            )
        fill = filler(dead)
        first, last = (np.where(dead, np.float32(1), image) for image in (first, last))
        gain, steps = 1 / first, max(len(stack) - 1, 1)

        def read(t: int) -> Frame:
            frame = np.subtract(stack.read(t), dark, dtype=np.float32)
            frame *= gain if last is first else 1 / (first + (last - first) * np.float32(t / steps))
            return fill(frame)

        note = f"flat field: {int(dead.sum())} dead pixels filled"
        return stack.derived(read, dtype=np.float32, note=note)

    def _image(self, path: str | os.PathLike[str], what: str, stack: Stack) -> Image:
        with read_stack(path) as field:
            if field.frame_shape != stack.frame_shape:
                raise ValueError(
                    f"{what} {path} has frames of {field.shape[1]}x{field.shape[2]}, the stack has "
                    f"{stack.shape[1]}x{stack.shape[2]}: record it with the same camera window, "
                    "or crop both to the same region."
                )
            return temporal_image(field, reduction(self.reduce))
