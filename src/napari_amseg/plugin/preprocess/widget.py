"""The *Preprocess* widget: a chain of steps, previewed on the shown frame, applied lazily."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.io import OutputFiles, write_json
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.command.results import preprocess_plan
from napari_amseg.plugin.forms import TidyForm
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LayerData,
    crop_offset_px,
    current_frame,
    image_layer,
    image_source,
    is_image,
    place_on,
)
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.preprocess.chain_form import ChainForm
from napari_amseg.plugin.preview import Previewer, PreviewImage, PreviewLayer
from napari_amseg.plugin.tasks import Latest, explain, in_words
from napari_amseg.preprocess import Chain, Crop, read_chain

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_DEBOUNCE_MS = 250
_FRAME_PAUSE_MS = 50


class Preprocess(QWidget):
    """Correct a stack; what you see is the shown frame with the chain applied."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self._previewer = Previewer()
        self._preview_layer = PreviewLayer(napari_viewer)
        self._previews = Latest(self._show_preview, failed=self._say_problem)
        self._applied = Latest(self._add, what="Preparing the steps")
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._compute_preview)
        self.form.changed.connect(self._on_change)
        self.image.layer_changed.connect(self._offer_fields)
        self.image.layer_changed.connect(self._on_change)
        self.live.toggled.connect(self._on_change)
        self.from_shape.clicked.connect(self._crop_from_shape)
        self.apply_button.clicked.connect(self._apply)
        self.save_button.clicked.connect(self._on_save)
        self.load_button.clicked.connect(self._on_load)
        napari_viewer.dims.events.current_step.connect(self._on_frame)
        self.destroyed.connect(lambda *_: self._stop())
        self._offer_fields()
        self._on_change()

    def _build(self) -> None:
        self.image = LayerChoice(
            self._viewer, is_image, follow=False, nothing="open an image stack first"
        )
        self.image.setToolTip("The stack to correct.")
        self.form = ChainForm()
        self.from_shape = QPushButton("From selected rectangle")
        self.from_shape.setToolTip(
            "Draw a rectangle in a Shapes layer, select that layer, press this."
        )
        self.form.groups[Crop].inside.addWidget(self.from_shape)
        self.setTabOrder(self.form.forms[Crop].field("x1"), self.from_shape)
        self.from_shape.setVisible(False)
        self.form.groups[Crop].toggled.connect(self.from_shape.setVisible)
        self.live = QCheckBox("Live preview of the shown frame")
        self.live.setToolTip("Show the frame with the steps applied, as a layer over the stack.")
        self.live.setChecked(True)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.apply_button = QPushButton("Apply")
        self.save_button, self.load_button = QPushButton("Save chain…"), QPushButton("Load chain…")
        self.load_button.setToolTip("Fill the form from a saved chain or from a _run.json.")
        inside = QWidget()
        layout = QVBoxLayout(inside)
        top = QWidget()
        TidyForm(top).add("image", self.image)
        chain_buttons = QHBoxLayout()
        chain_buttons.addWidget(self.load_button)
        chain_buttons.addWidget(self.save_button)
        for part in (top, self.form, self.live, self.status):
            layout.addWidget(part)
        layout.addWidget(self.apply_button)
        layout.addLayout(chain_buttons)
        layout.addStretch(1)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    def _chain(self) -> Chain | None:
        """The chain in the form; None, and says why, if it is not complete."""
        try:
            return self.form.value()
        except ValueError as error:
            self._say_problem(error)
            return None

    def _offer_fields(self, *_: Any) -> None:
        """Fill the flat field's paths in, without switching it on, where the file has both."""
        layer = self.image.layer()
        source = None if layer is None else image_source(layer)
        if source is None or source.chain.steps:  # corrected or cropped before
            self.form.offer_fields(None, None)
        else:
            self.form.offer_fields(source.stack.flat, source.stack.dark)

    def _on_change(self, *_: Any) -> None:
        """Another image or another setting: say what can be done and renew the preview."""
        self.status.setText("")
        chain = self._chain()
        no_chain = ""
        if chain is None:
            no_chain = "The form is not complete, see above."
        elif not chain.steps:
            no_chain = "Switch on at least one step."
        why_not = no_chain if self.image.layer() is not None else "Open an image stack first."
        self.apply_button.setEnabled(not why_not)
        self.apply_button.setToolTip(why_not or "Add the corrected stack as a new, lazy layer.")
        self.save_button.setEnabled(not no_chain)
        self.save_button.setToolTip(
            no_chain or "Save these steps as JSON, to be replayed here or by `amseg`."
        )
        if why_not or not self.live.isChecked():
            self._pause.stop()
            self._previews.drop()
            self._preview_layer.remove()
        else:
            self._pause.start(_DEBOUNCE_MS)

    def _on_frame(self, event: Any = None) -> None:
        if self._preview_layer.is_shown:
            self._pause.start(_FRAME_PAUSE_MS)

    def _compute_preview(self) -> None:
        layer, chain = self.image.layer(), self._chain()
        if layer is None or not chain or not chain.steps or not self.live.isChecked():
            return
        source, frame = image_source(layer), current_frame(self._viewer, layer)
        origin = (id(layer.data), id(layer.metadata.get(KEY)))
        self._previews.submit(lambda: self._previewer.image(source, chain, frame, origin))

    def _show_preview(self, preview: PreviewImage) -> None:
        layer = self.image.layer()
        if layer is None or not self.live.isChecked() or not self.apply_button.isEnabled():
            return
        self.status.setText("\n".join(preview.notes))
        self._preview_layer.show(preview, layer)

    def _say_problem(self, error: BaseException) -> None:
        self.status.setText(in_words(error))
        self._preview_layer.remove()

    def _crop_from_shape(self) -> None:
        image, shapes = self.image.layer(), self._viewer.layers.selection.active
        try:
            if image is None:
                raise ValueError("open an image stack first.")
            crop = crop_from_shapes(shapes, image)
        except ValueError as error:
            explain(error)
            return
        self.form.forms[Crop].set_value(crop)

    def _apply(self) -> None:
        layer, chain = self.image.layer(), self._chain()
        if layer is None or chain is None:
            return
        source, name = image_source(layer), f"{layer.name} corrected"
        place = place_on(layer, offset_px=crop_offset_px(chain))
        self.apply_button.setEnabled(False)
        self.apply_button.setToolTip("Applying…")
        self.status.setText("applying…")

        def apply() -> LayerData:
            fitted = chain.fit(source.chain.apply(source.stack))
            return image_layer(ImageSource(source.stack, source.chain + fitted), name, place)

        self._applied.submit(apply)

    def _add(self, layer_data: LayerData) -> None:
        from napari.layers import Layer

        self.live.setChecked(False)
        self._viewer.add_layer(Layer.create(*layer_data))
        self._on_change()
        self.status.setText(f"Added {layer_data[1]['name']!r}; frames are computed when shown.")

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save chain", "chain.json", "JSON (*.json)")
        if path:
            self.save_chain(Path(path))

    def save_chain(self, path: Path) -> None:
        """Write the chain in the form as JSON."""
        chain = self._chain()
        if chain is None:
            return
        try:
            with OutputFiles(path.parent) as files:
                write_json(files.path(path.name), chain.to_json())
        except OSError as error:
            explain(error)

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load chain", "", "JSON (*.json)")
        if path:
            self.load_chain(Path(path))

    def load_chain(self, path: Path) -> None:
        """Fill the form from a saved chain or from a _run.json."""
        try:
            self.form.set_value(read_chain(path))
        except (ValueError, OSError) as error:
            explain(error)

    def _command(self) -> MakePlan:
        return preprocess_plan(self.image.layer(), self.form.value())

    def _stop(self) -> None:
        self._previews.stop()
        self._applied.stop()
        self.image.stop()
        self._viewer.dims.events.current_step.disconnect(self._on_frame)
        self._preview_layer.remove()


