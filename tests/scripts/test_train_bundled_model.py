"""The script that makes the shipped model, in its short form."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_amseg.dataset import open_benchmark
from napari_amseg.dataset.split import load_split
from napari_amseg.models import load_bundle


@pytest.mark.slow
def test_it_trains_scores_and_goes_on_after_a_stop_at_any_point(repository, tmp_path):
    work, out = tmp_path / "work", tmp_path / "model"
    script = [sys.executable, repository / "scripts/train_bundled_model.py", "--smoke"]
    command = [*script, "--work", work, "-o", out]
    assert subprocess.run(command).returncode == 0
    first = load_bundle(out)
    weights = first.model.get_weights()
    assert first.card.training["simulated_only"]
    assert 0 < first.card.scores["other_experiments"]["mean_iou"] < 1
    split = load_split(open_benchmark(work / "benchmark"), "listed")
    validated = {int(frame.frame) // 3 for frame in split.of("validation")}
    assert validated == {19}  # one experiment, with all of its frames
    (out / "model.json").unlink()  # killed while it scored
    assert subprocess.run(command).returncode == 0
    for again, before in zip(load_bundle(out).model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(again, before)
