"""The form of a preprocessing chain: one foldable group a step, made from the step's settings."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from napari_amseg.plugin.forms import PathEdit, SettingsForm
from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Invert

# In the order in which they are applied, as on the command line.
_STEPS: tuple[tuple[str, type[Any], tuple[str, ...], str], ...] = (
    ("Flat field", FlatField, ("flat", "dark", "flat_after"), "(I - D) / (F - D); needs a flat."),
    ("Crop", Crop, (), "Keep a region of interest; 0 as an end means the border."),
    ("Background", Background, (), "Divide out, or subtract, what does not move."),
    ("Invert", Invert, (), "For keyholes or pores that are dark: low + high - I."),
)  # fmt: skip


class ChainForm(QWidget):
    """Steps that can be switched on; `changed` fires at every edit of a step that is on."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[type[Any], QGroupBox] = {}
        self.forms: dict[type[Any], SettingsForm] = {}
        self._offered: dict[str, str] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, step, paths, tip in _STEPS:
            layout.addWidget(self._group(title, step, paths, tip))

    def _group(self, title: str, step: type[Any], paths: tuple[str, ...], tip: str) -> QGroupBox:
        group, form = QGroupBox(title), SettingsForm(step, paths=paths)
        group.setCheckable(True)
        group.setChecked(False)
        group.setToolTip(tip)
        inside = QVBoxLayout(group)
        inside.setContentsMargins(8, 4, 8, 6)
        inside.addWidget(form)
        form.setVisible(False)
        group.toggled.connect(form.setVisible)
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
        """The chain of the steps that are on.

        Raises
        ------
        ValueError
            If a value is not allowed, or the flat field has no flat.
        """
        on = [kind for kind, group in self.groups.items() if group.isChecked()]
        steps = tuple(self.forms[kind].value() for kind in on)
        if any(isinstance(step, FlatField) and not step.flat for step in steps):
            raise ValueError("flat field: choose the flat, or switch the step off.")
        return Chain(steps)

    def set_value(self, chain: Chain) -> None:
        """Show a chain.

        Raises
        ------
        ValueError
            If this form has no place for it: a step twice, an unknown one, or another order.
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
        for kind, group in self.groups.items():
            group.setChecked(kind in by_kind)
            if kind in by_kind:
                self.forms[kind].set_value(by_kind[kind])
        self.blockSignals(False)
        self.changed.emit()
