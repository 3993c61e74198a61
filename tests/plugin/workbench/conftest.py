"""Fixtures of the Workbench: a place of its own for annotation, waiting for a desk."""

from __future__ import annotations

import pytest
import tifffile

PATIENCE_MS = 60_000


@pytest.fixture(autouse=True)
def _own_annotation_folder(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(tmp_path_factory.mktemp("annotation")))


@pytest.fixture
def workbench(add_widget, qtbot):
    """The Workbench in its dock, settled."""
    widget = add_widget("Workbench")
    qtbot.waitUntil(lambda: bool(widget.docks.widgets()), timeout=PATIENCE_MS)
    return widget


@pytest.fixture
def wait_for(qtbot):
    """Wait until a desk has ended what it does."""

    def wait(desk) -> None:
        qtbot.waitUntil(lambda: not desk.busy, timeout=PATIENCE_MS)

    return wait


@pytest.fixture
def stack_file(tmp_path, drawn_frames):
    """The drawn frames, 2 um and 10 kHz, as a TIFF below the workspace."""
    path = tmp_path / "raw" / "run12.tif"
    path.parent.mkdir()
    tifffile.imwrite(
        path, drawn_frames[0], imagej=True, resolution=(0.5, 0.5),
        metadata={"axes": "TYX", "unit": "um", "finterval": 1e-4},
    )  # fmt: skip
    return path


@pytest.fixture
def image(viewer, stack_file):
    (layer,) = viewer.open(str(stack_file), plugin="napari-amseg")
    return layer
