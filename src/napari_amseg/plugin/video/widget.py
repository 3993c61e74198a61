"""The *Video* widget: image, truth and prediction layers as a video or a film strip."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.pipeline.video import STRIP_SUFFIXES
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.command.views import video_plan
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.plugin.layers import image_source, is_image, is_labels, label_source
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.results_place import results_start, results_went_to
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.video.job import Ended, Written, run_video_job, video_request
from napari_amseg.report.video import VideoSettings
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import napari

_FILTER = f"Video (*.mp4);;Film strip ({' '.join(f'*{s}' for s in STRIP_SUFFIXES)})"


class Video(QWidget):
    """Writes what layers show to a file, in a thread, with the contrast of the image layer."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self._cancel: threading.Event | None = None
        self._worker: Any = None
        self._activity = Activity()
        self._build()
        for choice in (self.image, self.labels):
            choice.layer_changed.connect(self._on_layer)
        self.truth.layer_changed.connect(self._enable)
        self.with_truth.toggled.connect(self._enable)
        self.write_button.clicked.connect(self._on_button)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_layer()

    def _build(self) -> None:
        self.image = LayerChoice(self._viewer, is_image, nothing="open an image stack first")
        self.labels = LayerChoice(self._viewer, is_labels, nothing="segment or open labels first")
        self.truth = LayerChoice(self._viewer, is_labels, follow=False, nothing="no labels")
        self.with_truth = QCheckBox("with a panel of the truth")
        self.with_truth.setToolTip("A third panel with other labels of the same frames beside.")
        self.image.setToolTip("The frames, shown with the contrast of this layer.")
        self.labels.setToolTip("Masks of the same frames: a prediction.")
        self.truth.setToolTip("True masks of the same frames.")
        self.experiment = ExperimentForm(more=False)
        self.frames = QLineEdit()
        self.frames.setPlaceholderText("all; A:B:STEP or 0,20,40")
        self.frames.setToolTip(
            "Frames to show, B excluded. Empty: all in a video, five in a film strip."
        )
        self.settings = SettingsForm(VideoSettings, names=("fps",))
        self.looks = SettingsForm(
            VideoSettings, names=("arrangement", "video_width", "opacity", "crf")
        )
        self.write_button, self.progress = QPushButton(), QProgressBar()
        self.progress.setVisible(False)
        inside, top, below = QWidget(), QWidget(), QWidget()
        layout = QVBoxLayout(inside)
        form = TidyForm(top)
        form.add("image", self.image)
        form.add("labels", self.labels)
        form.add("", self.with_truth)
        form.add("truth", self.truth)
        self._choices = form
        form = TidyForm(below)
        form.add("frames", self.frames)
        self.settings.add_rows_to(form)
        looks = Fold("Looks", self.looks)
        for part in (top, self.experiment, below, looks, self.write_button, self.progress):
            layout.addWidget(part)
        layout.addStretch(1)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    @property
    def is_running(self) -> bool:
        """Whether a file is being written."""
        return self._cancel is not None

    def _on_layer(self) -> None:
        """Fill in pixel size and frame rate of the image, of the labels where it knows none."""
        image, labels = self.image.layer(), self.labels.layer()
        known = Experiment() if labels is None else label_source(labels).experiment
        if image is not None:
            known = known.updated(**image_source(image).experiment.to_json())
        self.experiment.set_value(known)
        self._enable()

    def _enable(self) -> None:
        """A button that cannot be pressed says why."""
        why_not = ""
        if self.image.layer() is None:
            why_not = "Open an image stack first."
        elif self.labels.layer() is None:
            why_not = "Segment the stack or open labels first."
        elif self.with_truth.isChecked() and self.truth.layer() is self.labels.layer():
            why_not = "Truth and labels are the same layer: choose another for one of them."
        running = self.is_running
        self._choices.setRowVisible(self.truth, self.with_truth.isChecked())
        self.write_button.setText("Cancel" if running else "Write…")
        self.write_button.setEnabled(running or not why_not)
        self.write_button.setToolTip(
            "Stop; no file is left."
            if running
            else why_not or "Choose a file: .mp4 for a video, .png, .pdf or .svg for a film strip."
        )
        self.progress.setVisible(running)

    def _on_button(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            return
        image = self.image.layer()
        stem = safe_stem(image.name) if image is not None else "video"
        start = results_start(f"{stem}.mp4")
        path, _ = QFileDialog.getSaveFileName(self, "Video or film strip", start, _FILTER)
        if path:
            self.write(Path(path), asked=True)

    def write(self, path: Path, *, asked: bool = False) -> None:
        """Write the chosen layers to a file in a thread; one without an ending becomes a video.

        asked : whether the user agreed to replace a file at just this path.
        """
        from napari.qt.threading import create_worker

        image, labels = self.image.layer(), self.labels.layer()
        if image is None or labels is None or self.is_running:
            return
        final = path if path.suffix else path.with_suffix(".mp4")
        asked, path = asked and final == path, final
        try:
            request = video_request(
                image,
                labels,
                self.truth.layer() if self.with_truth.isChecked() else None,
                path,
                experiment=self.experiment.value(),
                frames=self.frames.text(),
                settings=self._looks(),
                overwrite=asked,
            )
        except (ValueError, OSError) as error:
            explain(error)
            return
        cancel = self._cancel = cancel_event()
        self.progress.setRange(0, 0)
        self._activity.begin(f"Writing {path.name}")
        self._worker = create_worker(
            run_video_job,
            request,
            cancel,
            _start_thread=True,
            _connect={"yielded": lambda told: self._take(told, path, cancel)},
        )
        self._enable()

    def _take(self, told: Written | Ended, path: Path, cancel: threading.Event) -> None:
        from napari.utils.notifications import show_info

        if cancel is not self._cancel:
            return
        if isinstance(told, Written):
            self.progress.setRange(0, told.n_frames)
            self.progress.setValue(told.done)
            self._activity.show(told.done, told.n_frames)
            return
        self._cancel = None
        self._activity.end()
        self._enable()
        if told.error is not None:
            explain(told.error)
        elif not told.cancelled:
            results_went_to(path.parent)
            show_info(f"Wrote {path}")

    def _command(self) -> MakePlan:
        return video_plan(
            self.image.layer(),
            self.labels.layer(),
            self.truth.layer() if self.with_truth.isChecked() else None,
            self.experiment.value(),
            frames=self.frames.text(),
            settings=self._looks(),
        )

    def _looks(self) -> VideoSettings:
        looks = self.looks.value().to_json() | {"fps": self.settings.value().fps}
        return VideoSettings(**looks)

    def _stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        self._activity.end()
        if self._cancel is not None:
            self._cancel.set()
            self._cancel = None
        for choice in (self.image, self.labels, self.truth):
            choice.stop()
