"""A Keras network rebuilt for OpenVINO, with the same numbers for fewer operations.

Built layer by layer in the layout of the processor's convolutions (B, C, Y, X). Normalisation is
folded into the convolution before it. Where a 3x3 convolution follows an up-sampling, it is done
on the small side: see :func:`_upsampled`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.segment.layer_weights import (
    Affine,
    Weights,
    affine_of,
    after_depthwise,
    depthwise_of,
    require,
    scale_and_shift,
)

# Measured: with more, the multiplications that a merged convolution adds cost more than it saves.
_MOST_MERGED_CHANNELS = 16


def openvino_logits(model: Any) -> tuple[Any, Any]:
    """The network up to its softmax.

    Parameters
    ----------
    model : functional Keras model from (B, Y, X, 1) to a softmax over its classes, each layer used
        once.

    Returns
    -------
    OpenVINO's node of the frame, float32 (B, 1, Y, X), and that of the logits (B, classes, Y, X).

    Raises
    ------
    ValueError
        If the network has a kind of layer that is not known here.
    """
    network = _Network(model)
    return network.frame, network.logits


class _Network:
    """Makes the node of a tensor when it is asked for, those before it first."""

    def __init__(self, model: Any) -> None:
        from openvino import opset13 as ops

        self._ops = ops
        self._layers = {id(layer.output): layer for layer in model.layers}
        self._nodes: dict[int, Any] = {}
        self._uses: dict[int, int] = {}
        for layer in model.layers:
            for tensor in _inputs(layer):
                self._uses[id(tensor)] = self._uses.get(id(tensor), 0) + 1
        softmax = self._layers[id(model.output)]
        if type(softmax).__name__ != "Softmax":
            raise ValueError(f"the network ends in {softmax.name}, expected a softmax.")
        self.frame = ops.parameter([-1, 1, -1, -1], np.float32, "frame")
        self._nodes[id(model.input)] = self.frame
        self.logits = self._node(softmax.input)

    def _node(self, tensor: Any) -> Any:
        found = self._nodes.get(id(tensor))
        if found is None:
            layer = self._layers[id(tensor)]
            kind = type(layer).__name__
            if kind not in _BUILDERS:
                raise ValueError(
                    f"layer {layer.name} is a {kind}, which the OpenVINO engine does not know: "
                    "use the keras engine."
                )
            found = self._nodes[id(tensor)] = _BUILDERS[kind](self, layer)
        return found

    def _only_source(self, layer: Any, kind: str) -> Any:
        """The layer before this one, if it is of that kind and nobody else uses its output."""
        source = self._layers.get(id(layer.input))
        alone = self._uses[id(layer.input)] == 1
        return source if alone and type(source).__name__ == kind else None

    def normalised(self, layer: Any) -> Any:
        convolution = self._only_source(layer, "Conv2D")
        if convolution is not None:
            return self._convolved(convolution, affine_of(convolution).normalised_by(layer))
        scale, shift = scale_and_shift(layer)
        scaled = self._ops.multiply(self._node(layer.input), _planes(scale))
        return self._ops.add(scaled, _planes(shift))

    def convolved(self, layer: Any) -> Any:
        return self._convolved(layer, affine_of(layer))

    def _convolved(self, layer: Any, affine: Affine) -> Any:
        joined = self._only_source(layer, "Concatenate")
        if joined is not None and affine.kernel.shape[2:] == (3, 3) and affine.stride == (1, 1):
            small, rest = self._upsampled_part(joined)
            if small is not None:
                n = small.shape[-1]
                of_small = _upsampled(self._node(small), affine.kernel[:, :n])
                of_rest = _convolution(self._node(rest), affine.kernel[:, n:])
                return self._ops.add(self._ops.add(of_rest, _planes(affine.bias)), of_small)
        convolved = _convolution(self._node(layer.input), affine.kernel, affine.stride)
        return self._ops.add(convolved, _planes(affine.bias))

    def _upsampled_part(self, joined: Any) -> tuple[Any, Any]:
        """What is up-sampled in a joint of two, and the other; None if it is not such a joint."""
        first, *others = joined.input
        layer: Any = self._layers.get(id(first))
        if type(layer).__name__ != "UpSampling2D" or len(others) != 1 or self._uses[id(first)] > 1:
            return None, None
        return layer.input, others[0]

    def convolved_each(self, layer: Any) -> Any:
        kernel, bias = depthwise_of(layer)
        kernel = kernel[:, :, None]  # (C in, multiplier, 1, Y, X)
        convolved = self._ops.group_convolution(
            self._node(layer.input), _constant(kernel), [1, 1], [0, 0], [0, 0], [1, 1], "same_upper"
        )
        return self._ops.add(convolved, _planes(bias))

    def pooled(self, layer: Any) -> Any:
        require(layer, padding="valid", pool_size=(2, 2), strides=(2, 2))
        return self._ops.max_pool(
            self._node(layer.input), [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]
        ).output(0)

    def repeated(self, layer: Any) -> Any:
        require(layer, interpolation="nearest", size=(2, 2))
        return self._ops.interpolate(
            self._node(layer.input),
            _constant(np.array([2, 2], np.float32)),
            "nearest",
            "scales",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
            axes=_constant(np.array([2, 3], np.int64)),
        )

    def joined(self, layer: Any) -> Any:
        """Thin branches of one source as a single convolution, else side by side.

        With few channels the time goes into moving maps, not into multiplying: three convolutions,
        the depthwise one among them, and their joint take more than twice as long as a 3x3
        convolution with all their outputs.
        """
        branches = [self._branch(tensor) for tensor in layer.input]
        known = [branch for branch in branches if branch is not None]
        one_source = len({id(source) for source, _ in known}) == 1
        if len(known) == len(branches) and one_source:
            source, first = known[0]
            if first.kernel.shape[1] <= _MOST_MERGED_CHANNELS:
                kernel, bias = (
                    np.concatenate([getattr(affine, part) for _, affine in known])
                    for part in ("kernel", "bias")
                )
                convolved = _convolution(self._node(source), kernel)
                return self._ops.relu(self._ops.add(convolved, _planes(bias)))
        return self._ops.concat([self._node(tensor) for tensor in layer.input], 1)

    def _branch(self, tensor: Any) -> tuple[Any, Affine] | None:
        """Where a branch of convolutions up to its ReLU begins, and it as one of 3x3; None if it is
        anything else.
        """
        relu: Any = self._layers.get(id(tensor))
        if type(relu).__name__ != "ReLU" or self._uses[id(tensor)] > 1:
            return None
        norm = self._only_source(relu, "BatchNormalization")
        last = None if norm is None else self._only_source(norm, "Conv2D")
        if last is None:
            return None
        affine = affine_of(last).normalised_by(norm)
        kernel, bias = affine.kernel, affine.bias
        source, size = last.input, kernel.shape[2:]
        depthwise = self._only_source(last, "DepthwiseConv2D")
        if affine.stride != (1, 1) or size not in ((1, 1), (3, 3)):
            return None
        if depthwise is not None and size == (1, 1) and depthwise.kernel_size == (3, 3):
            return depthwise.input, after_depthwise(depthwise, kernel[:, :, 0, 0], bias)
        if size == (1, 1):
            kernel = np.pad(kernel, ((0, 0), (0, 0), (1, 1), (1, 1)))
        return source, Affine(kernel, bias)

    def added(self, layer: Any) -> Any:
        return self._ops.add(*(self._node(tensor) for tensor in layer.input))

    def multiplied(self, layer: Any) -> Any:
        return self._ops.multiply(*(self._node(tensor) for tensor in layer.input))

    def rectified(self, layer: Any) -> Any:
        require(layer, max_value=None, negative_slope=0, threshold=0)
        return self._ops.relu(self._node(layer.input))

    def activated(self, layer: Any) -> Any:
        name = layer.activation.__name__
        if name not in ("sigmoid", "relu"):
            raise ValueError(
                f"layer {layer.name} is a {name}, which the OpenVINO engine does not know: use "
                "the keras engine."
            )
        return getattr(self._ops, name)(self._node(layer.input))


_BUILDERS: dict[str, Callable[[_Network, Any], Any]] = {
    "Activation": _Network.activated,
    "Add": _Network.added,
    "BatchNormalization": _Network.normalised,
    "Concatenate": _Network.joined,
    "Conv2D": _Network.convolved,
    "DepthwiseConv2D": _Network.convolved_each,
    "MaxPooling2D": _Network.pooled,
    "Multiply": _Network.multiplied,
    "ReLU": _Network.rectified,
    "UpSampling2D": _Network.repeated,
}


def _upsampled(node: Any, kernel: Weights) -> Any:
    """A 3x3 convolution of what up-sampling by repetition makes of `node` (B, C, Y, X).

    Of the nine repeated pixels that such a convolution looks at, at most four differ. The 2x2
    outputs around each corner of the small pixels see the same four; so they are four channels of
    a 2x2 convolution of the small image: 4/9 of the operations, exact but for rounding. Beyond the
    frame both see zeros.
    """
    from openvino import opset13 as ops

    parts = np.zeros((kernel.shape[0], 2, 2, *kernel.shape[1:2], 2, 2), np.float32)
    for row in range(2):
        for column in range(2):
            # An output in the lower right of small pixel 0 (row 0) or the upper left of pixel 1.
            for k, small_y in enumerate(_SMALL[row]):
                for m, small_x in enumerate(_SMALL[column]):
                    parts[:, row, column, :, small_y, small_x] += kernel[:, :, k, m]
    channels = parts.reshape(-1, *parts.shape[3:])
    blocks = ops.convolution(node, _constant(channels), [1, 1], [1, 1], [1, 1], [1, 1])
    shuffled = ops.depth_to_space(blocks, "depth_first", 2)
    ends = [_constant(np.array(v, np.int64)) for v in ([1, 1], [-1, -1], [1, 1], [2, 3])]
    return ops.slice(shuffled, *ends)


# Which of two small pixels each of three kernel places falls on, for both outputs beside a corner.
_SMALL = ((0, 0, 1), (0, 1, 1))


def _convolution(node: Any, kernel: Weights, stride: tuple[int, int] = (1, 1)) -> Any:
    from openvino import opset13 as ops

    return ops.convolution(
        node, _constant(kernel), list(stride), [0, 0], [0, 0], [1, 1], "same_upper"
    )


def _inputs(layer: Any) -> list[Any]:
    return list(layer.input) if isinstance(layer.input, list | tuple) else [layer.input]


def _planes(values: Weights) -> Any:
    return _constant(values.reshape(1, -1, 1, 1))


def _constant(values: NDArray[Any]) -> Any:
    from openvino import opset13 as ops

    return ops.constant(np.ascontiguousarray(values))
