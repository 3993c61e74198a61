"""Augmentation of training images: changes that leave the physics what it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.settings import Settings, setting

_SMALLEST_CROP = 0.5


@dataclass(frozen=True, slots=True)
class AugmentSettings(Settings):
    """What is done to training images, never to validation or test images."""

    crop_share: float = setting(
        0.1,
        low=0,
        high=1,
        help="Share of the training images that is added a second time in every epoch, as a "
        "random crop (half to full size) enlarged to the size of the others.",
    )
    flip_horizontal: bool = setting(
        True, help="Mirror half of the images along the surface: the scan goes both ways."
    )
    flip_vertical: bool = setting(
        False, help="Turn half of the images upside down: for casting, never where a surface is."
    )
    brightness: float = setting(
        0.1, low=0, high=0.9, help="Largest relative change of gain; half as much of offset."
    )
    noise: float = setting(
        0.02, low=0, high=1, help="Largest standard deviation of added noise, of the input range."
    )


def augmented(
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    rng: np.random.Generator,
    settings: AugmentSettings,
    *,
    span: tuple[float, float] = (0.0, 1.0),
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A changed copy of an image and its labels, both (Y, X).

    span : the input range; the result is clipped to it.
    """
    if settings.flip_horizontal and rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    if settings.flip_vertical and rng.random() < 0.5:
        image, labels = image[::-1], labels[::-1]
    low, high = span
    gain = rng.uniform(1 - settings.brightness, 1 + settings.brightness)
    offset = rng.uniform(-settings.brightness, settings.brightness) / 2
    image = low + (image - low) * np.float32(gain) + np.float32(offset * (high - low))
    sigma = rng.uniform(0, settings.noise) * (high - low)
    image += np.float32(sigma) * rng.standard_normal(image.shape, np.float32)
    return np.clip(image, low, high).astype(np.float32, copy=False), labels


def enlarged_crop(
    image: NDArray[np.float32], labels: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A random part of the frame with the frame's proportions, enlarged to its size.

    Grey values are interpolated linearly; labels take the nearest pixel.
    """
    from scipy.ndimage import zoom

    shape = np.array(image.shape)
    size = np.maximum(1, np.round(shape * rng.uniform(_SMALLEST_CROP, 1))).astype(int)
    start = rng.integers(0, shape - size + 1)
    part = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
    factor = shape / size
    large = zoom(image[part], factor, order=1, mode="nearest", grid_mode=True)
    codes = zoom(labels[part], factor, order=0, mode="nearest", grid_mode=True)
    return large.astype(np.float32, copy=False), codes
