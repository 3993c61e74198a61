"""Where the edge of an object lies, by the grey values on its two sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_NEAR_PX = 3.0  # Gaussian width of what counts as near by
_RIM_PX = 3  # thickness of the layers that are compared across an edge


def side_means(grey: Floats, mask: Mask) -> tuple[Floats, Floats]:
    """Mean grey value near each pixel inside and outside a mask, both float32 (Y, X)."""
    inside = ndimage.binary_erosion(mask, border_value=1)
    outside = ndimage.binary_erosion(~mask, border_value=1)
    return (
        _mean_near(grey, inside if inside.any() else mask, _NEAR_PX),
        _mean_near(grey, outside if outside.any() else ~mask, _NEAR_PX),
    )


def move_to_level(grey: Floats, mask: Mask, *, level: float, band_px: int, steps: int = 2) -> Mask:
    """Move the edge of a mask to where the grey value has come from that outside (0) to that
    inside (1) by `level`; at most `band_px` in each of `steps`.

    grey : float32 (Y, X). mask : bool (Y, X). Neither bright nor dark objects need to be told.
    """
    level_f = np.float32(level)
    for _ in range(steps):
        if not mask.any() or mask.all():
            return mask
        inside, outside = side_means(grey, mask)
        step = inside - outside
        belongs = (grey - outside) * np.sign(step) > level_f * np.abs(step)
        band = ndimage.binary_dilation(mask, iterations=band_px)
        band &= ~ndimage.binary_erosion(mask, iterations=band_px, border_value=1)
        moved = np.where(band, belongs, mask)
        mask = ndimage.median_filter(moved.view(np.uint8), 3).view(bool)
    return mask


def contrast_along(grey: Floats, mask: Mask, *, ignore: Mask) -> Floats:
    """Grey value inside less outside, at each pixel of the outline of a mask, float32 (n,).

    ignore : bool (Y, X); outline pixels that touch it do not count.
    """
    outline = mask & ~ndimage.binary_erosion(mask, border_value=1)
    outline &= ~ndimage.binary_dilation(ignore)
    inside = mask & (ndimage.distance_transform_edt(mask) <= _RIM_PX)
    outside = ~mask & (ndimage.distance_transform_edt(~mask) <= _RIM_PX)
    step = _mean_near(grey, inside, _RIM_PX - 1) - _mean_near(grey, outside, _RIM_PX - 1)
    return np.asarray(step[outline])


def _mean_near(grey: Floats, where: Mask, sigma_px: float) -> Floats:
    weight = where.astype(np.float32)
    total = ndimage.gaussian_filter(grey * weight, sigma_px, truncate=3.0)
    count = ndimage.gaussian_filter(weight, sigma_px, truncate=3.0)
    return np.asarray(total / np.maximum(count, np.float32(1e-4)))
