"""Background: what stays the same over time is divided out or subtracted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from napari_amseg.preprocess.pointwise import Changed, Image, Linear, Window, changed
from napari_amseg.preprocess.repair import dead_pixels, filler
from napari_amseg.preprocess.statistics import (
    reduce_frames,
    reduction,
    temporal_image,
)
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack

MOST_WINDOW_BYTES = 2**30
_MOST_THREADS = 16  # that ask for neighbouring frames at once


@dataclass(frozen=True, slots=True)
class Background(Settings):
    """Divide by, or subtract, an image of what does not move; float32.

    ``median``, ``mean`` and ``percentile`` are taken over the whole stack (`window` 0: a sample of
    at most 200 frames spread over it) or over the `window` frames around each frame. ``previous``
    is the mean of the `window` frames before each frame. Windows are shifted, not cut, at the ends
    of the stack; the first frames of ``previous`` use the frames that follow them.
    """

    kind: ClassVar[str] = "background"

    method: str = setting(
        "median",
        choices=("median", "mean", "percentile", "previous"),
        help="Temporal median, mean, low percentile, or mean of the previous frames.",
    )
    mode: str = setting(
        "divide", choices=("divide", "subtract"), help="Divide by the background or subtract it."
    )
    window: int = setting(
        0, low=0, high=1000, unit="frames", help="Frames in a rolling window; 0: the whole stack."
    )
    percentile: float = setting(
        10.0, low=0, high=100, unit="%", help="Percentile, for that method only."
    )

    def fit(self, stack: Stack) -> Background:
        """Nothing to write in: the image is computed from the stack in the same way each time."""
        return self

    def apply(self, stack: Stack) -> Stack:
        """The stack with its background removed.

        Raises
        ------
        ValueError
            If ``previous`` has no window, or the background is nowhere positive when dividing.
        """
        if self.method == "previous" and self.window == 0:
            raise ValueError("background 'previous' needs a window: how many frames, say 10?")
        if self.method == "previous" and self.window >= len(stack):
            raise ValueError(
                f"background 'previous' of {self.window} frames needs a stack of more frames than "
                f"that, this one has {len(stack)}."
            )
        frame_bytes = 4 * stack.shape[1] * stack.shape[2]
        if self.window < len(stack) and self.window * frame_bytes > MOST_WINDOW_BYTES:
            raise ValueError(
                f"a window of {self.window} frames of {stack.shape[1]}x{stack.shape[2]} takes more "
                f"than 1 GB: use at most {MOST_WINDOW_BYTES // frame_bytes} frames, or crop first."
            )
        if 0 < self.window < len(stack):
            return self._rolling(stack)
        remove = self._removing(temporal_image(stack, reduction(self.method, self.percentile)))
        count = 0 if remove.fill is None else remove.fill.dead.shape[1]
        note = f"background: {self.method} of the stack, {count} dead pixels filled"
        return changed(stack, remove, note=note)

    def _removing(self, image: Image) -> Linear:
        """What takes this background out of a frame."""
        if self.mode == "subtract":
            return Linear(offset=image)
        dead = dead_pixels(image)
        return Linear(gain=np.reciprocal(np.where(dead, np.float32(1), image)), fill=filler(dead))

    def _rolling(self, stack: Stack) -> Stack:
        """The stack without the background of the window around or before each frame."""
        method = "mean" if self.method == "previous" else self.method
        reduce = reduction(method, self.percentile)
        # Neighbouring frames share all but one frame of their windows.
        recent = lru_cache(maxsize=self.window + _MOST_THREADS)(
            lambda t: np.asarray(stack.read(t), np.float32)
        )

        def remove(t: int) -> Linear:
            frames = [recent(i) for i in self._window(t, len(stack))]
            return self._removing(reduce_frames(frames, reduce))

        note = f"background: {self.method} of {self.window} frames"
        return stack.derived(Changed(recent, (_Rolling(remove),)), dtype=np.float32, note=note)

    def _window(self, t: int, n: int) -> list[int]:
        if self.method == "previous":
            before = range(t - self.window, t)
            return (
                list(before) if t >= self.window else [i for i in range(self.window + 1) if i != t]
            )
        start = min(max(t - self.window // 2, 0), n - self.window)
        return list(range(start, start + self.window))


@dataclass(frozen=True, slots=True)
class _Rolling:
    """Takes another background out of every frame."""

    remove: Callable[[int], Linear]

    def __call__(self, frame: Image, t: int) -> None:
        """Change float32 frame `t` in place."""
        self.remove(t)(frame, t)

    def within(self, window: Window) -> None:
        """Nothing: dead pixels are known only once a frame's own background is."""
