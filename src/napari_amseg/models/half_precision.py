"""The same network in 16 bit numbers, for GPUs: half the bytes, several times the operations.

Batch normalisation is folded into the convolution before it, so that a GPU applies bias and ReLU
while the convolution's result is still on the chip and no feature map is read again for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models.backend import keras

layers = keras.layers
Arrays = list[NDArray[np.float32]]


def lightened(model: Any, dtype: str = "bfloat16") -> Any:
    """A copy of a network for inference, its normalisation folded, weights and sums in `dtype`.

    Parameters
    ----------
    model : functional Keras model in float32, each layer used once.
    dtype : ``bfloat16``, or ``float32`` to fold only. The softmax stays float32.

    Returns
    -------
    keras.Model with the same input and output.
    """
    before = {norm: conv for norm in model.layers if (conv := _convolution_before(norm))}
    after = {conv: norm for norm, conv in before.items()}

    def copy(layer: Any) -> Any:
        if layer in before:
            return layers.Identity(name=layer.name, dtype=dtype)
        config = layer.get_config()
        config["dtype"] = "float32" if isinstance(layer, layers.Softmax) else dtype
        if layer in after:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: Any, *inputs: Any, mask: Any = None, **options: Any) -> Any:
        return layer(*inputs, **options)  # what stands for a normalisation takes no mask

    copied = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in model.layers:
        if layer.weights and layer not in before:
            arrays = layer.get_weights()
            if layer in after:
                arrays = _folded(arrays, after[layer])
            copied.get_layer(layer.name).set_weights(arrays)
    return copied


def _convolution_before(norm: Any) -> Any:
    """The convolution whose result this normalisation alone takes, or None."""
    if not isinstance(norm, layers.BatchNormalization):
        return None
    layer = norm.input._keras_history.operation
    linear = type(layer) is layers.Conv2D and layer.activation is keras.activations.linear
    return layer if linear and len(layer._outbound_nodes) == 1 else None


def _folded(arrays: Arrays, norm: Any) -> Arrays:
    """Kernel and bias of a convolution that is normalised after."""
    kernel, bias = arrays[0], arrays[1] if len(arrays) > 1 else 0.0
    weights = dict(zip((weight.name for weight in norm.weights), norm.get_weights(), strict=True))
    scale = weights.get("gamma", 1.0) / np.sqrt(weights["moving_variance"] + norm.epsilon)
    shift = weights.get("beta", 0.0) - weights["moving_mean"] * scale
    return [kernel * scale, bias * scale + shift]
