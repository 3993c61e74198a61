"""Fixtures of the Workbench: a place of its own for annotation, waiting for a desk."""

from __future__ import annotations

import pytest

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