def crop_from_shapes(shapes: Layer | None, image: Layer) -> Crop:
    """The crop that the selected, or else the last, shape of a Shapes layer outlines on `image`.

    Raises
    ------
    ValueError
        If there is no shape, or it lies outside the image.
    """
    import numpy as np
    from napari.layers import Shapes

    if not isinstance(shapes, Shapes) or not len(shapes.data):
        raise ValueError("select a Shapes layer with a rectangle in it first.")
    chosen = next(iter(shapes.selected_data), len(shapes.data) - 1)
    world = (shapes.data_to_world(point) for point in shapes.data[chosen])
    corners = [image.world_to_data(_padded(point, image.ndim)) for point in world]
    size = np.array(image.data.shape[-2:])
    low = np.clip(np.round(np.min(corners, axis=0)[-2:] + 0.5), 0, size).astype(int)
    high = np.clip(np.round(np.max(corners, axis=0)[-2:] + 0.5), 0, size).astype(int)
    if not (high > low).all():
        raise ValueError("the rectangle lies outside the image: draw it on the frame.")
    return Crop(y0=int(low[0]), y1=int(high[0]), x0=int(low[1]), x1=int(high[1]))


def _padded(point: Any, ndim: int) -> tuple[float, ...]:
    """A world point with as many axes as the image has; missing leading ones are 0."""
    return (0.0,) * (ndim - len(point)) + tuple(point)[-ndim:]
