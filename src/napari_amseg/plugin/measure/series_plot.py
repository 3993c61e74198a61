"""One quantity against time in pyqtgraph: its curve, that of another stack, marks and range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.measure.quantities import Quantity
from napari_amseg.plugin.measure.envelope import envelope
from napari_amseg.plugin.theme import Palette

Values = NDArray[np.float64]

_COLORS = {
    "keyhole": "#b86fb5",  # the keyhole's colour, lighter: it must show on dark grey
    "keyhole_depth": "#5fb3e8",
    "pore_count": "#e8a05f",
}
_MOST_SYMBOLS = 300
_LEAST_BINS = 200
_TITLE_PX = 17
_AXIS_WIDTH_PX = 58
_RANGE_ALPHA = 38
_LABEL_PX = 8


class SparseAxis(pg.AxisItem):
    """An axis with few ticks, as the plots are low; at whole numbers only if `whole`.

    tick_px : least room of a tick. most : ticks, however much room there is.
    """

    whole = False
    tick_px, most = 12, 8

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """With room for half a label above and below; else those of the ends are left out."""
        rect: QRectF = super().boundingRect()
        return rect.adjusted(0, -_LABEL_PX, 0, _LABEL_PX) if self.orientation == "left" else rect

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:  # noqa: N802
        """One level of ticks, 1, 2 or 5 times a power of ten apart."""
        least = (maxVal - minVal) / min(self.most, max(1.0, size / self.tick_px))
        if self.whole:
            least = max(least, 1.0)
        if not least > 0:
            return [(1.0, 0.0)]
        power = 10.0 ** np.floor(np.log10(least))
        return [(next(m * power for m in (1, 2, 5, 10) if m * power >= least), 0.0)]


def color_of(quantity: Quantity, palette: Palette) -> str:
    """The colour of a quantity's curve."""
    own = {c.role: c.color for c in DEFAULT_SCHEME.classes} | _COLORS
    return palette.legible(own.get(quantity.stem, own[quantity.role]))


class SeriesCurve:
    """A curve with as many points as its plot shows; keeps all of them. dots : on few points."""

    def __init__(self, plot: Any, pen: Any, color: str, *, dots: bool = False) -> None:
        self.item = pg.PlotDataItem(pen=pen, connect="finite")
        self._view = plot.vb if isinstance(plot, pg.PlotItem) else plot
        self._color, self._dots = color, dots
        plot.addItem(self.item)
        self.x = self.y = np.empty(0)
        self._view.sigXRangeChanged.connect(self.draw)

    def show(self, x: Values, y: Values) -> None:
        """Show other values; without a finite one, nothing."""
        some = bool(np.isfinite(y).any())
        self.x, self.y = (x, y) if some else (np.empty(0), np.empty(0))
        self.draw()

    def draw(self, *_: Any) -> None:
        """Draw what lies in the shown range."""
        low, high = self._view.viewRange()[0]
        bins = max(int(self._view.width()), _LEAST_BINS)
        x, y = envelope(self.x, self.y, low, high, bins)
        few = self._dots and 0 < x.size <= _MOST_SYMBOLS
        self.item.setData(
            x, y, symbol="o" if few else None, symbolSize=5, symbolBrush=self._color,
            symbolPen=None,
        )  # fmt: skip


class SeriesPlot:
    """A plot of one quantity in a layout of plots.

    mark : the shown frame, draggable. region : the chosen range of frames, draggable.
    """

    def __init__(self, view: Any, row: int, quantity: Quantity, palette: Palette) -> None:
        self.quantity, self.palette = quantity, palette
        self.color = color_of(quantity, palette)
        axis, bottom = SparseAxis("left"), SparseAxis("bottom")
        axis.whole = quantity.whole
        bottom.tick_px = 48
        self.item = view.addPlot(row=row, col=0, axisItems={"left": axis, "bottom": bottom})
        self._dress()
        self.region = pg.LinearRegionItem((0, 0), brush=self._region_brush(), pen=palette.faint)
        self.region.setZValue(-10)
        self.region.setVisible(False)
        self.item.addItem(self.region, ignoreBounds=True)
        self.curve = SeriesCurve(self.item, pg.mkPen(self.color, width=1.5), self.color, dots=True)
        dashed = pg.mkPen(palette.text, width=1, style=Qt.PenStyle.DashLine)
        self.compared = SeriesCurve(self.item, dashed, palette.text)
        self.cross = [self._line(angle, Qt.PenStyle.DotLine) for angle in (90, 0)]
        self.mark = self._line(90, Qt.PenStyle.DashLine, movable=True)
        self.mark.setVisible(True)
        self.mark.setZValue(10)

    def _dress(self) -> None:
        plot = self.item
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=True, y=False)
        plot.enableAutoRange(axis="y")
        plot.setAutoVisible(y=True)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(pg.mkPen(self.palette.faint))
            axis.setTextPen(pg.mkPen(self.palette.text))
            axis.enableAutoSIPrefix(False)
        plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        plot.layout.setVerticalSpacing(0)

    def _region_brush(self) -> Any:
        color = pg.mkColor(self.palette.text)
        color.setAlpha(_RANGE_ALPHA)
        return pg.mkBrush(color)

    def _line(self, angle: int, style: Any, *, movable: bool = False) -> pg.InfiniteLine:
        line = pg.InfiniteLine(
            angle=angle, movable=movable, pen=pg.mkPen(self.palette.text, width=1, style=style)
        )
        line.setVisible(False)
        self.item.addItem(line, ignoreBounds=True)
        return line

    def set_title(self, *, in_um: bool, more: str = "") -> None:
        """Quantity and unit; more : HTML that follows."""
        text = self.quantity.label(in_um=in_um) + more
        self.item.setTitle(text, color=self.color, size="9pt", justify="left")
        self.item.layout.setRowFixedHeight(0, _TITLE_PX)  # setTitle makes it higher
        self.item.titleLabel.setMaximumHeight(_TITLE_PX)

    def set_region(self, first: int, last: int) -> None:
        """Show the range of frames, without telling anyone."""
        self.region.blockSignals(True)
        self.region.setRegion((first - 0.5, last + 0.5))
        self.region.blockSignals(False)

    def cross_at(self, frame: float | None, value: float | None = None) -> None:
        """Show the lines under the mouse; the level one only in the plot it is over."""
        for line, where in zip(self.cross, (frame, value), strict=True):
            line.setVisible(where is not None)
            if where is not None:
                line.setValue(where)
