"""A pixel classifier that learns from what is confirmed in an annotation, when that changes."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.classifier import ClassifierSettings, PixelClassifier
from napari_amseg.types import Stack, sample_indices

Codes = NDArray[np.uint8]
_MOST_FRAMES = 24  # each takes as long to look at as it does to label


class Scribbles:
    """What a stack's annotation teaches, and the classifier that learnt it."""

    def __init__(self, annotation: Annotation, stack: Stack) -> None:
        self._annotation, self._stack = annotation, stack
        self._learnt: tuple[int, ClassifierSettings] | None = None
        self._classifier: PixelClassifier | None = None
        self.n_frames = 0

    def classifier(
        self, settings: ClassifierSettings, looking_at: Callable[[int, int], None]
    ) -> PixelClassifier:
        """The classifier for the scribbles as they are now; fitted only if these are others.

        Parameters
        ----------
        looking_at : told which of how many frames is learnt from; may raise to end it.

        Raises
        ------
        ValueError
            If fewer than two classes are scribbled.
        """
        frames = self._frames()
        learnt = (self._fingerprint(frames), settings)
        if self._classifier is None or learnt != self._learnt:
            cores = max(1, (os.cpu_count() or 1) - 1)  # one draws
            classifier = PixelClassifier(self._annotation.scheme, settings, n_jobs=cores)
            self._classifier = classifier.fit(self._samples(frames, looking_at))
            self._learnt, self.n_frames = learnt, len(frames)
        return self._classifier

    def missing(self) -> list[str]:
        """Names of classes that it could not learn."""
        known = () if self._classifier is None else self._classifier.codes
        return [c.name for c in self._annotation.scheme.classes if c.code not in known]

    def _frames(self) -> list[int]:
        """Frames to learn from, a bounded number spread over all that have something confirmed."""
        begun = np.flatnonzero(self._annotation.statuses >= Status.IN_PROGRESS)
        taught = [int(t) for t in begun if self._confirmed(int(t)).any()]
        return [taught[i] for i in sample_indices(len(taught), _MOST_FRAMES)] if taught else []

    def _confirmed(self, frame: int) -> Codes:
        labels = np.asarray(self._annotation.labels[frame])
        return np.where(self._annotation.confirmed(frame), labels, np.uint8(0))

    def _fingerprint(self, frames: list[int]) -> int:
        known = 0
        for frame in frames:
            known = zlib.crc32(self._confirmed(frame).tobytes(), zlib.crc32(b"%d" % frame, known))
        return known

    def _samples(
        self, frames: list[int], looking_at: Callable[[int, int], None]
    ) -> Generator[tuple[NDArray[np.generic], Codes]]:
        for i, frame in enumerate(frames):
            looking_at(i, len(frames))
            yield self._stack.read(frame), self._confirmed(frame)
        looking_at(len(frames), len(frames))
