"""Whether images are those that labels were made on: on others, labels are wrong everywhere."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from napari_amseg.dataset.benchmark import Benchmark, FrameId, list_frames, natural_order
from napari_amseg.io.tiff import read_single_frame
from napari_amseg.types import Frame, Stack

_T = TypeVar("_T")


def plain_name(t: int) -> str:
    """Name of a frame in a benchmark unless it was given another."""
    return f"{t:04d}"


def image_sha256(image: Frame) -> str:
    """Hash of an image (Y, X): its type, its shape and its pixels."""
    digest = hashlib.sha256(f"{image.dtype.str} {image.shape} ".encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def image_hashes(stack: Stack) -> dict[int, str]:
    """Hashes of the first, the middle and the last frame: enough to tell two recordings apart."""
    return {t: image_sha256(stack.read(t)) for t in _spread(range(len(stack)))}


def has_images(stack: Stack, hashes: Mapping[int, str]) -> bool:
    """Whether a stack is the one of which `image_hashes` were taken; so if there are none."""
    return all(t < len(stack) and image_sha256(stack.read(t)) == h for t, h in hashes.items())


def readable_image(path: Path) -> Frame | None:
    """The image in a file; None if it is gone or cannot be read."""
    try:
        return read_single_frame(path)
    except (OSError, ValueError):
        return None


class StackSearch:
    """Finds images in a stack, each frame at most once.

    The whole stack is read, once, only for an image that is not where it is looked for first.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack, self._found = stack, set[int]()

    def find(self, image: Frame, first: Iterable[int] = ()) -> int | None:
        """Number of the frame that is this image, (Y, X); None if there is none.

        first : numbers to look at before all others.
        """
        for t in first:
            if self._is_free(t) and np.array_equal(self._stack.read(t), image):
                return self._taken(t)
        same = self._numbers.get(image_sha256(image), ())
        return next((self._taken(t) for t in same if self._is_free(t)), None)

    @cached_property
    def _numbers(self) -> Mapping[str, Sequence[int]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for t, image in enumerate(self._stack):
            numbers[image_sha256(image)].append(t)
        return dict(numbers)

    def _is_free(self, t: int) -> bool:
        return 0 <= t < len(self._stack) and t not in self._found

    def _taken(self, t: int) -> int:
        self._found.add(t)
        return t


def check_images(
    stack: Stack, benchmark: Benchmark, experiment: str, names: Mapping[int, str]
) -> None:
    """Check, by a few images, that an experiment is of this stack before frames are added to it.

    names : of the frames that are to be saved, by their number in the stack.

    Raises
    ------
    ValueError
        If it has images of another stack, or frames whose numbers cannot be told; says what to do.
    """
    in_benchmark = list_frames(benchmark.folder / "images")
    there = natural_order(f for f in in_benchmark if f.experiment == experiment)
    number_of = {name: t for t, name in names.items()}
    are_plain = all(name == plain_name(t) for t, name in names.items())
    if are_plain:
        number_of |= {plain_name(t): t for t in range(len(stack))}
    known = [frame for frame in there if frame.frame in number_of]
    for frame in _spread(known):
        image, t = readable_image(benchmark.image_path(frame)), number_of[frame.frame]
        if image is not None and not np.array_equal(image, stack.read(t)):
            raise ValueError(other_image(benchmark, frame, t))
    if known or not there:
        return
    if are_plain:
        raise ValueError(
            f"{benchmark.folder}: experiment {experiment!r} has frames of other names "
            f"({there[0].frame}, ...). Begin the annotation with this benchmark, so that it finds "
            "which is which, or choose another experiment name."
        )
    image = readable_image(benchmark.image_path(there[0]))
    if image is not None and StackSearch(stack).find(image) is None:
        raise ValueError(
            f"{benchmark.folder}: experiment {experiment!r} is of another stack: {there[0].frame} "
            "is none of these images. Choose another experiment name."
        )


def other_image(benchmark: Benchmark, frame: FrameId, t: int) -> str:
    """What is wrong, and what to do."""
    return (
        f"{frame} in {benchmark.folder} is another image than frame {t} of this stack: choose "
        "the stack it was made from, preprocessed alike, or another experiment name."
    )


def _spread(items: Sequence[_T]) -> list[_T]:
    """The first, the middle and the last."""
    return [items[i] for i in sorted({0, len(items) // 2, len(items) - 1})] if items else []
