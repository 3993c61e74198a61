"""Noticing that the labels of a layer are no longer what they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from napari.layers import Layer


class Edits:
    """Calls `edited` with a layer that is painted on, whose edit is undone or done again, or that
    gets other data; not when another of its frames is shown.

    Keep it as long as it is to listen. It does not keep the layer.
    """

    def __init__(self, layer: Layer, edited: Callable[[Layer], None]) -> None:
        self._layer, self._edited = ref(layer), edited
        self._history = _history(layer)
        for event in (layer.events.paint, layer.events.data):
            event.connect(self._on_edit)
        # Undo and redo fire nothing of their own: the layer is drawn anew, as for another frame.
        layer.events.set_data.connect(self._on_drawn)

    def _on_edit(self, event: Any = None) -> None:
        layer = self._layer()
        if layer is not None:
            self._history = _history(layer)
            self._edited(layer)

    def _on_drawn(self, event: Any = None) -> None:
        self.look()

    def look(self) -> None:
        """See whether an edit was undone while the layer was hidden and thus not drawn."""
        layer = self._layer()
        if layer is not None and _history(layer) != self._history:
            self._on_edit()

    def stop(self) -> None:
        """Listen no more."""
        layer = self._layer()
        if layer is None:
            return
        for event in (layer.events.paint, layer.events.data):
            event.disconnect(self._on_edit)
        layer.events.set_data.disconnect(self._on_drawn)


def _history(layer: Layer) -> tuple[int, int]:
    """How many edits can be undone and done again: every undo and redo changes the second."""
    return len(getattr(layer, "_undo_history", ())), len(getattr(layer, "_redo_history", ()))
