"""The *Segment* widget: model, one click, masks as they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import Failed, Prepare, Prepared
from napari_amseg.pipeline.supervise import shared_process
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.command.results import segment_plan
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.plugin.layers import current_frame, image_source, is_image
from napari_amseg.plugin.model_choice import ModelChoice, describe
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.preferences import preferences
from napari_amseg.plugin.remembered import recall, remember
from napari_amseg.plugin.segment.run import SegmentRun
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.plugin.warm_up import collect_garbage, warm_up_labels
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings

if TYPE_CHECKING:
    import napari

_REFRESH_MS = 150


class Segment(QWidget):
    """Segment an image layer in the compute process; labels appear frame by frame."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.run: SegmentRun | None = None
        self._closed = cancel_event()
        self._prepared, self._noted = Latest(self._show_device), Latest(self._show_notes)
        warm_up_labels()
        self._build()
        recall("Segment", self)
        self.settings.set_value(preferences().applied(self.settings.value()))
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self.image.layer_changed.connect(self._on_change)
        self.model.changed.connect(self._on_change)
        self.settings.changed.connect(self._on_change)
        self.maps.changed.connect(self._on_change)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_change()

    def _build(self) -> None:
        self.image = LayerChoice(self._viewer, is_image, nothing="open an image stack first")
        self.image.setToolTip("The stack to segment, raw or preprocessed.")
        self.model = ModelChoice(follow=True)
        self.about, self.device, self.status = QLabel(), QLabel(), Note(least_lines=2)
        for label in (self.about, self.device):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # two lines without being squeezed by the dock
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing() + 2)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.device.setToolTip("The engine and the device that compute the masks.")
        self.settings = SettingsForm(SegmentSettings, names=("engine", "precision", "batch_size"))
        self.maps, self.post = SettingsForm(MapSettings), SettingsForm(PostSettings)
        self.start_button, self.cancel_button = QPushButton("Segment"), QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setTextVisible(True)
        self.progress.setVisible(False)
        inside, top = QWidget(), QWidget()
        layout = QVBoxLayout(inside)
        form = TidyForm(top)
        form.add("image", self.image)
        form.add("model", self.model)
        form.add("", self.about)
        self.settings.add_rows_to(form)
        self.maps.add_rows_to(form)
        form.add("device", self.device)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        layout.addWidget(top)
        layout.addWidget(Fold("Post-processing", self.post))
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addStretch(1)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    @property
    def is_running(self) -> bool:
        """Whether a job is running."""
        return self.run is not None and not self.run.ended

    def _bundle(self) -> Bundle | None:
        try:
            return self.model.bundle()
        except (ValueError, OSError) as error:
            self.status.setText(str(error))
            return None

    def _on_change(self) -> None:
        """Another image, model or engine: have it loaded ahead of the click."""
        bundle, layer = self._bundle(), self.image.layer()
        summary, details = describe(bundle) if bundle else ("choose the folder of a model", "")
        self.about.setText(summary)
        self.about.setToolTip(details)
        self._enable()
        if bundle is None or self.is_running:
            return
        busy = shared_process().is_busy
        self.device.setText("waiting for another job to end…" if busy else "loading the model…")
        shape = None if layer is None else tuple(int(n) for n in layer.data.shape[-2:])
        settings, confidence = self.settings.value(), self.maps.value().confidence
        request = Prepare(
            str(bundle.folder), settings.engine, settings.precision, shape, confidence
        )
        self._prepared.submit(lambda: list(shared_process().run(request, self._closed))[-1])

    def _show_device(self, answer: Any) -> None:
        if isinstance(answer, Prepared):
            self.device.setText(answer.device)
            if not self.is_running:
                collect_garbage()
        elif isinstance(answer, Failed):
            self.device.setText("the model could not be loaded")
            self.status.setText(answer.message)

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        if self.is_running:
            why_not = "Running; cancel it first."
        elif self.image.layer() is None:
            why_not = "Open an image stack first."
        elif self.model.box.currentData() is None:
            why_not = "Choose a model first."
        else:
            why_not = ""
        self.start_button.setEnabled(not why_not)
        self.start_button.setToolTip(why_not or "Segment all frames, the shown one first.")
        self.cancel_button.setEnabled(self.is_running)
        running_tip = "Stop after this batch; frames that are done stay."
        self.cancel_button.setToolTip(running_tip if self.is_running else "Nothing runs.")

    def start(self) -> None:
        """Segment the chosen layer."""
        layer, bundle = self.image.layer(), self._bundle()
        if layer is None or bundle is None or self.is_running:
            return
        try:
            self.run = SegmentRun(
                self._viewer,
                layer,
                image_source(layer),
                bundle,
                self.settings.value(),
                current_frame(self._viewer, layer),
                maps=self.maps.value(),
                post=self.post.value(),
            )
        except (ValueError, OSError) as error:
            explain(error)
            return
        self.status.setText("")
        self.progress.setRange(0, 0)  # moves until the first frame is there
        self.progress.setFormat("")
        self.progress.setVisible(True)
        QTimer.singleShot(0, self._show_layers)
        self._timer.start()
        self._enable()

    def _show_layers(self) -> None:
        """Before the job begins: what napari builds takes longer while others compute."""
        if self.run is not None:
            self.run.show()
            QTimer.singleShot(0, self._start_job)

    def _start_job(self) -> None:
        if self.run is not None:
            self.run.reveal()
            self.run.start(shared_process())

    def cancel(self) -> None:
        """Stop the running job; what is done stays."""
        if self.run is not None and self.is_running:
            self.run.cancel.set()
            self.cancel_button.setEnabled(False)
            self.status.setText("cancelling…")

    def _tick(self) -> None:
        run = self.run
        if run is None:
            return
        run.refresh()
        done, n_frames = run.progress.step()
        self.progress.setRange(0, n_frames)
        self.progress.setValue(done)
        text = run.progress.text(time.monotonic())
        self.progress.setFormat(text)
        if run.progress.device:
            self.device.setText(run.progress.device)
        elif not run.ended and not run.cancel.is_set():
            self.status.setText(text)
        if run.ended:
            self._on_end(run)
        elif run.progress.done and not run.cancel.is_set():
            self.status.setText(run.progress.rate_text(time.monotonic()))

    def _on_end(self, run: SegmentRun) -> None:
        self._timer.stop()
        self.progress.setVisible(False)
        self.status.setText(run.outcome)
        if run.error:
            explain(ValueError(run.error))
        elif not run.cancel.is_set():
            remember("Segment", self)
            task = run.notes_task()
            self._noted.submit(lambda: (run, task()))
        self._enable()
        if shared_process().pid is None:  # ended by a cancel: be ready for the next click
            self._on_change()

    def _show_notes(self, noted: tuple[SegmentRun, tuple[str, ...]]) -> None:
        """What must be known of the numbers, and where to look first, unless that is past."""
        run, notes = noted
        if run is self.run and self.status.text() == run.outcome:
            said = (note[0].upper() + note[1:] for note in notes)
            self.status.setText("\n".join((run.outcome, *said)))

    def _command(self) -> MakePlan:
        return segment_plan(
            self.image.layer(),
            self.model.bundle(),
            self.settings.value(),
            self.maps.value(),
            self.post.value(),
        )

    def _stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        self._closed.set()
        self._prepared.stop()
        self._noted.stop()
        self.image.stop()
        if self.run is not None:
            self.run.cancel.set()
