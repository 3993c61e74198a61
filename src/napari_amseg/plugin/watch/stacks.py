"""What has become of each stack of a watched folder, as a list; a done one can be opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from napari_amseg.io import read_stack
from napari_amseg.pipeline.watch.events import StackDone, StackFailed, StackKnown
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.layers import LayerData
from napari_amseg.plugin.tasks import Latest
from napari_amseg.types import Experiment
from napari_amseg.words import counted

if TYPE_CHECKING:
    import napari

Outcome = StackDone | StackKnown | StackFailed
_ROWS = 4


class StackList(QWidget):
    """The stacks, the newest first. out : set it to the folder of the results."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.out = Path()
        self._shown: dict[str, Outcome] = {}
        self._layers = Latest(self._add)
        self.list, self.open_button = QListWidget(), QPushButton("Open masks")
        self.list.setToolTip("Stacks that were found. A double click opens the masks of one.")
        height = _ROWS * (self.list.fontMetrics().lineSpacing() + 6)
        self.list.setMinimumHeight(height)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addWidget(self.open_button)
        self.list.currentRowChanged.connect(lambda _: self._enable())
        self.list.itemDoubleClicked.connect(lambda _: self.open())
        self.open_button.clicked.connect(self.open)
        self._enable()

    def show_stacks(self, stacks: Mapping[str, Outcome]) -> None:
        """Show what is new."""
        for stem, outcome in stacks.items():
            if self._shown.get(stem) is outcome:
                continue
            self._shown[stem] = outcome
            for item in self.list.findItems(f"{stem}:", Qt.MatchFlag.MatchStartsWith):
                if item.data(Qt.ItemDataRole.UserRole) == stem:
                    self.list.takeItem(self.list.row(item))
            text, tip = in_words(outcome)
            item = QListWidgetItem(f"{stem}: {text}")
            item.setData(Qt.ItemDataRole.UserRole, stem)
            item.setToolTip(tip)
            self.list.insertItem(0, item)
        self._enable()

    def clear(self) -> None:
        """Forget what an earlier watch found."""
        self._shown.clear()
        self.list.clear()
        self._enable()

    def texts(self) -> list[str]:
        """The lines, from top to bottom."""
        return [self.list.item(i).text() for i in range(self.list.count())]

    def open(self) -> None:
        """Open the masks of the chosen stack, and its frames if they are known."""
        outcome = self._chosen()
        if outcome is None or isinstance(outcome, StackFailed):
            return
        masks = self.out / f"{outcome.stem}_labels.tif"

        def read() -> list[LayerData]:
            layers = [stack_layer(read_stack(masks), masks)]
            if isinstance(outcome, StackDone):
                known = Experiment.from_json(outcome.record["experiment"])
                stack = replace(read_stack(outcome.files), experiment=known)
                layers.insert(0, stack_layer(stack, Path(outcome.stem)))
            return layers

        self._layers.submit(read)

    def _add(self, layers: list[LayerData]) -> None:
        from napari.layers import Layer

        for data in layers:
            self._viewer.add_layer(Layer.create(*data))

    def _chosen(self) -> Outcome | None:
        item: Any = self.list.currentItem()
        return None if item is None else self._shown.get(item.data(Qt.ItemDataRole.UserRole))

    def _enable(self) -> None:
        outcome = self._chosen()
        why_not = ""
        if outcome is None:
            why_not = "Choose a stack in the list first."
        elif isinstance(outcome, StackFailed):
            why_not = "This stack failed: it has no masks."
        self.open_button.setEnabled(not why_not)
        self.open_button.setToolTip(why_not or "Open the frames and masks of this stack as layers.")

    def stop(self) -> None:
        """Deliver nothing any more; call when the widget closes."""
        self._layers.stop()


def in_words(outcome: Outcome) -> tuple[str, str]:
    """A stack's end in short, and in full."""
    if isinstance(outcome, StackDone):
        text = f"{outcome.n_frames} frames in {outcome.seconds:.1f} s"
        notes = outcome.record.get("notes") or ()
        told = f", {counted(len(notes), 'note')}" if notes else ""
        return text + told, "\n".join([text, *notes])
    if isinstance(outcome, StackKnown):
        other = f", with other {outcome.note}" if outcome.note else ""
        return f"done before{other}", f"{outcome.source} has its results already{other}."
    return f"failed: {outcome.reason}", outcome.reason
