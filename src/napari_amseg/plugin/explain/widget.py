"""The *Grad-CAM* widget: where in the shown frame the network saw evidence for a class."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_amseg.explain import ExplainSettings
from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import Failed, Finished, LayerNames, ListLayers
from napari_amseg.pipeline.supervise import shared_process
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.command.views import explain_plan
from napari_amseg.plugin.explain.job import FrameJob, HeatMap, run_frame_job, show_heat
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.plugin.layers import current_frame, is_image
from napari_amseg.plugin.model_choice import ModelChoice, describe
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.preview import Previewer
from napari_amseg.plugin.tasks import Latest, explain, run_in_thread

if TYPE_CHECKING:
    import napari

_DEFAULT_LAYER = "last decoder block"


class Explain(QWidget):
    """Grad-CAM of the shown frame, computed in the compute process, as a layer over it."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self._frames = Previewer()
        self._cancel: threading.Event | None = None
        self._activity = Activity()
        self._closed = cancel_event()
        self._names = Latest(self._show_layers)
        self._build()
        self.image.layer_changed.connect(self._enable)
        self.model.changed.connect(self._on_model)
        self.run_button.clicked.connect(self._on_button)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_model()

    def _build(self) -> None:
        self.image = LayerChoice(self._viewer, is_image, nothing="open an image stack first")
        self.image.setToolTip("The stack whose shown frame is explained.")
        self.model = ModelChoice()
        self.about, self.status = QLabel(), QLabel()
        for label in (self.about, self.status):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing() + 2)
        self.status.setMinimumHeight(4 * self.status.fontMetrics().lineSpacing())
        self.class_box, self.layer_box = QComboBox(), QComboBox()
        self.class_box.setToolTip("The class for which the network saw evidence.")
        self.layer_box.setToolTip(
            "The layer whose features are weighed: early ones are fine, deep ones coarse."
        )
        self.layer_box.addItem(_DEFAULT_LAYER)
        for box in (self.class_box, self.layer_box):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(12)
        self.settings = SettingsForm(ExplainSettings, names=("pixels",))
        self.run_button, self.progress = QPushButton("Explain shown frame"), QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setVisible(False)
        inside, top = QWidget(), QWidget()
        form = TidyForm(top)
        form.add("image", self.image)
        form.add("model", self.model)
        form.add("", self.about)
        form.add("class", self.class_box)
        form.add("network layer", self.layer_box)
        self.settings.add_rows_to(form)
        layout = QVBoxLayout(inside)
        for part in (top, self.run_button, self.progress, self.status):
            layout.addWidget(part)
        layout.addStretch(1)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    @property
    def is_running(self) -> bool:
        """Whether a frame is being explained."""
        return self._cancel is not None

    def _bundle(self) -> Bundle | None:
        try:
            return self.model.bundle()
        except (ValueError, OSError) as error:
            self.status.setText(str(error))
            return None

    def _on_model(self) -> None:
        """Another model: its classes now, its layers when the compute process has loaded it."""
        bundle = self._bundle()
        summary, details = describe(bundle) if bundle else ("choose the folder of a model", "")
        self.about.setText(summary)
        self.about.setToolTip(details)
        chosen = self.class_box.currentText()
        self.class_box.clear()
        self._show_layers(None)
        self._enable()
        if bundle is None:
            return
        self.class_box.addItems(bundle.card.scheme.names)
        self.class_box.setCurrentIndex(max(0, self.class_box.findText(chosen)))
        request = ListLayers(str(bundle.folder))
        self._names.submit(lambda: list(shared_process().run(request, self._closed))[-1])

    def _show_layers(self, answer: Any) -> None:
        if isinstance(answer, Failed):
            self.status.setText(answer.message)
        chosen = self.layer_box.currentText()
        self.layer_box.clear()
        self.layer_box.addItem(_DEFAULT_LAYER)
        if isinstance(answer, LayerNames):
            self.layer_box.setItemData(0, answer.default, Qt.ItemDataRole.ToolTipRole)
            self.layer_box.addItems(list(reversed(answer.names)))
        self.layer_box.setCurrentIndex(max(0, self.layer_box.findText(chosen)))

    def _enable(self) -> None:
        """A button that cannot be pressed says why."""
        if self.is_running:
            text, tip = "Cancel", "Stop; nothing is added."
        else:
            text, tip = "Explain shown frame", "Add the heat map of the shown frame as a layer."
        why_not = ""
        if not self.is_running and self.image.layer() is None:
            why_not = "Open an image stack first."
        elif not self.is_running and self.model.box.currentData() is None:
            why_not = "Choose a model first."
        self.run_button.setText(text)
        self.run_button.setEnabled(not why_not)
        self.run_button.setToolTip(why_not or tip)
        self.progress.setVisible(self.is_running)

    def _on_button(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            self.status.setText("cancelling…")
        else:
            self.start()

    def _explained(self) -> ExplainSettings:
        chosen = self.layer_box.currentText() if self.layer_box.currentIndex() else None
        return ExplainSettings(chosen, self.settings.value().pixels)

    def start(self) -> None:
        """Explain the shown frame of the chosen layer."""
        image, bundle = self.image.layer(), self._bundle()
        if image is None or bundle is None or self.is_running:
            return
        settings = self._explained()
        frame, class_name = current_frame(self._viewer, image), self.class_box.currentText()
        job = FrameJob.of(image, bundle, frame, class_name, settings)
        cancel = self._cancel = cancel_event()
        self.status.setText(f"frame {frame}…")
        self._activity.begin(f"Grad-CAM of frame {frame}")
        self._enable()

        def ended(heat: HeatMap | Finished | None, error: BaseException | None) -> None:
            if self._closed.is_set():
                return
            self._activity.end()
            self._cancel = None
            self._enable()
            self.status.setText("")
            if error is not None:
                explain(error)
            elif isinstance(heat, HeatMap) and not cancel.is_set():  # it may have come just before
                show_heat(self._viewer, heat, job, image)
                self.status.setText(heat.in_words(job))
            else:
                self.status.setText("Cancelled.")

        run_in_thread(lambda: run_frame_job(job, self._frames, shared_process(), cancel), ended)

    def _command(self) -> MakePlan:
        image = self.image.layer()
        return explain_plan(
            image,
            self.model.bundle(),
            frame=0 if image is None else current_frame(self._viewer, image),
            class_name=self.class_box.currentText(),
            settings=self._explained(),
        )

    def _stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        self._closed.set()
        self._names.stop()
        self.image.stop()
        self._activity.end()
        if self._cancel is not None:
            self._cancel.set()
