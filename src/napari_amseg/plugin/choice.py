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
    user has chosen one. nothing : what to say when there is none. optional : whether `nothing`
    can be chosen too, as it is at first.
    """

    layer_changed = Signal()

    def __init__(
        self,
        viewer: napari.components.ViewerModel,
        accept: Callable[[Layer], bool],
        *,
        follow: bool = True,
        nothing: str = "no layer",
        optional: bool = False,
    ):
        super().__init__()
        self._viewer, self._accept, self._follow = viewer, accept, follow
        self._layers: list[Layer] = []
        self._shown: Layer | None = None
        self._nothing, self._optional = nothing, optional
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

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer for good, as the user does; None where the choice is optional."""
        self._follow = False
        if layer is None and self._optional:
            self._show(None)
        else:
            self._refresh(wanted=layer)

    def refresh(self) -> None:
        """Look again which layers are offered."""
        self._refresh()

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
            self.choose(self._entries()[index])

    def _entries(self) -> list[Layer | None]:
        return [None, *self._layers] if self._optional else [*self._layers]

    def _refresh(self, event=None, *, wanted: Layer | None = None) -> None:
        layers = matching(self._viewer, self._accept)
        wanted = wanted if wanted in layers else self._shown
        first = layers[0] if layers and not self._optional else None
        self._show(wanted if wanted in layers else first)

    def _show(self, chosen: Layer | None) -> None:
        self._layers = matching(self._viewer, self._accept)
        entries = self._entries()
        self.blockSignals(True)
        self.clear()
        self.addItems([self._nothing if e is None else e.name for e in entries or [None]])
        self.setEnabled(bool(self._layers))
        if chosen in entries:
            self.setCurrentIndex(entries.index(chosen))
        self.blockSignals(False)
        if chosen is not self._shown:
            self._shown = chosen
            self.layer_changed.emit()
