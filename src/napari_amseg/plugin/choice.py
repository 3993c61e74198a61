"""A drop-down of the layers a widget can work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_amseg.plugin.layers import matching

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


class LayerChoice(QComboBox):
    """The viewer's layers of one kind; keeps up with the layer list.

    accept : which layers are offered. follow : jump to a layer that was just added, until the
    user has chosen one. nothing : what to say when there is none.
    """

    layer_changed = Signal()

    def __init__(
        self,
        viewer: napari.components.ViewerModel,
        accept: Callable[[Layer], bool],
        *,
        follow: bool = True,
        nothing: str = "no layer",
    ):
        super().__init__()
        self._viewer, self._accept, self._follow = viewer, accept, follow
        self._layers: list[Layer] = []
        self._shown: Layer | None = None
        self._nothing = nothing
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(self._on_chosen)
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._refresh)
        events.reordered.connect(self._refresh)
        events.renamed.connect(self._refresh)
        layers = matching(viewer, accept)
        self._refresh(wanted=layers[-1] if layers and follow else None)

    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self._shown

    def choose(self, layer: Layer) -> None:
        """Choose a layer for good, as the user does."""
        self._follow = False
        self._refresh(wanted=layer)

    def stop(self) -> None:
        """Stop listening to the viewer; call when the widget closes."""
        events = self._viewer.layers.events
        for event, slot in (
            (events.inserted, self._on_inserted),
            (events.removed, self._refresh),
            (events.reordered, self._refresh),
            (events.renamed, self._refresh),
        ):
            event.disconnect(slot)

    def _on_inserted(self, event) -> None:
        new = event.value
        self._refresh(wanted=new if self._follow and self._accept(new) else None)

    def _on_chosen(self, index: int) -> None:
        if self._layers:
            self.choose(self._layers[index])

    def _refresh(self, event=None, *, wanted: Layer | None = None) -> None:
        layers = matching(self._viewer, self._accept)
        wanted = wanted if wanted in layers else self._shown
        chosen = wanted if wanted in layers else (layers[0] if layers else None)
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in layers] or [self._nothing])
        self.setEnabled(bool(layers))
        self._layers = layers
        if chosen is not None:
            self.setCurrentIndex(layers.index(chosen))
        self.blockSignals(False)
        if chosen is not self._shown:
            self._shown = chosen
            self.layer_changed.emit()
