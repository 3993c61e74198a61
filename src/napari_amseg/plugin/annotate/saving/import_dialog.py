"""The dialog that brings label images from elsewhere into the annotation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.annotate.change import Change
from napari_amseg.io.label_mapping import UNLABELLED, suggested_mapping
from napari_amseg.plugin.annotate.saving.dialog import SessionDialog, table_to_read
from napari_amseg.plugin.annotate.saving.import_job import Found, ImportRequest, look_at
from napari_amseg.plugin.annotate.saving.job import Job
from napari_amseg.plugin.fields import DropDown, Note
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.tasks import explain

_CHOOSE, _LEAVE_OUT = "choose…", "leave out"
_MOST_VALUES = 256


class ImportDialog(SessionDialog):
    """Takes files, the class of each value in them, and the frame that they begin at."""

    title, size_px = "Import labels", (520, 480)

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._job: Job | None = None
        self._found: Found | None = None
        self._changes: list[Change] = []
        self._touched: set[int] = set()
        self.choices: dict[str, DropDown] = {}
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._build()
        self.path.changed.connect(self._on_path)
        self.first.valueChanged.connect(lambda _: self._enable())
        self.import_button.clicked.connect(self._on_import)
        self.finished.connect(self._stop)
        self._session.changed.connect(self._on_touched)
        self._enable()

    def _build(self) -> None:
        self.path = PathEdit(hint="TIFF, PNG, labelme JSON, or a folder")
        self.path.setToolTip("Label images, one a frame, or a folder of them.")
        self.table = table_to_read("value", "pixels", "class")
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(2, 170)
        self.first = QSpinBox()
        self.first.setRange(0, self._session.n_frames - 1)
        self.first.setToolTip("Frame of the stack, from 0, that the first label image belongs to.")
        self.complete = QCheckBox("they are complete")
        self.complete.setToolTip(
            "Every pixel is as it should be: the frames count as ground truth.\n"
            "Otherwise they are in progress. Aids leave what is imported, like what is painted."
        )
        self.overwrite = QCheckBox("also replace what is labelled by hand")
        self.overwrite.setToolTip("Otherwise pixels that a person painted stay as they are.")
        self.note, self.progress = Note(), QProgressBar()
        self.progress.setVisible(False)
        self.import_button = QPushButton("Import")
        top, below = QWidget(), QWidget()
        TidyForm(top).add("label images", self.path)
        form = TidyForm(below)
        form.add("first frame", self.first)
        form.add("", self.complete)
        form.add("", self.overwrite)
        layout = QVBoxLayout(self)
        layout.addWidget(top)
        layout.addWidget(self.table, 1)
        for part in (below, self.note, self.progress):
            layout.addWidget(part)
        layout.addLayout(self._buttons(self.import_button))

    @property
    def busy(self) -> bool:
        """Whether files are being read."""
        return self._job is not None

    def classes(self) -> Mapping[str, str]:
        """The class chosen for each value; without those not chosen yet."""
        words = {value: choice.currentText() for value, choice in self.choices.items()}
        return {
            value: UNLABELLED if word == _LEAVE_OUT else word
            for value, word in words.items()
            if word != _CHOOSE
        }

    def _on_path(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._job = None
        self._found, self.choices = None, {}
        self.table.setRowCount(0)
        path = self.path.path()
        if path and Path(path).expanduser().exists():
            place = Path(path).expanduser()
            self._job = Job(lambda: look_at(place), step=self._on_looked, ended=self._on_found)
        self._enable()

    def _on_looked(self, found: Found) -> None:
        self._found = found
        self.progress.setRange(0, len(found.images.stack))
        self.progress.setValue(found.done)

    def _on_found(self, error: Exception | None) -> None:
        self._job = None
        if error is not None:
            self._found = None
            explain(error)
        elif self._found is not None:
            self._fill(self._found)
        self._enable()

    def _fill(self, found: Found) -> None:
        values = list(found.n_pixels)
        if len(values) > _MOST_VALUES:
            self._found = None
            explain(
                ValueError(
                    f"{self.path.path()}: has {len(values):,} values; label images have a few. Is "
                    "this a grey image, or were its colours smoothed?"
                )
            )
            return
        plain = suggested_mapping(values, self._session.scheme)
        self.table.setRowCount(len(values))
        for i, value in enumerate(values):
            item = QTableWidgetItem(value)
            if value.startswith("#"):
                item.setData(Qt.ItemDataRole.DecorationRole, QColor(value))
            n_pixels = QTableWidgetItem(f"{found.n_pixels[value]:,}")
            n_pixels.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(i, 0, item)
            self.table.setItem(i, 1, n_pixels)
            self.table.setCellWidget(i, 2, self._choice(value, plain.get(value)))

    def _choice(self, value: str, plain: str | None) -> DropDown:
        choice = DropDown()
        choice.addItems([_CHOOSE, *self._session.scheme.names, _LEAVE_OUT])
        if plain is not None:
            choice.setCurrentText(_LEAVE_OUT if plain == UNLABELLED else plain)
        choice.currentIndexChanged.connect(lambda _: self._enable())
        self.choices[value] = choice
        return choice

    def _request(self) -> ImportRequest | str:
        """What is to be imported, or in words what is missing."""
        if self._job is not None:
            return "Reading…"
        if self._found is None:
            return "Choose label images."
        images, n_frames = self._found.images, self._session.n_frames
        request = ImportRequest(
            images,
            self.classes(),
            self.first.value(),
            self.overwrite.isChecked(),
            self.complete.isChecked(),
        )
        if request.frames.stop > n_frames:
            return (
                f"{len(images.stack)} label images from frame {self.first.value()} on; the stack "
                f"ends at {n_frames - 1}."
            )
        missing = [value for value in self.choices if value not in request.classes]
        if missing:
            return f"Choose a class for {', '.join(missing[:3])}, or leave it out."
        return request

    def _enable(self) -> None:
        request = self._request()
        ready = isinstance(request, ImportRequest)
        self.import_button.setEnabled(ready)
        self.import_button.setToolTip(
            "Write these labels into the annotation, as one step that can be undone."
            if ready
            else "Choose label images first, and a class for each value."
        )
        self.progress.setVisible(self._job is not None)
        for part in (self.table, self.first, self.complete, self.overwrite):
            part.setEnabled(self._job is None)
        if isinstance(request, str):
            self.note.setText(request)
        else:
            frames = request.frames
            where = f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]}–{frames[-1]}"
            notes = "; ".join(request.images.stack.notes)
            self.note.setText(f"Goes onto {where}.{f' ({notes})' if notes else ''}")

    def _on_import(self) -> None:
        request = self._request()
        if isinstance(request, str):
            return
        annotation = self._session.annotation
        self._changes = []
        self._touched.clear()
        self.progress.setRange(0, len(request.frames))
        self.progress.setValue(0)
        self._job = Job(
            lambda: request.changes(annotation),
            step=self._on_changes,
            ended=lambda error: self._on_imported(error, request),
            what="Importing labels",
        )
        self._enable()

    def _on_touched(self, frames: frozenset[int]) -> None:
        self._touched |= frames

    def _on_changes(self, changes: list[Change]) -> None:
        self.progress.setValue(self.progress.value() + 1)
        self._changes += changes

    def _on_imported(self, error: Exception | None, request: ImportRequest) -> None:
        self._job = None
        frames = list(request.frames)
        if error is None and self._touched.intersection(frames):
            error = ValueError(
                f"frame {min(self._touched.intersection(frames))} was changed meanwhile, by an aid "
                "that runs: import again when it has ended."
            )
        if error is not None:
            self._enable()
            explain(error)
            return
        self._session.apply(self._changes)
        n_changed = len({change.frame for change in self._changes})
        self.accept()
        from napari.utils.notifications import show_info

        show_info(f"Imported labels of {len(frames)} frames; {n_changed} changed.")

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()
        self._session.changed.disconnect(self._on_touched)
