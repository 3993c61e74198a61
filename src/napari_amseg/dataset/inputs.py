"""Images of a benchmark as a network gets them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.benchmark import Benchmark, FrameId
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.types import Stack


class InputFrames:
    """Frames of a benchmark in a network's input range, with their labels.

    Those of one experiment that have one size are taken as a stack and go through the chain
    together, as a stack does when it is segmented: grey limits are those of all its images.

    Parameters
    ----------
    benchmark : the folder. chain : the model's input mapping. frames : those there are; for scores
        that can be compared always all frames of a split, whichever subset is wanted.
    """

    def __init__(self, benchmark: Benchmark, chain: Chain, frames: Iterable[FrameId]) -> None:
        self.benchmark, self.chain = benchmark, chain
        groups: dict[tuple[str, tuple[int, int]], list[FrameId]] = defaultdict(list)
        for frame in frames:
            groups[frame.experiment, benchmark.shape(frame)].append(frame)
        self._shape = {f: shape for (_, shape), frames in groups.items() for f in frames}
        self._group = {f: tuple(frames) for frames in groups.values() for f in frames}
        self._ready: dict[tuple[FrameId, ...], Stack] = {}
        self._fitted: dict[str, Any] = {}

    def shape(self, frame: FrameId) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self._shape[frame]

    def prepare(self, frames: Iterable[FrameId]) -> None:
        """Take the grey limits needed for these frames now; afterwards threads may share this.

        Raises
        ------
        ValueError
            If a stack of images is blank.
        """
        for group in {self._group[frame]: None for frame in frames}:
            if group not in self._ready:
                try:
                    chain, stack = self.chain.fit_apply(self.benchmark.stack(group))
                    self._ready[group], self._fitted[str(group[0])] = stack, chain.to_json()
                except ValueError as error:
                    raise ValueError(f"experiment {group[0].experiment}: {error}") from error

    def stack(self, frame: FrameId) -> tuple[Stack, int]:
        """The mapped stack this frame belongs to, float32 (T, Y, X), and its place there."""
        self.prepare([frame])
        group = self._group[frame]
        return self._ready[group], group.index(frame)

    def image(self, frame: FrameId) -> NDArray[np.float32]:
        """The image, float32 (Y, X) in the input range."""
        stack, place = self.stack(frame)
        return np.asarray(stack.read(place), np.float32)

    def labels(self, frame: FrameId) -> NDArray[np.uint8]:
        """The label image, uint8 (Y, X)."""
        return self.benchmark.labels(frame)

    @property
    def fitted(self) -> dict[str, Any]:
        """The chains in use with their grey limits, as JSON, by the first frame of each stack."""
        return dict(self._fitted)

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value of the input range."""
        for step in reversed(self.chain.steps):
            if isinstance(step, Normalise):
                return step.out_low, step.out_high
        return 0.0, 1.0
