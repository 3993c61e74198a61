"""Fixtures for the plugin: a model made in another process, and waiting without blocking."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

# This process draws, so it must never load Keras: the model is made elsewhere.
MAKE_BUNDLE = """
import sys
from napari_amseg.models.backend import keras
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Normalise
keras.utils.set_random_seed(7)
card = ModelCard(
    "amsegnet", {"filters": 2}, chain=Chain((Normalise(),)), training={"note": "random weights"}
)
save_bundle(sys.argv[1], build("amsegnet", n_classes=5, filters=2), card)
"""


_TESTS = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Now and then set aside what lives on from test to test.

    napari collects garbage whenever a layer is removed, and looks at all modules each time:
    a third of a second a test.
    """
    if next(_TESTS) % 10 == 1:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory) -> Path:
    """A tiny untrained model."""
    folder = tmp_path_factory.mktemp("bundle") / "random"
    command = [sys.executable, "-c", MAKE_BUNDLE, str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def phantom_file(tmp_path_factory) -> Path:
    """A short phantom as a TIFF stack."""
    from napari_amseg.io import TiffStackWriter
    from napari_amseg.sample import simulate

    phantom = simulate()
    path = tmp_path_factory.mktemp("with space") / "phantom.tif"
    frames = phantom.stack
    shape = (24, *frames.frame_shape)
    with TiffStackWriter(path, shape, frames.dtype, frames.experiment) as writer:
        for t in range(24):
            writer.append(frames.read(t + 10))
    return path


@pytest.fixture(scope="session", autouse=True)
def _end_of_compute_process():
    yield
    from napari_amseg.pipeline.supervise import shared_process

    shared_process().close()


@pytest.fixture(autouse=True)
def settings_folder(monkeypatch, tmp_path_factory) -> Path:
    """Where the widgets remember what ran well: never the user's, and empty at first."""
    folder = tmp_path_factory.mktemp("settings")
    monkeypatch.setenv("AMSEG_SETTINGS_FOLDER", str(folder))
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(folder / "annotation"))
    from napari_amseg.plugin import results_place
    from napari_amseg.plugin.train.trained import trained_models

    monkeypatch.setattr(results_place._Last, "folder", None)  # a new session
    trained_models().folders = []
    return folder


@pytest.fixture
def viewer(npe2pm, make_napari_viewer):
    """A real viewer that has found our plugin; napari's test fixture hides all plugins."""
    with npe2pm.tmp_plugin(package="napari-amseg"):
        yield make_napari_viewer()


@pytest.fixture
def add_widget(viewer):
    """Open one of our widgets in the viewer as napari's menu does."""

    def add(name: str):
        _, widget = viewer.window.add_plugin_dock_widget("napari-amseg", name)
        return widget

    return add


@pytest.fixture
def notifications():
    """Messages shown to the user during a test."""
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()

    def messages() -> list[str]:
        return [str(n.message) for n in notification_manager.records]

    return messages
