"""A scan speed that is not the one that was set is told, and kept in the record."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.labels import Label
from napari_amseg.measure.speed_notes import speed_notes


@pytest.mark.parametrize(("off", "told"), [(None, 0), (0.04, 0), (-0.04, 0), (-0.999, 1), (9, 1)])
def test_a_difference_of_more_than_5_percent_is_told(off, told):
    summary = {
        "scan_speed_relative_difference": off,
        "scan_speed_m_s": None if off is None else 0.5 * (1 + off),
        "scan_speed_entered_m_s": None if off is None else 0.5,
    }
    assert len(speed_notes(summary)) == told


@pytest.mark.parametrize(("frame_rate_hz", "told"), [(50_000, 0), (50, 1)])
def test_it_is_shown_and_recorded(tmp_path, frame_rate_hz, told):
    labels = np.full((20, 40, 120), Label.BACKGROUND, np.uint8)
    labels[:, 12:] = Label.SUBSTRATE
    for t, frame in enumerate(labels):
        frame[12:24, 20 + 4 * t : 26 + 4 * t] = Label.KEYHOLE
    tifffile.imwrite(tmp_path / "run_labels.tif", labels)
    words = ("quantify", tmp_path / "run_labels.tif", "--pixel-size", 2.5, "--frame-rate",
             frame_rate_hz, "--scan-speed", 500, "-o", tmp_path / "out")  # fmt: skip
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    (record,) = (tmp_path / "out").glob("*_run.json")
    notes = json.loads(record.read_text())["notes"]
    found = [note for note in notes if "m/s was set (-100 %): check pixel size" in note]
    assert len(found) == told
    assert all(f"note: {note}" in done.stderr for note in found)
