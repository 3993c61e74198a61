"""How far a frame's mask may be wrong, from the probabilities that the network gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme
from napari_amseg.settings import Settings, setting

CAVITIES = ("keyhole", "pore")
# Less is the tail of the softmax: tiny, but summed over a whole frame more than a keyhole.
LEAST_PROBABILITY = 0.02
# A class whose union is of this area has half the weight of one that is sure to be there.
HALF_WEIGHT_PX = 1.0


@dataclass(frozen=True, slots=True)
class MapSettings(Settings):
    """What is computed beside the labels."""

    confidence: bool = setting(
        False, help="Also give the probability of the chosen class of every pixel, 0 to 255."
    )


def scored_channels(scheme: LabelScheme) -> tuple[int, ...]:
    """Channels whose masks are judged: the keyhole and the pores; all where there are neither."""
    cavities = tuple(i for i, c in enumerate(scheme.classes) if c.role in CAVITIES)
    return cavities or tuple(range(len(scheme.classes)))


def uncertainty(areas: NDArray[np.float32]) -> float:
    """How wrong a frame's mask is expected to be, from 0 (certain) to 1: 1 - expected IoU.

    Parameters
    ----------
    areas : (n, 3), px, of n classes: *predicted*, pixels given to the class; *hit*, its
        probability summed over those; *expected*, its probability summed over all pixels where it
        is at least 2 %.

    Notes
    -----
    If the probabilities p of a class are right, each pixel belongs to it with chance p. So of the
    mask M, sum_M p pixels are expected to be true positives, and outside of it
    sum_not-M p = expected - hit to be missed. The ratio of the expectations,

        IoU = hit / (predicted + expected - hit) = hit / union,

    is what a confusion matrix of fractional pixels would give; it falls when a mask is doubtful and
    also when a region is suspected that no pixel was given to. The classes are averaged,

        U = sum_c w_c e_c / sum_c w_c,
        e_c = (union - hit) / (union + s),  w_c = union / (union + s),

    with s = 1 px, so that a class that is neither predicted nor expected has no say. Nothing
    predicted, nothing expected: 0.
    """
    predicted, hit, expected = np.asarray(areas, np.float64).T
    union = predicted + expected - hit
    wrong = np.maximum(union - hit, 0) / (union + HALF_WEIGHT_PX)
    weight = union / (union + HALF_WEIGHT_PX)
    total = float(weight.sum())
    return float(weight @ wrong) / total if total > 0 else 0.0
