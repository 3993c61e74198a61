"""Closing napari with labels that are in no benchmark: the person is asked first."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Protocol
from weakref import ref

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.writing import Writing


class Choice(Enum):
    """What becomes of unsaved work when the window closes."""

    SAVE = "Save to benchmark"
    KEEP = "Keep for later"
    LOSE = "Lose it"
    CANCEL = "Cancel"


class Save(Protocol):
    """Saves, and calls `ended` when that is over, well or not."""

    def __call__(self, ended: Callable[[], None], *, everything: bool) -> None:
        """Begin to save. everything : also frames that are not complete."""


def ask(parent: QWidget, n_frames: int, kept_in: Path | None) -> Choice:
    """Ask the person. kept_in : where all of the work is; None if it could not be written there."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Unsaved annotation")
    frames = "1 frame is" if n_frames == 1 else f"{n_frames:,} frames are"
    box.setText(f"{frames} not saved to a benchmark.")
    other = Choice.LOSE if kept_in is None else Choice.KEEP
    box.setInformativeText(
        "Nor could all of it be kept on this computer: what is not saved now is lost."
        if kept_in is None
        else f"Kept for later, the work stays in {kept_in}, and Annotate offers it the next time."
    )
    buttons = {
        box.addButton(Choice.SAVE.value, QMessageBox.ButtonRole.AcceptRole): Choice.SAVE,
        box.addButton(other.value, QMessageBox.ButtonRole.DestructiveRole): other,
    }
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return buttons.get(box.clickedButton(), Choice.CANCEL)


class CloseGuard(QObject):
    """Holds napari's window open while there is unsaved work, until the person has chosen.

    Where nobody looks at the window, as in tests, or a script calls `Viewer.close`, which cannot be
    refused, nobody is asked: the working copy stays.

    Parameters
    ----------
    widget : in a dock of the window; it need not be there yet. keeper : gives the keeper of the
        work, if there is any. save : saves it. ask : asks the person.
    """

    def __init__(
        self,
        widget: QWidget,
        keeper: Callable[[], Keeper | None],
        save: Save,
        *,
        ask: Callable[[QWidget, int, Path | None], Choice] = ask,
    ) -> None:
        super().__init__()
        self._keeper, self._save, self._ask = keeper, save, ask
        self._asking = False
        # napari frees its window when nothing holds it, without a word to its docks
        self._widget: ref[QWidget] | None = ref(widget)
        self._window: ref[QMainWindow] | None = None
        widget.installEventFilter(self)
        self._find_window()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask before the window closes."""
        if self._window is None:
            self._find_window()  # something happens to the widget: it may be in a dock now
        window = _alive(self._window)
        if event is None or window is None or watched is not window:
            return False
        refused = event.type() == QEvent.Type.Close and not self._may_close(window)
        if refused:
            event.ignore()
        return refused

    def stop(self) -> None:
        """Guard no more."""
        both, self._widget, self._window = (self._widget, self._window), None, None
        for watched in map(_alive, both):
            try:
                if watched is not None:
                    watched.removeEventFilter(self)
            except RuntimeError:  # it is gone already
                continue

    def _find_window(self) -> None:
        """The viewer that widgets get hides its window; a dock, floating or not, belongs to it."""
        widget = _alive(self._widget)
        try:
            parent = None if widget is None else widget.parentWidget()
        except RuntimeError:  # its window has gone, and it goes with it
            return
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        if parent is not None:
            self._window = ref(parent)
            parent.installEventFilter(self)

    def _may_close(self, window: QMainWindow) -> bool:
        if self._asking:  # the question runs an event loop: another click on the cross
            return False
        keeper = self._keeper()
        if keeper is None or not _is_looked_at(window):
            return True
        self._asking = True
        try:
            choice = self._chosen(window, keeper)
        finally:
            self._asking = False
        if choice is Choice.SAVE:
            self._save(self._close_if_saved, everything=True)
        return choice in (Choice.KEEP, Choice.LOSE)

    def _chosen(self, window: QMainWindow, keeper: Keeper) -> Choice:
        """What becomes of the work; nobody is asked about suggestions that are kept."""
        if not (keeper.n_unsaved or keeper.n_suggested):
            return Choice.KEEP
        with Writing(window) as waiting:
            kept = keeper.flush(waiting)
        if kept and not keeper.n_unsaved:
            return Choice.KEEP
        n_frames = keeper.n_unsaved or keeper.n_suggested
        return self._ask(window, n_frames, keeper.folder if kept else None)

    def _close_if_saved(self) -> None:
        """What could not be saved, as frames in conflict, keeps the window open."""
        keeper, window = self._keeper(), _alive(self._window)
        if window is not None and keeper is not None and not keeper.n_unsaved:
            window.close()


def _alive(held: ref[Any] | None) -> Any:
    return None if held is None else held()


def _is_looked_at(window: QMainWindow) -> bool:
    """Whether a person closes the window; `Viewer.close` closes what is inside it first."""
    middle = window.centralWidget()
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    inside = [] if middle is None else middle.findChildren(QWidget, options=direct)
    return window.isVisible() and any(part.isVisible() for part in inside)
