"""Rows that were measured of a layer, kept as long as its labels are what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_amseg.plugin.edits import Edits
from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.measure.results import Results

if TYPE_CHECKING:
    from napari.layers import Layer


class MeasuredLayers:
    """Results by layer, so that going back to a layer does not mean to measure it again."""

    def __init__(self) -> None:
        self._results: WeakKeyDictionary[Layer, Results] = WeakKeyDictionary()
        self._edits: WeakKeyDictionary[Layer, Edits] = WeakKeyDictionary()

    def results_of(self, layer: Layer) -> Results | None:
        """What was measured of a layer, here or while it was segmented; None after an edit."""
        if layer in self._edits:
            self._edits[layer].look()
        results = self._results.get(layer) or label_source(layer).results
        return None if results is None or results.stale else results

    def keep(self, layer: Layer, results: Results) -> None:
        """Keep results until the layer's labels are edited, or it gets other metadata."""
        if results.stale:
            return
        self._results[layer] = results
        if layer not in self._edits:
            self._edits[layer] = Edits(layer, self._on_edit)
            layer.events.metadata.connect(self._on_metadata)

    def _on_edit(self, layer: Layer) -> None:
        results = self._results.pop(layer, None)
        if results is not None:
            results.mark_stale()

    def _on_metadata(self, event: Any) -> None:
        self._results.pop(event.source, None)

    def stop(self) -> None:
        """The widget closes: listen no more."""
        for layer, edits in list(self._edits.items()):
            edits.stop()
            layer.events.metadata.disconnect(self._on_metadata)
        self._edits.clear()
        self._results.clear()
