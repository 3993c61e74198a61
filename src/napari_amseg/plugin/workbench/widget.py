"""The *Workbench* widget: the steps in order, each with its state; the next one is plain to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAction, QBoxLayout, QFileDialog, QMainWindow, QPushButton, QWidget

from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.remembered import forget
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.theme import palette
from napari_amseg.plugin.train.trained import trained_models
from napari_amseg.plugin.workbench.desk import WorkspaceDesk
from napari_amseg.plugin.workbench.docks import STEPS, Docks
from napari_amseg.plugin.workbench.record import SUFFIX
from napari_amseg.plugin.workbench.replacing import save_asking
from napari_amseg.plugin.workbench.signals import layer_events, step_signals
from napari_amseg.plugin.workbench.state import Mark, has_model, marks, states
from napari_amseg.plugin.workbench.step_cell import StepCell

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_REFRESH_MS = 60
_RUNNING_MS = 500
_COLUMN_PX = 300
_WIDE_PX = 640  # from here on, the steps stand side by side
_ANY_HEIGHT_PX = 2**24 - 1
_KINDS = f"Workspaces (*{SUFFIX})"


class Workbench(QWidget):
    """Opens the widgets of the steps, says how far each is, saves and opens workspaces."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self._stopped = False
        self._placed = _has_a_place()
        self._window: ref[QMainWindow] | None = None  # nothing may hold napari's window
        self._exported: WeakKeyDictionary[Results, Path] = WeakKeyDictionary()
        self._heard: dict[str, Any] = {}
        self._layers: WeakSet[Layer] = WeakSet()
        self._keeper: Any = None
        self.docks = Docks(napari_viewer, self)
        self.desk = WorkspaceDesk(napari_viewer, self.docks)
        self._build()
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(_REFRESH_MS)
        self._refresh.timeout.connect(self.refresh)
        self._running = QTimer(self)
        self._running.setInterval(_RUNNING_MS)
        self._running.timeout.connect(self.refresh)
        self._layer_events = napari_viewer.layers.events
        for event in self._events():
            event.connect(self._on_event)
        self.destroyed.connect(lambda *_: self._on_destroyed())
        self.refresh()

    def _build(self) -> None:
        self.cells = {step: StepCell(step, i) for i, step in enumerate(STEPS, 1)}
        self.open_button, self.save_button = QPushButton(), QPushButton()
        self.open_button.setText("Open workspace…")
        self.files = QWidget()
        self._buttons = column = QBoxLayout(QBoxLayout.Direction.TopToBottom, self.files)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.open_button)
        column.addWidget(self.save_button)
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._row.setContentsMargins(6, 4, 6, 4)
        self._row.setSpacing(6)
        for cell in self.cells.values():
            cell.clicked.connect(self.open_step)
            self._row.addWidget(cell, 1, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self.files, 0, Qt.AlignmentFlag.AlignTop)
        self.open_button.clicked.connect(self._on_open)
        self.save_button.clicked.connect(self._on_save)
        self.desk.changed.connect(self._enable)
        forget_action = QAction("Forget the settings of earlier sessions", self)
        forget_action.triggered.connect(lambda _: self.forget())
        self.addAction(forget_action)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _events(self) -> tuple[Any, ...]:
        events = self._layer_events
        layers = (events.inserted, events.removed, events.reordered, events.renamed)
        return (*layers, self._viewer.events.theme, trained_models().added)

    def _on_event(self, event: Any = None) -> None:
        """Something may have changed: look soon, once for all that comes meanwhile."""
        if not self._stopped:
            self._refresh.start()

    def open_step(self, step: str) -> None:
        """Bring the dock of a step to the front; made if it is not there yet."""
        try:
            self.docks.open(step)
        except (ValueError, OSError, ImportError) as error:
            explain(error)
        self.refresh()

    def refresh(self) -> None:
        """Show how far every step is."""
        if self._stopped:
            return
        widgets = self.docks.widgets()
        self._listen(widgets)
        for layer in set(self._viewer.layers) - set(self._layers):
            self._layers.add(layer)
            for event in layer_events(layer):
                event.connect(self._on_event)
        of = states(self._viewer, widgets, self._exported)
        marked, colors = marks(of, has_model=has_model(widgets)), palette(self._viewer)
        for step, cell in self.cells.items():
            cell.show_state(of[step], marked[step], colors)
        self._turn()  # the theme's font may have come meanwhile
        if any(state.running for state in of.values()):
            self._running.start()
        else:
            self._running.stop()
        self._enable()

    @property
    def next_step(self) -> str | None:
        """The step to do now; None while something runs, or when all are done."""
        return next((s for s, cell in self.cells.items() if cell.mark is Mark.NEXT), None)

    def _listen(self, widgets: dict[str, Any]) -> None:
        """Hear of clicks in widgets that are new; those of closed docks are gone with them."""
        for step, widget in widgets.items():
            if self._heard.get(step) is not widget:
                for signal in step_signals(step, widget):
                    signal.connect(self._on_event)
                if step == "Measure":
                    widget.page.exports.tables_written.connect(self._on_tables)
        self._heard = dict(widgets)
        keeper = getattr(widgets.get("Annotate"), "keeper", None)
        if keeper is not None and keeper is not self._keeper:
            keeper.unsaved_changed.connect(self._on_event)
        self._keeper = keeper

    def _on_tables(self, results: Results, folder: Path) -> None:
        self._exported[results] = folder
        self._on_event()

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        desk, name = self.desk, self.desk.path.name if self.desk.path else ""
        why_not = f"A workspace is being {'saved' if desk.doing == 'saving' else 'opened'}."
        self.open_button.setEnabled(not desk.busy)
        self.open_button.setToolTip(
            why_not if desk.busy else f"Layers, model, forms and docks of a saved *{SUFFIX} file."
        )
        self.save_button.setText("Cancel" if desk.busy else "Save workspace…")
        self.save_button.setToolTip(
            "Stop; nothing is written or added."
            if desk.busy
            else "Keep layers, chains, model, forms and docks in a file, to go on another day.\n"
            "Labels that are in no file yet are written beside it."
            + (f"\nThe workspace that is open: {name}." if name else "")
        )

    def forget(self) -> None:
        """Begin the next session with the defaults of *Segment* and *Train*."""
        from napari.utils.notifications import show_info

        try:
            forget()
        except OSError as error:
            explain(error)
        else:
            show_info("Forgotten: Segment and Train begin with their defaults the next time.")

    def _on_save(self) -> None:
        if self.desk.busy:
            self.desk.cancel()
            return
        start = self.desk.path or Path(f"workspace{SUFFIX}")
        path, _ = QFileDialog.getSaveFileName(self, "Save workspace", str(start), _KINDS)
        if path:
            save_asking(self, self.desk, Path(path))

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open workspace", "", _KINDS)
        if path:
            self.desk.open(Path(path))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Another width."""
        self._turn()
        super().resizeEvent(event)

    def _on_moved(self, area: Any) -> None:
        """To another side of the canvas."""
        self._turn()

    def _turn(self) -> None:
        """Above or below the canvas the steps stand side by side, beside it one below another."""
        direction = QBoxLayout.Direction
        wide = self.width() >= _WIDE_PX and not self.docks.is_beside()
        self._row.setDirection(direction.LeftToRight if wide else direction.TopToBottom)
        self._buttons.setDirection(direction.TopToBottom if wide else direction.LeftToRight)
        for cell in self.cells.values():
            cell.turn(wide=wide)
        self._row.activate()
        self.setMaximumHeight(self._row.sizeHint().height() if wide else _ANY_HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Whichever way it is turned, it does not make the window grow."""
        return QSize(200, self._row.sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As narrow as a column: above the canvas it gets the whole width."""
        return QSize(_COLUMN_PX, super().sizeHint().height())

    def event(self, event: QEvent | None) -> bool:
        """Put into a dock, or taken out of it because that was closed."""
        changed = event is not None and event.type() == QEvent.Type.ParentChange
        if changed and self.parent() is None:
            self._stop()
        elif changed:
            QTimer.singleShot(0, self._settle)
        return super().event(event)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """A dock was opened or closed, from here or from napari's menu, or napari closes."""
        kind = None if event is None else event.type()
        if event is not None and kind == QEvent.Type.Close and watched is self.docks.window:
            refused = not self.desk.finish(self.docks.window) and self.isVisible()
            if refused:
                event.ignore()  # the person reads why, and can save elsewhere
            return refused
        if kind in (QEvent.Type.ChildAdded, QEvent.Type.ChildRemoved):
            self._on_event()
        return False

    def _settle(self) -> None:
        """In its dock: a strip above the canvas, unless the user has put it elsewhere before."""
        if self._stopped or self._window is not None:
            return
        dock, window = self.docks.own(), self.docks.window
        if dock is None or window is None:
            return
        self._window = ref(window)
        window.installEventFilter(self)
        dock.dockLocationChanged.connect(self._on_moved)
        if not self._placed:
            window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, dock)
        if not self.docks.widgets():
            self.open_step(self.next_step or "Load")

    def _stop(self) -> None:
        """The Workbench closes; the docks of the steps stay as they are."""
        if self._stopped:
            return
        self._stopped = True
        self._refresh.stop()
        self._running.stop()
        for step, widget in self._heard.items():
            for signal in step_signals(step, widget):
                signal.disconnect(self._on_event)
            if step == "Measure":
                widget.page.exports.tables_written.disconnect(self._on_tables)
        if self._keeper is not None:
            self._keeper.unsaved_changed.disconnect(self._on_event)
        window = None if self._window is None else self._window()
        if window is not None:
            window.removeEventFilter(self)
        self._let_go(window)

    def _on_destroyed(self) -> None:
        """The window went without a word, and all its widgets with it."""
        if not self._stopped:
            self._stopped = True
            self._let_go()

    def _let_go(self, window: QMainWindow | None = None) -> None:
        """Hear of the viewer no more."""
        self.desk.stop(window)
        of_layers = [event for layer in self._layers for event in layer_events(layer)]
        for event in (*self._events(), *of_layers):
            event.disconnect(self._on_event)


def _has_a_place() -> bool:
    """Whether napari remembers where the user has put the Workbench."""
    from napari.settings import get_settings

    places = get_settings().application.plugin_widget_positions
    return any(name.startswith("Workbench (") for name in places)
