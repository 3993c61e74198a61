"""What a pixel looks like: grey value, edge and curvature at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Image = NDArray[Any]

FEATURES_A_SCALE = 4
_SAMPLE_STEP_PX = 4  # every fourth row and column is plenty for a percentile


def normalised(image: Image) -> Floats:
    """Grey values of one frame (Y, X) of any number type, float32: 0 at its 1st, 1 at its 99th
    percentile, so that neither bit depth nor flicker of the beam matters. Not clipped.

    Pixels that are no finite number take the median; a blank frame becomes 0.

    Raises
    ------
    ValueError
        If the image is not (Y, X).
    """
    if image.ndim != 2:
        raise ValueError(f"image has shape {image.shape}: give one grey-value frame (Y, X).")
    grey = np.asarray(image).astype(np.float32)
    sample = grey[::_SAMPLE_STEP_PX, ::_SAMPLE_STEP_PX]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return np.zeros(image.shape, np.float32)
    low, middle, high = np.percentile(sample, (1, 50, 99))
    np.copyto(grey, np.float32(middle), where=~np.isfinite(grey))
    if not high > low:  # mostly blank: what differs still counts
        low, high = float(grey.min()), float(grey.max())
    grey -= np.float32(low)
    grey /= np.float32(high - low if high > low else 1.0)
    return grey


def smoothed(grey: Floats, sigma_px: float) -> Floats:
    """Gaussian blur of a float32 image (Y, X), edge values carried on outside."""
    return np.asarray(ndimage.gaussian_filter(grey, sigma_px, mode="nearest", truncate=3.0))


def pixel_features(image: Image, sigmas_px: Sequence[float]) -> Floats:
    """Features of every pixel of one frame, float32 (F, Y, X).

    Parameters
    ----------
    image : (Y, X), any number type; grey values are normalised first.
    sigmas_px : scales. Each gives :data:`FEATURES_A_SCALE` features: Gaussian, gradient magnitude,
        and the larger and smaller eigenvalue of the Hessian, derivatives times sigma to their
        order (Lindeberg, Int. J. Comput. Vis. 30 (1998) 79).

    No feature tells where the pixel is: the keyhole moves.
    """
    grey = normalised(image)
    features = np.empty((FEATURES_A_SCALE * len(sigmas_px), *grey.shape), np.float32)
    for i, sigma in enumerate(sigmas_px):
        scale = features[FEATURES_A_SCALE * i : FEATURES_A_SCALE * (i + 1)]
        scale[0] = smoothed(grey, sigma)
        along_y, along_x = _slope(scale[0], 0), _slope(scale[0], 1)
        np.multiply(np.hypot(along_y, along_x), np.float32(sigma), out=scale[1])
        _hessian_eigenvalues(along_y, along_x, np.float32(sigma**2), out=scale[2:])
    return features


def _hessian_eigenvalues(along_y: Floats, along_x: Floats, gain: np.float32, out: Floats) -> None:
    yy, xx, xy = _slope(along_y, 0), _slope(along_x, 1), _slope(along_x, 0)
    middle = (yy + xx) / 2
    spread = np.hypot((yy - xx) / 2, xy)
    np.multiply(middle + spread, gain, out=out[0])
    np.multiply(middle - spread, gain, out=out[1])


def _slope(image: Floats, axis: int) -> Floats:
    """Central difference along an axis; 0 beyond the edges."""
    slope = np.zeros_like(image)
    across, to = np.moveaxis(image, axis, 0), np.moveaxis(slope, axis, 0)
    np.subtract(across[2:], across[:-2], out=to[1:-1])
    to[1:-1] *= np.float32(0.5)
    return slope
