"""The *Train* widget: annotated frames in, a network learns, its curves and a model come out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.pipeline.supervise import shared_process
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.folders import train_plan
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.forms import WIDGET_WIDTH_PX
from napari_amseg.plugin.page import scrolled
from napari_amseg.plugin.remembered import recall, remember
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.theme import palette
from napari_amseg.plugin.train.form_network import NetworkForm
from napari_amseg.plugin.train.form_output import OutputForm
from napari_amseg.plugin.train.form_settings import TrainingForm
from napari_amseg.plugin.train.form_source import SourceForm
from napari_amseg.plugin.train.job import TrainJob
from napari_amseg.plugin.train.run import TrainRun
from napari_amseg.train import TrainRequest

if TYPE_CHECKING:
    import napari

_REFRESH_MS = 200
_LEAST_HEIGHT_PX = 260


class Train(QWidget):
    """Train a network in the compute process; curves and a validation frame show how it goes."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.run: TrainRun | None = None
        self._activity = Activity()
        self._stopped = False
        self._build()
        recall("Train", self)
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self.training.small_wanted.connect(lambda small: self.network.choose_width(small=small))
        for form in (self.source, self.network, self.output):
            form.changed.connect(self._enable)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        napari_viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(lambda *_: self._stop())
        self._enable()

    def _build(self) -> None:
        from napari_amseg.plugin.train.page import ProgressPage

        self.source, self.network = SourceForm(self._viewer), NetworkForm()
        self.training, self.output = TrainingForm(), OutputForm()
        self.start_button, self.cancel_button = QPushButton("Train"), QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.status = Note(least_lines=2)
        self.tabs = QTabWidget()
        self.tabs.setMinimumHeight(_LEAST_HEIGHT_PX)
        self.tabs.addTab(self._set_up_page(), "Set up")
        self.page = ProgressPage(palette(self._viewer))
        self.tabs.addTab(scrolled(self.page), "Progress")
        self.status.setMinimumWidth(WIDGET_WIDTH_PX)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        self.command = CommandButton(self._command)
        layout.addWidget(self.command, 0, Qt.AlignmentFlag.AlignRight)

    def _set_up_page(self) -> QScrollArea:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(6, 8, 6, 6)
        layout.setSpacing(12)
        for form in (self.source, self.network, self.training, self.output):
            layout.addWidget(form)
        layout.addStretch(1)
        return scrolled(inside)

    @property
    def is_running(self) -> bool:
        """Whether a training is running."""
        return self.run is not None and not self.run.ended

    def _why_not(self) -> str:
        if self.is_running:
            return "Running; cancel it first."
        try:
            self.source.value()
        except ValueError as error:
            return str(error)
        network = "" if self.output.is_resumed else self.network.why_not()
        return network or self.output.why_not()

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        why_not = self._why_not()
        self.start_button.setEnabled(not why_not)
        self.start_button.setText("Go on" if self.output.is_resumed else "Train")
        self.start_button.setToolTip(why_not or "Train, and keep the best epoch as a model.")
        self.cancel_button.setEnabled(self.is_running)
        self.cancel_button.setToolTip(
            "Stop now; the best and the last epoch stay." if self.is_running else "Nothing runs."
        )
        for always in (self.source, self.output):
            always.setEnabled(not self.is_running)
        for fresh in (self.network, self.training):  # a training that goes on has its own
            fresh.setEnabled(not self.is_running and not self.output.is_resumed)

    def start(self) -> None:
        """Train as the forms say."""
        self._enable()  # layers may have changed since
        if self._why_not():
            return
        try:
            source = self.source.value()
            request = self._request(source if isinstance(source, Path) else Path())
        except ValueError as error:
            explain(error)
            return
        process = shared_process()
        self.run = TrainRun(TrainJob(source, request, waiting=process.is_busy))
        self.status.setText("")
        self.page.clear()
        self.progress.setRange(0, 0)  # moves until the first step is done
        self.progress.setFormat("")
        self.progress.setVisible(True)
        self.tabs.setCurrentIndex(1)
        self._activity.begin("Training")
        self.run.start(process)
        self._timer.start()
        self._enable()

    def _request(self, benchmark: Path) -> TrainRequest:
        """The forms as a request; one that goes on leaves everything to the checkpoint."""
        request = TrainRequest(benchmark, **self.output.value(), split=self.source.split())
        if request.resume:
            return replace(request, split=None)
        return replace(
            request,
            **self.network.value(),
            settings=self.training.settings(),
            augment=self.training.augment.value(),
        )

    def _command(self) -> MakePlan:
        benchmark = self.source.value()
        if not isinstance(benchmark, Path):
            return train_plan(None, Path())
        request = self._request(benchmark)
        folder = request.folder if self.output.path.path() else benchmark.parent / "model"
        return train_plan(request, folder)

    def cancel(self) -> None:
        """Stop the training; the best and the last epoch stay."""
        if self.run is not None and self.is_running:
            self.run.cancel.set()
            self.cancel_button.setEnabled(False)
            self.status.setText("cancelling…")

    def _tick(self) -> None:
        run = self.run
        if run is None:
            return
        text = run.progress.text(time.monotonic())
        done, steps = run.progress.steps_done
        self.progress.setRange(0, steps)
        self.progress.setValue(done)
        self._activity.show(done, steps)
        self.progress.setFormat(text)
        if not run.cancel.is_set():
            self.status.setText("" if steps else text)
        if run.fresh:
            run.fresh = False
            self.page.show_progress(run.progress)
        if run.ended:
            self._on_end(run)

    def _on_end(self, run: TrainRun) -> None:
        self._timer.stop()
        self._activity.end()
        self.progress.setVisible(False)
        self.status.setText(run.outcome)
        if run.error:
            explain(ValueError(run.error))
        elif not run.cancel.is_set():
            remember("Train", self)
        self.output.look()
        self._enable()

    def _on_theme(self, event: object = None) -> None:
        self.page.set_palette(palette(self._viewer))

    def event(self, event: QEvent | None) -> bool:
        """A closed panel: napari takes its widget out of the dock, but may keep it."""
        changed = event is not None and event.type() == QEvent.Type.ParentChange
        if changed and self.parent() is None:
            if self.run is not None and self.is_running:
                show_closed(self.run.job.request.folder)
            self._stop()
        return super().event(event)

    def _stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        if self._stopped:
            return
        self._stopped = True
        self._timer.stop()
        self._activity.end()
        self.source.stop()
        self.output.stop()
        self._viewer.events.theme.disconnect(self._on_theme)
        if self.run is not None:
            self.run.cancel.set()


def show_closed(folder: Path) -> None:
    """Say what became of a training whose panel was closed."""
    from napari.utils.notifications import show_info

    show_info(
        f"Training cancelled, as its panel was closed. The best and the last epoch are in {folder};"
        " open Train and choose this folder to go on."
    )
