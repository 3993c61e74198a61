"""The *Measure* widget: areas, depths and pores over time, linked to the shown frame."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.measure import MeasureSettings
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.forms import WIDGET_WIDTH_PX, Fold, SettingsForm, TidyForm
from napari_amseg.plugin.layers import current_frame, is_labels, label_source, show_frame
from napari_amseg.plugin.measure_job import MeasureJob, Problem, export_record, run_measure_job
from napari_amseg.plugin.results import Results, summary_lines
from napari_amseg.plugin.tasks import Latest, explain

if TYPE_CHECKING:
    import napari

_REDRAW_MS = 250


class Measure(QWidget):
    """Measure a labels layer and look at the series; rows from *Segment* show by themselves."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.results: Results | None = None
        self._cancel: threading.Event | None = None
        self._worker: Any = None
        self._exports = Latest(self._on_exported, failed=self._on_export_failed)
        self._build()
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self.labels.layer_changed.connect(self._on_layer)
        self.measure_button.clicked.connect(self._on_button)
        self.export_button.clicked.connect(self._on_export)
        self.plots.frame_chosen.connect(self._on_frame_chosen)
        napari_viewer.dims.events.current_step.connect(self._on_step)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_layer()

    def _build(self) -> None:
        from napari_amseg.plugin.plots import SeriesPlots

        self.labels = LayerChoice(self._viewer, is_labels, nothing="segment or open labels first")
        self.labels.setToolTip(
            "Any labels layer: 1 keyhole, 2 pore, 3 substrate, 4 background, 5 powder."
        )
        self.experiment = ExperimentForm(more=False)
        self.settings = SettingsForm(MeasureSettings)
        self.measure_button, self.export_button = QPushButton("Measure"), QPushButton("Export…")
        self.with_labels = QCheckBox("with label stack")
        self.with_labels.setToolTip("Also write <name>_labels.tif beside the tables.")
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.plots = SeriesPlots()
        self.setMinimumWidth(WIDGET_WIDTH_PX)
        self.plots.setMinimumHeight(230)
        self.plots.setToolTip("Click to go to a frame; drag and roll the wheel to zoom.")
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setMinimumHeight(4 * self.summary.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        top = QWidget()
        TidyForm(top).add("labels", self.labels)
        buttons = QHBoxLayout()
        buttons.addWidget(self.measure_button, 1)
        buttons.addWidget(self.export_button, 1)
        buttons.addWidget(self.with_labels)
        for part in (top, self.experiment, Fold("Options", self.settings)):
            layout.addWidget(part)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.plots, 1)
        layout.addWidget(self.summary)

    @property
    def is_running(self) -> bool:
        """Whether labels are being measured."""
        return self._cancel is not None

    def _on_layer(self) -> None:
        """Another layer: fill in what it knows, show the rows it brings."""
        self._stop_measuring()
        layer = self.labels.layer()
        if layer is None:
            self._watch(None)
        else:
            source = label_source(layer)
            self.experiment.set_value(source.experiment)
            self._watch(source.results)
            self.plots.mark_frame(current_frame(self._viewer, layer))
        self._enable()

    def _watch(self, results: Results | None) -> None:
        """Show these rows, and those that will come."""
        if self.results is not None:
            self.results.changed.disconnect(self._on_rows, missing_ok=True)
        self.results = results
        if results is not None:
            results.changed.connect(self._on_rows)
        self._draw()

    def _on_rows(self) -> None:
        if not self._redraw.isActive():
            self._redraw.start()

    def _draw(self) -> None:
        results = self.results
        self.plots.show_results(results)
        if results is None or not results.n_done:
            self.summary.setText("")
        elif not results.complete and self.is_running:
            self.summary.setText("")
            self.progress.setValue(results.n_done)
        else:
            self.summary.setText(summary_lines(results.summary()))
        self._enable()

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        layer, results = self.labels.layer(), self.results
        self.measure_button.setText("Cancel" if self.is_running else "Measure")
        self.measure_button.setEnabled(layer is not None)
        self.measure_button.setToolTip(
            "Segment a stack or open labels first."
            if layer is None
            else "Measure every frame of the labels as they are now."
        )
        why_not = "Measure first." if results is None or not results.n_done else ""
        why_not = "Wait until it is measured." if self.is_running else why_not
        why_not = "Exporting…" if self._exports.busy else why_not
        self.export_button.setEnabled(not why_not)
        self.export_button.setToolTip(
            why_not or "Write frames, pores, summary and run record to a folder."
        )

    def _on_button(self) -> None:
        if self.is_running:
            self._stop_measuring()
            self._draw()
        else:
            self.measure()

    def measure(self) -> None:
        """Measure the chosen layer in a thread."""
        from napari.qt.threading import create_worker

        layer = self.labels.layer()
        if layer is None or self.is_running:
            return
        try:
            experiment = label_source(layer).experiment
            numbers = self.experiment.value()
            experiment = replace(
                experiment,
                pixel_size_um=numbers.pixel_size_um,
                frame_rate_hz=numbers.frame_rate_hz,
            )
            settings = self.settings.value()
        except ValueError as error:
            explain(error)
            return
        n_frames = layer.data.shape[0] if layer.ndim == 3 else 1
        cancel = self._cancel = threading.Event()
        results = Results(n_frames, experiment, settings)
        self._watch(results)
        self.progress.setRange(0, n_frames)
        self.progress.setValue(0)
        self.progress.setVisible(True)
        job = MeasureJob(layer.data, label_source(layer).scheme, experiment, settings)
        self._worker = create_worker(
            run_measure_job,
            job,
            cancel,
            _start_thread=True,
            _connect={
                "yielded": lambda batch: self._take(batch, results, cancel),
                "finished": lambda: self._on_measured(cancel),
            },
        )
        self._enable()

    def _take(self, batch: Any, results: Results, cancel: threading.Event) -> None:
        if cancel.is_set():
            return
        if isinstance(batch, Problem):
            explain(batch.error)
            self._watch(None)
            return
        for result in batch:
            results.add(result.frame, result.row, result.pores)
        results.changed.emit()

    def _on_measured(self, cancel: threading.Event) -> None:
        if cancel is self._cancel:
            self._cancel = None
            self.progress.setVisible(False)
            self._draw()

    def _stop_measuring(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            self._cancel = None
            self.progress.setVisible(False)

    def _on_step(self, event: Any = None) -> None:
        layer = self.labels.layer()
        if layer is not None:
            self.plots.mark_frame(current_frame(self._viewer, layer))

    def _on_frame_chosen(self, frame: int) -> None:
        layer = self.labels.layer()
        if layer is not None:
            show_frame(self._viewer, layer, frame)

    def _on_export(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the tables")
        if folder:
            self.export(Path(folder))

    def export(self, folder: Path) -> None:
        """Write the tables, the summary and the record of the shown rows to a folder."""
        layer, results = self.labels.layer(), self.results
        if layer is None or results is None or not results.n_done:
            return
        source = replace(label_source(layer), experiment=results.experiment)
        edited = source.results is not results
        labels = layer.data if self.with_labels.isChecked() and layer.ndim == 3 else None
        stem = safe_stem(layer.name.removesuffix(" labels"))

        def write() -> list[Path]:
            record = export_record(source, results.settings, edited=edited)
            return results.write(folder, stem, record, labels)

        self._exports.submit(write)
        self.summary.setText("exporting…")
        self._enable()

    def _on_exported(self, paths: list[Path]) -> None:
        from napari.utils.notifications import show_info

        self._draw()
        show_info(f"Wrote {', '.join(p.name for p in paths)} to {paths[0].parent}")

    def _on_export_failed(self, error: BaseException) -> None:
        self._draw()
        explain(error)

    def _stop(self) -> None:
        self._stop_measuring()
        self._exports.stop()
        self.labels.stop()
        self._viewer.dims.events.current_step.disconnect(self._on_step)
        if self.results is not None:
            self.results.changed.disconnect(self._on_rows, missing_ok=True)
