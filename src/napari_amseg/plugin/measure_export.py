"""What leaves the *Measure* widget: tables, pictures and columns of what is shown, pore tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_amseg.io import OutputFiles, write_table
from napari_amseg.measure.quantities import Quantity
from napari_amseg.plugin.compared import Compared, Overlay
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import label_source, place_on
from napari_amseg.plugin.measure_job import export_record
from napari_amseg.plugin.results import Range, Results
from napari_amseg.plugin.tasks import Latest, explain

if TYPE_CHECKING:
    import napari
    import pandas as pd
    from napari.layers import Layer

    from napari_amseg.report.shown import Shown

_KINDS = "Pictures (*.png *.svg *.pdf);;Columns (*.csv)"
_SUFFIXES = (".png", ".svg", ".pdf", ".csv")


@dataclass(frozen=True, slots=True)
class Display:
    """What the widget shows. within : the range; chosen : whether it was chosen by hand."""

    layer: Layer
    results: Results
    within: Range
    chosen: bool
    quantities: Sequence[Quantity]
    quantity: Quantity
    compared: Compared | None = None
    overlay: Overlay | None = None

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return safe_stem(self.layer.name.removesuffix(" labels"))

    @property
    def chosen_range(self) -> Range | None:
        """The range if it was chosen by hand."""
        return self.within if self.chosen else None


class ExportRow(QWidget):
    """Buttons that write files or add layers; all work is done in threads.

    display : gives what is shown, or in words why there is nothing to export.
    """

    busy_changed = Signal()

    def __init__(self, viewer: napari.Viewer, display: Callable[[], Display | str]) -> None:
        super().__init__()
        self._viewer, self._display = viewer, display
        self._files = Latest(self._on_written, failed=self._on_failed)
        self._tracks = Latest(self._on_tracks, failed=self._on_failed)
        self.tables, self.plot = QPushButton("Export…"), QPushButton("Save plot…")
        self.tracks = QPushButton("Pore tracks")
        self.with_labels = QCheckBox("with labels")
        self.with_labels.setToolTip("Also write the label stack, <name>_labels.tif.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.tables, self.with_labels, self.plot, self.tracks):
            layout.addWidget(part, 0 if part is self.with_labels else 1)
        self.tables.clicked.connect(self._on_tables)
        self.plot.clicked.connect(self._on_plot)
        self.tracks.clicked.connect(lambda _: self.add_tracks())

    def enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        shown = self._display()
        why_not = shown if isinstance(shown, str) else ""
        files = why_not or ("Writing…" if self._files.busy else "")
        tracks = why_not or ("Following the pores…" if self._tracks.busy else "")
        for button, reason, tip in (
            (self.tables, files, "Write frames, pores, their tracks, summary and run record to a "
             "folder.\nA range chosen by hand is written as the laser-on frames."),
            (self.plot, files, "Save what is shown as PNG, SVG or PDF, or its columns as CSV."),
            (self.tracks, tracks, "Add the tracks of the pores as a layer."),
        ):  # fmt: skip
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)

    def _on_tables(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the tables")
        if folder:
            self.export(Path(folder))

    def export(self, folder: Path) -> None:
        """Write the tables, the summary and the record of the shown rows to a folder."""
        shown = self._display()
        if isinstance(shown, str):
            return
        layer, results, within = shown.layer, shown.results, shown.chosen_range
        source = replace(label_source(layer), experiment=results.experiment)
        edited = source.results is not results
        labels = layer.data if self.with_labels.isChecked() and layer.ndim == 3 else None

        def write() -> list[Path]:
            record = export_record(source, results.settings_for(within), edited=edited)
            return results.write(folder, shown.stem, record, labels, within=within)

        self._files.submit(write)
        self.enable()

    def _on_plot(self) -> None:
        shown = self._display()
        if isinstance(shown, str):
            return
        path, kind = QFileDialog.getSaveFileName(
            self, "Save what is shown", f"{shown.stem}_shown.png", _KINDS
        )
        if path:
            target = Path(path)
            suffix = ".csv" if "csv" in kind and target.suffix == ".png" else ""
            self.save_plot(target.with_suffix(suffix) if suffix else target)

    def save_plot(self, path: Path) -> None:
        """Write a picture of what is shown, or its columns, as the suffix says."""
        shown = self._display()
        if isinstance(shown, str):
            return
        if path.suffix.lower() not in _SUFFIXES:
            explain(ValueError(f"{path.name}: end the name in {', '.join(_SUFFIXES)}."))
            return
        self._files.submit(lambda: save_shown(shown, path))
        self.enable()

    def add_tracks(self) -> None:
        """Add the tracks of the pores as a layer."""
        shown = self._display()
        if isinstance(shown, str):
            return
        measured = shown.results.measurements.copy(shown.results.settings_for(shown.chosen_range))
        name, place = f"{shown.layer.name} pore tracks", place_on(shown.layer)

        def follow() -> Any:
            from napari_amseg.plugin.pore_tracks import tracks_layer

            return tracks_layer(measured.pores(), measured.tracks(), name=name, place=place)

        self._tracks.submit(follow)
        self.enable()

    def _on_tracks(self, made: Any) -> None:
        from napari.layers import Layer

        self._viewer.add_layer(Layer.create(*made))
        self.enable()

    def _on_written(self, paths: list[Path]) -> None:
        from napari.utils.notifications import show_info

        self.enable()
        show_info(f"Wrote {', '.join(p.name for p in paths)} to {paths[0].parent}")

    def _on_failed(self, error: BaseException) -> None:
        self.enable()
        explain(error)

    def stop(self) -> None:
        """The widget closes: nothing is delivered any more."""
        self._files.stop()
        self._tracks.stop()


def save_shown(shown: Display, path: Path) -> list[Path]:
    """Write a picture, or the shown columns as CSV; returns the path. Call in a thread."""
    from napari_amseg.report.shown import shown_figure

    picture = _figure_of(shown)
    with OutputFiles(path.parent) as files:
        if path.suffix.lower() == ".csv":
            in_um = shown.results.in_um
            columns = [q.column(in_um=in_um) for q in shown.quantities]
            write_table(files.path(path.name), picture.frames[["frame", "time_s", *columns]])
        else:
            shown_figure(picture, files.path(path.name))
    return list(files.finals)


def _figure_of(shown: Display) -> Shown:
    from napari_amseg.report.shown import Shown

    results, compared = shown.results, shown.compared
    frames = results.measurements.copy(results.settings_for(shown.chosen_range)).frames()
    signal, other = None, None
    if compared is not None and compared.results.n_done:
        other = _on_axis_of(compared, frames)
    if shown.overlay is not None:
        rate, unit = results.experiment.frame_rate_hz or 1.0, shown.overlay.unit
        label = f"{shown.overlay.name} ({unit})" if unit else shown.overlay.name
        signal = shown.overlay.x * 1e3 / rate, shown.overlay.values, label
    return Shown(
        frames, shown.layer.name, shown.quantities, *shown.within, shown.quantity,
        other, compared.name if compared else "", signal,
    )  # fmt: skip


def _on_axis_of(compared: Compared, frames: pd.DataFrame) -> pd.DataFrame:
    """The frame table of the compared stack, on the time axis of the shown one."""
    other = compared.results.measurements.copy().frames()
    at = other["frame"] * compared.frames_per_frame
    rate = compared.shown.experiment.frame_rate_hz
    return other.assign(frame=at, time_s=at / rate if rate else np.nan)
