"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass

from napari_amseg.dataset.class_weights import WEIGHTINGS
from napari_amseg.settings import Settings, setting

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True, slots=True)
class TrainSettings(Settings):
    """Training as in the AM-SegNet paper unless changed: Adam, batch 16, 100 epochs, from 1e-3."""

    epochs: int = setting(100, low=1, help="Times the training images are gone through.")
    batch_size: int = setting(16, low=1, help="Images or crops a step.")
    learning_rate: float = setting(
        1e-3, low=1e-7, high=1, help="At the start; it falls to zero along half a cosine."
    )
    crop_rows: int = setting(
        0, low=0, unit="px", help="Height of random crops to train on; 0: whole images."
    )
    crop_columns: int = setting(
        0, low=0, unit="px", help="Width of random crops to train on; 0: whole images."
    )
    draws: int = setting(
        1, low=1, help="Times each image is drawn in an epoch; more with crops or few images."
    )
    class_weighting: str = setting(
        "sqrt",
        choices=WEIGHTINGS,
        help="Weights of the classes: inverse frequency, its square root, or none.",
    )
    focal_gamma: float = setting(
        2.0, low=0, high=10, help="How strongly the loss turns away from pixels already right."
    )
    early_stopping: int = setting(
        0, low=0, unit="epochs", help="Stop after so many epochs without a better one; 0: never."
    )
    norm_momentum: float = setting(
        0.9, low=0, high=0.999, help="Of the batch normalisations; Keras' own 0.99 lags."
    )
    precision: str = setting(
        "auto",
        choices=PRECISIONS,
        help="Arithmetic; auto: mixed_float16 on a GPU, float32 on a CPU.",
    )
    seed: int = setting(0, low=0, help="Of the weights at the start and of all batches.")
