"""Rows that were measured of a layer, kept as long as its labels are what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.results import Results

if TYPE_CHECKING:
    from napari.layers import Layer


class MeasuredLayers:
    """Results by layer, so that going back to a layer does not mean to measure it again."""

    def __init__(self) -> None:
        self._results: WeakKeyDictionary[Layer, Results] = WeakKeyDictionary()

    def results_of(self, layer: Layer) -> Results | None:
        """What was measured of a layer, here or while it was segmented."""
        return self._results.get(layer) or label_source(layer).results

    def keep(self, layer: Layer, results: Results) -> None:
        """Keep results until the layer is painted on, or gets other labels or metadata."""
        self._results[layer] = results
        for event in (layer.events.paint, layer.events.data, layer.events.metadata):
            event.connect(self._on_change)

    def _on_change(self, event: Any) -> None:
        self._results.pop(event.source, None)

    def stop(self) -> None:
        """The widget closes: listen no more."""
        for layer in list(self._results):
            for event in (layer.events.paint, layer.events.data, layer.events.metadata):
                event.disconnect(self._on_change)
        self._results.clear()
