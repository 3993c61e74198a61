"""The training loss: soft Dice plus categorical focal loss, unlabelled pixels left out.

Dice after Milletari et al., V-Net, 3DV 2016; focal loss after Lin et al., ICCV 2017, eq. 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_amseg.models.backend import keras

ops = keras.ops


def dice_focal_loss(
    codes: Sequence[int], *, class_weights: Sequence[float] | None = None, gamma: float = 2.0
) -> Callable[[Any, Any], Any]:
    """A loss for label images and softmax maps.

    Parameters
    ----------
    codes : pixel values of the classes, in channel order. Pixels with any other value,
        0 (unlabelled) among them, count neither in the Dice nor in the focal part.
    class_weights : one a class, all 1 by default; their scale does not matter.
    gamma : how strongly the focal part turns away from pixels that are already right.

    Returns
    -------
    ``loss(labels, probabilities) -> scalar`` with labels (B, Y, X) of any integer or float
    dtype and probabilities (B, Y, X, C).

    Raises
    ------
    ValueError
        If the number of weights is not the number of codes, or one is negative or all are zero.
    """
    weights = [1.0] * len(codes) if class_weights is None else [float(w) for w in class_weights]
    if len(weights) != len(codes):
        raise ValueError(
            f"{len(weights)} class weights for {len(codes)} classes: give one a class."
        )
    if min(weights) < 0 or sum(weights) == 0:
        raise ValueError(f"class weights {weights}: none may be negative, one must be positive.")
    share = [w / sum(weights) for w in weights]

    def loss(labels: Any, probabilities: Any) -> Any:
        truth, guess = _masked(labels, probabilities, codes)
        class_share = ops.convert_to_tensor(share, dtype="float32")
        return _dice(truth, guess, class_share) + _focal(truth, guess, class_share, gamma)

    return loss


def _masked(labels: Any, probabilities: Any, codes: Sequence[int]) -> tuple[Any, Any]:
    """One-hot truth and probabilities, float32, both zero on ignored pixels."""
    wanted = ops.convert_to_tensor([float(c) for c in codes], dtype="float32")
    truth = ops.cast(ops.equal(ops.cast(labels, "float32")[..., None], wanted), "float32")
    known = ops.sum(truth, axis=-1, keepdims=True)
    return truth, ops.cast(probabilities, "float32") * known


def _dice(truth: Any, guess: Any, share: Any) -> Any:
    axes = (0, 1, 2)
    both = ops.sum(truth * guess, axis=axes)
    total = ops.sum(truth, axis=axes) + ops.sum(guess, axis=axes)
    return ops.sum(share * (1 - (2 * both + 1) / (total + 1)))


def _focal(truth: Any, guess: Any, share: Any, gamma: float) -> Any:
    """Mean over the labelled pixels, weighted by class."""
    right = ops.clip(ops.sum(truth * guess, axis=-1), 1e-4, 1.0)
    weight = ops.sum(truth * share, axis=-1)
    per_pixel = -weight * (1 - right) ** gamma * ops.log(right)
    return ops.sum(per_pixel) / (ops.sum(weight) + 1e-6)
