"""The dialog that compares this annotation with another: scores, and where to look."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.plugin.annotate.saving.compare_job import (
    DIFFERENCES,
    Comparison,
    Other,
    compare,
    difference_layer,
    other_experiment,
    other_layer,
)
from napari_amseg.plugin.annotate.saving.dialog import SessionDialog, table_to_read
from napari_amseg.plugin.annotate.saving.job import Job
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.layers import KEY, Preview, is_labels
from napari_amseg.plugin.tasks import explain

if TYPE_CHECKING:
    from napari.layers import Layer

_COLUMNS = {
    "IoU": ("iou", 4), "F1": ("f1", 4), "kappa": ("kappa", 4), "border px": ("boundary_mean_px", 2),
}  # fmt: skip
_TIPS = (
    "Pixels of the class in both, divided by those in either.",
    "Harmonic mean of precision and recall.",
    "Cohen's kappa: agreement beyond chance, 1 is perfect.",
    "Mean distance between the two outlines of the class.",
)


class CompareDialog(SessionDialog):
    """Scores by class, frames that are least alike, and the differences as a layer."""

    title, size_px = "Compare annotations", (520, 520)

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._job: Job | None = None
        self._layer: Layer | None = None
        self.found: Comparison | None = None
        self._build()
        self.run_button.clicked.connect(self._on_run)
        self.folder.changed.connect(self._enable)
        self.experiment.textChanged.connect(lambda _: self._enable())
        self.layers.layer_changed.connect(self._enable)
        self.worst.itemActivated.connect(self._go_to)
        self.worst.itemClicked.connect(self._go_to)
        self.finished.connect(self._stop)
        self._enable()

    def _build(self) -> None:
        self.layers = LayerChoice(self._viewer, self._accept, follow=False, nothing="no other")
        self.layers.setToolTip("Another labels layer of the same frames.")
        self.folder = PathEdit(file=False, hint="or a benchmark folder")
        self.experiment = QLineEdit()
        self.experiment.setPlaceholderText("its experiment")
        self.folder.setToolTip("A benchmark folder with labels of the same frames.")
        self.experiment.setToolTip("Name of the experiment in that benchmark.")
        self.run_button, self.progress = QPushButton("Compare"), QProgressBar()
        self.progress.setVisible(False)
        self.table = table_to_read("class", *_COLUMNS)
        for i, tip in enumerate(_TIPS, start=1):
            item = self.table.horizontalHeaderItem(i)
            assert item is not None
            item.setToolTip(tip)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.told, self.worst = Note(), QListWidget()
        self.worst.setToolTip("Click to go there.")
        top = QWidget()
        form = TidyForm(top)
        form.add("labels layer", self.layers)
        form.add("benchmark", self.folder)
        form.add("experiment", self.experiment)
        layout = QVBoxLayout(self)
        layout.addWidget(top)
        layout.addLayout(self._buttons(self.run_button))
        layout.addWidget(self.progress)
        layout.addWidget(self.table, 3)
        layout.addWidget(self.told)
        layout.addWidget(self.worst, 1)

    @property
    def busy(self) -> bool:
        """Whether it compares."""
        return self._job is not None

    def _accept(self, layer: Layer) -> bool:
        """Labels of somebody else, no preview."""
        ours = layer is self._session.layer or isinstance(layer.metadata.get(KEY), Preview)
        return is_labels(layer) and not ours

    def _other(self) -> Callable[[], Other] | str:
        """Finds the other annotation, in a thread; or in words what is missing."""
        folder, experiment = self.folder.path(), self.experiment.text().strip()
        n_frames = self._session.n_frames
        if folder:
            if not experiment:
                return "Name the experiment of that benchmark."
            names = {self._keeper.frame_name(t): t for t in range(n_frames)}
            return lambda: other_experiment(Path(folder).expanduser(), experiment, names)
        layer = self.layers.layer()
        if layer is None:
            return "Open other labels of these frames, or choose a benchmark."
        return lambda: other_layer(layer, n_frames)

    def _enable(self) -> None:
        other = self._other()
        why_not = other if isinstance(other, str) else ""
        self.run_button.setText("Cancel" if self._job is not None else "Compare")
        self.run_button.setEnabled(self._job is not None or not why_not)
        tip = "Stop." if self._job is not None else "Score this annotation against the other."
        self.run_button.setToolTip(tip if self._job is not None else why_not or tip)
        self.progress.setVisible(self._job is not None)

    def _on_run(self) -> None:
        other = self._other()
        if self._job is not None:
            self._job.cancel()
        elif not isinstance(other, str):
            annotation = self._session.annotation
            self.progress.setRange(0, 0)
            self._job = Job(
                lambda: compare(annotation, other),
                step=self._on_step,
                ended=self._on_ended,
                what="Comparing annotations",
            )
            self._enable()

    def _on_step(self, step: tuple[int, int] | Comparison) -> None:
        if isinstance(step, Comparison):
            self._show(step)
        else:
            done, n_frames = step
            self.progress.setRange(0, n_frames)
            self.progress.setValue(done)

    def _on_ended(self, error: Exception | None) -> None:
        self._job = None
        self._enable()
        if error is not None:
            explain(error)

    def _show(self, found: Comparison) -> None:
        self.found = found
        record = found.agreement.to_json()
        rows = [(name, row) for name, row in record["classes"].items() if row["iou"] is not None]
        whole = {"iou": record["mean_iou"], "f1": record["mean_f1"], "kappa": record["kappa"]}
        rows.append(("all", whole))
        self.table.setRowCount(len(rows))
        for i, (name, row) in enumerate(rows):
            self.table.setItem(i, 0, QTableWidgetItem(name))
            for j, (key, digits) in enumerate(_COLUMNS.values(), start=1):
                self.table.setItem(i, j, _number(row.get(key), digits))
        alone = record["only_first_px"] + record["only_second_px"]
        self.told.setText(
            f"{record['n_frames']:,} frames, {record['labelled_px']:,} pixels labelled in both, "
            f"{record['differing_px']:,} of them differ; {alone:,} labelled in one alone count in "
            f"no score. Layer: {_legend()}"
        )
        number = dict(zip((r["frame"] for r in found.agreement.rows), found.frames, strict=True))
        self.worst.clear()
        for row in found.agreement.worst_frames():
            words = f"{row['frame']}: mean IoU {row['mean_iou']:.4f}, {row['differing_px']:,} px"
            item = QListWidgetItem(words, self.worst)
            item.setData(Qt.ItemDataRole.UserRole, number[row["frame"]])
        self._show_layer(found)

    def _show_layer(self, found: Comparison) -> None:
        from napari.layers import Layer

        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        selected = set(self._viewer.layers.selection)
        self._layer = self._viewer.add_layer(
            Layer.create(*difference_layer(found, self._session.layer))
        )
        self._viewer.layers.selection = selected  # what is painted on stays the annotation

    def _go_to(self, item: QListWidgetItem) -> None:
        self._session.go_to(item.data(Qt.ItemDataRole.UserRole))

    def _stop(self) -> None:
        self.layers.stop()
        if self._job is not None:
            self._job.stop()


def _legend() -> str:
    """Colours of the difference layer, as HTML."""
    marks = (f'<span style="color:{c}">■</span> {words}' for words, c in DIFFERENCES.values())
    return ", ".join(marks)


def _number(value: float | None, digits: int) -> QTableWidgetItem:
    known = value is not None and not math.isnan(value)
    item = QTableWidgetItem(f"{value:.{digits}f}" if known else "")
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
