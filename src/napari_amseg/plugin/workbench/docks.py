"""The docks of the steps: the widgets that exist, each once, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    import napari

_PLUGIN = "napari-amseg"
STEPS: Mapping[str, str] = {
    "Load": "Load stack",
    "Preprocess": "Preprocess",
    "Annotate": "Annotate",
    "Train": "Train",
    "Segment": "Segment",
    "Measure": "Measure",
}  # what a step is called here, and its widget in napari's menu


class Docks:
    """The docks of the window that `anchor` is in.

    They are looked up in Qt's window: napari gives plugins proxies of them, whose records and
    signals are proxies too.
    """

    def __init__(self, viewer: napari.Viewer, anchor: QWidget) -> None:
        self._viewer, self._anchor = viewer, anchor

    @property
    def window(self) -> QMainWindow | None:
        """The window; None as long as `anchor` is in none."""
        window = self._anchor.window()
        return window if isinstance(window, QMainWindow) else self._window_above()

    def open(self, step: str) -> Any:
        """The widget of a step, its dock in front; made if it is not there yet."""
        before = self._docks()
        self._viewer.window.add_plugin_dock_widget(_PLUGIN, STEPS[step], tabify=True)
        dock, window = self._docks()[step], self.window
        others = [other for other in before.values() if not other.isFloating()]
        if step not in before and others and window is not None:
            window.tabifyDockWidget(others[0], dock)
        dock.setWindowTitle(STEPS[step])  # on its tab; six have to find room
        dock.show()
        dock.raise_()
        return dock.widget()

    def widgets(self) -> dict[str, Any]:
        """The widgets of the steps whose docks are there, by step, in their order."""
        return {step: dock.widget() for step, dock in self._docks().items()}

    def front_last(self) -> tuple[str, ...]:
        """The open steps in their order, but those in front come last."""
        widgets = self.widgets()
        hidden = {step: w.visibleRegion().isEmpty() for step, w in widgets.items()}
        return tuple(sorted(widgets, key=lambda step: not hidden[step]))

    def is_beside(self) -> bool:
        """Whether the dock of `anchor` stands left or right of the canvas."""
        dock, window = self.own(), self.window
        if dock is None or window is None or dock.isFloating():
            return False
        sides = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)
        return window.dockWidgetArea(dock) in sides

    def own(self) -> QDockWidget | None:
        """The dock that `anchor` is in."""
        return _above(self._anchor, QDockWidget)

    def _docks(self) -> dict[str, QDockWidget]:
        window = self.window
        # not what is in the docks: to look through thousands of widgets takes 10 ms
        own = Qt.FindChildOption.FindDirectChildrenOnly
        docks = [] if window is None else window.findChildren(QDockWidget, options=own)
        # one that was closed, and thus emptied, may be there until Qt deletes it
        by_name = {dock.objectName(): dock for dock in docks if dock.widget() is not None}
        names = {step: f"{title} ({_PLUGIN})" for step, title in STEPS.items()}
        return {step: by_name[name] for step, name in names.items() if name in by_name}

    def _window_above(self) -> QMainWindow | None:
        """The window of a dock that floats."""
        return _above(self._anchor, QMainWindow)


def _above(widget: QWidget, kind: type[Any]) -> Any:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, kind):
        parent = parent.parentWidget()
    return parent
