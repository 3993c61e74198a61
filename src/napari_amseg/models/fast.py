"""A network for processors without a GPU: wide layers only where the frame is small.

In AM-SegNet, as in every U-Net, most operations are done at the size of the frame and at half of
it, and there the time goes into moving feature maps through memory. Here one thin 3x3 convolution
sees the frame at full size, to keep edges sharp to the pixel; everything else starts from a strided
convolution at half the size. Residual blocks after He et al., CVPR 2016, of one convolution each.
"""

from __future__ import annotations

from typing import Any

from napari_amseg.models.backend import keras
from napari_amseg.models.blocks import conv_norm, conv_norm_relu, head, upsample_and_join

layers = keras.layers
EDGE_FILTERS = 8
# Steps 2 to 6, at 1/2 to 1/32 of the frame: width in filters, residual blocks.
WIDTHS = (1, 2, 4, 6, 8)
BLOCKS = (1, 2, 3, 3, 3)


def build_amsegnet_fast(*, n_classes: int = 5, filters: int = 16) -> Any:
    """The fast network for grey frames of any size that is a multiple of 32.

    Parameters
    ----------
    n_classes : number of output channels (softmax).
    filters : width at half the size of the frame; the bottleneck, at 1/32, has 8 times as many.

    Returns
    -------
    keras.Model from float32 (B, Y, X, 1) to float32 (B, Y, X, n_classes).
    """
    frame = layers.Input((None, None, 1), name="frame")
    edges = conv_norm_relu(frame, EDGE_FILTERS, 3, "encoder_1")
    names = [f"encoder_{step}" for step in range(2, len(WIDTHS) + 1)] + ["bottleneck"]
    x, skips = frame, [edges]
    for name, width, blocks in zip(names, WIDTHS, BLOCKS, strict=True):
        x = _halved(x, width * filters, f"{name}_down")
        for block in range(1, blocks + 1):
            x = _residual_block(x, f"{name}_block_{block}")
        skips.append(x)

    x = skips.pop()
    for step in range(len(WIDTHS), 1, -1):
        x = upsample_and_join(x, skips.pop(), f"decoder_{step}")
        x = conv_norm_relu(x, WIDTHS[step - 2] * filters, 3, f"decoder_{step}")
    x = conv_norm_relu(x, EDGE_FILTERS, 1, "decoder_1_reduce")
    x = upsample_and_join(x, edges, "decoder_1")
    x = conv_norm_relu(x, EDGE_FILTERS, 3, "decoder_1")
    return keras.Model(frame, head(x, n_classes), name="amsegnet-fast")


def _halved(x: Any, width: int, name: str) -> Any:
    """Convolution of stride 2, batch normalisation, ReLU."""
    x = layers.Conv2D(width, 3, strides=2, padding="same", name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _residual_block(x: Any, name: str) -> Any:
    """One normalised 3x3 convolution, added to its input before the ReLU."""
    total = layers.Add(name=f"{name}_add")([x, conv_norm(x, x.shape[-1], 3, name)])
    return layers.ReLU(name=f"{name}_relu")(total)
