"""Frames that another person saved meanwhile: the choice, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.annotate.save_records import Conflict
from napari_amseg.plugin.fields import DropDown, Note, dialog_buttons


class Answer(Enum):
    """What becomes of a frame in conflict."""

    LEAVE = "leave both for now"
    THEIRS = "take theirs"
    MINE = "replace with mine"


_INTRODUCTION = (
    "These frames have labels in the benchmark that were not opened here. Nothing was "
    "overwritten.\nTake theirs: their labels replace yours here, as one step that can be undone.\n"
    "Replace with mine: yours replace theirs in the benchmark, which keeps theirs as an earlier "
    "version."
)


class ConflictsDialog(QDialog):
    """Lists conflicts and takes an answer for each, or another name for all the work.

    Signals
    -------
    answered : {conflict: answer}. renamed : the experiment name under which all is to be saved.

    """

    answered = Signal(object)
    renamed = Signal(str)

    def __init__(self, parent: QWidget, conflicts: Sequence[Conflict], name: str) -> None:
        super().__init__(parent)
        self.conflicts = tuple(conflicts)
        self.setWindowTitle("Saved by somebody else")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(620, 380)
        self.choices = [_choice() for _ in conflicts]
        self.all_choice = _choice()
        self.all_choice.activated.connect(self._answer_all)
        self.name = QLineEdit(name)
        self.name.setToolTip("Two people who label the same frames keep an experiment each.")
        self.rename_button = QPushButton("Save all mine there")
        self.rename_button.clicked.connect(self._rename)
        self.name.textChanged.connect(lambda _: self._enable())
        self._enable()
        self._build()

    def _enable(self) -> None:
        name = self.name.text().strip()
        self.rename_button.setEnabled(bool(name))
        self.rename_button.setToolTip(
            "Save all you worked on under this name." if name else "Name your experiment first."
        )

    def answers(self) -> Mapping[Conflict, Answer]:
        """The answers as they are chosen now."""
        chosen = (Answer(choice.currentText()) for choice in self.choices)
        return dict(zip(self.conflicts, chosen, strict=True))

    def _build(self) -> None:
        table = self.table = QTableWidget(len(self.conflicts), 2)
        table.setHorizontalHeaderLabels(["in the benchmark", "what to do"])
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(1, 170)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        for i, (conflict, choice) in enumerate(zip(self.conflicts, self.choices, strict=True)):
            table.setItem(i, 0, QTableWidgetItem(conflict.words))
            table.setCellWidget(i, 1, choice)
        all_row, rename_row = QHBoxLayout(), QHBoxLayout()
        all_row.addWidget(Note("for all of them"), 1)
        all_row.addWidget(self.all_choice)
        rename_row.addWidget(Note("or keep both: my experiment is named"), 1)
        rename_row.addWidget(self.name, 1)
        rename_row.addWidget(self.rename_button)
        kind = QDialogButtonBox.StandardButton
        self.buttons = dialog_buttons(kind.Ok | kind.Cancel)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(Note(_INTRODUCTION))
        layout.addWidget(table, 1)
        layout.addLayout(all_row)
        layout.addLayout(rename_row)
        layout.addWidget(self.buttons)

    def _answer_all(self) -> None:
        for choice in self.choices:
            choice.setCurrentText(self.all_choice.currentText())

    def _accept(self) -> None:
        answers = self.answers()
        self.accept()
        self.answered.emit(answers)

    def _rename(self) -> None:
        name = self.name.text().strip()
        self.accept()
        self.renamed.emit(name)


def _choice() -> DropDown:
    choice = DropDown()
    choice.addItems([answer.value for answer in Answer])
    choice.setToolTip("What becomes of the frame; nothing is overwritten unless you say so.")
    return choice
