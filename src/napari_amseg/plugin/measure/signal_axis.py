"""A second axis for an external signal, to the right of the uppermost plot."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt

from napari_amseg.plugin.measure.compared import Overlay
from napari_amseg.plugin.measure.series_plot import SeriesCurve, SparseAxis
from napari_amseg.plugin.theme import Palette

_COLOR = "#d9b84a"
_WIDTH_PX = 44


class SignalAxis:
    """Draws a signal into the first of `plots`; all keep their right edges in line."""

    def __init__(self, plots: Sequence[pg.PlotItem], palette: Palette) -> None:
        self._plots = plots
        self._overlay: Overlay | None = None
        self.color = palette.legible(_COLOR)
        self._view = pg.ViewBox(enableMenu=False)
        self._view.setMouseEnabled(x=False, y=False)
        self._axis = SparseAxis("right")
        self._axis.enableAutoSIPrefix(False)
        self._axis.setWidth(_WIDTH_PX)
        first = plots[0]
        first.setAxisItems({"right": self._axis})
        first.hideAxis("right")
        first.scene().addItem(self._view)
        self._axis.linkToView(self._view)
        self._view.setXLink(first)
        self._view.setZValue(first.vb.zValue() + 1)
        self._view.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._view.setAcceptHoverEvents(False)
        self._view.setAutoVisible(y=True)
        self._view.enableAutoRange(axis="y")
        self.curve = SeriesCurve(self._view, pg.mkPen(self.color, width=1), self.color)
        self._axis.setPen(pg.mkPen(self.color))
        self._axis.setTextPen(pg.mkPen(self.color))
        first.vb.sigResized.connect(self._follow)
        self._follow()

    def show(self, overlay: Overlay | None) -> None:
        """Draw a signal; None takes the axis away."""
        self._overlay, there = overlay, overlay is not None
        empty = np.empty(0)
        self.curve.show(*((overlay.x, overlay.values) if overlay is not None else (empty, empty)))
        self._view.setVisible(there)
        self._plots[0].showAxis("right", there)
        for plot in self._plots[1:]:
            plot.showAxis("right", there)
            axis = plot.getAxis("right")
            axis.setStyle(showValues=False, tickLength=0)
            axis.setPen(pg.mkPen(None))
            axis.setWidth(_WIDTH_PX if there else 0)

    def title(self) -> str:
        """Name and unit of the signal in its colour, for the title of the plot; HTML."""
        if self._overlay is None:
            return ""
        unit = f" ({self._overlay.unit})" if self._overlay.unit else ""
        name = html.escape(f"{self._overlay.name}{unit}")
        return f' <span style="color:{self.color}">&nbsp; {name}</span>'

    def remove(self) -> None:
        """Take the view out of the scene, before the plots are made anew."""
        scene = self._view.scene()
        if scene is not None:
            scene.removeItem(self._view)

    def _follow(self, *_: Any) -> None:
        self._view.setGeometry(self._plots[0].vb.sceneBoundingRect())
        self._view.linkedViewChanged(self._plots[0].vb, self._view.XAxis)
