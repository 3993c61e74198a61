"""Cancels of long work that also hear napari close."""

from __future__ import annotations

import threading
from weakref import WeakSet

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

_cancels: WeakSet[threading.Event] = WeakSet()
_heard: set[int] = set()  # applications, by their id


def cancel_event() -> threading.Event:
    """An event that ends long work: set by who made it, and when the last window closes.

    napari waits a few seconds for threads at its end, and then fails aloud. Widgets are destroyed
    only later, so they cannot tell in time.
    """
    event = threading.Event()
    _cancels.add(event)
    app: QObject | None = QApplication.instance()
    if isinstance(app, QApplication) and id(app) not in _heard:
        _heard.add(id(app))
        app.lastWindowClosed.connect(_cancel_all)
    return event


def _cancel_all() -> None:
    for event in list(_cancels):
        event.set()
