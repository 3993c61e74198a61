"""The *Laser frame* widget: the laser's line, its kymograph, and what travels with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.measure.laser_frame import Window, WindowSettings
from napari_amseg.pipeline.laser_frame import parse_rows
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.plugin.laser.command import laser_command
from napari_amseg.plugin.laser.job import (
    LaserJob,
    Progress,
    Seen,
    kymograph_layer,
    travelling_labels,
    window_labels_layer,
    window_layer,
)
from napari_amseg.plugin.layers import current_frame, image_source, is_image, is_labels, show_frame
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.tasks import explain, run_in_thread
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_POLL_MS = 100
_WINDOW = ("ahead_px", "behind_px", "to_the_right", "laser_on_only")


class LaserFrame(QWidget):
    """Fit the laser's line or draw it; add the kymograph and the travelling window as layers."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.found: Seen | None = None
        self._progress: Progress | None = None
        self._activity = Activity()
        self._closed = False
        self._build()
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        self.image.layer_changed.connect(self._on_image)
        self.labels.layer_changed.connect(self._on_labels)
        self.fit_button.clicked.connect(self._on_fit)
        self.window_button.clicked.connect(self.add_window)
        self.kymograph_button.clicked.connect(self.add_kymograph)
        self.editor.frame_chosen.connect(self._on_frame_chosen)
        self.experiment.changed.connect(self._on_experiment)
        napari_viewer.dims.events.current_step.connect(self._on_step)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_image()

    def _build(self) -> None:
        from napari_amseg.plugin.laser.line import LineEditor

        self.image = LayerChoice(self._viewer, is_image, nothing="open an image stack first")
        self.image.setToolTip("The stack in which the laser moves.")
        self.labels = LayerChoice(self._viewer, is_labels, nothing="none")
        self.labels.setToolTip("Labels of the same frames, with the keyhole.")
        self.with_labels = QCheckBox("fit and cut them")
        self.with_labels.setToolTip(
            "Fit the line to the keyhole's leading edge, and cut the labels with the window.\n"
            "Otherwise the line comes from the grey values."
        )
        self.experiment, self.rows = ExperimentForm(), QLineEdit()
        self.rows.setPlaceholderText("below the surface")
        self.rows.setToolTip("Rows A:B whose mean makes the kymograph, B excluded.")
        self.window_form = SettingsForm(WindowSettings, names=_WINDOW)
        self.fit_button, self.progress = QPushButton("Fit line"), QProgressBar()
        self.progress.setVisible(False)
        self.window_button = QPushButton("Add travelling window")
        self.kymograph_button = QPushButton("Add kymograph")
        self.editor = LineEditor(self._viewer)
        inside, top = QWidget(), QWidget()
        form = TidyForm(top)
        rows = (("image", self.image), ("labels", self.labels), ("", self.with_labels))
        for name, field in (*rows, ("rows", self.rows)):
            form.add(name, field)
        buttons = QHBoxLayout()
        buttons.addWidget(self.window_button, 1)
        buttons.addWidget(self.kymograph_button, 1)
        layout = QVBoxLayout(inside)
        for part in (top, self.experiment, self.fit_button, self.progress):
            layout.addWidget(part)
        layout.addWidget(self.editor, 1)
        layout.addWidget(Fold("Window", self.window_form))
        layout.addLayout(buttons)
        fill(self, inside, CommandButton(lambda: laser_command(self)))

    @property
    def is_running(self) -> bool:
        """Whether something is computed."""
        return self._progress is not None

    def _on_image(self) -> None:
        """Another stack: nothing is known of it."""
        self._cancel()
        image = self.image.layer()
        self.found = None
        self.editor.clear()
        if image is not None:
            self.experiment.set_value(image_source(image).experiment)
            self.editor.plot.mark_frame(current_frame(self._viewer, image))
        self._on_labels()
        self._on_experiment()
        self._enable()

    def _on_experiment(self) -> None:
        self.editor.set_experiment(self.known())

    def _on_labels(self) -> None:
        image, labels = self.image.layer(), self.labels.layer()
        fits = image is not None and labels is not None and image.data.shape == labels.data.shape
        self.with_labels.setChecked(fits)
        self.with_labels.setEnabled(labels is not None)

    def chosen_labels(self) -> Layer | None:
        """The labels to fit and cut, if they are to be."""
        return self.labels.layer() if self.with_labels.isChecked() else None

    def known(self) -> Experiment:
        """What the form says; what it does not have, the layer."""
        given = self.experiment.value()
        image = self.image.layer()
        if image is None:
            return given
        return replace(
            image_source(image).experiment,
            pixel_size_um=given.pixel_size_um,
            frame_rate_hz=given.frame_rate_hz,
            scan_speed_mm_s=given.scan_speed_mm_s,
        )

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        running, image = self.is_running, self.image.layer()
        self.fit_button.setText("Cancel" if running else "Fit line")
        self.fit_button.setEnabled(image is not None)
        self.fit_button.setToolTip(
            "Open an image stack first."
            if image is None
            else "Find the laser's path; it can then be corrected by hand."
        )
        why_not = (
            "Wait until it is done." if running else "" if self.found else "Fit the line first."
        )
        for button, tip in (
            (self.window_button, "Add what travels with the laser, as a layer below the stack."),
            (self.kymograph_button, "Add the x-t image as a layer below the stack."),
        ):
            button.setEnabled(not why_not)
            button.setToolTip(why_not or tip)
        self.editor.setEnabled(not running)
        self.progress.setVisible(running)

    def _on_fit(self) -> None:
        if self.is_running:
            self._cancel()
        else:
            self.fit()

    def fit(self) -> None:
        """Project the chosen stack and fit the line, in a thread."""
        image = self.image.layer()
        if image is None or self.is_running:
            return
        try:
            text = self.rows.text().strip()
            job = LaserJob.of(image, self.chosen_labels(), parse_rows(text) if text else None)
        except ValueError as error:
            explain(error)
            return
        progress = self._start()
        self._run(progress, lambda: job.run(progress), self._show_found)

    def _start(self) -> Progress:
        progress = self._progress = Progress()
        self._activity.begin("Laser frame")
        self._poll.start()
        self._enable()
        return progress

    def _run(self, progress: Progress, task: Any, show: Any) -> None:
        """Run `task` in a thread; its result is shown unless it was cancelled meanwhile."""

        def ended(result: Any, error: BaseException | None) -> None:
            if self._closed or progress is not self._progress:
                return
            self._end()
            if error is not None:
                explain(error)
            elif result is not None:
                show(result)
            self._enable()

        run_in_thread(task, ended)

    def _end(self) -> None:
        self._progress = None
        self._poll.stop()
        self._activity.end()

    def _cancel(self) -> None:
        if self._progress is not None:
            self._progress.cancel.set()
            self._end()
            self._enable()

    def _show_progress(self) -> None:
        if self._progress is not None:
            self.progress.setRange(0, self._progress.total)
            self.progress.setValue(self._progress.done)
            self._activity.show(self._progress.done, self._progress.total)

    def _show_found(self, found: Seen) -> None:
        self.found = found
        self.editor.show_found(found.change, found.line, found.levels)
        if found.line.method == "given":
            explain(ValueError(f"Drag the line into place: {found.line.notes[0]}"))

    def add_window(self) -> None:
        """Add the travelling window as a layer, with labels if they are chosen."""
        image, labels, line = self.image.layer(), self.chosen_labels(), self.editor.line
        if image is None or line is None or self.is_running:
            return
        experiment = self.known()
        try:
            window = Window.of(self.window_form.value(), experiment)
            added = self._add(window_layer(self._viewer, image, line, window, experiment))
        except ValueError as error:
            explain(error)
            return
        if labels is None:
            return
        progress = self._start()
        self._run(
            progress,
            lambda: travelling_labels(labels, line, window, progress),
            lambda codes: self._add(window_labels_layer(codes, labels, added, experiment)),
        )

    def add_kymograph(self) -> None:
        """Add the kymograph as a layer."""
        image = self.image.layer()
        if image is not None and self.found is not None:
            self._add(kymograph_layer(self._viewer, image, self.found))

    def _add(self, layer_data: Any) -> Layer:
        """Add a layer; the stack stays the chosen one, and all is in view."""
        from napari.layers import Layer

        for choice in (self.image, self.labels):
            shown = choice.layer()
            if shown is not None:
                choice.choose(shown)
        layer = self._viewer.add_layer(Layer.create(*layer_data))
        self._viewer.reset_view()
        return layer

    def _on_step(self, event: Any = None) -> None:
        image = self.image.layer()
        if image is not None:
            self.editor.plot.mark_frame(current_frame(self._viewer, image))

    def _on_frame_chosen(self, frame: int) -> None:
        image = self.image.layer()
        if image is not None:
            show_frame(self._viewer, image, frame)

    def _stop(self) -> None:
        """The widget closes: nothing goes on behind it."""
        self._closed = True
        self._activity.end()
        if self._progress is not None:
            self._progress.cancel.set()
        for part in (self.image, self.labels, self.editor):
            part.stop()
        self._viewer.dims.events.current_step.disconnect(self._on_step)
