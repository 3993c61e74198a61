"""The *Correlate* widget: a campaign as a map; a click on a point opens its stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.folders import correlate_plan
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.fields import DropDown, Note
from napari_amseg.plugin.forms import PathEdit, SettingsForm, TidyForm
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.results_place import results_start, results_went_to
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.plugin.theme import palette

if TYPE_CHECKING:
    import napari

    from napari_amseg.pipeline.correlate import Correlation

_TYPING_PAUSE_MS = 500
_NOTHING = "Choose a campaign: every experiment becomes a point of the map."


class Correlate(QWidget):
    """Read a campaign, show its maps, open what is clicked, write its figures."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.found: Correlation | None = None
        self._opened: dict[str, list[Any]] = {}
        self._computed = Latest(self._show, failed=self._show_problem, what="Correlating")
        self._layers = Latest(self._add_layers)
        self._exports = Latest(
            self._on_exported, failed=self._on_export_failed, what="Exporting a campaign"
        )
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.compute)
        self.path.changed.connect(self._on_path)
        self.settings.changed.connect(self._on_path)
        self.axes.currentIndexChanged.connect(lambda _: self._draw())
        self.reload_button.clicked.connect(self.compute)
        self.export_button.clicked.connect(self._on_export)
        self.map.chosen.connect(self.open_experiment)
        self.map.pointed.connect(self._describe)
        napari_viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(lambda *_: self._stop())
        self._draw()

    def _build(self) -> None:
        from napari_amseg.pipeline.correlate import CorrelateSettings
        from napari_amseg.plugin.correlate.map import CorrelationMap
        from napari_amseg.report.maps import MAPS

        self.path = PathEdit(hint="CSV or folder")
        self.path.setToolTip(
            "A CSV with a row an experiment (experiment, summary, process parameters),\n"
            "or a folder: every *_summary.json in it and below."
        )
        self.axes = DropDown()
        self.axes.setToolTip("What the map shows.")
        for name, axes in MAPS.items():
            self.axes.addItem(axes.title, name)
        self.settings = SettingsForm(CorrelateSettings)
        self.reload_button, self.export_button = QPushButton("Reload"), QPushButton("Export…")
        self.map = CorrelationMap(palette(self._viewer))
        self.legend, self.details = Note(least_lines=2), Note(least_lines=4)
        inside, top = QWidget(), QWidget()
        form = TidyForm(top)
        form.add("campaign", self.path)
        form.add("map", self.axes)
        self.settings.add_rows_to(form)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reload_button, 1)
        buttons.addWidget(self.export_button, 1)
        layout = QVBoxLayout(inside)
        layout.addWidget(top)
        layout.addLayout(buttons)
        layout.addWidget(self.legend)
        layout.addWidget(self.map, 1)
        layout.addWidget(self.details)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    def _on_path(self) -> None:
        """Another campaign or other settings: compute when the typing pauses."""
        self._forget()
        self._pause.start()

    def _forget(self) -> None:
        self.found = None
        self._draw()

    def compute(self) -> None:
        """Read the campaign and compare its groups, in a thread."""
        from napari_amseg.pipeline.campaign import read_campaign
        from napari_amseg.pipeline.correlate import correlate

        self._pause.stop()
        path = self.path.path()
        if not path:
            return
        try:
            settings = self.settings.value()
        except ValueError as error:
            explain(error)
            return
        self.details.setText("reading…")
        self._computed.submit(lambda: (path, correlate(read_campaign(path), settings)))
        self._enable()

    def _show(self, outcome: tuple[str, Correlation]) -> None:
        path, found = outcome
        if path == self.path.path():
            self.found = found
            self._draw()

    def _show_problem(self, error: BaseException) -> None:
        self._forget()
        if isinstance(error, ValueError | OSError):
            self.details.setText(str(error))
            self._say_why_empty("No map: what is wrong stands below.")
        else:
            explain(error)
            self._say_why_empty("No map.")

    def _draw(self) -> None:
        self.map.show_map(self.found, self.axes.currentData())
        self.legend.setText(self.map.legend())
        self._describe(None)
        self._enable()
        self._say_why_empty()

    def _say_why_empty(self, problem: str = "") -> None:
        """In the place of a map, what to do for one."""
        why = problem or ("Reading…" if self.path.path() else _NOTHING)
        self.map.say("" if self.found is not None else why)

    def _describe(self, row: int | None) -> None:
        """The numbers of the experiment under the mouse; without one, the notes."""
        if self.found is None:
            self.details.setText("")
        elif row is None:
            self.details.setText("\n".join(self.found.notes))
        else:
            self.details.setText(in_words(self.found, row))

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        none = "" if self.path.path() else "Choose a campaign first."
        busy = "Reading…" if self._computed.busy else ""
        self.reload_button.setEnabled(not none and not busy)
        self.reload_button.setToolTip(none or busy or "Read the campaign's files again.")
        why_not = none or busy
        if not why_not and self.found is None:
            why_not = "This campaign cannot be shown, see below."
        why_not = "Exporting…" if self._exports.busy else why_not
        self.export_button.setEnabled(not why_not)
        self.export_button.setToolTip(
            why_not or "Write the figures, the table and the numbers to a folder."
        )

    def open_experiment(self, row: int) -> None:
        """Open the stack and the labels of a row of the table; show them if they are open."""
        from napari_amseg.plugin.correlate.open import layers_of

        if self.found is None:
            return
        experiment = self.found.campaign.rows[row]
        key = str(experiment.summary_file)
        there = [layer for layer in self._opened.get(key, []) if layer in self._viewer.layers]
        if there:
            self._show_only(there)
            return
        self.details.setText(f"opening {experiment.name}…")
        self._layers.submit(lambda: (key, row, *layers_of(experiment)))

    def _add_layers(self, outcome: tuple[str, int, list[Any], list[str]]) -> None:
        from napari.layers import Layer
        from napari.utils.notifications import show_warning

        key, row, layers, problems = outcome
        added = [self._viewer.add_layer(Layer.create(*data)) for data in layers]
        if added:
            self._opened[key] = added
            self._show_only(added)
        for problem in problems:
            show_warning(problem)
        if self.found is not None and row < len(self.found.table):
            self.details.setText("\n".join((in_words(self.found, row), *problems)))

    def _show_only(self, layers: list[Any]) -> None:
        """Hide the layers of the other experiments opened here."""
        for others in self._opened.values():
            for layer in others:
                layer.visible = layer in layers
        self._viewer.layers.selection.active = layers[0]

    def _on_export(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the figures", results_start())
        if folder:
            self.export(Path(folder))

    def export(self, folder: Path) -> None:
        """Write what ``amseg correlate --overwrite`` writes."""
        from napari_amseg.pipeline.correlate_files import write_correlation

        found = self.found
        if found is None:
            return
        self._exports.submit(lambda: write_correlation(found, folder, overwrite=True)[0])
        self._enable()

    def _on_exported(self, paths: list[Path]) -> None:
        from napari.utils.notifications import show_info

        self._enable()
        results_went_to(paths[0].parent)
        show_info(f"Wrote {', '.join(p.name for p in paths)} to {paths[0].parent}")

    def _on_export_failed(self, error: BaseException) -> None:
        self._enable()
        explain(error)

    def _on_theme(self, event: Any = None) -> None:
        self.map.set_palette(palette(self._viewer))
        self.legend.setText(self.map.legend())

    def _command(self) -> MakePlan:
        return correlate_plan(self.path.path(), self.settings.value())

    def _stop(self) -> None:
        for task in (self._computed, self._layers, self._exports):
            task.stop()
        self._viewer.events.theme.disconnect(self._on_theme)


def in_words(found: Correlation, row: int) -> str:
    """Name, settings and numbers of an experiment."""
    cells = found.table.iloc[row]
    unit = found.table.attrs["pore_diameter_unit"]
    lines = [
        ("{experiment}, " + ("with pores" if cells["pores"] else "without pores"), "experiment"),
        ("{laser_power_w:g} W, {map_speed_mm_s:g} mm/s", "laser_power_w", "map_speed_mm_s"),
        ("area: greatest {keyhole_area_delta_max:.1%}, average {keyhole_area_delta_avg:.1%}",
         "keyhole_area_delta_max", "keyhole_area_delta_avg"),
        ("depth: average {keyhole_depth_delta_avg:.1%}", "keyhole_depth_delta_avg"),
        ("largest pore {pore_diameter:.3g} " + unit, "pore_diameter"),
    ]  # fmt: skip
    known = [text.format(**cells) for text, *needs in lines if cells[needs].notna().all()]
    return "\n".join(known).replace("%", " %")
