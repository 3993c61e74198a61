"""The *Load stack* widget: a path, what is known of the measurement, a lazy layer."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_amseg.io import read_stack, recorded_fields
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.layers import (
    KEY,
    LayerData,
    is_image,
    is_labels,
)
from napari_amseg.plugin.load.presets import PRESETS
from napari_amseg.plugin.load.set_experiment import keep_in_view, set_experiment
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.tasks import Latest, explain, in_words
from napari_amseg.types import Experiment, Stack

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_TYPING_PAUSE_MS = 500


class LoadStack(QWidget):
    """Choose a stack, complete its metadata, load it; or set the metadata of a layer."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self._opened = Latest(self._show_found, failed=self._show_problem)
        self._loaded = Latest(self._add, failed=self._not_loaded)
        self._looked_at = ""  # the path that the form belongs to
        self._stated = self._shown = Experiment()  # by that file, and so in the form
        self._is_loading = False
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._look)
        self.path.changed.connect(self._on_path)
        self.preset.activated.connect(self._on_preset)
        self.load_button.clicked.connect(self._load)
        self.set_button.clicked.connect(self._set_on_layer)
        selection = napari_viewer.layers.selection.events
        selection.changed.connect(self._on_selection)
        self.destroyed.connect(lambda *_: self._stop())
        self._on_path()
        self._on_selection()

    def _build(self) -> None:
        self.path = PathEdit(hint="file or folder")
        self.path.setToolTip(
            "A TIFF, HDF5 (.nxs, .h5), Photron (.cihx, .mraw) or Phantom (.cine) stack,\n"
            "a folder of numbered images, or a pattern such as run3/*.tif.\n"
            "Frames are put in numeric order."
        )
        self.found, self.done = Lines(), Lines()
        self.preset = QComboBox()
        self.preset.addItem("choose a beamline…")
        self.preset.addItems([p.title for p in PRESETS])
        self.preset.setToolTip("Fills in pixel size and frame rate; check them with your log book.")
        self.experiment = ExperimentForm()
        self.load_button = QPushButton("Load")
        self.set_button = QPushButton("Set on selected layer")
        inside = QWidget()
        layout = QVBoxLayout(inside)
        top = QWidget()
        form = TidyForm(top)
        form.add("stack", self.path)
        form.add("", self.found)
        form.add("preset", self.preset)
        buttons = QHBoxLayout()
        buttons.addWidget(self.load_button)
        buttons.addWidget(self.set_button)
        layout.addWidget(top)
        layout.addWidget(self.experiment)
        layout.addLayout(buttons)
        layout.addWidget(self.done)
        layout.addStretch(1)
        fill(self, inside)

    def show_stack(self, path: str, experiment: Experiment) -> None:
        """Fill in a path and what is known of it, be it from the file or from the user."""
        known = experiment != Experiment()  # else the file is asked
        self._looked_at = path if known else ""
        self.experiment.set_value(experiment)
        self._stated, self._shown = experiment, self.experiment.value()
        self.path.set_path(path)

    def _on_path(self) -> None:
        """A path was typed or chosen: look at it when the typing pauses.

        What the file before it stated goes at once: it holds for no other.
        """
        if self.path.path() != self._looked_at:
            self._looked_at = ""
            self._fill_from_file(Experiment())
        self._enable_load()
        self.found.setText("")
        self._pause.start()

    def _enable_load(self, problem: str = "") -> None:
        path = self.path.path()
        if not path:
            problem = "Choose a stack first."
        elif self._is_loading:
            problem = "Loading…"
        elif path != self._looked_at:
            problem = problem or "First the file is looked at."
        self.load_button.setEnabled(not problem)
        self.load_button.setToolTip(problem or "Add a lazy layer: frames are read when shown.")

    def _look(self) -> None:
        path = self.path.path()
        if not path:
            return
        self.found.setText("looking…")

        def look() -> tuple[str, Stack | Exception, dict[str, str]]:
            try:
                with read_stack(path) as stack:
                    return path, stack, recorded_fields(stack)
            except (ValueError, OSError) as error:
                return path, error, {}

        self._opened.submit(look)

    def _show_found(self, outcome: tuple[str, Stack | Exception, dict[str, str]]) -> None:
        """Tell what the path holds and fill in what the file says of itself."""
        path, stack, fields = outcome
        if path != self.path.path():
            return
        if isinstance(stack, Exception):
            self._show_problem(stack)
            return
        frames, rows, columns = stack.shape
        text = f"{frames:,} frames of {columns} × {rows} px, {stack.dtype}"
        dataset = [f"dataset: {stack.dataset}"] if stack.dataset else []
        recorded = [f"{role} recorded with it: {words}" for role, words in fields.items()]
        self.found.setText("\n".join((text, *dataset, *recorded, *stack.notes)))
        if path != self._looked_at:
            self._looked_at = path
            self._fill_from_file(stack.experiment)
            self.preset.setCurrentIndex(0)
        else:
            self._tell_apart(stack.experiment)
        self._enable_load()

    def _fill_from_file(self, stated: Experiment) -> None:
        """Show what this file states; what only the file before it stated goes."""
        before = self._shown.to_json()
        try:
            now = self.experiment.value().to_json()
        except ValueError:  # nonsense was typed
            now = before
        kept = {k: v if v != before[k] else None for k, v in now.items()}
        self.experiment.set_value(Experiment(**kept).updated(**stated.to_json()))
        shown = self.experiment.value().to_json()  # to the digits of the form
        told = {k: shown[k] for k, v in stated.to_json().items() if v is not None}
        self._stated, self._shown = stated, Experiment(**told)

    def _tell_apart(self, stated: Experiment) -> None:
        """Of a form that was not filled from its file: what this states; the rest was typed."""
        form, says = self.experiment.value().to_json(), stated.to_json()
        same = [k for k, v in says.items() if v is not None and _is_as_shown(form[k], v)]
        self._stated = Experiment(**{k: says[k] for k in same})
        self._shown = Experiment(**{k: form[k] for k in same})

    def _wanted(self) -> Experiment:
        """The form, empty entries unknown; to all its digits where the file's value still stands.

        Raises
        ------
        ValueError
            If an entry is no value.
        """
        stated, shown = self._stated.to_json(), self._shown.to_json()
        form = self.experiment.value().to_json()
        return Experiment(**{k: stated[k] if v == shown[k] else v for k, v in form.items()})

    def _show_problem(self, error: BaseException) -> None:
        self.found.setText(in_words(error))
        self._looked_at = ""
        self._enable_load("This cannot be read, see above.")

    def _on_preset(self, index: int) -> None:
        if index > 0:
            preset = PRESETS[index - 1]
            self.experiment.fill(
                Experiment(
                    facility=preset.facility,
                    pixel_size_um=preset.pixel_size_um,
                    frame_rate_hz=preset.frame_rate_hz,
                )
            )

    def _load(self) -> None:
        path = self.path.path()
        if path != self._looked_at:
            return
        try:
            wanted = self._wanted()
        except ValueError as error:
            explain(error)
            return
        self._is_loading = True
        self._enable_load()

        def load() -> LayerData:
            return stack_layer(replace(read_stack(path), experiment=wanted), Path(path))

        self._loaded.submit(load)

    def _not_loaded(self, error: BaseException) -> None:
        self._is_loading = False
        self._enable_load()
        explain(error)

    def _add(self, layer_data: LayerData) -> None:
        from napari.layers import Layer
        from napari.utils.notifications import show_info

        layer = self._viewer.add_layer(Layer.create(*layer_data))
        self._is_loading = False
        self._enable_load()
        known = layer.metadata[KEY].experiment
        missing = [
            what
            for what, value in (
                ("pixel size", known.pixel_size_um),
                ("frame rate", known.frame_rate_hz),
            )
            if value is None
        ]
        if missing:
            what = " and ".join(missing)
            show_info(f"{layer.name}: {what} unknown; results stay in pixels or frames.")

    def _on_selection(self, event=None) -> None:
        self.done.setText("")
        layer = self._selected()
        self.set_button.setEnabled(layer is not None)
        self.set_button.setToolTip(
            "Select one image or labels layer first."
            if layer is None
            else f"Give pixel size, frame rate and the rest to layer {layer.name!r}."
        )

    def _selected(self) -> Layer | None:
        layer = self._viewer.layers.selection.active
        return layer if layer is not None and (is_image(layer) or is_labels(layer)) else None

    def _set_on_layer(self) -> None:
        layer = self._selected()
        if layer is None:
            return
        try:
            given = self.experiment.value()
        except ValueError as error:
            explain(error)
            return
        before = float(layer.scale[-1])
        set_experiment(layer, given)
        keep_in_view(self._viewer, float(layer.scale[-1]) / before)
        size, rate = given.pixel_size_um, given.frame_rate_hz
        size_said = "pixel size unknown" if size is None else f"{size:g} µm a pixel"
        rate_said = "frame rate unknown" if rate is None else f"{rate:g} frames a second"
        self.done.setText(f"Set on {layer.name}: {size_said}, {rate_said}.")

    def _stop(self) -> None:
        self._opened.stop()
        self._loaded.stop()
        self._viewer.layers.selection.events.changed.disconnect(self._on_selection)


def _is_as_shown(shown: object, stated: object) -> bool:
    """Whether a form that shows some digits may have been filled from a file."""
    if isinstance(shown, float) and isinstance(stated, float):
        return math.isclose(shown, stated, rel_tol=1e-4)
    return shown == stated
