"""What the layers of a Keras network compute in inference, as plain weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """What a convolution computes, normalisation included. kernel : (C out, C in, Y, X)."""

    kernel: Weights
    bias: Weights
    stride: tuple[int, int] = (1, 1)

    def normalised_by(self, norm: Any) -> Affine:
        """With the batch normalisation after it."""
        scale, shift = scale_and_shift(norm)
        kernel = self.kernel * scale[:, None, None, None]
        return Affine(kernel, self.bias * scale + shift, self.stride)


def affine_of(layer: Any) -> Affine:
    """What a Conv2D computes. ValueError if it has an option that is not known here."""
    kernel, bias = _weights(layer, groups=1)
    return Affine(kernel.transpose(3, 2, 0, 1), bias, tuple(layer.strides))


def depthwise_of(layer: Any) -> tuple[Weights, Weights]:
    """Kernel (C in, multiplier, Y, X) and bias of a DepthwiseConv2D; raises the same."""
    kernel, bias = _weights(layer, strides=(1, 1))
    return kernel.transpose(2, 3, 0, 1), bias


def _weights(layer: Any, **expected: Any) -> tuple[Weights, Weights]:
    """Kernel and bias of a convolution that keeps the size of its input, stride apart."""
    require(layer, dilation_rate=(1, 1), use_bias=True, **expected)
    if layer.kernel_size != (1, 1):
        require(layer, padding="same")
    if layer.activation.__name__ != "linear":
        raise ValueError(f"layer {layer.name} has an activation of its own: use the keras engine.")
    kernel, bias = (np.asarray(w, np.float32) for w in layer.get_weights())
    return kernel, bias


def after_depthwise(layer: Any, mix: Weights, bias: Weights) -> Affine:
    """A depthwise convolution and the 1x1 convolution after it (C out, C in), as one."""
    each, each_bias = depthwise_of(layer)
    n_in, multiplier = each.shape[:2]
    parts = mix.reshape(-1, n_in, multiplier)
    return Affine(np.einsum("oim,imyx->oiyx", parts, each), bias + mix @ each_bias)


def scale_and_shift(layer: Any) -> tuple[Weights, Weights]:
    """Batch normalisation in inference, as one multiplication and one sum a channel."""
    require(layer, center=True, scale=True)
    gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)


def require(layer: Any, **expected: Any) -> None:
    """ValueError if an attribute of the layer is another than expected."""
    for name, value in expected.items():
        found = getattr(layer, name)
        if (tuple(found) if isinstance(found, list) else found) != value:
            raise ValueError(
                f"layer {layer.name} has {name} {found!r}, the OpenVINO engine knows {value!r} "
                "only: use the keras engine."
            )
