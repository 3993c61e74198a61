"""Images and an HDF5 file that several tests of reading share."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

KEY = np.array([2, 1, 1, 0, 0, 0, 0, 0, 1, 2, 2])  # darks, flats, frames, flats, darks


@pytest.fixture
def data(rng: np.random.Generator) -> np.ndarray:
    """Eleven images, one for each entry of KEY."""
    return rng.integers(0, 4096, size=(11, 12, 16), dtype=np.uint16)


@pytest.fixture
def nexus(tmp_path: Path, data: np.ndarray) -> Path:
    """A NeXus file with an image_key beside the data of its detector."""
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry0000/instrument/detector")
        detector["data"], detector["image_key"] = data, KEY
    return path
