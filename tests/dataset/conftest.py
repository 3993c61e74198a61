"""A small benchmark: two experiments of different size, made through the public door."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.dataset import Benchmark, add_frames
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment, stack_from_array

RUN_A = Experiment(
    experiment="run a",
    facility="ESRF",
    substrate_material="Al",
    pixel_size_um=4.3,
    frame_rate_hz=4e4,
)


@pytest.fixture
def empty(tmp_path):
    """A benchmark that is not on the disk yet."""
    return Benchmark(tmp_path / "bench", DEFAULT_SCHEME, {}, ())


@pytest.fixture
def stacks(frames, labels):
    """Six 12-bit images and their labels; frame 3 has a row unlabelled."""
    codes = np.repeat(labels[np.newaxis], len(frames), axis=0)
    codes[3, 0] = 0
    return stack_from_array(frames), stack_from_array(codes)


@pytest.fixture
def bench(empty, stacks):
    """Six frames of `run a`, 32x48, and two of `b`, 20x30, without metadata."""
    once = add_frames(empty, *stacks, RUN_A)
    small = [stack_from_array(np.stack([s.read(0)[:20, :30], s.read(1)[:20, :30]])) for s in stacks]
    return add_frames(once, *small, Experiment(experiment="b"))
