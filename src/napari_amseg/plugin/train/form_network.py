"""The form of the *Train* widget for the network: new and of some width, or a trained model."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_amseg.models import ARCHITECTURES
from napari_amseg.plugin.fields import DropDown, Note
from napari_amseg.plugin.forms import TidyForm
from napari_amseg.plugin.model_choice import ModelChoice, describe


def small_filters(paper: int) -> int:
    """Width of the small variant of a network: a quarter of the paper's, rounded up to even."""
    return 2 * math.ceil(paper / 8)


class NetworkForm(QWidget):
    """A new network of some width, or a trained model to start from."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.start_box, self.network_box, self.width_box = (DropDown() for _ in range(3))
        self.start_box.addItems(("a new network", "a trained model"))
        self.start_box.setToolTip(
            "A new network starts from random weights.\n"
            "A trained model needs fewer frames and epochs, if its images look like yours."
        )
        for name, entry in ARCHITECTURES.items():
            self.network_box.addItem(name)
            self.network_box.setItemData(self.network_box.count() - 1, entry.summary, 3)
        self.width_box.setToolTip(
            "Filters of the first step, of which the others are multiples.\n"
            "Small: fast on a laptop. Paper: slow without a GPU."
        )
        self.model = ModelChoice()
        self.model.box.setMinimumContentsLength(6)  # leaves room for a scroll bar
        self.freeze = QCheckBox("keep its encoder as it is")
        self.freeze.setToolTip("Train the bottleneck and the decoder alone: faster, adapts less.")
        self.about = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        self._new, self._trained = QWidget(), QWidget()
        for part, rows in (
            (QWidget(), (("start from", self.start_box),)),
            (self._new, (("network", self.network_box), ("width", self.width_box))),
            (
                self._trained,
                (("model", self.model), ("", self.about), ("", self.freeze)),
            ),
        ):
            form = TidyForm(part)
            for label, field in rows:
                form.add(label, field)
            layout.addWidget(part)
        self.start_box.currentIndexChanged.connect(self._on_change)
        self.network_box.currentIndexChanged.connect(self._on_network)
        self.width_box.currentIndexChanged.connect(self._on_change)
        self.model.changed.connect(self._on_change)
        self._on_network()

    def choose_width(self, *, small: bool) -> None:
        """Choose the small or the paper's variant."""
        self.width_box.setCurrentIndex(0 if small else 1)

    @property
    def is_new(self) -> bool:
        """Whether a new network is trained."""
        return self.start_box.currentIndex() == 0

    @property
    def is_small(self) -> bool:
        """Whether the small variant is chosen."""
        return self.width_box.currentIndex() == 0

    def value(self) -> dict[str, Any]:
        """What a TrainRequest says of the network."""
        if self.is_new:
            return {
                "architecture": self.network_box.currentText(),
                "arguments": {"filters": self.width_box.currentData()},
            }
        return {"init": self.model.box.currentData(), "freeze_encoder": self.freeze.isChecked()}

    def why_not(self) -> str:
        """Why this cannot be trained, or nothing."""
        missing = not self.is_new and self.model.box.currentData() is None
        return "Choose the model to start from." if missing else ""

    def _on_network(self) -> None:
        entry = ARCHITECTURES[self.network_box.currentText()]
        self.network_box.setToolTip(entry.summary)
        paper, index = int(entry.arguments["filters"]), max(0, self.width_box.currentIndex())
        small = small_filters(paper)
        self.width_box.blockSignals(True)
        self.width_box.clear()
        self.width_box.addItem(f"small: {small} filters, laptop", small)
        self.width_box.addItem(f"paper: {paper} filters, GPU", paper)
        self.width_box.setCurrentIndex(index)
        self.width_box.blockSignals(False)
        self._on_change()

    def _on_change(self) -> None:
        self._new.setVisible(self.is_new)
        self._trained.setVisible(not self.is_new)
        self.about.setText("")
        if not self.is_new:
            try:
                bundle = self.model.bundle()
                self.about.setText(describe(bundle)[0] if bundle else "")
            except (ValueError, OSError) as error:
                self.about.setText(str(error))
        self.changed.emit()
