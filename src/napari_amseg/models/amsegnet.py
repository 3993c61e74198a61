"""AM-SegNet: lightweight blocks, a bottleneck with an attention gate, a plain decoder.

Built from the description in Li et al., "AM-SegNet for additive manufacturing in
situ X-ray image segmentation and feature quantification", Virtual and Physical
Prototyping 19 (2024), section 2.1. With ``filters=12`` and five classes it has
17 526 064 trainable parameters, and 16 342 575 without the attention gate.
"""

from __future__ import annotations

from typing import Any

from napari_amseg.models.backend import keras
from napari_amseg.models.blocks import conv_norm_relu, head, upsample_and_join

layers = keras.layers
STEPS = 4


def build_amsegnet(*, n_classes: int = 5, filters: int = 12) -> Any:
    """AM-SegNet for grey frames of any size that is a multiple of 16.

    Parameters
    ----------
    n_classes : number of output channels (softmax).
    filters : width n of the first encoder step; the paper's network has 12.

    Returns
    -------
    keras.Model from float32 (B, Y, X, 1) to float32 (B, Y, X, n_classes).
    """
    return _build(n_classes, filters, attention=True)


def build_amsegnet_noattention(*, n_classes: int = 5, filters: int = 12) -> Any:
    """AM-SegNet* of the paper: the decoder starts from the third bottleneck convolution.

    The 1 183 489 parameters that the paper counts less are exactly those of the gate: two 1x1
    convolutions of the bottleneck's width, one to a single channel, one batch normalisation.
    So nothing takes its place. Parameters and result as :func:`build_amsegnet`.
    """
    return _build(n_classes, filters, attention=False)


def _build(n_classes: int, filters: int, *, attention: bool) -> Any:
    frame = layers.Input((None, None, 1), name="frame")
    x, skips = frame, []
    for step in range(STEPS):
        x = _lightweight_block(x, filters * 2**step, f"encoder_{step + 1}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"encoder_{step + 1}_pool")(x)

    width = filters * 64
    first = conv_norm_relu(x, width, 3, "bottleneck_1")
    second = conv_norm_relu(first, width, 3, "bottleneck_2")
    x = third = conv_norm_relu(second, width, 3, "bottleneck_3")
    if attention:
        attended = _attention_gate(first, third, width, "bottleneck_attention")
        x = layers.Add(name="bottleneck_add")([attended, third])

    for step in reversed(range(STEPS)):
        name = f"decoder_{step + 1}"
        if step < STEPS - 1:
            x = layers.Conv2D(4 * filters * 2**step, 3, padding="same", name=f"{name}_smooth")(x)
        x = upsample_and_join(x, skips[step], name)
        x = conv_norm_relu(x, 2 * filters * 2**step, 3, name)

    name = "amsegnet" if attention else "amsegnet-noattention"
    return keras.Model(frame, head(x, n_classes), name=name)


def _lightweight_block(x: Any, n: int, name: str) -> Any:
    """Reduce to n channels, then three parallel branches, concatenated to 4n."""
    x = layers.Conv2D(n, 1, name=f"{name}_reduce_conv")(x)
    x = layers.ReLU(name=f"{name}_reduce_relu")(x)
    point = conv_norm_relu(x, n, 1, f"{name}_point")
    depth = layers.DepthwiseConv2D(
        3, padding="same", depth_multiplier=2, name=f"{name}_depthwise_conv"
    )(x)
    depth = conv_norm_relu(depth, 2 * n, 1, f"{name}_depthwise_point")
    square = conv_norm_relu(x, n, 3, f"{name}_square")
    return layers.Concatenate(name=f"{name}_concat")([point, depth, square])


def _attention_gate(x: Any, gate: Any, width: int, name: str) -> Any:
    """Weight `x` by a one-channel map computed from `x` and `gate`."""
    joint = layers.Add(name=f"{name}_joint")(
        [
            layers.Conv2D(width, 1, name=f"{name}_gate_conv")(gate),
            layers.Conv2D(width, 1, name=f"{name}_input_conv")(x),
        ]
    )
    joint = layers.ReLU(name=f"{name}_relu")(joint)
    weight = layers.Conv2D(1, 1, name=f"{name}_weight_conv")(joint)
    weight = layers.Activation("sigmoid", name=f"{name}_sigmoid")(weight)
    weighted = layers.Multiply(name=f"{name}_multiply")([x, weight])
    return layers.BatchNormalization(name=f"{name}_norm")(weighted)
