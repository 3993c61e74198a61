"""Forms made from settings dataclasses: label with unit, range, choices, tooltip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from qtpy.QtCore import Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QWidget,
)

from napari_amseg.io.address import split_address
from napari_amseg.plugin.fields import Decimals, tooltip
from napari_amseg.plugin.number_field import NumberField, shown_number
from napari_amseg.settings import Option, options

_LARGEST = 10**9
_LABEL_WIDTH_PX = 100
WIDGET_WIDTH_PX = 350
_Field = tuple[QWidget, Callable[[], Any], Callable[[Any], None]]


class OptionalNumber(NumberField):
    """A positive number or nothing: at its minimum it reads `empty` and its value is None."""

    changed = Signal()

    def __init__(self, unit: str = "", *, empty: str = "unknown", parent: QWidget | None = None):
        super().__init__(parent)
        self.setRange(0, _LARGEST)
        self.setDecimals(4)
        self.setSuffix(f" {unit}" if unit else "")
        self.setSpecialValueText(empty)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setKeyboardTracking(False)
        self.valueChanged.connect(lambda _: self.changed.emit())

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number without trailing zeros."""
        return f"{value:.10g}"

    def validate(self, text: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        """Nothing is an answer, too; Qt would bring the number before back."""
        if not self._bare(text or ""):
            return QValidator.State.Acceptable, text or "", pos
        return super().validate(text, pos)

    def valueFromText(self, text: str | None) -> float:  # noqa: N802 (Qt's name)
        """The number that is typed, 0 for nothing."""
        return super().valueFromText(text) if self._bare(text or "") else 0.0

    def number(self) -> float | None:
        """The number that is shown, None if none was given."""
        return shown_number(self) or None

    def set_number(self, value: float | None) -> None:
        """Show a value; None empties the field."""
        self.setValue(value or 0)


class FreeNumber(QLineEdit):
    """Any number or nothing."""

    changed = Signal()

    def __init__(self, empty: str = "automatic"):
        super().__init__()
        self.setPlaceholderText(empty)
        self.editingFinished.connect(self.changed)

    def number(self) -> float | None:
        """The value, None if the field is empty; ValueError if it holds no number."""
        text = self.text().strip()
        try:
            return float(text) if text else None
        except ValueError:
            raise ValueError(f"{text!r} is not a number: type one, or leave it empty.") from None

    def set_number(self, value: float | None) -> None:
        """Show a value; None empties the field."""
        self.setText("" if value is None else f"{value:g}")


class PathEdit(QWidget):
    """A path with buttons that browse for a file or a folder."""

    changed = Signal()

    def __init__(self, *, file: bool = True, folder: bool = True, hint: str = "none"):
        super().__init__()
        self.edit = QLineEdit()
        self.edit.setPlaceholderText(hint)
        self.edit.setClearButtonEnabled(True)
        self.edit.textChanged.connect(lambda _: self.changed.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.edit, 1)
        for wanted, text, tip, browse in (
            (file, "File…", "Choose a file", self._browse_file),
            (folder, "Folder…", "Choose a folder", self._browse_folder),
        ):
            if wanted:
                button = QToolButton()
                button.setText(text)
                button.setToolTip(tip)
                button.clicked.connect(browse)
                row.addWidget(button)

    def path(self) -> str:
        """The path as typed, without blanks around it."""
        return self.edit.text().strip()

    def set_path(self, path: str | Path | None) -> None:
        """Show a path; None empties the field."""
        self.edit.setText("" if path is None else str(path))

    def _browse_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a file", self._start())
        if path:
            self.set_path(path)

    def _browse_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose a folder", self._start())
        if path:
            self.set_path(path)

    def _start(self) -> str:
        typed = split_address(self.path())[0].expanduser() if self.path() else Path.cwd()
        return str(typed if typed.is_dir() else typed.parent)


class SettingsForm(QWidget):
    """A form for a settings dataclass.

    Parameters
    ----------
    settings_class : the dataclass. names : the options to show, in order; all by default. The
        others keep their defaults. paths : options that are paths.
    """

    changed = Signal()

    def __init__(
        self,
        settings_class: type[Any],
        *,
        names: Iterable[str] | None = None,
        paths: Iterable[str] = (),
    ):
        super().__init__()
        self.settings_class = settings_class
        declared = {option.name: option for option in options(settings_class)}
        self._paths = set(paths)
        self._fields: dict[str, _Field] = {}
        self._labels: dict[str, str] = {}
        for name in names or declared:
            option = declared[name]
            field = self._field(option)
            field[0].setToolTip(tooltip(option))
            self._fields[name] = field
            spins = isinstance(
                field[0], QSpinBox | QDoubleSpinBox
            )  # these show the unit themselves
            suffix = f" ({option.unit})" if spins else ""
            self._labels[name] = option.label.removesuffix(suffix)
        self.add_rows_to(TidyForm(self))

    def add_rows_to(self, layout: TidyForm) -> None:
        """Put the rows into a form layout, this form's own or another, to align with its rows."""
        for name, (field, _, _) in self._fields.items():
            layout.add(self._labels[name], field)

    def field(self, name: str) -> QWidget:
        """The input widget of an option."""
        return self._fields[name][0]

    def value(self) -> Any:
        """The settings as filled in.

        Raises
        ------
        ValueError
            If a value is not allowed.
        """
        return self.settings_class(**{name: get() for name, (_, get, _) in self._fields.items()})

    def set_value(self, settings: Any) -> None:
        """Fill the form in.

        Raises
        ------
        ValueError
            If a field cannot show its value; nothing is filled in then.
        """
        for name, (field, _, _) in self._fields.items():
            value = getattr(settings, name)
            if isinstance(field, QSpinBox | QDoubleSpinBox) and not (
                field.minimum() <= value <= field.maximum()
            ):
                raise ValueError(
                    f"{name} is {value:.6g}: this form takes {field.minimum():g} to "
                    f"{field.maximum():g}."
                )
        self.blockSignals(True)
        for name, (_, _, show) in self._fields.items():
            show(getattr(settings, name))
        self.blockSignals(False)
        self.changed.emit()

    def _field(self, option: Option) -> _Field:
        if option.name in self._paths:
            return self._path_field(option)
        if option.choices:
            box = QComboBox()
            box.addItems(option.choices)
            box.setCurrentText(option.default)
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
            return box, box.currentText, box.setCurrentText
        if option.type is bool:
            check = QCheckBox()
            check.setChecked(option.default)
            check.toggled.connect(lambda _: self.changed.emit())
            return check, check.isChecked, check.setChecked
        if option.type is str:
            text = QLineEdit(option.default)
            text.editingFinished.connect(self.changed)
            return text, lambda: text.text().strip(), text.setText
        if type(None) in get_args(option.type):
            number = FreeNumber()
            number.set_number(option.default)
            number.changed.connect(self.changed)
            return number, number.number, number.set_number
        return self._number_field(option)

    def _path_field(self, option: Option) -> _Field:
        path = PathEdit()
        path.changed.connect(self.changed)
        nothing = option.default  # "" or None, as the dataclass wants it
        return path, lambda: path.path() or nothing, path.set_path

    def _number_field(self, option: Option) -> _Field:
        spin = QSpinBox() if option.type is int else Decimals(option)
        low = -_LARGEST if option.low is None else option.low
        high = _LARGEST if option.high is None else option.high
        if isinstance(spin, QSpinBox):
            low, high = int(low), int(high)
        spin.setRange(low, high)
        spin.setSuffix(f" {option.unit}" if option.unit else "")
        spin.setValue(option.default)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda _: self.changed.emit())
        return spin, lambda: shown_number(spin), spin.setValue


class TidyForm(QFormLayout):
    """A form whose fields begin at the same place in every form and use the width there is."""

    def __init__(self, widget: QWidget):
        super().__init__(widget)
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(8)
        self.setVerticalSpacing(5)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def add(self, label: str, field: QWidget) -> None:
        """Add a row."""
        text = QLabel(label)
        text.setMinimumWidth(_LABEL_WIDTH_PX)
        text.setToolTip(field.toolTip())
        self.addRow(text, field)
