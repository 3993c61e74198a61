"""Whether keyholes or pores are missed because they are dark: most models know bright ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from scipy import ndimage

from napari_amseg.dataset import FrameId
from napari_amseg.dataset.inputs import InputFrames

_MISSED_IOU = 0.05
_MOST_FRAMES = 20  # that are looked at
_AROUND_PX = 3
# Share of the pixels darker than what is around: real dark pores and keyholes have 0.76 to 0.98,
# bright ones 0.02 to 0.23, what cannot be seen has 0.5.
_DARK = 0.7


def polarity_notes(
    iou: Mapping[str, float], inputs: InputFrames, frames: Sequence[FrameId]
) -> tuple[str, ...]:
    """A remark on keyholes or pores that are missed and dark, as the network gets the images.

    iou : of each class, by name. frames : the images that were scored.
    """
    missed = [
        c
        for c in inputs.benchmark.scheme.classes
        if c.role in ("keyhole", "pore") and iou.get(c.name, 1.0) < _MISSED_IOU
    ]
    dark = [c.name for c in missed if _is_dark(inputs, frames, c.code)]
    if not dark:
        return ()
    return (
        f"{' and '.join(dark)}: IoU below {_MISSED_IOU:g}, and darker than what is around. A model "
        "that knows bright ones, as fast does, misses them: make the benchmark from inverted "
        "images (amseg preprocess --invert), or train a model on this one.",
    )


def _is_dark(inputs: InputFrames, frames: Sequence[FrameId], code: int) -> bool:
    shares = list(islice(_dark_shares(inputs, frames, code), _MOST_FRAMES))
    return bool(shares) and float(np.mean(shares)) > _DARK


def _dark_shares(inputs: InputFrames, frames: Sequence[FrameId], code: int) -> Iterator[float]:
    """Of each image with the class, the share of its pixels darker than the median around it."""
    for frame in frames:
        labels = inputs.labels(frame)
        there = labels == code
        if not there.any():
            continue
        around = ndimage.binary_dilation(there, iterations=_AROUND_PX) & ~there & (labels != 0)
        if around.any():
            image = inputs.image(frame)
            yield float(np.mean(image[there] < np.median(image[around])))
