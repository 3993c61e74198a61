"""The correlation map in pyqtgraph: points to hover and click, ellipses, the separating line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal

from napari_amseg.pipeline.correlate import Correlation
from napari_amseg.plugin.curtain import Curtain
from napari_amseg.plugin.theme import Palette
from napari_amseg.report.maps import (
    COLORS,
    GROUPS,
    MAPS,
    WITH,
    MapAxes,
    ends_of_line,
    line_label,
    marker_sizes,
    side_by_side,
)

_SYMBOLS = dict(zip(GROUPS, "do", strict=True))
_PLAIN_PX, _PX_A_PT = 10.0, 1.7
_HEIGHT_PX = 320


class CorrelationMap(pg.GraphicsLayoutWidget):
    """One point an experiment.

    chosen : the row of the table that was clicked. pointed : the row under the mouse, or None.
    """

    chosen = Signal(int)
    pointed = Signal(object)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._shown: tuple[Correlation, str] | None = None
        self._points: dict[str, pg.ScatterPlotItem] = {}
        self.setMinimumHeight(_HEIGHT_PX)
        self.setToolTip("Click a point to open its stack and labels; drag and roll to zoom.")
        self.ci.layout.setContentsMargins(2, 6, 12, 2)
        self.plot = self.addPlot()
        self.plot.showGrid(x=True, y=True, alpha=0.15)
        self.plot.setMenuEnabled(False)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self._curtain = Curtain(self, palette)
        self.set_palette(palette)

    def say(self, words: str) -> None:
        """Say why there is no map; nothing shows the map."""
        self._curtain.say(words)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No more room than needed."""
        return self.minimumSize()

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._palette = palette
        self._curtain.set_palette(palette)
        self.setBackground(palette.background)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.faint))
            axis.setTextPen(pg.mkPen(palette.text))
        if self._shown is not None:
            self.show_map(*self._shown)

    def show_map(self, found: Correlation | None, name: str) -> None:
        """Draw one of the maps; None empties the plot."""
        self.plot.clear()
        self._points = {}
        self._shown = None if found is None else (found, name)
        axes = MAPS[name]
        for side, label in (("bottom", axes.x_label), ("left", axes.y_label)):
            self.plot.setLabel(side, label, color=self._palette.text)
        if found is None:
            return
        x, y = self._places(found, name)
        for group in GROUPS:
            self._draw_points(found, group, x, y)
        if name in found.maps:
            self._draw_comparison(found, name, x, y)
        self.plot.autoRange(padding=0.06)

    def color(self, group: str) -> str:
        """The group's colour, as far as it shows on the background."""
        return self._palette.legible(COLORS[group])

    def legend(self) -> str:
        """What the colours and the line mean, as rich text."""
        if self._shown is None:
            return ""
        found, name = self._shown
        said = []
        for group in GROUPS:
            sign = "●" if group == WITH else "◆"
            n = len(self._points[group].points())
            said.append(f'<span style="color:{self.color(group)}">{sign}</span> {group} ({n})')
        comparison = found.maps.get(name)
        if comparison is not None and comparison.line is not None:
            said.append(f"– – {line_label(comparison.line)}")
        return " &nbsp; ".join(said)

    def rows_shown(self, group: str) -> list[int]:
        """The rows of the table that are points of a group."""
        return [int(point.data()) for point in self._points[group].points()]

    def _places(
        self, found: Correlation, name: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of every row, NaN where unknown."""
        axes = MAPS[name]
        x, y = (axes.scale * found.table[c].to_numpy(float) for c in (axes.x, axes.y))
        known = np.isfinite(x) & np.isfinite(y)
        if name == "power_velocity":
            x[known], y[known] = side_by_side(x[known], y[known])
        x[~known] = np.nan
        return x, y

    def _draw_points(
        self, found: Correlation, group: str, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> None:
        table = found.table
        rows = np.flatnonzero((table["pores"].to_numpy(bool) == (group == WITH)) & np.isfinite(x))
        sizes = np.full(rows.size, _PLAIN_PX)
        if group == WITH:
            sizes = _PX_A_PT * marker_sizes(table).points(table["pore_diameter"].iloc[rows])
        brush = pg.mkColor(self.color(group))
        brush.setAlpha(215)
        points = pg.ScatterPlotItem(
            x[rows], y[rows], size=sizes, data=rows, symbol=_SYMBOLS[group], brush=brush,
            pen=pg.mkPen(self._palette.background, width=0.6), hoverable=True, tip=None,
            antialias=True,
            hoverPen=pg.mkPen(self._palette.text, width=2),
        )  # fmt: skip
        points.setZValue(5)
        points.sigClicked.connect(lambda _, hit, __: self._emit(self.chosen, hit))
        points.sigHovered.connect(lambda _, hit, __: self._emit(self.pointed, hit))
        self._points[group] = points
        self.plot.addItem(points)

    def _draw_comparison(
        self, found: Correlation, name: str, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> None:
        axes, comparison = MAPS[name], found.maps[name]
        reach = [np.column_stack([x, y])[np.isfinite(x)]]
        for group in GROUPS:
            ellipse = comparison.ellipses[group]
            if ellipse is not None:
                outline = axes.scale * ellipse.outline()
                reach.append(outline)
                self.plot.plot(*outline.T, pen=pg.mkPen(self.color(group), width=1.5),
                               antialias=True)  # fmt: skip
        if comparison.line is not None:
            ends = _line_within(np.concatenate(reach), axes, comparison.line)
            pen = pg.mkPen(self._palette.text, width=1.5, style=Qt.PenStyle.DashLine)
            self.plot.plot(*ends.T, pen=pen, antialias=True)

    def _emit(self, signal: Any, hit: Any) -> None:
        if len(hit):
            signal.emit(int(hit[0].data()))
        elif signal is self.pointed:
            signal.emit(None)


def _line_within(points: NDArray[np.float64], axes: MapAxes, line: Any) -> NDArray[np.float64]:
    """Both ends of a line, float64 (2, 2) or (0, 2), in the rectangle around drawn points."""
    low, high = points.min(axis=0) / axes.scale, points.max(axis=0) / axes.scale
    ends = ends_of_line(line, (low[0], high[0]), (low[1], high[1]))
    return axes.scale * np.array(ends, np.float64).reshape(-1, 2)
