"""Single inputs of forms."""

from __future__ import annotations

from decimal import Decimal

from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox

from napari_amseg.settings import Option


class DropDown(QComboBox):
    """A drop-down that keeps its width whatever it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)


class Decimals(QDoubleSpinBox):
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


def _decimals(number: float) -> int:
    """Decimals of a number as it is written."""
    return max(0, -int(Decimal(repr(number)).as_tuple().exponent))
