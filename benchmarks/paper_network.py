"""The network of the paper at its full width, untrained, and yet with sensible masks.

Its time does not depend on its weights, but the time of all that follows does: drawn weights give
masks of thousands of specks, which nobody measures or stores. So one path is set by hand through
the drawn weights: the grey value of a pixel passes from the frame over the first skip connection to
the head, which chooses the class of the nearest grey level. All other weights are drawn, all layers
are computed, and the deep ones add to every logit; that is small beside the path.

Frames to go with it hold the phantom's own labels, a grey level a class, with noise. So the masks
are those of the phantom: a keyhole, pores, a powder bed, as many as in a real stack.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.models import Bundle, ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.sample import PhantomSettings, simulate

DISTINCT_FRAMES = 60
# Darkest and lightest are classes of large area: they are the ends of the range after normalising.
GREY = {
    Label.BACKGROUND: 0.0,
    Label.POWDER: 0.25,
    Label.KEYHOLE: 0.5,
    Label.PORE: 0.75,
    Label.SUBSTRATE: 1.0,
}
_NOISE = 0.02  # a sixth of what would change a class
_GAIN = 100.0


def paper_bundle(folder: Path, *, filters: int = 12, seed: int = 0) -> Bundle:
    """The bundle, written to `folder`. filters : 12 is the paper's width."""
    from napari_amseg.models.backend import keras

    keras.utils.set_random_seed(seed)
    model = build("amsegnet", n_classes=len(DEFAULT_SCHEME.classes), filters=filters)
    _pass_grey_on(model, "encoder_1_reduce_conv", 0)
    _pass_grey_on(model, "encoder_1_point_conv", 0)
    skip = model.get_layer("decoder_1_up").output.shape[-1]  # the skip is appended to those
    _pass_grey_on(model, "decoder_1_conv", skip)
    head = model.get_layer("head_conv")
    kernel, bias = head.get_weights()
    levels = np.array([GREY[Label(c.code)] for c in DEFAULT_SCHEME.classes], np.float32)
    kernel[0, 0, 0] = 2 * _GAIN * levels  # -(grey - level)^2, but for what is the same for all
    head.set_weights([kernel, bias - _GAIN * levels**2])
    card = ModelCard("amsegnet", {"filters": filters}, chain=Chain((Normalise(),)))
    return save_bundle(folder, model, card)


def _pass_grey_on(model: object, name: str, channel: int) -> None:
    """Output channel 0 of a convolution is this input channel, of the same pixel alone."""
    layer = model.get_layer(name)  # type: ignore[attr-defined]
    kernel, bias = layer.get_weights()
    middle = kernel.shape[0] // 2
    kernel[..., 0] = 0
    kernel[middle, middle, channel, 0] = 1
    layer.set_weights([kernel, bias])


def level_frames(
    shape: tuple[int, int] = (256, 512),
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Distinct frames (T, Y, X), 12 bit in uint16, for this network, and the labels in them."""
    size = {"height_px": shape[0], "width_px": shape[1]}
    phantom = simulate(PhantomSettings(n_frames=DISTINCT_FRAMES, **size))
    labels = np.stack([phantom.labels[t] for t in range(DISTINCT_FRAMES)])
    of_code = np.zeros(len(GREY) + 1, np.float32)
    for label, level in GREY.items():
        of_code[label] = level
    grey = of_code[labels]
    grey += np.random.default_rng(0).normal(0, _NOISE, grey.shape).astype(np.float32)
    return np.clip(500 + 3000 * grey, 0, 4095).astype(np.uint16), labels


def phantom_frames(shape: tuple[int, int] = (256, 512)) -> NDArray[np.uint16]:
    """Distinct frames (T, Y, X) of the phantom as its camera sees them, for the shipped models."""
    size = {"height_px": shape[0], "width_px": shape[1]}
    phantom = simulate(PhantomSettings(n_frames=DISTINCT_FRAMES, **size))
    return np.stack([phantom.stack[t] for t in range(DISTINCT_FRAMES)])
