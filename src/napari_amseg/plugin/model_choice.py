"""The choice of a model: shipped ones by name, others by folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QToolButton, QWidget

from napari_amseg.models import Bundle, bundled_models, load_bundle
from napari_amseg.plugin.preferences import preferences
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.train.trained import trained_models

_PREFERRED = ("accurate", "fast")
_SIMULATED = "trained on simulated frames only: check pores and keyhole outline"
_TELLING = ("summary", "note", "what", "data")  # of a card's training record, for one line


class ModelChoice(QWidget):
    """A drop-down of models with a browse button; `changed` fires when another one is chosen.

    Models trained in this session are offered too. follow : choose the newest of them.
    """

    changed = Signal()

    def __init__(self, *, follow: bool = False) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setToolTip("The trained network. Shipped models go by name, others by folder.")
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(12)
        browse = QToolButton()
        browse.setText("Folder…")
        browse.setToolTip("Choose the folder of a model bundle (model.json, model.weights.h5).")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.box, 1)
        row.addWidget(browse)
        for name, folder in bundled_models().items():
            self._offer(name, folder)
        wanted = [self.box.findText(name) for name in _PREFERRED]
        self.box.setCurrentIndex(next((i for i in wanted if i >= 0), 0))
        self._choose_preferred()
        self._follow, trained = follow, trained_models()
        for folder in trained.folders:
            self._on_trained(folder)
        self.box.currentIndexChanged.connect(lambda _: self.changed.emit())
        trained.added.connect(self._on_trained)
        self.destroyed.connect(lambda *_: trained.added.disconnect(self._on_trained))

    def _choose_preferred(self) -> None:
        try:
            bundle = preferences().bundle()
        except ValueError as error:
            explain(error)
            return
        if bundle is not None:
            self.choose(bundle.folder)

    def bundle(self) -> Bundle | None:
        """The chosen model; None if there is none."""
        folder = self.box.currentData()
        return None if folder is None else load_bundle(folder)

    def choose(self, folder: str | Path) -> None:
        """Choose a bundle folder; explains itself if it is none."""
        folder = Path(folder)
        try:
            load_bundle(folder)
        except (ValueError, OSError) as error:
            explain(error)
            return
        index = self.box.findData(str(folder))
        if index < 0:
            self._offer(folder.name, folder)
            index = self.box.count() - 1
        self.box.setCurrentIndex(index)

    def _on_trained(self, folder: Path) -> None:
        """A model was trained: offer it; `changed` fires also if it is one that is chosen."""
        index, chosen = self.box.findData(str(folder)), self.box.currentIndex()
        if index < 0:
            self._offer(folder.name, folder)
            index = self.box.count() - 1
        if self._follow:
            self.box.setCurrentIndex(index)
        if index == chosen:
            self.changed.emit()

    def _offer(self, name: str, folder: Path) -> None:
        self.box.addItem(name, str(folder))
        self.box.setItemData(self.box.count() - 1, str(folder), 3)  # tooltip

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a model bundle")
        if folder:
            self.choose(Path(folder))


def describe(bundle: Bundle) -> tuple[str, str]:
    """A model in one line, and in several: network, classes, what its card says of its training."""
    card = bundle.card
    arguments = ", ".join(f"{name} {value}" for name, value in card.arguments.items())
    network = f"{card.architecture} ({arguments})" if arguments else card.architecture
    details = [f"network: {network}", f"classes: {', '.join(card.scheme.names)}"]
    plain = {k: v for k, v in card.training.items() if isinstance(v, str | int | float)}
    details += [f"{name.replace('_', ' ')}: {value}" for name, value in plain.items()]
    details += list(_score_lines(card.scores))
    told = (card.training.get(key) for key in _TELLING)
    summary = next((text for text in told if isinstance(text, str) and text), network)
    if card.training.get("simulated_only") is True:
        summary = _SIMULATED
    elif summary == card.training.get("data"):
        summary = f"trained on {summary}"
    return summary, "\n".join(details)


def _score_lines(scores: Mapping[str, Any], title: str = "") -> Iterator[str]:
    """Scores, however deep they are nested, one line a set of numbers."""
    numbers = {k: v for k, v in scores.items() if isinstance(v, int | float)}
    if numbers:
        line = ", ".join(f"{name} {value:.2f}" for name, value in numbers.items())
        yield f"{title}: {line}" if title else line
    for name, inner in scores.items():
        if isinstance(inner, Mapping):
            yield from _score_lines(inner, f"{title} on {name}" if title else name)
