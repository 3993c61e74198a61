"""How many operations a network does on a frame: the cost that does not depend on the machine."""

from __future__ import annotations

from math import prod
from typing import Any

from napari_amseg.models.backend import keras

layers = keras.layers
_COUNTED = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def count_operations(model: Any, frame_shape: tuple[int, int]) -> int:
    """Floating-point operations of one frame: two (multiply, add) a weight a place it is used.

    Convolutions (also depthwise, separable, strided, dilated and grouped) and dense layers count.
    Everything else does not, being few operations: biases, batch normalisation (folded into the
    convolution for inference), activations, sums, pooling, up-sampling, softmax.

    Parameters
    ----------
    model : functional Keras model from (B, Y, X, C), each layer used once, one of them counted
        at least.
    frame_shape : rows and columns; multiples that the network can take.

    Raises
    ------
    ValueError
        If the network has a layer with a kernel that is not known here, or nested models.
    """
    return sum(operations_by_layer(model, frame_shape).values())


def operations_by_layer(model: Any, frame_shape: tuple[int, int]) -> dict[str, int]:
    """The same, of each layer that counts, by its name. Parameters as :func:`count_operations`."""
    used = {layer: n for layer in model.layers if (n := _uses_a_place(layer))}
    inside = keras.Model(model.input, [layer.output for layer in used])
    shapes = inside.compute_output_shape((1, *frame_shape, model.input_shape[-1]))
    return {
        layer.name: 2 * prod(shape[1:-1]) * uses
        for (layer, uses), shape in zip(used.items(), shapes, strict=True)
    }


def _uses_a_place(layer: Any) -> int:
    """Multiplications for one place (pixel) of the layer's output, all channels."""
    if isinstance(layer, _COUNTED):
        return int(prod(layer.kernel.shape))
    if isinstance(layer, layers.SeparableConv2D):
        return int(prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape))
    if isinstance(layer, keras.Model) or any(w.path.endswith("kernel") for w in layer.weights):
        raise ValueError(
            f"layer {layer.name} is a {type(layer).__name__}, whose operations are not counted: "
            "give a flat network of convolutions and dense layers."
        )
    return 0
