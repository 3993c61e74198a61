"""Statistics of a stack from a bounded, evenly spaced sample of its frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

from napari_amseg.types import Stack, sample_indices

SAMPLE_FRAMES = 200
SAMPLE_BYTES = 128 * 2**20
_PIXELS_AT_ONCE = 2**14

Image = NDArray[np.float32]
Reduce = Callable[[Image], Image]

REDUCTIONS = ("median", "mean", "percentile")


def reduction(method: str, percentile: float = 10.0) -> Reduce:
    """A function from (n, pixels) float32 to (pixels,) float32 over the frames."""
    if method == "mean":
        return lambda frames: frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    if method == "median":
        return lambda frames: _median(_sorted(frames))
    if method == "percentile":
        return lambda frames: np.percentile(
            _sorted(frames), percentile, axis=1, overwrite_input=True
        ).astype(np.float32)
    raise ValueError(f"method is {method!r}: choose one of {', '.join(REDUCTIONS)}.")


def reduce_frames(frames: Sequence[Image] | Image, reduce: Reduce) -> Image:
    """Reduce n frames (Y, X) over n a band of pixels at a time: sorting copies its input."""
    pixels = [frame.reshape(-1) for frame in frames]
    out = np.empty(pixels[0].size, np.float32)
    for i in range(0, out.size, _PIXELS_AT_ONCE):
        out[i : i + _PIXELS_AT_ONCE] = reduce(
            np.stack([p[i : i + _PIXELS_AT_ONCE] for p in pixels])
        )
    return out.reshape(frames[0].shape)


def _sorted(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """(pixels, n), sorted; a pixel's values side by side in memory sort several times faster."""
    values = np.ascontiguousarray(frames.T)
    values.sort(axis=1)
    return values


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of sorted (pixels, n); NaN, which sorts last, where one of them is NaN."""
    n = values.shape[1]
    middle = (values[:, (n - 1) // 2] + values[:, n // 2]) / np.float32(2)
    return np.where(np.isnan(values[:, -1]), np.float32(np.nan), middle)


def temporal_image(stack: Stack, reduce: Reduce) -> NDArray[np.float32]:
    """One float32 image (Y, X) for the whole stack, from at most 200 frames and 128 MB."""
    return reduce_frames(read_frames(stack, sample(stack)), reduce)


def sample(stack: Stack) -> NDArray[np.intp]:
    """The frames the statistics of this stack are taken from."""
    frame_bytes = 4 * stack.shape[1] * stack.shape[2]
    return sample_indices(len(stack), max(1, min(SAMPLE_FRAMES, SAMPLE_BYTES // frame_bytes)))


def read_frames(stack: Stack, indices: NDArray[np.intp]) -> NDArray[np.float32]:
    """These frames as float32 (n, Y, X)."""
    frames = np.empty((len(indices), *stack.frame_shape), np.float32)
    for i, t in enumerate(indices):
        frames[i] = stack.read(int(t))
    return frames


def grey_levels(stack: Stack, percentiles: tuple[float, ...]) -> tuple[float, ...]:
    """Percentiles of the pixels of the whole stack, from the sample, thinned to 2**22 pixels."""
    indices = sample_indices(len(stack), 64)
    per_frame = 2**22 // len(indices)
    step = max(1, stack.shape[1] * stack.shape[2] // per_frame)
    while gcd(step, stack.shape[2]) > 1:  # a common factor would leave out whole columns
        step += 1
    pixels = np.concatenate([stack.read(int(t)).ravel()[::step] for t in indices])
    return tuple(float(v) for v in np.percentile(pixels, percentiles))
