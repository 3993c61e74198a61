"""Single inputs of forms."""

from __future__ import annotations

from decimal import Decimal

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDialogButtonBox,
    QLabel,
)

from napari_amseg.plugin.number_field import NumberField
from napari_amseg.settings import Option


def dialog_buttons(kinds: QDialogButtonBox.StandardButton) -> QDialogButtonBox:
    """Buttons without the icons of some systems, which are black on a dark theme."""
    box = QDialogButtonBox(kinds)
    for button in box.buttons():
        button.setIcon(QIcon())
    return box


class DropDown(QComboBox):
    """A drop-down that keeps its width whatever it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)


class Note(QLabel):
    """Text of several lines that is never clipped, whatever it says; can be selected."""

    def __init__(self, text: str = "", *, least_lines: int = 0) -> None:
        super().__init__()
        self._least_lines = least_lines
        self.setWordWrap(True)
        self.setMinimumWidth(1)  # else Qt asks for a width that suits the text
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 (Qt's name)
        """Show another text."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Another width: other lines."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        least = self._least_lines * self.fontMetrics().lineSpacing() + 2
        lines = self.heightForWidth(self.width()) if self.text() else 0
        self.setMinimumHeight(max(least, lines))


class Lines(Note):
    """A note that asks for the room of its lines and no more, whatever stands around it."""

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        """Else the page around it would be as high as it would like to be."""
        return False

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The room that the lines need at the present width."""
        return QSize(1, self.minimumHeight())


class Decimals(NumberField):
    """A number with as many decimals as its option needs, trailing zeros left out."""

    def __init__(self, option: Option):
        super().__init__()
        numbers = (option.default, option.low, option.high)
        self.setDecimals(max(2, *(_decimals(n) for n in numbers if n is not None)))
        if 0 < option.default < 1:
            self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number as short as it can be."""
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


def tooltip(option: Option) -> str:
    """Help, allowed range and default of an option, with its unit."""
    unit = f" {option.unit}" if option.unit else ""
    low, high, default = option.low, option.high, option.default
    said = []
    if low is not None and high is not None:
        said.append(f"{low:g} to {high:g}{unit}.")
    elif low is not None:
        said.append(f"At least {low:g}{unit}.")
    elif high is not None:
        said.append(f"At most {high:g}{unit}.")
    if isinstance(default, bool):
        said.append(f"Default: {'on' if default else 'off'}")
    elif default not in (None, ""):
        said.append(f"Default: {default}{unit}")
    return "\n".join(part for part in (option.help, " ".join(said)) if part)


def _decimals(number: float) -> int:
    """Decimals of a number as it is written."""
    return max(0, -int(Decimal(repr(number)).as_tuple().exponent))
