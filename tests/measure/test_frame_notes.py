"""Frames to look at first: the same words for rows in memory and for a table on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_amseg.labels import Label
from napari_amseg.measure import Measurements
from napari_amseg.measure.frame import measure_frame
from napari_amseg.measure.frame_notes import frame_notes
from napari_amseg.types import Experiment

UNCERTAIN = (0.1, 0.4, 0.001, 0.2, 0.3)


def frames(uncertainty):
    labels = np.full((40, 60), Label.SUBSTRATE, np.uint8)
    labels[:12] = Label.BACKGROUND
    measurements = Measurements(Experiment())
    for t, u in enumerate(uncertainty):
        labels[20:30, 30:34] = Label.KEYHOLE if t in (1, 4) else Label.SUBSTRATE
        measurements.append({**measure_frame(labels, frame=t).row, "uncertainty": u})
    return measurements.frames()


def from_disk(table, folder):
    table.to_csv(folder / "frames.csv", index=False)
    return pd.read_csv(folder / "frames.csv", dtype={"flags": str})


@pytest.mark.parametrize("read", [lambda table, folder: table, from_disk])
def test_flags_are_counted_and_the_most_uncertain_masks_named(read, tmp_path):
    assert frame_notes(read(frames(UNCERTAIN), tmp_path)) == (
        "look at flagged frames: keyhole below surface in 2, keyhole gap in 2.",
        "frames with the most uncertain masks: 1 (0.40), 4 (0.30), 3 (0.20).",
    )


@pytest.mark.parametrize("uncertainty", [(None, None), (0.9,), (0.001, 0.002)])
def test_nothing_is_said_where_there_is_no_order(uncertainty, tmp_path):
    assert not any("uncertain" in note for note in frame_notes(frames(uncertainty)))
