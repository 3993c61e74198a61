"""Long work in napari's activity dock, and its end when napari closes."""

from __future__ import annotations

import threading

from napari.utils import progress
from qtpy.QtWidgets import QApplication

from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.tasks import Latest

PATIENCE_MS = 10_000


def bar(what: str):
    """The bar of that name, None if there is none."""
    return next((p for p in progress._all_instances if p.desc.startswith(what)), None)


def test_work_that_takes_long_is_shown_until_it_ends(qtbot):
    activity = Activity()
    activity.begin("Digging", 10)
    assert bar("Digging") is None
    activity.show(4, 10)
    qtbot.waitUntil(lambda: bar("Digging") is not None, timeout=PATIENCE_MS)
    assert (bar("Digging").n, bar("Digging").total) == (4, 10)
    qtbot.wait(800)
    activity.show(7, 20)
    assert (bar("Digging").n, bar("Digging").total) == (7, 20)
    activity.end()
    assert bar("Digging") is None


def test_short_work_is_not_shown(qtbot):
    activity = Activity()
    activity.begin("Blinking")
    activity.end()
    qtbot.wait(900)
    assert bar("Blinking") is None


def test_a_task_that_takes_long_is_shown_by_its_name(qtbot):
    done, go = [], threading.Event()
    latest = Latest(done.append, what="Waiting for the tide")
    latest.submit(go.wait)
    qtbot.waitUntil(lambda: bar("Waiting for the tide") is not None, timeout=PATIENCE_MS)
    go.set()
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE_MS)
    assert bar("Waiting for the tide") is None


def test_what_runs_is_cancelled_when_the_last_window_closes(qapp):
    running = cancel_event()
    assert not running.is_set()
    QApplication.instance().lastWindowClosed.emit()
    assert running.is_set()
    assert not cancel_event().is_set()
