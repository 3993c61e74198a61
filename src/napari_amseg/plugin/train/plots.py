"""Learning curves in pyqtgraph: loss, and IoU per class, against the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_amseg.labels import LabelScheme
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.measure.series_plot import SparseAxis
from napari_amseg.plugin.theme import Palette

_VALIDATION = "#3d8fd6"
_MOST_SYMBOLS = 60
_AXIS_WIDTH_PX = 54
_PLOT_HEIGHT_PX = 84
_BOTTOM_HEIGHT_PX = 36
_EPOCH_TICK_PX = 30
Row = Mapping[str, Any]


class _Canvas(pg.GraphicsLayoutWidget):
    """Asks for no more room than it needs."""

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return self.minimumSize()


class CurvePlots(QWidget):
    """Loss above, IoU of every class and their mean below, with their present values as legend."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._scheme: LabelScheme | None = None
        self._prefix = ""
        self._history: Sequence[Row] = ()
        self._best_epoch: int | None = None
        self._curves: dict[str, tuple[pg.PlotDataItem, str]] = {}
        self._names: dict[str, str] = {}
        self._marks: list[pg.InfiniteLine] = []
        self._view = _Canvas()
        self._view.ci.layout.setSpacing(2)
        self._view.ci.layout.setContentsMargins(2, 2, 14, 2)
        self._view.setMinimumHeight(2 * _PLOT_HEIGHT_PX + 20)
        self._view.setToolTip("Drag and roll the wheel to zoom. The dotted line: the best epoch.")
        self.loss, self.iou = self._add(0), self._add(1)
        self._view.ci.layout.setRowStretchFactor(0, 2)
        self._view.ci.layout.setRowStretchFactor(1, 3)
        self.iou.setXLink(self.loss)
        self.iou.setYRange(0, 1, padding=0.02)
        self.loss_legend, self.iou_legend = Note(least_lines=1), Note(least_lines=2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.loss_legend)
        layout.addWidget(self._view, 1)
        layout.addWidget(self.iou_legend)
        self.set_palette(palette)

    def _add(self, row: int) -> pg.PlotItem:
        bottom = SparseAxis("bottom")
        bottom.whole, bottom.tick_px = True, _EPOCH_TICK_PX
        axes = {"left": SparseAxis("left"), "bottom": bottom}
        plot = self._view.addPlot(row=row, col=0, axisItems=axes)
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        plot.getAxis("left").enableAutoSIPrefix(False)
        bottom.enableAutoSIPrefix(False)
        bottom.setStyle(showValues=row == 1)
        if row == 1:
            bottom.setHeight(_BOTTOM_HEIGHT_PX)
        return plot

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._palette = palette
        self._view.setBackground(palette.background)
        for plot, name in ((self.loss, "loss"), (self.iou, "IoU")):
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(palette.faint))
                axis.setTextPen(pg.mkPen(palette.text))
            plot.getAxis("left").setLabel(name, color=palette.text)
        self.iou.getAxis("bottom").setLabel("epoch", color=palette.text)
        self._draw_curves()
        self.show_history(self._history, self._best_epoch)

    def begin(self, scheme: LabelScheme, epochs: int, *, validated: bool) -> None:
        """Empty plots for a training; without validation, the scores of the training images."""
        self._scheme, self._prefix = scheme, "validation_" if validated else ""
        self._draw_curves()
        self.loss.setXRange(1, max(epochs, 2), padding=0.02)
        self.loss.enableAutoRange(axis="y")
        self.iou.setYRange(0, 1, padding=0.02)
        self.show_history((), None)

    def show_history(self, history: Sequence[Row], best_epoch: int | None) -> None:
        """Draw the rows of ``training.csv`` so far; what was zoomed to stays."""
        self._history, self._best_epoch = history, best_epoch
        for column, (curve, color) in self._curves.items():
            points = [(r["epoch"], r[column]) for r in history if r.get(column) is not None]
            symbol = "o" if 0 < len(points) <= _MOST_SYMBOLS else None
            values = np.array(points, np.float64).reshape(-1, 2).T
            curve.setData(*values, symbol=symbol, symbolSize=4, symbolBrush=color, symbolPen=None)
        for mark in self._marks:
            mark.setVisible(best_epoch is not None)
            mark.setValue(best_epoch or 0)
        last = history[-1] if history else {}
        self.loss_legend.setText(self._legend("", ("loss", "validation_loss"), last))
        columns = [name for name in self._curves if "iou" in name]
        images = "validation" if self._prefix else "training"
        self.iou_legend.setText(self._legend(f"IoU of {images} images: ", columns, last))

    def curve(self, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The epochs and values drawn of a column of ``training.csv``."""
        if column not in self._curves:
            return np.empty(0), np.empty(0)
        epochs, values = self._curves[column][0].getData()
        return (np.empty(0), np.empty(0)) if epochs is None else (epochs, values)

    def _draw_curves(self) -> None:
        """One curve a column, without points."""
        for plot in (self.loss, self.iou):
            plot.clear()
        self._curves, self._marks = {}, []
        if self._scheme is None:
            return
        self._add_curve(self.loss, "loss", "training", self._palette.faint)
        if self._prefix:
            self._add_curve(self.loss, "validation_loss", "validation", _VALIDATION)
        for c in self._scheme.classes:
            self._add_curve(self.iou, f"{self._prefix}iou_{c.name}", c.name, c.color)
        self._add_curve(self.iou, f"{self._prefix}mean_iou", "mean", self._palette.text, 2.2)
        pen = pg.mkPen(self._palette.text, width=1, style=Qt.PenStyle.DotLine)
        self._marks = [pg.InfiniteLine(angle=90, pen=pen) for _ in range(2)]
        for plot, mark in zip((self.loss, self.iou), self._marks, strict=True):
            plot.addItem(mark, ignoreBounds=True)

    def _add_curve(
        self, plot: pg.PlotItem, column: str, name: str, color: str, width: float = 1.4
    ) -> None:
        color = self._palette.legible(color)
        self._curves[column] = plot.plot(pen=pg.mkPen(color, width=width)), color
        self._names[column] = name

    def _legend(self, title: str, columns: Iterable[str], row: Row) -> str:
        """Coloured squares with names and present values."""
        entries = []
        for column in columns:
            if column in self._curves:
                value, color = row.get(column), self._curves[column][1]
                number = "–" if value is None else f"{value:.3f}"
                square = f'<span style="color:{color}">■</span>'
                entries.append(f"{square}&nbsp;{self._names[column]}&nbsp;{number}")
        return title + "&ensp; ".join(entries) if entries else ""
