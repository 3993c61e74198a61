"""What the networks share: a normalised convolution, a step of the decoder, the head.

Layers are named by place, in every network the same: ``encoder_<step>``, ``bottleneck``,
``decoder_<step>`` and ``head_conv``, ``head_norm``, ``head_softmax``. Step 1 has the size of the
frame. Transfer learning and Grad-CAM find layers by these names.
"""

from __future__ import annotations

from typing import Any

from napari_amseg.models.backend import keras

layers = keras.layers


def conv_norm_relu(x: Any, filters: int, size: int, name: str) -> Any:
    """Convolution with bias that keeps the size, batch normalisation, ReLU."""
    return layers.ReLU(name=f"{name}_relu")(conv_norm(x, filters, size, name))


def conv_norm(x: Any, filters: int, size: int, name: str) -> Any:
    """Convolution with bias that keeps the size, batch normalisation."""
    x = layers.Conv2D(filters, size, padding="same", name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def upsample_and_join(x: Any, skip: Any, name: str) -> Any:
    """Repeat every pixel 2x2, then append the channels of the encoder step of that size."""
    x = layers.UpSampling2D(name=f"{name}_up")(x)
    return layers.Concatenate(name=f"{name}_concat")([x, skip])


def head(x: Any, n_classes: int) -> Any:
    """Softmax over the classes; always float32, also where the network computes in float16."""
    x = layers.Conv2D(n_classes, 1, name="head_conv")(x)
    x = layers.BatchNormalization(name="head_norm")(x)
    return layers.Softmax(dtype="float32", name="head_softmax")(x)
