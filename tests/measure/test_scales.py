"""What tables lack without pixel size or frame rate."""

from __future__ import annotations

import pytest

from napari_amseg.measure.scales import lacking
from napari_amseg.types import Experiment


@pytest.mark.parametrize(
    ("known", "names"),
    [
        ({}, ["pixel_size_um", "frame_rate_hz"]),
        ({"pixel_size_um": 2.0}, ["frame_rate_hz"]),
        ({"frame_rate_hz": 50_000.0}, ["pixel_size_um"]),
        ({"pixel_size_um": 2.0, "frame_rate_hz": 50_000.0}, []),
    ],
)
def test_what_is_not_known_is_named_with_what_stays_empty(known, names):
    found = lacking(Experiment(**known))
    assert list(found) == names
    assert all(words.endswith("are empty") for words in found.values())
