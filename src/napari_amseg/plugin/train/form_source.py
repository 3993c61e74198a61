"""The form of the *Train* widget for what to learn from: layers of the viewer, or a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.fields import DropDown, Note
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.layers import is_image, is_labels
from napari_amseg.plugin.tasks import Latest, in_words
from napari_amseg.plugin.train.source import (
    BenchmarkFacts,
    LayerPair,
    layer_pair,
    look_at_benchmark,
)

if TYPE_CHECKING:
    import napari

_TYPING_PAUSE_MS = 400
_NEW_SPLIT = "new: random, 4 : 1 : 1"


class SourceForm(QWidget):
    """Annotated layers, or a benchmark folder with one of its splits."""

    changed = Signal()

    def __init__(self, viewer: napari.Viewer) -> None:
        super().__init__()
        self.kind_box, self.split_box = DropDown(), DropDown()
        self.kind_box.addItems(("layers of this viewer", "a benchmark folder"))
        self.kind_box.setToolTip(
            "Layers: every frame with a painted pixel; a fifth of them validates.\n"
            "Benchmark: a folder made with 'amseg dataset add'."
        )
        self.image = LayerChoice(viewer, is_image, nothing="open an image stack first")
        self.image.setToolTip("The annotated stack, raw or preprocessed.")
        self.labels = LayerChoice(viewer, is_labels, nothing="add a Labels layer and paint")
        self.labels.setToolTip(
            "Its annotation: frames without any label are left out.\n"
            "Of what Annotate holds, only what is painted or complete counts; no suggestion does."
        )
        self.folder = PathEdit(file=False, hint="folder with benchmark.json")
        self.folder.setToolTip("The benchmark folder.")
        self.split_box.setToolTip("Which images train, which validate after every epoch.")
        self.found = Note()
        self._layers, self._benchmark = QWidget(), QWidget()
        top = QWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for part, rows in (
            (top, (("learn from", self.kind_box),)),
            (self._layers, (("image", self.image), ("labels", self.labels))),
            (
                self._benchmark,
                (("benchmark", self.folder), ("split", self.split_box)),
            ),
        ):
            form = TidyForm(part)
            for label, field in rows:
                form.add(label, field)
            layout.addWidget(part)
        layout.addWidget(self.found)
        self._facts: BenchmarkFacts | None = None
        self._wanted_split: str | None = None
        self._looks = Latest(self._show, failed=self._show_problem)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._look)
        self.kind_box.currentIndexChanged.connect(self._on_kind)
        self.image.layer_changed.connect(self.changed)
        self.labels.layer_changed.connect(self.changed)
        self.folder.changed.connect(self._on_folder)
        self._on_kind()

    @property
    def is_layers(self) -> bool:
        """Whether layers are chosen, not a benchmark."""
        return self.kind_box.currentIndex() == 0

    def use_benchmark(self, folder: str | Path, split: str | None = None) -> None:
        """Choose a benchmark folder, and one of its splits."""
        self._wanted_split = split
        self.kind_box.setCurrentIndex(1)
        self.folder.set_path(folder)

    def value(self) -> LayerPair | Path:
        """The chosen source.

        Raises
        ------
        ValueError
            If there is none, or the layers do not fit each other; says what to do.
        """
        if not self.is_layers:
            if not self.folder.path():
                raise ValueError("Choose a benchmark folder.")
            if self._facts is None:
                raise ValueError(self.found.text())
            return Path(self.folder.path()).expanduser().absolute()
        image, labels = self.image.layer(), self.labels.layer()
        if image is None:
            raise ValueError("Open an image stack first, or choose a benchmark folder.")
        if labels is None:
            raise ValueError("Add a Labels layer and paint on some frames first.")
        return layer_pair(image, labels)

    def split(self) -> str | None:
        """The chosen split; None where one is made."""
        name: str | None = None if self.is_layers else self.split_box.currentData()
        return name

    def stop(self) -> None:
        """The widget closes."""
        self._looks.stop()
        self.image.stop()
        self.labels.stop()

    def _on_kind(self) -> None:
        self._layers.setVisible(self.is_layers)
        self._benchmark.setVisible(not self.is_layers)
        self.found.setVisible(not self.is_layers)
        self.changed.emit()

    def _on_folder(self) -> None:
        self._facts = None
        self.split_box.clear()
        self.found.setText("looking…" if self.folder.path() else "")
        self._pause.start()
        self.changed.emit()

    def _look(self) -> None:
        folder = self.folder.path()
        if folder:
            self._looks.submit(lambda: look_at_benchmark(folder))

    def _show(self, facts: BenchmarkFacts) -> None:
        if facts.folder != self.folder.path():
            return
        self._facts = facts
        self.found.setText(facts.text)
        self.split_box.clear()
        for name in facts.splits:
            self.split_box.addItem(name, name)
        if not facts.splits:
            self.split_box.addItem(_NEW_SPLIT, None)
        self.split_box.setCurrentIndex(max(0, self.split_box.findData(self._wanted_split)))
        self.changed.emit()

    def _show_problem(self, error: BaseException) -> None:
        self.found.setText(in_words(error))
        self.changed.emit()
