"""Batches for training and validation: same frames, same seed, same batches, on any machine."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.augment import AugmentSettings, augmented, enlarged_crop
from napari_amseg.dataset.benchmark import FrameId
from napari_amseg.dataset.inputs import InputFrames

Sample = tuple[NDArray[np.float32], NDArray[np.uint8]]
Batch = tuple[NDArray[np.float32], NDArray[np.uint8]]
_THREADS = 4
_BATCHES_AHEAD = 2


@dataclass(frozen=True, slots=True)
class TrainingBatches:
    """Shuffled, cropped and augmented batches, one set an epoch.

    What an epoch holds depends on the seed and the number of the epoch alone, so that a training
    that was interrupted goes on with the very batches it would have had.

    Attributes
    ----------
    inputs : the images. frames : those to train on. augment : what is done to them.
    batch_size : most samples a batch. All batches of an epoch have one size, so that no graph is
        compiled twice and none is a mere rest; a few images come twice for that.
    shape : (rows, columns) of every sample, multiples of the network's step; larger frames are
        cropped at random, smaller ones are mirrored outwards with labels 0.
    draws : times each image is drawn in an epoch. seed : of all randomness.
    """

    inputs: InputFrames
    frames: tuple[FrameId, ...]
    augment: AugmentSettings
    batch_size: int
    shape: tuple[int, int]
    draws: int = 1
    seed: int = 0

    @property
    def n_samples(self) -> int:
        """Different samples an epoch, with the added crops."""
        return len(self.frames) * self.draws + self._n_added

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return math.ceil(self.n_samples / self.batch_size)

    def epoch(self, number: int) -> Generator[Batch]:
        """Images float32 (B, Y, X, 1) and labels uint8 (B, Y, X) of an epoch, counted from 0."""
        rng = np.random.default_rng([self.seed, number])
        whole = np.arange(len(self.frames)).repeat(self.draws)
        added = rng.choice(whole, self._n_added, replace=False)
        jobs = [(int(i), False) for i in whole] + [(int(i), True) for i in added]
        size = math.ceil(len(jobs) / self.steps)
        twice = rng.choice(len(jobs), self.steps * size - len(jobs), replace=False)
        order = np.append(rng.permutation(len(jobs)), twice).reshape(-1, size)

        def sample(place: int) -> Sample:
            return self._sample(*jobs[place], np.random.default_rng([self.seed, number, place]))

        return _ahead(sample, order.tolist())

    @property
    def _n_added(self) -> int:
        return round(len(self.frames) * self.draws * self.augment.crop_share)

    def _sample(self, index: int, crop: bool, rng: np.random.Generator) -> Sample:
        frame = self.frames[index]
        image, labels = self.inputs.image(frame), self.inputs.labels(frame)
        if crop:
            image, labels = enlarged_crop(image, labels, rng)
        image, labels = fitted(image, labels, self.shape, rng)
        return augmented(image, labels, rng, self.augment, span=self.inputs.span)


@dataclass(frozen=True, slots=True)
class WholeFrames:
    """Whole frames for validation, padded to the network's step, in batches of one size.

    A short last batch is filled up with frames that hold no label.
    """

    inputs: InputFrames
    frames: tuple[FrameId, ...]
    batch_size: int
    multiple: int

    def __iter__(self) -> Iterator[Batch]:
        by_shape: dict[tuple[int, int], list[FrameId]] = {}
        for frame in self.frames:
            shape = padded_shape(self.inputs.shape(frame), self.multiple)
            by_shape.setdefault(shape, []).append(frame)
        for frames in by_shape.values():
            size = min(self.batch_size, len(frames))
            parts = [frames[i : i + size] for i in range(0, len(frames), size)]
            for images, labels in _ahead(self.sample, parts):
                filling = ((0, size - len(images)), (0, 0), (0, 0))
                yield np.pad(images, (*filling, (0, 0))), np.pad(labels, filling)

    def sample(self, frame: FrameId) -> Sample:
        """One padded frame and its labels, both (Y, X)."""
        shape = padded_shape(self.inputs.shape(frame), self.multiple)
        return fitted(self.inputs.image(frame), self.inputs.labels(frame), shape)


def padded_shape(shape: tuple[int, int], multiple: int) -> tuple[int, int]:
    """`shape` rounded up to multiples of the network's step."""
    rows, columns = (-(-n // multiple) * multiple for n in shape)
    return rows, columns


def training_shape(
    inputs: InputFrames, frames: Sequence[FrameId], crop: tuple[int, int], multiple: int
) -> tuple[int, int]:
    """Size of every training sample: the crop where one is given, else that of the largest image.

    crop : (rows, columns); 0 means the largest image. Rounded up to the network's step.
    """
    largest = np.max([inputs.shape(frame) for frame in frames], axis=0)
    rows, columns = (int(c or n) for c, n in zip(crop, largest, strict=True))
    return padded_shape((rows, columns), multiple)


def fitted(
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    shape: tuple[int, int],
    rng: np.random.Generator | None = None,
) -> Sample:
    """An image and its labels cropped, at random, or padded to `shape`.

    Padding mirrors the image, downwards and to the right, and is unlabelled.
    """
    for axis, wanted in enumerate(shape):
        spare = image.shape[axis] - wanted
        if spare > 0:
            start = int(rng.integers(spare + 1)) if rng is not None else 0
            keep = (slice(None),) * axis + (slice(start, start + wanted),)
            image, labels = image[keep], labels[keep]
    pad = [(0, n - have) for n, have in zip(shape, image.shape, strict=True)]
    if any(after for _, after in pad):
        image, labels = np.pad(image, pad, mode="symmetric"), np.pad(labels, pad)
    return image, labels


def _ahead(make: Callable[[Any], Sample], parts: Iterable[Sequence[Any]]) -> Generator[Batch]:
    """Batches of samples, made in threads a little ahead of their use."""
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="amseg-batch")
    waiting: deque[list[Future[Sample]]] = deque()
    try:
        for part in parts:
            waiting.append([pool.submit(make, item) for item in part])
            if len(waiting) > _BATCHES_AHEAD:
                yield _batch(waiting.popleft())
        while waiting:
            yield _batch(waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _batch(samples: list[Future[Sample]]) -> Batch:
    images, labels = zip(*(sample.result() for sample in samples), strict=True)
    return np.stack(images)[..., np.newaxis], np.stack(labels)
