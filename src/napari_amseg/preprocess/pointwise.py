"""Steps that change every pixel by itself: a frame is copied once, then changed in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_amseg.preprocess.repair import Filler
from napari_amseg.types import Frame, Stack

Image = NDArray[np.float32]
Window = tuple[slice, slice]


class Change(Protocol):
    """What one step does to a frame; called from several threads."""

    def __call__(self, frame: Image, t: int) -> None:
        """Change float32 frame `t` in place."""
        ...

    def within(self, window: Window) -> Change | None:
        """The same for frames cropped beforehand; None if pixels outside are needed."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``(frame - offset) * gain`` of images (Y, X), None: left out; then dead pixels are filled."""

    offset: Image | None = None
    gain: Image | None = None
    fill: Filler | None = None

    def __call__(self, frame: Image, t: int) -> None:
        """Change float32 frame `t` in place."""
        if self.offset is not None:
            frame -= self.offset
        if self.gain is not None:
            frame *= self.gain
        if self.fill is not None:
            self.fill(frame)

    def within(self, window: Window) -> Linear | None:
        """As :meth:`Change.within`."""
        fill = None if self.fill is None else self.fill.within(window)
        if self.fill is not None and fill is None:
            return None
        return Linear(_part(self.offset, window), _part(self.gain, window), fill)


@dataclass(frozen=True, slots=True)
class Everywhere:
    """The same arithmetic for all pixels and frames."""

    change: Callable[[Image], object]

    def __call__(self, frame: Image, t: int) -> None:
        """Change float32 frame `t` in place."""
        self.change(frame)

    def within(self, window: Window) -> Everywhere:
        """As :meth:`Change.within`."""
        return self


@dataclass(frozen=True, slots=True)
class Changed:
    """The ``read`` of a stack of float32 frames: a copy of the source's, then the changes."""

    source: Callable[[int], Frame]
    changes: tuple[Change, ...]

    def __call__(self, t: int) -> Frame:
        """Frame `t`, which is the caller's to change."""
        frame: Image = self.source(t).astype(np.float32)
        for change in self.changes:
            change(frame, t)
        return frame

    def within(self, window: Window) -> Changed | None:
        """Read only what lies in the window, where that gives the same values; None elsewhere."""
        changes = [change.within(window) for change in self.changes]
        exact = tuple(change for change in changes if change is not None)
        if len(exact) < len(changes):
            return None
        return Changed(lambda t: self.source(t)[window], exact)


def changed(stack: Stack, *changes: Change, note: str | None = None) -> Stack:
    """The stack as float32, with these changes made to the copy that earlier steps work on."""
    read = stack.read
    before = read if isinstance(read, Changed) else Changed(read, ())
    after = Changed(before.source, (*before.changes, *changes))
    return stack.derived(after, dtype=np.float32, note=note)


def _part(image: Image | None, window: Window) -> Image | None:
    """A copy of the window, so that the rest of the image can be released."""
    return None if image is None else image[window].copy()
