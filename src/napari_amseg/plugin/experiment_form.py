"""The form for what is known about a measurement."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import OptionalNumber, TidyForm
from napari_amseg.types import Experiment

_NUMBERS = {
    "pixel_size_um": (
        "pixel size",
        "µm",
        "Edge of a pixel in the sample plane.\nUnknown: results stay in pixels.",
    ),
    "frame_rate_hz": ("frame rate", "Hz", "Frames a second.\nUnknown: results carry no times."),
    "laser_power_w": ("laser power", "W", "Nominal laser power."),
    "scan_speed_mm_s": ("scan speed", "mm/s", "Nominal scan speed."),
}
_TEXTS = {
    "experiment": ("experiment", "Your name for this measurement."),
    "facility": ("facility", "For example ESRF, APS, DLS."),
    "beamline": ("beamline", "For example ID19, 32-ID-B, I12."),
    "process": ("process", "For example LPBF, DED, laser welding."),
    "substrate_material": ("substrate", "Material of the plate."),
    "powder_material": ("powder", "Material of the powder; empty if there was none."),
    "source": ("source", "Where the data come from: proposal, DOI, licence."),
}
_MAIN = ("pixel_size_um", "frame_rate_hz")
_MORE = (
    "experiment", "facility", "beamline", "process", "substrate_material", "powder_material",
    "laser_power_w", "scan_speed_mm_s", "source",
)  # fmt: skip


class ExperimentForm(QWidget):
    """Pixel size and frame rate in view, the rest folded away. Nothing has a default."""

    changed = Signal()

    def __init__(self, *, more: bool = True):
        super().__init__()
        self._fields: dict[str, OptionalNumber | QLineEdit] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._form(_MAIN))
        if more:
            layout.addWidget(Fold("More about the experiment", self._form(_MORE)))

    def _form(self, names: tuple[str, ...]) -> QWidget:
        widget = QWidget()
        form = TidyForm(widget)
        for name in names:
            if name in _NUMBERS:
                label, unit, tip = _NUMBERS[name]
                number = OptionalNumber(unit)
                number.changed.connect(self.changed)
                field: OptionalNumber | QLineEdit = number
            else:
                label, tip = _TEXTS[name]
                field = QLineEdit()
                field.editingFinished.connect(self.changed)
            field.setToolTip(tip)
            self._fields[name] = field
            form.add(label, field)
        return widget

    def field(self, name: str) -> OptionalNumber | QLineEdit:
        """The input widget of an entry."""
        return self._fields[name]

    def value(self) -> Experiment:
        """What has been filled in; None for the rest."""
        return Experiment(**{name: _read(field) for name, field in self._fields.items()})

    def fill(self, experiment: Experiment) -> None:
        """Fill in what `experiment` knows; leave the rest as it is."""
        self._show({k: v for k, v in experiment.to_json().items() if v is not None})

    def set_value(self, experiment: Experiment) -> None:
        """Show `experiment`, unknown entries empty."""
        self._show(experiment.to_json())

    def _show(self, record: dict[str, Any]) -> None:
        for name, value in record.items():
            field = self._fields.get(name)
            if isinstance(field, OptionalNumber):
                field.set_number(value)
            elif field is not None:
                field.setText(value or "")


def _read(field: OptionalNumber | QLineEdit) -> Any:
    return field.number() if isinstance(field, OptionalNumber) else field.text().strip() or None
