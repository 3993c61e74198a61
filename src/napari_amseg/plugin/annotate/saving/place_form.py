"""Where annotated frames are saved: the benchmark, and what is known of the measurement."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QStringListModel, Qt, Signal
from qtpy.QtWidgets import QCompleter, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from napari_amseg.dataset.experiments import merged
from napari_amseg.plugin.annotate.saving.earlier import Tables, known_experiments, words_for
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.tasks import Latest
from napari_amseg.types import Experiment

_TEXTS = (
    "experiment", "facility", "beamline", "process", "substrate_material", "powder_material",
    "source",
)  # fmt: skip


class PlaceForm(QWidget):
    """Benchmark folder and experiment, completed from earlier entries.

    Signals
    -------
    changed : something was filled in.

    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._tables: Tables = ({}, {})
        self._filling = False
        self._reader = Latest(self._on_read, failed=self._on_unreadable)
        self.folder = PathEdit(file=False, hint="a folder, old or new")
        self.folder.setToolTip(
            "Images and labels are saved here, one file a frame; it is made if it is not there."
        )
        self.experiment = ExperimentForm()
        self.note = Lines()
        self._words = {name: self._completed(name) for name in _TEXTS}
        top = QWidget()
        form = TidyForm(top)
        form.add("benchmark", self.folder)
        _move_row(self.name, form, "experiment")  # nothing is saved without it, so it is in view
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (top, self.experiment, self.note):
            layout.addWidget(part)
        self.note.setVisible(False)
        self.folder.changed.connect(self._on_folder)
        self.experiment.changed.connect(self._on_changed)
        self.name.editingFinished.connect(self._complete)

    @property
    def name(self) -> QLineEdit:
        """The field of the experiment's name."""
        field = self.experiment.field("experiment")
        assert isinstance(field, QLineEdit)
        return field

    def benchmark(self) -> Path | None:
        """The folder, from the root; None if none was chosen."""
        text = self.folder.path()
        return Path(text).expanduser().absolute() if text else None

    def value(self) -> Experiment:
        """The experiment as filled in. ValueError if a number cannot be right."""
        return self.experiment.value()

    def set_place(self, benchmark: Path | None, experiment: Experiment) -> None:
        """Show where a session is saved; without a benchmark, the last one stays."""
        self._filling = True
        self.experiment.set_value(experiment)
        if benchmark is not None:
            self.folder.set_path(benchmark)
        self._filling = False
        self.look()

    def look(self) -> None:
        """Read again which experiments are known."""
        benchmark = self.benchmark()
        self._reader.submit(lambda: known_experiments(benchmark))

    def stop(self) -> None:
        """The widget closes."""
        self._reader.stop()

    def _completed(self, name: str) -> QStringListModel:
        field, model = self.experiment.field(name), QStringListModel(self)
        completer = QCompleter(model, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        assert isinstance(field, QLineEdit)
        field.setCompleter(completer)
        return model

    def _on_read(self, tables: Tables) -> None:
        self._tables = tables
        for name, model in self._words.items():
            model.setStringList(words_for(name, tables))
        self._check()

    def _on_unreadable(self, error: BaseException) -> None:
        self._tables = ({}, {})
        self._tell(str(error))

    def _complete(self) -> None:
        """A name that is known: what is known of it fills the empty fields."""
        there, earlier = self._tables
        name = self.name.text().strip()
        known = there.get(name) or earlier.get(name)
        if known is not None:
            self._filling = True
            try:
                given = self.value()
                self.experiment.fill(known.updated(**given.to_json()))
            except ValueError:
                pass  # `_check` says what is wrong
            self._filling = False
        self._on_changed()

    def _check(self) -> None:
        """Say what cannot be right, or contradicts the benchmark."""
        try:
            given = self.value()
            there = self._tables[0].get(given.experiment or "")
            if there is not None:
                merged(there, given)
        except ValueError as error:
            self._tell(str(error))
        else:
            self._tell("")

    def _tell(self, words: str) -> None:
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def _on_folder(self) -> None:
        self.look()
        self._on_changed()

    def _on_changed(self) -> None:
        if not self._filling:
            self._check()
            self.changed.emit()


def _move_row(field: QWidget, form: TidyForm, label: str) -> None:
    """Take a field out of the form that it is in, and put it into another."""
    parent = field.parentWidget()
    old = None if parent is None else parent.layout()
    assert isinstance(old, QFormLayout)
    taken = old.takeRow(field).labelItem
    if taken is not None and (text := taken.widget()) is not None:
        text.hide()  # at once: it would lie over the rows below
        text.deleteLater()
    form.add(label, field)
