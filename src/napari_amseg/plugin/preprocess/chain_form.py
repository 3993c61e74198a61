"""The form of a preprocessing chain: one tick a step, with the form of the step's settings."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_amseg.pipeline.command_parts import with_full_paths
from napari_amseg.plugin.forms import PathEdit, SettingsForm
from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Invert

# In the order in which they are applied, as on the command line.
_STEPS: tuple[tuple[str, type[Any], tuple[str, ...], str], ...] = (
    ("Flat field", FlatField, ("flat", "dark", "flat_after"), "(I - D) / (F - D); needs a flat."),
    ("Crop", Crop, (), "Keep a region of interest; 0 as an end means the border."),
    ("Background", Background, (), "Divide out, or subtract, what does not move."),
    ("Invert", Invert, (), "For keyholes or pores that are dark: low + high - I."),
)  # fmt: skip
_INDENT_PX = 14


class StepGroup(QWidget):
    """A step with its form, which shows while the step is on. toggled : it went on or off."""

    toggled = Signal(bool)

    def __init__(self, title: str, form: SettingsForm, tip: str) -> None:
        super().__init__()
        self.switch = QCheckBox(title)
        self.switch.setToolTip(tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.switch)
        self.inside = QVBoxLayout()
        self.inside.setContentsMargins(_INDENT_PX, 0, 0, 0)
        self.inside.addWidget(form)
        layout.addLayout(self.inside)
        form.setVisible(False)
        self.switch.toggled.connect(form.setVisible)
        self.switch.toggled.connect(self.toggled)

    def isChecked(self) -> bool:  # noqa: N802 (as Qt's group boxes)
        """Whether the step is on."""
        return self.switch.isChecked()

    def setChecked(self, on: bool) -> None:  # noqa: N802 (as Qt's group boxes)
        """Switch the step on or off."""
        self.switch.setChecked(on)


class ChainForm(QWidget):
    """Steps that can be switched on; `changed` fires at every edit of a step that is on."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[type[Any], StepGroup] = {}
        self.forms: dict[type[Any], SettingsForm] = {}
        self._offered: dict[str, str] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for title, step, paths, tip in _STEPS:
            layout.addWidget(self._group(title, step, paths, tip))

    def _group(self, title: str, step: type[Any], paths: tuple[str, ...], tip: str) -> StepGroup:
        form = SettingsForm(step, paths=paths)
        group = StepGroup(title, form, tip)
        group.toggled.connect(lambda _: self.changed.emit())
        form.changed.connect(lambda: group.isChecked() and self.changed.emit())
        self.groups[step], self.forms[step] = group, form
        return group

    def offer_fields(self, flat: str | None, dark: str | None) -> None:
        """Fill in the flats and darks recorded with a stack; what the user chose stays."""
        form = self.forms[FlatField]
        for name, address in (("flat", flat), ("dark", dark)):
            field, before = form.field(name), self._offered.get(name, "")
            if isinstance(field, PathEdit) and field.path() == before:
                field.set_path(address)
                self._offered[name] = address or ""

    def value(self) -> Chain:
        """The chain of the steps that are on, its flats and darks named in full.

        Raises
        ------
        ValueError
            If a value is not allowed, or the flat field has no flat.
        """
        on = [kind for kind, group in self.groups.items() if group.isChecked()]
        steps = tuple(self.forms[kind].value() for kind in on)
        if any(isinstance(step, FlatField) and not step.flat for step in steps):
            raise ValueError("flat field: choose the flat, or switch the step off.")
        return with_full_paths(Chain(steps))

    def set_value(self, chain: Chain) -> None:
        """Show a chain.

        Raises
        ------
        ValueError
            If this form has no place for it: a step twice, an unknown one, another order, or a
            number beyond what its field takes.
        """
        order = [type(step) for step in chain.steps]
        places = list(self.groups)
        known = all(kind in places for kind in order)
        if not known or order != sorted(set(order), key=places.index):
            found = ", ".join(step.kind for step in chain.steps)
            expected = ", ".join(step.kind for step in places)
            raise ValueError(
                f"the chain holds {found}; this form applies {expected}, each at most once and in "
                "this order. Use `amseg preprocess` for other chains."
            )
        by_kind = {type(step): step for step in chain.steps}
        self.blockSignals(True)
        try:
            for kind, step in by_kind.items():
                self.forms[kind].set_value(step)
            for kind, group in self.groups.items():
                group.setChecked(kind in by_kind)
        finally:
            self.blockSignals(False)
            self.changed.emit()
