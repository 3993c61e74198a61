"""Time series in pyqtgraph: linked plots, the shown frame marked, a click goes to a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt, Signal

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.plugin.results import SERIES, Results, Series
from napari_amseg.types import Experiment

_LIGHT, _DARK = "#f0f1f2", "#262930"  # napari's own text and background
_COLORS = {
    "keyhole area": "#b86fb5",  # the keyhole's colour, lighter: it must show on dark grey
    "keyhole depth": "#5fb3e8",
    "pore area": DEFAULT_SCHEME.classes[1].color,
    "pores": "#e8a05f",
}
_MOST_SYMBOLS = 300
_TITLE_PX = 18
_MARK = {"color": "#ffffff", "width": 1, "style": Qt.PenStyle.DashLine}


class SparseAxis(pg.AxisItem):
    """An axis with few ticks, as the plots are low; at whole numbers only if `whole`.

    tick_px : least room of a tick.
    """

    whole = False
    tick_px = 12

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:  # noqa: N802
        """One level of ticks, 1, 2 or 5 times a power of ten apart."""
        least = (maxVal - minVal) / max(1.0, size / self.tick_px)
        if self.whole:
            least = max(least, 1.0)
        if not least > 0:
            return [(1.0, 0.0)]
        power = 10.0 ** np.floor(np.log10(least))
        return [(next(m * power for m in (1, 2, 5, 10) if m * power >= least), 0.0)]


class SeriesPlots(pg.GraphicsLayoutWidget):
    """One plot a quantity, frames on the shared x axis.

    frame_chosen : a click or a dragged mark chose this frame.
    """

    frame_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setBackground(_DARK)
        self.ci.layout.setSpacing(2)
        self.ci.layout.setContentsMargins(2, 2, 8, 2)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._plots: dict[str, pg.PlotItem] = {}
        self._marks: list[pg.InfiniteLine] = []
        self._n_frames = 1
        for row, series in enumerate(SERIES):
            self._add(row, series)
        self._show_labels(Experiment())
        self.scene().sigMouseClicked.connect(self._on_click)

    def _add(self, row: int, series: Series) -> None:
        axis = SparseAxis("left")
        axis.whole = series.unit_px == "count"
        plot = self.addPlot(row=row, col=0, axisItems={"left": axis})
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=True, y=False)
        plot.enableAutoRange(axis="y")
        plot.setAutoVisible(y=True)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(pg.mkPen("#6f7278"))
            axis.setTextPen(pg.mkPen(_LIGHT))
            axis.enableAutoSIPrefix(False)
        plot.getAxis("left").setWidth(58)
        plot.layout.setRowFixedHeight(0, _TITLE_PX)
        plot.titleLabel.setMaximumHeight(_TITLE_PX)
        if row:
            plot.setXLink(next(iter(self._plots.values())))
        last = row == len(SERIES) - 1
        plot.getAxis("bottom").setStyle(showValues=last)
        pen = pg.mkPen(_COLORS[series.title], width=1.5)
        self._curves[series.title] = plot.plot(pen=pen, connect="finite")
        mark = pg.InfiniteLine(angle=90, movable=True, pen=pg.mkPen(**_MARK))
        mark.setZValue(10)
        mark.sigDragged.connect(self._on_drag)
        plot.addItem(mark, ignoreBounds=True)
        self._marks.append(mark)
        self._plots[series.title] = plot

    def _show_labels(self, experiment: Experiment) -> None:
        for series in SERIES:
            self._plots[series.title].setTitle(
                series.label(experiment), color=_COLORS[series.title], size="9pt", justify="left"
            )
        rate = experiment.frame_rate_hz
        text = f"frame, {1e6 / rate:g} µs each" if rate else "frame"
        self._plots[SERIES[-1].title].setLabel("bottom", text, color=_LIGHT)

    def show_results(self, results: Results | None) -> None:
        """Draw the rows there are; None empties the plots."""
        if results is None:
            for curve in self._curves.values():
                curve.setData([], [])
            return
        frames = np.arange(results.n_frames)
        for series in SERIES:
            values = results.values(series)
            if not np.isfinite(values).any():
                self._curves[series.title].setData([], [])
                continue
            color = _COLORS[series.title]
            few = results.n_done <= _MOST_SYMBOLS
            self._curves[series.title].setData(
                frames,
                values,
                symbol="o" if few else None,
                symbolSize=5,
                symbolBrush=color,
                symbolPen=None,
            )
        if results.n_frames != self._n_frames:
            self._n_frames = results.n_frames
            self._plots[SERIES[0].title].setXRange(0, max(results.n_frames - 1, 1), padding=0.02)
        self._show_labels(results.experiment)

    def mark_frame(self, frame: int) -> None:
        """Move the marks to the shown frame."""
        for mark in self._marks:
            mark.blockSignals(True)
            mark.setValue(frame)
            mark.blockSignals(False)

    def marked_frame(self) -> int:
        """The frame the marks stand at."""
        return round(self._marks[0].value())

    def curve(self, title: str) -> tuple[np.ndarray, np.ndarray]:
        """The frames and values drawn for a quantity."""
        frames, values = self._curves[title].getData()
        return (np.empty(0), np.empty(0)) if frames is None else (frames, values)

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for plot in self._plots.values():
            if plot.sceneBoundingRect().contains(event.scenePos()):
                self._choose(plot.vb.mapSceneToView(event.scenePos()).x())
                return

    def _on_drag(self, mark: pg.InfiniteLine) -> None:
        self._choose(mark.value())

    def _choose(self, x: float) -> None:
        self.frame_chosen.emit(int(np.clip(round(x), 0, self._n_frames - 1)))
