"""A line in the viewer that a person can drag: the surface of the substrate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_amseg.annotate.surface_line import SurfaceLine
from napari_amseg.plugin.layers import KEY, Preview

if TYPE_CHECKING:
    from napari.layers import Shapes

    from napari_amseg.plugin.annotate.session import Session

_COLOR = "#ff3df2"  # of no class
_WIDTH = 1 / 300  # of the frame's width
_END = 0.04  # of the frame's width: an end on its very side is hard to take hold of


class SurfaceShape:
    """One line in a shapes layer of its own, over all frames, as long as it is needed.

    drawn : called when a person has drawn it.
    """

    def __init__(self, session: Session, drawn: Callable[[], None]) -> None:
        self._session, self._drawn = session, drawn
        self._layer: Shapes | None = None

    @property
    def line(self) -> SurfaceLine | None:
        """The line as it is now, in rows and columns of a frame; None if there is none."""
        layer = self._layer
        if layer is None or layer not in self._session.viewer.layers or not layer.data:
            return None
        try:
            return SurfaceLine.from_points(np.asarray(layer.data[-1])[:, -2:])
        except ValueError:  # upright
            return None

    def show(self, line: SurfaceLine) -> None:
        """Show a line through the frame, its ends to be dragged."""
        columns = self._session.annotation.labels.shape[2] * np.array([_END, 1 - _END])
        self.remove()
        layer = self._add([np.stack([line.rows(columns), columns], axis=1)])
        layer.mode = "direct"
        layer.selected_data = {0}  # shows its ends

    def draw(self) -> None:
        """Let a person draw the line."""
        self.remove()
        layer = self._add([])
        layer.mode = "add_line"
        layer.events.data.connect(self._on_data)

    def remove(self) -> None:
        """Take the line away; painting goes on."""
        layer, self._layer = self._layer, None
        viewer = self._session.viewer
        if layer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)
        if self._session.layer in viewer.layers:
            viewer.layers.selection.active = self._session.layer

    def _add(self, lines: list[Any]) -> Shapes:
        from napari.layers import Shapes

        labels = self._session.layer
        layer = Shapes(
            lines or None,
            ndim=2,
            shape_type="line",
            edge_color=_COLOR,
            edge_width=max(1.0, _WIDTH * self._session.annotation.labels.shape[2]),
            name="surface",
            metadata={KEY: Preview()},
            scale=labels.scale[-2:],
            translate=labels.translate[-2:],
            units=labels.units[-2:],
            axis_labels=labels.axis_labels[-2:],
        )
        self._session.viewer.add_layer(layer)
        self._session.viewer.layers.selection.active = layer
        self._layer = layer
        return layer

    def _on_data(self, event: Any) -> None:
        if str(event.action) == "added":
            QTimer.singleShot(0, self._on_drawn)  # napari is still within the mouse's release

    def _on_drawn(self) -> None:
        """The line is there: from now on it can only be dragged."""
        if self._layer is not None and self.line is not None:
            self._layer.mode = "direct"
            self._drawn()
