"""The benchmark of leakage: its look-up knows seen frames by heart, and only those."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from napari_amseg.dataset import add_frames, create_benchmark, listed_split
from napari_amseg.types import Experiment, stack_from_array


@pytest.fixture
def leakage(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("frame_leakage")


def test_reduced_frames_correlate_whatever_their_brightness_and_contrast(leakage):
    image = np.random.default_rng(0).integers(0, 200, (33, 50))
    same, other = leakage.reduced(3 * image + 50), leakage.reduced(image[::-1])
    assert leakage.reduced(image) @ same == pytest.approx(1)
    assert abs(leakage.reduced(image) @ other) < 0.6


def test_look_up_hands_in_the_labels_of_the_frame_most_alike(leakage, tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (2, 32, 48)).astype(np.uint8)
    images = np.concatenate([images, images + rng.integers(0, 2, images.shape).astype(np.uint8)])
    labels = np.full(images.shape, 3, np.uint8)
    labels[[0, 2], 8:16] = 1  # frames 2 and 3 look like 0 and 1
    labels[[1, 3], 20:24] = 2
    benchmark = add_frames(
        create_benchmark(tmp_path), stack_from_array(images), stack_from_array(labels),
        Experiment(experiment="a"), names=["f0", "f1", "f2", "f3"],
    )  # fmt: skip
    split = listed_split(benchmark, validation=[], test=["a/f2", "a/f3"], name="s")
    scores = leakage.look_up(benchmark, split, benchmark, split.of("test"))
    assert scores == {"mean_iou": 1, "keyhole": 1, "pore": 1}
