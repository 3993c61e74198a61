"""The arithmetic of Grad-CAM: feature maps and their gradients in, a heat map out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cam(features: NDArray[np.float32], gradients: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class activation map of one layer, not scaled.

    Every feature map k is weighed by the mean over the layer's pixels of the gradient of the score
    (eq. 1); the positive part of the weighted sum is kept (eq. 2).

    Parameters
    ----------
    features, gradients : (y, x, K), the layer's feature maps and the gradient of the score.

    Returns
    -------
    float32 (y, x), zero or positive.

    References
    ----------
    Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
    localization", ICCV (2017), eq. 1 and 2.
    """
    weights = gradients.mean(axis=(0, 1), dtype=np.float64)
    return np.asarray(np.maximum(features @ weights, 0), np.float32)


def enlarged(heat: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A map (y, x) bilinearly resized to `shape` (Y, X); its pixels keep their place."""
    from skimage.transform import resize

    if heat.shape == shape:
        return heat
    larger = resize(  # type: ignore[no-untyped-call]
        heat, shape, order=1, mode="edge", anti_aliasing=False, preserve_range=True
    )
    return np.asarray(larger, np.float32)
