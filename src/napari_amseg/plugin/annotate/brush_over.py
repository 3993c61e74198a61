"""A brush that goes over a class with that class: it changes no label, but somebody looked."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.change import Change
from napari_amseg.annotate.strokes import Stroke, stroke_mask
from napari_amseg.plugin.annotate.history import History

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, slots=True)
class Brushed:
    """A stroke of the brush.

    mask : bool (Y, X), what it went over. code : what it paints. before : the step of the history
    that was the last when it began.
    """

    frame: int
    mask: NDArray[np.bool_]
    code: int
    before: list[Change] | None


class BrushOver:
    """Follows the brush of a labels layer, since napari tells only of pixels that change.

    brushed : gets every stroke when the button is let go.
    """

    def __init__(
        self, layer: Labels, history: History, brushed: Callable[[Brushed], object]
    ) -> None:
        self._layer, self._history, self._brushed = layer, history, brushed
        layer.mouse_drag_callbacks.append(self._follow)

    def stop(self) -> None:
        """Follow no more."""
        self._layer.mouse_drag_callbacks.remove(self._follow)

    def _follow(self, layer: Labels, event: Any) -> Generator[None]:
        """Called by napari as the button is pressed, then for every move of the mouse."""
        code = int(layer.selected_label)
        if layer.mode != "paint" or event.button != 1 or not code or layer.preserve_labels:
            return
        before = self._history.last
        places = [layer.world_to_data(event.position)]
        yield
        while event.type == "mouse_move" and layer.mode == "paint":
            places.append(layer.world_to_data(event.position))
            yield
        points = tuple((float(y), float(x)) for _, y, x in places)
        mask = stroke_mask(Stroke("", float(layer.brush_size), points), layer.data.shape[1:])
        self._brushed(Brushed(round(places[0][0]), mask, code, before))
