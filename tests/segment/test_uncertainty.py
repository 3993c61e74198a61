"""The uncertainty of a frame: 1 - the IoU to be expected."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.segment.uncertainty import scored_channels, uncertainty


def test_it_is_the_iou_that_random_masks_with_these_probabilities_have(rng):
    chance = np.clip(rng.normal(0.15, 0.35, 20_000), 0.02, 1)
    mask = chance > 0.5
    areas = np.array([[mask.sum(), chance[mask].sum(), chance.sum()]])
    ious = []
    for _ in range(50):
        truth = rng.random(chance.size) < chance
        ious.append((mask & truth).sum() / (mask | truth).sum())
    assert uncertainty(areas) == pytest.approx(1 - np.mean(ious), abs=0.005)


@pytest.mark.parametrize(
    ("areas", "low", "high"),
    [
        ([(900, 890, 895), (0, 0, 0)], 0.0, 0.02),  # a clear keyhole, no pore
        ([(900, 500, 600), (0, 0, 0)], 0.4, 0.6),  # a doubtful mask
        ([(0, 0, 300), (0, 0, 0)], 0.99, 1.0),  # a keyhole is suspected, no pixel was given to it
        ([(900, 890, 895), (0, 0, 60)], 0.45, 0.55),  # a clear keyhole, a missed pore
        ([(900, 890, 895), (0, 0, 0.05)], 0.0, 0.03),  # next to nothing of a pore
        ([(0, 0, 0), (0, 0, 0)], 0.0, 0.0),
    ],
)
def test_it_is_high_for_doubtful_and_for_missed_cavities(areas, low, high):
    assert low <= uncertainty(np.array(areas, np.float32)) <= high


def test_cavities_are_scored_where_the_scheme_has_them():
    assert scored_channels(DEFAULT_SCHEME) == (0, 1)
    assert scored_channels(DEFAULT_SCHEME.subset(("pore", "background"))) == (0,)
    assert scored_channels(LabelScheme.parse("background=9,pore=4")) == (1,)
    assert scored_channels(DEFAULT_SCHEME.subset(("substrate", "background"))) == (0, 1)
