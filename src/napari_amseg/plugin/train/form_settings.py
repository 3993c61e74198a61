"""The form of the *Train* widget for how to train: presets, what matters most, the rest folded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.plugin.fields import DropDown
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import SettingsForm, TidyForm
from napari_amseg.settings import options
from napari_amseg.train import TrainSettings

_MAIN = ("epochs", "batch_size", "learning_rate", "crop_rows", "crop_columns", "draws")
_REST = tuple(o.name for o in options(TrainSettings) if o.name not in _MAIN)


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that go together, with the width of the network they go with."""

    title: str
    settings: TrainSettings
    small: bool


PRESETS = (
    Preset(
        "few frames, laptop",
        TrainSettings(
            epochs=50,
            batch_size=4,
            learning_rate=2e-3,
            crop_rows=128,
            crop_columns=256,
            draws=4,
        ),
        small=True,
    ),
    Preset("paper, GPU", TrainSettings(), small=False),
)


class TrainingForm(QWidget):
    """Presets, the settings that matter most, and the rest folded away."""

    small_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.preset_box = DropDown()
        self.preset_box.addItems([preset.title for preset in PRESETS])
        self.preset_box.setPlaceholderText("your own")
        self.preset_box.setToolTip(
            "Fills in the settings below and the width of the network.\n"
            "Few frames: 10 to 50 that are annotated; minutes without a GPU.\n"
            "Paper: those of the AM-SegNet paper, for hundreds of images and a GPU."
        )
        self.main = SettingsForm(TrainSettings, names=_MAIN)
        self.rest = SettingsForm(TrainSettings, names=_REST)
        self.augment = SettingsForm(AugmentSettings)
        for name in ("crop_rows", "crop_columns"):
            field = self.main.field(name)
            assert isinstance(field, QSpinBox)
            field.setSpecialValueText("whole images")
        top = QWidget()
        form = TidyForm(top)
        form.add("settings for", self.preset_box)
        self.main.add_rows_to(form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(top)
        layout.addWidget(Fold("More about the training", self.rest))
        layout.addWidget(Fold("Augmentation", self.augment))
        self.preset_box.activated.connect(self._fill)
        self.main.changed.connect(self._name_preset)
        self._fill(0)

    def settings(self) -> TrainSettings:
        """The settings as filled in; ValueError if one is not allowed."""
        rest = self.rest.value()
        return replace(self.main.value(), **{name: getattr(rest, name) for name in _REST})

    def show_settings(self, settings: TrainSettings) -> None:
        """Fill in settings."""
        self.main.set_value(settings)
        self.rest.set_value(settings)

    def _fill(self, index: int) -> None:
        self.main.set_value(PRESETS[index].settings)
        self.small_wanted.emit(PRESETS[index].small)

    def _name_preset(self) -> None:
        now = self.main.value()
        same = (i for i, preset in enumerate(PRESETS) if preset.settings == now)
        self.preset_box.setCurrentIndex(next(same, -1))
