"""What leaves the *Measure* widget: tables, pictures and columns of what is shown, pore tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_amseg.io import OutputFiles, write_table
from napari_amseg.measure.quantities import Quantity
from napari_amseg.plugin.command.results import export_command
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import label_source, place_on
from napari_amseg.plugin.measure.compared import Compared, Overlay
from napari_amseg.plugin.measure.details import DetailsRequest, details_task
from napari_amseg.plugin.measure.earlier_export import check_earlier, maker_of_labels
from napari_amseg.plugin.measure.job import export_record, origin_of
from napari_amseg.plugin.measure.results import Range, Results
from napari_amseg.plugin.results_place import results_start, results_went_to
from napari_amseg.plugin.save_name import save_name
from napari_amseg.plugin.tasks import Latest, explain

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

    from napari_amseg.report.shown import Histogram, Shown

Written = tuple[list[Path], Results | None]  # of which rows, if they are tables
_KINDS = "Pictures (*.png *.svg *.pdf);;Columns (*.csv)"


@dataclass(frozen=True, slots=True)
class Display:
    """What the widget shows. within : the range; chosen : whether it was chosen by hand; page : of
    the details, in view.
    """

    layer: Layer
    results: Results
    within: Range
    chosen: bool
    quantities: Sequence[Quantity]
    quantity: Quantity
    compared: Compared | None = None
    overlay: Overlay | None = None
    page: str = ""

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
    tables_written : fires with the rows that were exported and the folder that has their tables.
    """

    tables_written = Signal(object, Path)

    def __init__(self, viewer: napari.Viewer, display: Callable[[], Display | str]) -> None:
        super().__init__()
        self._viewer, self._display = viewer, display
        self._files = Latest(self._on_written, failed=self._on_failed, what="Exporting")
        self._tracks = Latest(self._on_tracks, failed=self._on_failed, what="Following pores")
        self._written: WeakKeyDictionary[Layer, set[Path]] = WeakKeyDictionary()
        self._remark = ""  # of the rows that are written
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
        folder = QFileDialog.getExistingDirectory(self, "Folder for the tables", results_start())
        if folder:
            self.export(Path(folder))

    def export(self, folder: Path) -> None:
        """Write the tables, the summary and the record of the shown rows to a folder."""
        shown = self._display()
        if isinstance(shown, str):
            return
        layer, results, within = shown.layer, shown.results, shown.chosen_range
        source = replace(label_source(layer), experiment=results.experiment)
        edited, origin = source.results is not results, origin_of(layer)
        labels = layer.data if self.with_labels.isChecked() and layer.ndim == 3 else None
        if labels is not None and results.remark:
            explain(ValueError(f"{results.remark}: measure all, or leave out 'with labels'."))
            return
        rows, again = results.copy(), folder / shown.stem in self._written.get(layer, set())

        def write() -> Written:
            record = export_record(
                source,
                rows.settings_for(within),
                edited=edited,
                origin=origin,
                remark=rows.remark,
            )
            if not again:
                check_earlier(folder, shown.stem, record["inputs"], origin)
            record["command"] = export_command(shown, source, folder, labels)
            record["labels_made_by"] = maker_of_labels(folder, shown.stem)
            paths = rows.write(folder, shown.stem, record, labels, within=within)
            self._written.setdefault(layer, set()).add(folder / shown.stem)
            return paths, results

        self._remark = rows.remark
        self._files.submit(write)
        self.enable()

    def _on_plot(self) -> None:
        shown = self._display()
        if isinstance(shown, str):
            return
        path, kind = QFileDialog.getSaveFileName(
            self, "Save what is shown", results_start(f"{shown.stem}_shown.png"), _KINDS
        )
        if path:
            self.save_plot(Path(path), columns="csv" in kind)

    def save_plot(self, path: Path, *, columns: bool = False) -> None:
        """Write a picture of what is shown, or its columns, as the suffix says.

        columns : whether columns were asked for, whatever suffix was proposed.
        """
        shown = self._display()
        if isinstance(shown, str):
            return
        try:
            target = save_name(path, columns=columns)
        except (ValueError, OSError) as error:
            explain(error)
            return
        self._remark = shown.results.remark
        self._files.submit(lambda: (save_shown(shown, target), None))
        self.enable()

    def add_tracks(self) -> None:
        """Add the tracks of the pores as a layer."""
        shown = self._display()
        if isinstance(shown, str):
            return
        measured = shown.results.measurements.copy(shown.results.settings_for(shown.chosen_range))
        name, place = f"{shown.layer.name} pore tracks", place_on(shown.layer)

        def follow() -> Any:
            from napari_amseg.plugin.measure.pore_tracks import tracks_layer

            return tracks_layer(measured.pores(), measured.tracks(), name=name, place=place)

        self._tracks.submit(follow)
        self.enable()

    def _on_tracks(self, made: Any) -> None:
        from napari.layers import Layer

        self._viewer.add_layer(Layer.create(*made))
        self.enable()

    def _on_written(self, written: Written) -> None:
        from napari.utils.notifications import show_info

        self.enable()
        paths, results = written
        if results is not None:
            self.tables_written.emit(results, paths[0].parent)
        results_went_to(paths[0].parent)
        only = f" ({self._remark})" if self._remark else ""
        show_info(f"Wrote {', '.join(p.name for p in paths)} to {paths[0].parent}{only}")

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
    from napari_amseg.report.time_unit import time_unit

    results, rate = shown.results, shown.results.experiment.frame_rate_hz
    rows, compared = _whole(results, shown.chosen_range), shown.compared
    signal = other = None
    if compared is not None and compared.results.n_done:
        compared = replace(compared, results=_whole(compared.results, None), shown=rows)
        other = compared.results.measurements.frames()
        other = other.assign(frame=other["frame"] * compared.frames_per_frame)
    unit = time_unit(rate, results.n_frames)
    if shown.overlay is not None:
        of = shown.overlay.unit
        label = f"{shown.overlay.name} ({of})" if of else shown.overlay.name
        signal = shown.overlay.x * unit.per_frame, shown.overlay.values, label
    name = ", ".join(part for part in (shown.layer.name, results.remark) if part)
    return Shown(
        rows.measurements.frames(), name, shown.quantities, *shown.within, shown.quantity,
        _histograms(shown, name, rows, compared), unit, other, compared.name if compared else "",
        signal,
    )  # fmt: skip


def _whole(results: Results, within: Range | None) -> Results:
    """The rows with the columns that only the stack can tell, for the laser-on range."""
    whole = results.copy()
    whole.measurements = results.measurements.copy(results.settings_for(within))
    whole.keep(whole.stack_columns(within)(), whole.n_done, within)
    return whole


def _histograms(
    shown: Display, name: str, rows: Results, compared: Compared | None
) -> list[Histogram]:
    """The same values and means as on the page of the widget; none if it is not in view."""
    if shown.page != "Histogram":
        return []
    from napari_amseg.report.shown import Histogram

    request = DetailsRequest(rows, shown.within, shown.quantity, "Histogram", compared)
    details = details_task(request)()
    stacks = [Histogram(name, details.shown.values, details.shown.mean)]
    if details.compared is not None and compared is not None and compared.fits(shown.quantity):
        stacks.append(Histogram(compared.name, details.compared.values, details.compared.mean))
    return stacks
