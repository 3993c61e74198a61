"""The *Load stack* widget: a path, what is known of the measurement, a lazy layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_amseg.io import read_stack, recorded_fields
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    LayerData,
    image_source,
    is_image,
    is_labels,
    label_source,
    placement,
)
from napari_amseg.plugin.load.presets import PRESETS
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.tasks import Latest, explain
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
        self._loaded = Latest(self._add)
        self._looked_at, self._stated = "", Experiment()
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
        self.found = QLabel()
        self.found.setWordWrap(True)
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
        layout.addStretch(1)
        fill(self, inside)

    def show_stack(self, path: str, experiment: Experiment) -> None:
        """Fill in a path and what is known of it, be it from the file or from the user."""
        self._looked_at, self._stated = path, experiment
        self.path.set_path(path)
        self.experiment.set_value(experiment)

    def _on_path(self) -> None:
        """A path was typed or chosen: look at it when the typing pauses."""
        self._enable_load("" if self.path.path() else "Choose a stack first.")
        self.found.setText("")
        self._pause.start()

    def _enable_load(self, why_not: str) -> None:
        self.load_button.setEnabled(not why_not)
        self.load_button.setToolTip(why_not or "Add a lazy layer: frames are read when shown.")

    def _look(self) -> None:
        path = self.path.path()
        if not path:
            return
        self.found.setText("looking…")

        def look() -> tuple[str, Stack, dict[str, str]]:
            with read_stack(path) as stack:
                return path, stack, recorded_fields(stack)

        self._opened.submit(look)

    def _show_found(self, outcome: tuple[str, Stack, dict[str, str]]) -> None:
        """Tell what the path holds and fill in what the file says of itself."""
        path, stack, fields = outcome
        if path != self.path.path():
            return
        frames, rows, columns = stack.shape
        text = f"{frames:,} frames of {columns} × {rows} px, {stack.dtype}"
        recorded = [f"{role} recorded with it: {words}" for role, words in fields.items()]
        self.found.setText("\n".join((text, *recorded, *stack.notes)))
        if path != self._looked_at:
            self._looked_at = path
            self._fill_from_file(stack.experiment)
            self.preset.setCurrentIndex(0)

    def _fill_from_file(self, stated: Experiment) -> None:
        """Show what this file states; what only the file before it stated goes."""
        now, before = self.experiment.value().to_json(), self._stated.to_json()
        kept = {k: v if v != before[k] else None for k, v in now.items()}
        self.experiment.set_value(Experiment(**kept).updated(**stated.to_json()))
        self._stated = stated

    def _show_problem(self, error: BaseException) -> None:
        self.found.setText(str(error))
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
        try:
            path, wanted = self.path.path(), self.experiment.value()
        except ValueError as error:
            explain(error)
            return
        self._enable_load("Loading…")

        def load() -> LayerData:
            stack = read_stack(path)
            known = stack.experiment.updated(**wanted.to_json())
            return stack_layer(replace(stack, experiment=known), Path(path))

        self._loaded.submit(load)

    def _add(self, layer_data: LayerData) -> None:
        from napari.layers import Layer
        from napari.utils.notifications import show_info

        layer = self._viewer.add_layer(Layer.create(*layer_data))
        self._enable_load("")
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
            set_experiment(layer, self.experiment.value())
        except ValueError as error:
            explain(error)

    def _stop(self) -> None:
        self._opened.stop()
        self._loaded.stop()
        self._viewer.layers.selection.events.changed.disconnect(self._on_selection)


def set_experiment(layer: Layer, experiment: Experiment) -> None:
    """Give a layer other metadata: its scale and units follow, rows measured before are dropped."""
    y, x = (float(v) for v in layer.translate[-2:] / layer.scale[-2:])
    updated: ImageSource | LabelSource
    if is_image(layer):
        updated = image_source(layer).with_experiment(experiment)
    else:
        updated = replace(label_source(layer), experiment=experiment, results=None)
    layer.metadata = {**layer.metadata, KEY: updated}
    for name, value in placement(experiment, offset_px=(y, x)).items():
        setattr(layer, name, value[-layer.ndim :])
