"""Small plots beside the series: histogram, spectrum, correlation with a signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt

from napari_amseg.measure.quantities import bin_count
from napari_amseg.plugin.curtain import Curtain
from napari_amseg.plugin.measure.series_plot import SparseAxis
from napari_amseg.plugin.theme import Palette

Values = NDArray[np.float64]
_MOST_WHOLE = 40
_AXIS_WIDTH_PX = 52
_AXIS_HEIGHT_PX = 36
_TICK_PX = 48
_TITLE_PX = 17
_MARGIN_PX = 5  # axes draw their labels a little outside


class SmallPlot(pg.PlotWidget):
    """A plot with a few curves and a line of text; colours follow the theme."""

    def __init__(self, palette: Palette) -> None:
        axes = {"left": SparseAxis("left"), "bottom": SparseAxis("bottom")}
        super().__init__(axisItems=axes)
        axes["bottom"].tick_px = _TICK_PX
        axes["left"].tick_px = 18
        self.palette_ = palette
        plot = self.getPlotItem()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.layout.setVerticalSpacing(0)
        plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        plot.setContentsMargins(0, 0, 6, _MARGIN_PX)
        for axis in axes.values():
            axis.enableAutoSIPrefix(False)
        self._curtain = Curtain(self, palette)
        self.set_palette(palette)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Asks for no more room than it needs."""
        return self.minimumSize()

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme; draws anew."""
        self.palette_ = palette
        self._curtain.set_palette(palette)
        self.setBackground(palette.background)
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(palette.faint))
            axis.setTextPen(pg.mkPen(palette.text))
            axis.label.setDefaultTextColor(pg.mkColor(palette.text))

    def empty(self, why: str) -> None:
        """Show nothing but the reason."""
        self.clear()
        self._name("")
        self.say(why)
        self._curtain.say(why or " ")

    def _begin(self) -> None:
        """Take away the curves, and the reason why there were none."""
        self._curtain.say("")
        self.clear()

    def say(self, text: str) -> None:
        """The line of text above the plot."""
        plot = self.getPlotItem()
        plot.setTitle(text or " ", color=self.palette_.text, size="9pt")
        plot.layout.setRowFixedHeight(0, _TITLE_PX)  # setTitle makes it higher
        plot.titleLabel.setMaximumHeight(_TITLE_PX)

    def _name(self, bottom: str) -> None:
        axis = self.getPlotItem().getAxis("bottom")
        axis.setLabel(bottom, color=self.palette_.text)
        axis.setHeight(_AXIS_HEIGHT_PX if bottom else None)
        axis.resizeEvent()  # else the label stays where a shorter one was centred

    def _pen(self, color: str, width: float = 1.4, *, dashed: bool = False) -> Any:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        return pg.mkPen(color, width=width, style=style)

    def _upright(self, x: float, color: str, *, dashed: bool = False) -> None:
        pen = self._pen(color, 1.4, dashed=dashed)
        self.addItem(pg.InfiniteLine(x, angle=90, pen=pen), ignoreBounds=True)


class HistogramPlot(SmallPlot):
    """How often a quantity has which value, in percent of the frames; lines mark the means."""

    def show_values(
        self,
        values: Values,
        compared: Values | None,
        means: tuple[float | None, float | None],
        label: str,
        unit: str,
        color: str,
    ) -> None:
        """Draw the histogram of the finite `values`, that of another stack dashed over it.

        means : of both, as the numbers of the range have them.
        """
        self._begin()
        series = [values] if compared is None else [values, compared]
        known = [s[np.isfinite(s)] for s in series]
        if not known[0].size:
            self.empty("no values in this range")
            return
        self._name(label)
        edges = _edges(np.concatenate(known))
        said = []
        for i, some in enumerate(known):
            mean = means[i]
            if not some.size or mean is None:
                continue
            share = 100 * np.histogram(some, edges)[0] / some.size
            pen = self._pen(self.palette_.text, 1, dashed=True) if i else self._pen(color, 1)
            brush = pg.mkBrush(None) if i else pg.mkBrush(_faded(color))
            self.plot(edges, share, stepMode="center", pen=pen, fillLevel=0, brush=brush)
            self._upright(mean, self.palette_.text if i else color, dashed=bool(i))
            said.append(f"{'┄ ' if i else ''}{mean:.4g} {unit}".strip())
        self.say(f"% of frames; mean {' '.join(said)}")
        self.setXRange(edges[0], edges[-1], padding=0.02)
        self.enableAutoRange(axis="y")


class CurvePlot(SmallPlot):
    """One curve, a line at the place that matters, and text."""

    def __init__(self, palette: Palette, *, logarithmic: bool = False) -> None:
        super().__init__(palette)
        self.setLogMode(y=logarithmic)

    def show_curve(
        self,
        x: Values,
        y: Values,
        name: str,
        color: str,
        *,
        mark: float | None = None,
        below: Values | None = None,
    ) -> None:
        """Draw y(x); name : of x, with its unit. below : a faint curve, what is expected."""
        self._begin()
        self._name(name)
        if below is not None:
            self.plot(x, below, pen=self._pen(self.palette_.faint, 1))
        self.plot(x, y, pen=self._pen(color), connect="finite")
        if mark is not None:
            self._upright(mark, self.palette_.text, dashed=True)
        self.autoRange()


def _edges(values: Values) -> Values:
    """Bins over all but stray values; whole numbers get a bin each."""
    low, high = float(values.min()), float(values.max())
    if np.all(values == np.round(values)) and high - low < _MOST_WHOLE:
        return np.arange(low - 0.5, high + 1.0)
    if high <= low:
        high = low + (abs(low) or 1.0) * 0.01
    return np.linspace(low, high, bin_count(values.size) + 1)


def _faded(color: str) -> Any:
    faded = pg.mkColor(color)
    faded.setAlpha(110)
    return faded
