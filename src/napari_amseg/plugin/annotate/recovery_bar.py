"""What earlier sessions left unsaved, offered at the top of the dock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QMessageBox, QPushButton, QVBoxLayout, QWidget

from napari_amseg.annotate.owner import local_time
from napari_amseg.annotate.recovery import FoundWork, list_working_copies
from napari_amseg.annotate.safety import recovery_root
from napari_amseg.annotate.working_copy import WorkingCopy
from napari_amseg.io.address import file_name
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.words import counted

_MOST_SHOWN = 2


def ask_discard(parent: QWidget, words: str) -> bool:
    """Ask whether unsaved work is to be thrown away."""
    kind = QMessageBox.StandardButton
    pressed = QMessageBox.question(
        parent,
        "Discard unsaved annotation",
        f"{words}\n\nDiscard it for good? It is saved nowhere else.",
        kind.Discard | kind.Cancel,
        kind.Cancel,
    )
    return bool(pressed == kind.Discard)


class RecoveryBar(QWidget):
    """Unsaved work whose process is gone, newest first; hidden while there is none.

    Signals
    -------
    recover : the :class:`FoundWork` to go on with. Call `look` when that has been tried.

    """

    recover = Signal(object)

    def __init__(self, *, ask: Callable[[QWidget, str], bool] = ask_discard) -> None:
        super().__init__()
        self._ask = ask
        self._found: tuple[FoundWork, ...] = ()
        self._later: set[Path] = set()
        self._taken: set[Path] = set()
        self._finder = Latest(self._on_found)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.rows: list[WorkRow] = []
        self.more = Lines()
        self._layout.addWidget(self.more)
        self.setVisible(False)
        self.look()

    def look(self) -> None:
        """Look in a thread which work there is."""
        self._taken.clear()
        root = recovery_root()
        self._finder.submit(lambda: tuple(w for w in list_working_copies(root) if is_left(w)))

    @property
    def busy(self) -> bool:
        """Whether it is looking."""
        return self._finder.busy

    def stop(self) -> None:
        """The widget closes."""
        self._finder.stop()

    def _on_found(self, found: tuple[FoundWork, ...]) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        for row in self.rows:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        hidden = self._later | self._taken
        waiting = [work for work in self._found if work.folder not in hidden]
        self.rows = [self._row(work) for work in waiting[:_MOST_SHOWN]]
        for i, row in enumerate(self.rows):
            self._layout.insertWidget(i, row)
        before: QWidget = self.more  # Tab comes to rows that were made late as they stand
        for button in (b for row in self.rows for b in row.buttons):
            QWidget.setTabOrder(before, button)
            before = button
        n_more = len(waiting) - len(self.rows)
        self.more.setText(f"and {n_more} more, older" if n_more else "")
        self.more.setVisible(bool(n_more))
        self.setVisible(bool(self.rows))

    def _row(self, work: FoundWork) -> WorkRow:
        row = WorkRow(work)
        row.recover_button.clicked.connect(partial(self._on_recover, work))
        row.discard_button.clicked.connect(partial(self._on_discard, work))
        row.later_button.clicked.connect(partial(self._on_later, work))
        return row

    def _on_recover(self, work: FoundWork, *_: object) -> None:
        self._taken.add(work.folder)
        self._show()
        self.recover.emit(work)

    def _on_later(self, work: FoundWork, *_: object) -> None:
        self._later.add(work.folder)
        self._show()

    def _on_discard(self, work: FoundWork, *_: object) -> None:
        if self._ask(self, words_of(work)):
            try:
                WorkingCopy.claim(work.folder).discard()
            except (OSError, ValueError) as error:
                explain(error)
            self.look()


class WorkRow(QWidget):
    """One working copy: what it is, and what may become of it."""

    def __init__(self, work: FoundWork) -> None:
        super().__init__()
        self.words = Lines(words_of(work))
        self.words.setToolTip(str(work.folder))
        self.recover_button = QPushButton("Recover")
        self.discard_button = QPushButton("Discard…")
        self.later_button = QPushButton("Later")
        self.recover_button.setToolTip("Go on where that session ended.")
        self.discard_button.setToolTip("Throw it away, after a question.")
        self.later_button.setToolTip("Leave it as it is; it is offered again the next time.")
        self.buttons = (self.recover_button, self.discard_button, self.later_button)
        buttons = QHBoxLayout()
        for button in self.buttons:
            buttons.addWidget(button, 1)
        for button in (self.recover_button, self.discard_button):  # nothing to go on with
            button.setVisible(work.record is not None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.words)
        layout.addLayout(buttons)


def is_left(work: FoundWork) -> bool:
    """Whether it holds what is in no benchmark, and no living process of this computer has it."""
    wanted = work.n_unsaved > 0 or (work.record is None and work.n_frames > 0)
    return wanted and work.owner_alive is not True and not work.is_here


def words_of(work: FoundWork) -> str:
    """For people: what, by whom, when, how much."""
    record = work.record
    if record is None:
        return (
            f"Annotation of {counted(work.n_frames, 'frame')} without a readable record in "
            f"{work.folder}: the frames there are TIFF files, labels first."
        )
    files = [file_name(file) for file in record.files[:1]]
    name = record.experiment.experiment or ", ".join(files) or "a stack in memory"
    words = (
        f"Unsaved annotation of {name} by {record.owner.annotator}, {local_time(record.created)}, "
        f"{_amount(work)}"
    )
    if work.owner_alive is None:
        words += f"; begun on {record.owner.host}, where it may be open"
    if work.faults:
        words += f"; cannot be read: {work.faults[0]}"
    return words


def _amount(work: FoundWork) -> str:
    """How many frames, and how many of them a person has not touched."""
    if not work.n_suggested:
        return counted(work.n_unsaved, "frame")
    if work.n_suggested == work.n_unsaved:
        return f"{counted(work.n_unsaved, 'frame')}, all suggested by a model only"
    worked_on = counted(work.n_unsaved - work.n_suggested, "frame")
    return f"{worked_on} worked on and {work.n_suggested:,} suggested by a model only"
