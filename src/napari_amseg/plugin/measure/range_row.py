"""What the series show and which frames count: quantities, range of frames."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSpinBox, QWidget

from napari_amseg.measure.quantities import MAIN_QUANTITIES, QUANTITIES, Quantity
from napari_amseg.plugin.measure.results import Range

_MOST_PLOTS = 8
_PADDING_PX = 20


class RangeRow(QWidget):
    """Which quantities are plotted, and the first and last frame that count.

    quantities_chosen : which are shown now. range_typed : both ends. range_toggled : whether it is
    to be seen in the plots. automatic_wanted : the range is to be found from the keyhole again.
    """

    quantities_chosen = Signal(list)
    range_typed = Signal(int, int)
    range_toggled = Signal(bool)
    automatic_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.show_button = _button("Show ▾", "Choose the quantities that are plotted, up to eight.")
        self._menu = QMenu(self)
        self._build_menu()
        self.show_button.setMenu(self._menu)
        self.show_button.setStyleSheet("QPushButton::menu-indicator { width: 0; image: none; }")
        self.range_button = _button(
            "Range",
            "Show the range of frames that counts in the plots: drag it or its ends.\n"
            "At first it is the time from the first to the last keyhole.",
        )
        self.range_button.setCheckable(True)
        self.first, self.last = _frame_box("First frame that counts."), _frame_box(
            "Last frame that counts."
        )  # fmt: skip
        self.auto_button = _button("Auto", "")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.show_button, self.range_button):
            layout.addWidget(part)
        layout.addWidget(self.first, 1)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.last, 1)
        layout.addWidget(self.auto_button)
        self.range_button.toggled.connect(self.range_toggled)
        self.auto_button.clicked.connect(lambda _: self.automatic_wanted.emit())
        for box in (self.first, self.last):
            box.valueChanged.connect(self._on_typed)
        self.set_range((0, 0), 1, automatic=True)

    def _build_menu(self) -> None:
        reset = self._menu.addAction("area, depth, pore area, pores")
        reset.triggered.connect(lambda _: self.choose(MAIN_QUANTITIES))
        self._menu.addSeparator()
        self._actions = {}
        for stem, quantity in QUANTITIES.items():
            action = self._menu.addAction(quantity.title)
            action.setCheckable(True)
            action.setChecked(quantity in MAIN_QUANTITIES)
            action.triggered.connect(lambda _: self._on_chosen())
            self._actions[stem] = action

    def quantities(self) -> list[Quantity]:
        """Those that are ticked, in the order of the menu."""
        return [QUANTITIES[stem] for stem, a in self._actions.items() if a.isChecked()]

    def choose(self, quantities: Sequence[Quantity]) -> None:
        """Show these quantities."""
        for stem, action in self._actions.items():
            action.setChecked(QUANTITIES[stem] in quantities)
        self._on_chosen()

    def _on_chosen(self) -> None:
        chosen = self.quantities()
        for action in self._actions.values():  # at least one, and no more than can be read
            ticked = action.isChecked()
            action.setEnabled(
                not (ticked and len(chosen) == 1) and (ticked or len(chosen) < _MOST_PLOTS)
            )
        self.quantities_chosen.emit(chosen)

    def set_range(self, frames: Range, n_frames: int, *, automatic: bool) -> None:
        """Show a range of a stack of so many frames, without telling anyone."""
        for box, value in zip((self.first, self.last), frames, strict=True):
            box.blockSignals(True)
            box.setRange(0, max(n_frames - 1, 0))
            box.setValue(value)
            box.blockSignals(False)
        self.auto_button.setEnabled(not automatic)
        self.auto_button.setToolTip(
            "It is the automatic range: from the first to the last keyhole."
            if automatic
            else "Back to the automatic range: from the first to the last keyhole."
        )

    def _on_typed(self) -> None:
        first, last = sorted((self.first.value(), self.last.value()))
        self.range_typed.emit(first, last)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFixedWidth(button.fontMetrics().horizontalAdvance(text) + _PADDING_PX)
    return button


def _frame_box(tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setToolTip(tip)
    box.setKeyboardTracking(False)
    box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    box.setStyleSheet("QSpinBox { min-width: 40px; }")  # napari asks for more
    return box
