"""Frames in which somebody drew a class: between them it can be interpolated."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_amseg.annotate.annotation import Annotation, Status


class KeyFrames:
    """Finds key frames of a class: complete ones that have it, and those in progress in which a
    person painted it. What was looked at is remembered until :meth:`forget`.
    """

    def __init__(self, annotation: Annotation) -> None:
        self._annotation = annotation
        self._known: dict[tuple[int, int], bool] = {}

    def forget(self, frames: Iterable[int]) -> None:
        """These frames changed."""
        changed = set(frames)
        self._known = {key: known for key, known in self._known.items() if key[0] not in changed}

    def is_key(self, frame: int, code: int) -> bool:
        """Whether a person drew the class there."""
        key = (frame, code)
        if key not in self._known:
            self._known[key] = self._look(frame, code)
        return self._known[key]

    def around(self, frame: int, code: int) -> tuple[int | None, int | None]:
        """The nearest key frames before and after a frame.

        If it is one itself it is the second, so that a person who goes forward labels a frame and
        interpolates up to it; it is the first if there is none before.
        """
        begun = np.flatnonzero(self._annotation.statuses >= Status.IN_PROGRESS)
        before = self._first(begun[begun < frame][::-1], code)
        if self.is_key(frame, code):
            if before is not None:
                return before, frame
            return frame, self._first(begun[begun > frame], code)
        return before, self._first(begun[begun > frame], code)

    def _first(self, frames: Iterable[int], code: int) -> int | None:
        return next((int(t) for t in frames if self.is_key(int(t), code)), None)

    def _look(self, frame: int, code: int) -> bool:
        annotation = self._annotation
        status = annotation.status(frame)
        if status < Status.IN_PROGRESS or not code:
            return False
        confirmed = annotation.confirmed(frame)
        return bool(confirmed.any() and (confirmed & (annotation.labels[frame] == code)).any())
