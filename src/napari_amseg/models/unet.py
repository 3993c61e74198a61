"""The U-Net and two variants that AM-SegNet is compared with.

Li et al., Virtual and Physical Prototyping 19 (2024), section 3.1 and Table 2. The networks
differ in their blocks alone: the U-Net after Ronneberger et al., MICCAI 2015; residual blocks
after He et al., CVPR 2016; fire blocks after Iandola et al., arXiv:1602.07360.

All of them: four encoder steps, each followed by 2x2 max pooling; one more block as bottleneck;
four decoder steps of nearest up-sampling without a convolution of its own, the encoder step
appended, and a block. The width doubles with every step down. Every convolution has a bias and a
batch normalisation, the 1x1 convolution to the classes too. The paper leaves some of this open;
its parameter counts, met to the unit, do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_amseg.models.backend import keras
from napari_amseg.models.blocks import conv_norm, conv_norm_relu, head, upsample_and_join

layers = keras.layers
STEPS = 4

Block = Callable[[Any, int, str], Any]


def build_unet(*, n_classes: int = 5, filters: int = 64) -> Any:
    """The U-Net with batch normalisation, for grey frames of any multiple of 16.

    Two 3x3 convolutions a block. With ``filters=64`` and five classes it has 31 389 839 trainable
    parameters.

    Parameters
    ----------
    n_classes : number of output channels (softmax).
    filters : width of the first encoder step; the paper's network has 64, and 1024 at the bottom.

    Returns
    -------
    keras.Model from float32 (B, Y, X, 1) to float32 (B, Y, X, n_classes).
    """
    return _build("unet", n_classes, filters, _double_block, _double_block)


def build_resunet(*, n_classes: int = 5, filters: int = 64) -> Any:
    """The U-Net with residual blocks, in the encoder and in the decoder.

    Every block adds a normalised 1x1 convolution of its input before the last ReLU.
    33 139 535 trainable parameters. Parameters and result as :func:`build_unet`.
    """
    return _build("resunet", n_classes, filters, _residual_block, _residual_block)


def build_squeezeunet(*, n_classes: int = 5, filters: int = 32) -> Any:
    """The U-Net with fire blocks in the encoder and bottleneck; its decoder is the U-Net's.

    A fire block squeezes to n channels and expands to 2n, so that the decoder has the widths of
    :func:`build_unet`. 16 388 815 trainable parameters.

    Parameters
    ----------
    n_classes : number of output channels (softmax).
    filters : squeeze width n of the first step; the paper's network has 32, and 512 at the bottom.

    Returns
    -------
    keras.Model from float32 (B, Y, X, 1) to float32 (B, Y, X, n_classes).
    """
    return _build("squeezeunet", n_classes, 2 * filters, _fire_block, _double_block)


def _build(name: str, n_classes: int, width: int, encode: Block, decode: Block) -> Any:
    frame = layers.Input((None, None, 1), name="frame")
    x, skips = frame, []
    for step in range(STEPS):
        x = encode(x, width * 2**step, f"encoder_{step + 1}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"encoder_{step + 1}_pool")(x)
    x = encode(x, width * 2**STEPS, "bottleneck")
    for step in reversed(range(STEPS)):
        x = upsample_and_join(x, skips[step], f"decoder_{step + 1}")
        x = decode(x, width * 2**step, f"decoder_{step + 1}")
    return keras.Model(frame, head(x, n_classes), name=name)


def _double_block(x: Any, width: int, name: str) -> Any:
    """Two 3x3 convolutions, each with batch normalisation and ReLU."""
    x = conv_norm_relu(x, width, 3, f"{name}_first")
    return conv_norm_relu(x, width, 3, f"{name}_second")


def _residual_block(x: Any, width: int, name: str) -> Any:
    """Two 3x3 convolutions and, beside them, a 1x1 shortcut; ReLU after the sum."""
    main = conv_norm_relu(x, width, 3, f"{name}_first")
    main = conv_norm(main, width, 3, f"{name}_second")
    shortcut = conv_norm(x, width, 1, f"{name}_shortcut")
    total = layers.Add(name=f"{name}_add")([shortcut, main])
    return layers.ReLU(name=f"{name}_relu")(total)


def _fire_block(x: Any, width: int, name: str) -> Any:
    """Squeeze to half the width, then expand by 1x1 and by 3x3 to half the width each."""
    squeezed = conv_norm_relu(x, width // 2, 1, f"{name}_squeeze")
    point = conv_norm_relu(squeezed, width // 2, 1, f"{name}_point")
    square = conv_norm_relu(squeezed, width // 2, 3, f"{name}_square")
    return layers.Concatenate(name=f"{name}_concat")([point, square])
