"""Fields for numbers in which what is shown is what counts."""

from __future__ import annotations

import re

from qtpy.QtCore import QLocale
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

# One comma and three digits after it: 50,000 is fifty thousand to some and fifty to others.
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def shown_number(spin: QSpinBox | QDoubleSpinBox) -> float:
    """The number that a field shows, also while it is typed: a click on a button need not take the
    keyboard away from it.
    """
    spin.interpretText()
    return spin.value()


class NumberField(QDoubleSpinBox):
    """A number with a decimal point or comma, whatever the language of the system.

    What may be read in two ways, as 50,000, is not taken.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLocale(QLocale.c())

    def validate(self, text: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        """A comma is a decimal point; Qt would leave it out and make 5 of 0,5."""
        text = text or ""
        if "," not in text:
            return super().validate(text, pos)
        number = decimal_number(self._bare(text))
        fits = number is not None and self.minimum() <= number <= self.maximum()
        state = QValidator.State.Acceptable if fits else QValidator.State.Intermediate
        return state, text, pos

    def fixup(self, text: str | None) -> str:
        """A comma is never left out."""
        return text or "" if "," in (text or "") else super().fixup(text)

    def valueFromText(self, text: str | None) -> float:  # noqa: N802 (Qt's name)
        """The number that is typed."""
        number = decimal_number(self._bare(text or "")) if "," in (text or "") else None
        return super().valueFromText(text) if number is None else number

    def _bare(self, text: str) -> str:
        return text.strip().removesuffix(self.suffix().strip()).strip()


def decimal_number(text: str) -> float | None:
    """A number written with a decimal comma; None if it is none or could mean another, too."""
    if text.count(",") > 1 or "." in text or _AMBIGUOUS.fullmatch(text):
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
