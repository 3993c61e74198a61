"""The form of the *Watch folder* widget: what to watch, with which model, where results go."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_amseg.measure import MeasureSettings
from napari_amseg.models import Bundle
from napari_amseg.pipeline.watch.events import WatchRequest, WatchSettings
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import PathEdit, SettingsForm, TidyForm
from napari_amseg.plugin.model_choice import ModelChoice, describe
from napari_amseg.plugin.preferences import preferences
from napari_amseg.plugin.preprocess.chain_form import ChainForm
from napari_amseg.segment import PostSettings, SegmentSettings

_SEGMENT = ("engine", "batch_size")


class WatchForm(QWidget):
    """`changed` fires at every edit; the results go into a folder beside the watched one until
    another is typed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folder = PathEdit(file=False, hint="where the camera writes")
        self.folder.setToolTip("Stacks that are there and that come, in sub-folders too.")
        self.out = PathEdit(file=False, hint="results")
        self.out.setToolTip("Tables, masks and records of every stack go here.")
        self.model, self.about = ModelChoice(), Lines(least_lines=1)
        self.experiment = ExperimentForm(more=False)
        self.watch = SettingsForm(WatchSettings)
        self.segment = SettingsForm(SegmentSettings, names=_SEGMENT)
        self.segment.set_value(preferences().applied(SegmentSettings()))
        self.chain, self.post = ChainForm(), SettingsForm(PostSettings)
        self.measure = SettingsForm(MeasureSettings)
        self._offered = ""
        self._lay_out()
        self.folder.changed.connect(self._offer_out)
        self.model.changed.connect(self._describe)
        for part in (self.folder, self.out, self.model, self.experiment, self.chain):
            part.changed.connect(self.changed)
        self._describe()

    def _lay_out(self) -> None:
        top, options = QWidget(), QWidget()
        form = TidyForm(top)
        form.add("folder", self.folder)
        form.add("results", self.out)
        form.add("model", self.model)
        form.add("", self.about)
        inside = TidyForm(options)
        self.watch.add_rows_to(inside)
        self.segment.add_rows_to(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for part in (top, self.experiment):
            layout.addWidget(part)
        for title, part in (
            ("When and how", options),
            ("Preprocessing", self.chain),
            ("Post-processing", self.post),
            ("Measuring", self.measure),
        ):
            layout.addWidget(Fold(title, part))

    def _offer_out(self) -> None:
        """A folder for the results beside the watched one, unless the user chose one."""
        if self.out.path() not in ("", self._offered):
            return
        folder = self.folder.path()
        self._offered = f"{folder.rstrip('/')}_results" if folder else ""
        self.out.set_path(self._offered)

    def _describe(self) -> None:
        try:
            bundle = self.model.bundle()
            summary, details = describe(bundle) if bundle else ("choose the folder of a model", "")
        except (ValueError, OSError) as error:
            summary, details = str(error), ""
        self.about.setText(summary)
        self.about.setToolTip(details)

    def why_not(self) -> str:
        """What is missing, in words; empty if a watch can begin."""
        if not self.folder.path():
            return "Choose the folder to watch first."
        if not Path(self.folder.path()).expanduser().is_dir():
            return "There is no such folder to watch."
        if not self.out.path():
            return "Choose a folder for the results first."
        if self.model.box.currentData() is None:
            return "Choose a model first."
        return ""

    def bundle(self) -> Bundle:
        """The chosen model. Raises ValueError or OSError if it is none."""
        bundle = self.model.bundle()
        if bundle is None:
            raise ValueError("choose a model first.")
        return bundle

    def request(self) -> WatchRequest:
        """What the form says.

        Raises
        ------
        ValueError
            If a value is not allowed.
        """
        known = self.experiment.value()
        return WatchRequest(
            folder=Path(self.folder.path()).expanduser(),
            out=Path(self.out.path()).expanduser(),
            chain=self.chain.value(),
            segment=self.segment.value(),
            post=self.post.value(),
            measure=self.measure.value(),
            watch=self.watch.value(),
            pixel_size_um=known.pixel_size_um,
            frame_rate_hz=known.frame_rate_hz,
        )
