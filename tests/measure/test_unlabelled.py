"""Frames without any label: their rows are flagged, and it is said how many there are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg import measure_stack
from napari_amseg.labels import Label
from napari_amseg.measure import Measurements
from napari_amseg.types import Experiment


@pytest.fixture
def labels():
    """Ten frames with a keyhole, frames 0 and 4 unlabelled, frame 9 labelled without a keyhole."""
    labels = np.full((10, 40, 60), Label.BACKGROUND, np.uint8)
    labels[:, 10:] = Label.SUBSTRATE
    labels[:9, 10:25, 20:24] = Label.KEYHOLE
    labels[[0, 4]] = 0
    return labels


def measured(labels) -> Measurements:
    measurements = Measurements(Experiment())
    for result in measure_stack(labels):
        measurements.append(result.row, result.pores)
    return measurements


def test_an_unlabelled_frame_is_flagged_and_one_without_keyhole_is_not(labels):
    frames = measured(labels).frames()
    assert frames["flags"].tolist() == [
        "unlabelled",
        *[""] * 3,
        "unlabelled; keyhole gap",
        *[""] * 5,
    ]
    assert frames["keyhole_area_px"][[0, 4, 9]].tolist() == [0, 0, 0]
    assert frames["keyhole_depth_px"][[0, 4, 9]].isna().all()


def test_how_many_there_are_is_said_and_counted(labels):
    (note,) = measured(labels).notes()
    assert note.startswith("2 of 10 frames hold no label")
    assert measured(labels).summary()["n_frames_unlabelled"] == 2
    labels[[0, 4], 0, 0] = Label.BACKGROUND
    assert measured(labels).notes() == ()
    assert measured(labels).summary()["n_frames_unlabelled"] == 0
