"""Flat-field correction: from counts to transmission."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from napari_amseg.io import read_stack
from napari_amseg.preprocess.pointwise import Change, Image, Linear, Window, changed
from napari_amseg.preprocess.repair import Filler, dead_pixels, filler
from napari_amseg.preprocess.statistics import reduction, temporal_image
from napari_amseg.provenance import sha256_once
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack


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
    sha256 : of those files, written by :meth:`fit`; a replay with other files is refused.
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

    sha256: tuple[str, ...] = ()

    def fit(self, stack: Stack) -> FlatField:
        """With the hashes of the flats and darks written in."""
        return replace(self, sha256=self.sha256 or self._hashes())

    def unrecorded(self) -> FlatField:
        """Without hashes: for a look at a frame, which must not wait for all of a scan."""
        return replace(self, sha256=())

    def apply(self, stack: Stack) -> Stack:
        """The corrected stack.

        Raises
        ------
        ValueError
            If a flat or dark has another shape than the frames, nowhere exceeds the dark, or is
            not the file it was when the chain was recorded.
        """
        if self.sha256 and self.sha256 != self._hashes():
            raise ValueError(
                f"flat field {self.flat} or its dark is not the file that this chain was made "
                "with: give the original files, or build the chain anew."
            )
        dark = None if self.dark is None else self._image(self.dark, "dark field", stack)
        first = last = self._beam(self.flat, "flat field", stack, dark)
        if self.flat_after is not None:
            last = self._beam(self.flat_after, "second flat field", stack, dark)
        dead = dead_pixels(first) | dead_pixels(last)
        if dead.all():
            raise ValueError(
                f"flat field {self.flat} nowhere exceeds the dark field: are they swapped?"
            )
        fill = filler(dead)
        first, last = (np.where(dead, np.float32(1), image) for image in (first, last))
        correct: Change = Linear(dark, np.float32(1) / first, fill)
        if self.flat_after is not None:
            correct = _Drifting(dark, first, last - first, max(len(stack) - 1, 1), fill)
        note = f"flat field: {int(dead.sum())} dead pixels filled"
        return changed(stack, correct, note=note)

    def _hashes(self) -> tuple[str, ...]:
        fields = [path for path in (self.flat, self.dark, self.flat_after) if path is not None]
        files = [file for path in fields for file in _files(path)]
        hashes = {
            file: sha256_once(file) for file in dict.fromkeys(files)
        }  # a scan may hold them all
        return tuple(hashes[file] for file in files)

    def _beam(self, path: str, what: str, stack: Stack, dark: Image | None) -> Image:
        """F - D."""
        flat = self._image(path, what, stack)
        return flat if dark is None else flat - dark

    def _image(self, path: str | os.PathLike[str], what: str, stack: Stack) -> Image:
        with read_stack(path) as field:
            if field.frame_shape != stack.frame_shape:
                raise ValueError(
                    f"{what} {path} has frames of {field.shape[1]}x{field.shape[2]}, the stack has "
                    f"{stack.shape[1]}x{stack.shape[2]}: record it with the same camera window, "
                    "or crop both to the same region."
                )
            return temporal_image(field, reduction(self.reduce))


@dataclass(frozen=True, slots=True, eq=False)
class _Drifting:
    """Flat-field correction with F - D going from `first` by `drift` in `steps` frames."""

    dark: Image | None
    first: Image
    drift: Image
    steps: int
    fill: Filler | None

    def __call__(self, frame: Image, t: int) -> None:
        """Correct float32 frame `t` in place."""
        beam = self.drift * np.float32(t / self.steps)
        beam += self.first
        Linear(self.dark, np.divide(1, beam, out=beam), self.fill)(frame, t)

    def within(self, window: Window) -> _Drifting | None:
        """As :meth:`Change.within`."""
        fixed = Linear(self.dark, None, self.fill).within(window)
        if fixed is None:
            return None
        first, drift = self.first[window].copy(), self.drift[window].copy()
        return replace(self, dark=fixed.offset, first=first, drift=drift, fill=fixed.fill)


def _files(path: str) -> tuple[str, ...]:
    if not path:
        raise ValueError("the flat field has no file: choose the flat-field stack or image.")
    with read_stack(path) as field:
        return field.files
