"""Fixtures every test may use: a quiet environment, real data where it is there, tiny stacks."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from napari_amseg.labels import Label

# Read when napari or Keras is first imported, so set before any test module is.
_NAPARI_FOLDER = tempfile.TemporaryDirectory(prefix="napari-settings-")
os.environ["NAPARI_CONFIG"] = str(Path(_NAPARI_FOLDER.name) / "settings.yaml")
# Compiled networks of the tests are no business of the user's cache; all workers share them.
_CACHE_FOLDER = tempfile.TemporaryDirectory(prefix="amseg-cache-")
os.environ.setdefault("AMSEG_CACHE_FOLDER", _CACHE_FOLDER.name)
# Nor is what the widgets remember; each test of the plugin has a folder of its own.
os.environ["AMSEG_SETTINGS_FOLDER"] = _NAPARI_FOLDER.name
os.environ.setdefault("QT_API", "pyqt6")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# No test fails because the machine is busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGIN_TESTS = REPOSITORY / "tests" / "plugin"
TRAINING_TESTS = REPOSITORY / "tests" / "train"
SEPARATE_RUN = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests that open napari apart from those that load Keras: together they crash."""
    # Trainings come first: at the end no worker shall wait for the other's long test.
    items.sort(key=lambda item: TRAINING_TESTS not in item.path.parents)
    of_plugin = [item for item in items if PLUGIN_TESTS in item.path.parents]
    if of_plugin and len(of_plugin) < len(items):
        items[:] = [item for item in items if item not in of_plugin]
        config.hook.pytest_deselected(items=of_plugin)
        config.stash[SEPARATE_RUN] = len(of_plugin)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say so when tests were left for a run of their own."""
    left_out = config.stash.get(SEPARATE_RUN, 0)
    if left_out:
        terminalreporter.write_line(
            f"{left_out} tests in tests/plugin were left out: they need a process of their own. "
            "Run `make test`, or `pytest tests/plugin`."
        )


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real frames, AMSEG_DATA; never part of the repository (licences)."""
    folder = Path(os.environ.get("AMSEG_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set AMSEG_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def golden(real_data: Path) -> Path:
    """The folder of the published-weights golden case, beside the real data."""
    folder = real_data.parent / "golden"
    if not folder.is_dir():
        pytest.skip(f"no golden case at {folder}")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Randomness with a fixed seed."""
    return np.random.default_rng(20240311)


@pytest.fixture
def frames(rng: np.random.Generator) -> np.ndarray:
    """Six 12-bit frames, uint16 (6, 32, 48), all different."""
    return rng.integers(200, 4000, size=(6, 32, 48), dtype=np.uint16)


@pytest.fixture
def tiff_file(tmp_path: Path, frames: np.ndarray) -> Path:
    """The frames as a multi-page TIFF without metadata."""
    import tifffile

    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", metadata=None)
    return path


def _labels() -> np.ndarray:
    image = np.full((32, 48), Label.BACKGROUND, dtype=np.uint8)
    image[12:] = Label.SUBSTRATE
    image[12:21, 20:25] = Label.KEYHOLE
    image[25:28, 10:13] = Label.PORE
    return image


@pytest.fixture
def labels() -> np.ndarray:
    """One drawn frame, uint8 (32, 48).

    Substrate from row 12 on, a keyhole 5 columns wide and 9 rows deep, a pore of 3x3
    pixels, background above: keyhole area 45 px, depth 9 px, pore area 9 px.
    """
    return _labels()


def _drawn_frames() -> tuple[np.ndarray, np.ndarray]:
    truth = np.stack([np.roll(_labels(), 2 * t, axis=1) for t in range(8)])
    grey = np.array([0, 220, 180, 90, 30, 0], np.float32)[truth]
    noise = np.random.default_rng(20240311).normal(0, 8, grey.shape)
    return (grey + noise).clip(0, 255).astype(np.uint8), truth


@pytest.fixture
def drawn_frames() -> tuple[np.ndarray, np.ndarray]:
    """Eight frames uint8 (8, 32, 48), a grey value a class with noise, and their labels.

    The keyhole and the pore move by two columns a frame.
    """
    return _drawn_frames()


@pytest.fixture(scope="session")
def shared_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `drawn_benchmark` is a copy of: for fixtures of a module, which do not change it."""
    from napari_amseg.dataset import add_frames, create_benchmark, listed_split, save_split
    from napari_amseg.types import Experiment, stack_from_array

    known = Experiment(experiment="drawn", pixel_size_um=2.0, frame_rate_hz=1e4)
    images, truth = (stack_from_array(a, experiment=known) for a in _drawn_frames())
    folder = tmp_path_factory.mktemp("drawn") / "benchmark"
    benchmark = add_frames(create_benchmark(folder), images, truth, known)
    split = listed_split(benchmark, validation=["*5"], test=["*6", "*7"])
    save_split(benchmark, split)
    return benchmark.folder


@pytest.fixture
def drawn_benchmark(tmp_path: Path, shared_benchmark: Path) -> Path:
    """The drawn frames as a benchmark of one experiment: 0-4 train, 5 validation, 6-7 test."""
    return Path(shutil.copytree(shared_benchmark, tmp_path / "benchmark"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `network` runs for every architecture; quick are the AM-SegNets."""
    if "network" in metafunc.fixturenames:
        from napari_amseg.models.registry import ARCHITECTURES

        marks = {
            name: () if name.startswith("amsegnet") else pytest.mark.slow for name in ARCHITECTURES
        }
        metafunc.parametrize("network", [pytest.param(n, marks=m) for n, m in marks.items()])
