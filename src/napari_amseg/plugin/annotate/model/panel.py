"""The *Model* tab: suggestions of a model, the frames worth correcting, learning from them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.annotate.advisor import Advice, FrameRemarks, rank_frames
from napari_amseg.annotate.annotation import Status
from napari_amseg.models import Bundle
from napari_amseg.pipeline.learn import LearnSettings, remaining_frames
from napari_amseg.pipeline.supervise import shared_process
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.annotate.model.learn import LearnJob, LearnRun, free_folder
from napari_amseg.plugin.annotate.model.suggest import Suggestion
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.plugin.model_choice import ModelChoice
from napari_amseg.plugin.tasks import explain

if TYPE_CHECKING:
    import napari

_REFRESH_MS = 150
_ADVISED = 30
_ALL_TIP = "The model labels all frames that are not complete; unlabelled pixels if in progress."
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LearnPanel(QWidget):
    """A model suggests, the advisor says which frame to correct, the model learns from it."""

    def __init__(self, viewer: napari.components.ViewerModel):
        super().__init__()
        self._session: Session | None = None
        self._activity = Activity()
        self._run: Suggestion | LearnRun | None = None
        self._run_for: Session | None = None
        self._remarks: dict[int, FrameRemarks] = {}
        self.advice: list[Advice] = []
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self.this_button.clicked.connect(self.suggest_here)
        self.all_button.clicked.connect(self.suggest_all)
        self.next_button.clicked.connect(self.go_to_advised)
        self.learn_button.clicked.connect(self.learn)
        self.cancel_button.clicked.connect(self.cancel)
        self.model.changed.connect(self._enable)
        self.table.itemSelectionChanged.connect(self._on_row)
        self._enable()

    def _build(self) -> None:
        self.model = ModelChoice()
        self.this_button, self.all_button = QPushButton("Suggest here"), QPushButton("Suggest all")
        self.next_button, self.cancel_button = QPushButton("Next advised"), QPushButton("Cancel")
        self.learn_button = QPushButton("Learn and suggest")
        self.settings = SettingsForm(LearnSettings)
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.status = Note(least_lines=2)
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["frame", "worth", "why"])
        self.table.setToolTip("Frames most worth correcting, by uncertainty, physics and distance.")
        self.table.verticalHeader().setVisible(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column in (0, 1):
            self.table.setColumnWidth(column, 52)
        top = QWidget()
        TidyForm(top).add("model", self.model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 8, 6, 6)
        layout.addWidget(top)
        layout.addLayout(_row(self.this_button, self.all_button, self.cancel_button))
        layout.addWidget(self.table, 1)
        layout.addLayout(_row(self.next_button, self.learn_button))
        layout.addWidget(Fold("How it learns", self.settings))
        layout.addWidget(self.progress)
        layout.addWidget(self.status)

    def set_session(self, session: Session | None) -> None:
        """Another stack is annotated, or none."""
        self.cancel()
        if self._session is not None:
            self._session.statuses_changed.disconnect(self._on_statuses)
        self._session, self._remarks = session, {}
        if session is not None:
            session.statuses_changed.connect(self._on_statuses)
        self.status.setText("")
        self._advise()

    @property
    def is_running(self) -> bool:
        """Whether a model suggests or learns."""
        return self._run is not None

    @property
    def corrected(self) -> list[int]:
        """Frames that a person worked on."""
        if self._session is None:
            return []
        return np.flatnonzero(self._session.annotation.statuses >= Status.IN_PROGRESS).tolist()

    def suggest_here(self) -> None:
        """Let the model label the frame that is looked at."""
        if self._session is not None:
            self._suggest((self._session.frame,), Status.IN_PROGRESS)

    def suggest_all(self) -> None:
        """Let the model label every frame that is not complete, the one looked at first."""
        if self._session is not None:
            frames = remaining_frames(self._session.annotation, self._session.frame)
            self._suggest(frames, Status.SUGGESTED)

    def go_to_advised(self) -> None:
        """Look at the frame most worth correcting; from an advised one at the next of the list."""
        if self._session is None or not self.advice:
            return
        frames = [advice.frame for advice in self.advice]
        shown = self._session.frame
        place = (frames.index(shown) + 1) % len(frames) if shown in frames else 0
        self._session.go_to(frames[place])
        self.status.setText("\n".join(self.advice[place].reasons))

    def learn(self) -> None:
        """Train the model further on what is confirmed, then suggest anew."""
        session, bundle = self._session, self._bundle()
        if session is None or bundle is None or self.is_running:
            return
        folder = free_folder(safe_stem(session.image.name))
        job = LearnJob(session.stack, session.annotation, bundle, folder, self.settings.value())
        self._start(LearnRun(job))

    def cancel(self) -> None:
        """Stop what runs; frames that are done keep their suggestions."""
        if self._run is not None:
            self._run.cancel.set()
            self.status.setText("cancelling…")

    def stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        self.cancel()
        self._timer.stop()
        self._activity.end()

    def _bundle(self) -> Bundle | None:
        try:
            return self.model.bundle()
        except (ValueError, OSError) as error:
            explain(error)
            return None

    def _suggest(self, frames: tuple[int, ...], status: Status) -> None:
        session, bundle = self._session, self._bundle()
        if session is None or bundle is None or self.is_running:
            return
        if not frames:
            self.status.setText("Every frame is complete: there is nothing to suggest.")
            return
        try:
            self._start(Suggestion(session, bundle, frames, status=status))
        except (ValueError, OSError) as error:
            explain(error)

    def _start(self, run: Suggestion | LearnRun) -> None:
        self._run, self._run_for = run, self._session
        self.status.setText("")
        self.progress.setRange(0, 0)
        self.progress.setFormat("")
        self.progress.setVisible(True)
        self._activity.begin("Suggesting" if isinstance(run, Suggestion) else "Learning")
        run.start(shared_process())
        self._timer.start()
        self._enable()

    def _tick(self) -> None:
        run = self._run
        if run is None:
            return
        if isinstance(run, Suggestion):
            (done, total), text = run.progress.step(), run.progress.text(time.monotonic())
        else:
            (done, total), text = run.step(), run.text()
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(text)
        self._activity.show(done, total)
        if not total and not run.cancel.is_set():
            self.status.setText(text)
        if run.ended:
            self._on_end(run)

    def _on_end(self, run: Suggestion | LearnRun) -> None:
        self._timer.stop()
        self._activity.end()
        self._run = None
        self.progress.setVisible(False)
        if run.error:
            explain(ValueError(run.error))
        if self._run_for is not self._session:  # its frames are those of another stack
            self.status.setText("")
            self._enable()
            return
        self.status.setText(run.outcome)
        if isinstance(run, Suggestion):
            self._remarks |= run.remarks
            self._advise()
        elif run.bundle is not None:
            self.model.choose(Path(run.bundle.folder))
            self.suggest_all()
        self._enable()

    def _on_statuses(self) -> None:
        if not self.is_running:
            self._advise()

    def _advise(self) -> None:
        """Rank the frames anew, as others are corrected by now."""
        corrected = self.corrected
        self.advice = rank_frames(list(self._remarks.values()), corrected=corrected, most=_ADVISED)
        self.table.blockSignals(True)
        self.table.setRowCount(len(self.advice))
        for row, advice in enumerate(self.advice):
            texts = (str(advice.frame), f"{advice.score:.2f}", "; ".join(advice.reasons))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column < 2:
                    item.setTextAlignment(_RIGHT)
                self.table.setItem(row, column, item)
        self.table.clearSelection()
        self.table.blockSignals(False)
        self._enable()

    def _on_row(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows and self._session is not None:
            self._session.go_to(self.advice[rows[0].row()].frame)

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        if self._session is None:
            why_not = "Begin to annotate first."
        elif self.is_running:
            why_not = "Running; cancel it first."
        elif self.model.box.currentData() is None:
            why_not = "Choose a model first."
        else:
            why_not = ""
        n_corrected = len(self.corrected)
        not_corrected = "" if n_corrected else "Correct a frame first: nothing is confirmed."
        not_advised = "" if self.advice else "Let a model suggest labels first."
        for button, why, tip in (
            (self.this_button, why_not, "The model labels this frame; what is confirmed stays."),
            (self.all_button, why_not, _ALL_TIP),
            (self.next_button, not_advised, "Look at the frame most worth correcting."),
            (
                self.learn_button,
                why_not or not_corrected,
                f"Train this model further on the {n_corrected} frames worked on (what is by hand, "
                "and all of those that are complete), then suggest the others anew.",
            ),
        ):
            button.setEnabled(not why)
            button.setToolTip(why or tip)
        self.cancel_button.setEnabled(self.is_running)
        stop = "Stop; frames that are done keep their suggestions."
        self.cancel_button.setToolTip(stop if self.is_running else "Nothing runs.")


def _row(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for button in buttons:
        row.addWidget(button, 1)
    return row
