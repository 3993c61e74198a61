"""Time series in pyqtgraph: linked plots, the shown frame marked, a click goes to a frame."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, Qt, Signal

from napari_amseg.measure.quantities import MAIN_QUANTITIES, Quantity
from napari_amseg.plugin.curtain import Curtain
from napari_amseg.plugin.measure.compared import Compared, Overlay
from napari_amseg.plugin.measure.results import Range, Results
from napari_amseg.plugin.measure.series_plot import SeriesPlot
from napari_amseg.plugin.measure.signal_axis import SignalAxis
from napari_amseg.plugin.theme import Palette
from napari_amseg.report.time_unit import TimeUnit, time_unit

Values = NDArray[np.float64]
_BOTTOM_HEIGHT_PX, _LINE_HEIGHT_PX = 36, 3
_HOVERS_PER_SECOND = 40


class SeriesPlots(pg.GraphicsLayoutWidget):
    """One plot a quantity, time on the shared x axis.

    frame_chosen : a click or a dragged mark chose this frame. range_dragged : first and last frame
    of the range that was dragged. hovered : what lies under the mouse, empty outside.
    nothing : what to say while there is nothing to draw.
    """

    frame_chosen = Signal(int)
    range_dragged = Signal(int, int)
    hovered = Signal(str)

    def __init__(self, palette: Palette, nothing: str = "") -> None:
        super().__init__()
        self.ci.layout.setSpacing(0)
        self.ci.layout.setContentsMargins(2, 2, 8, 2)
        self._palette = palette
        self._quantities: Sequence[Quantity] = MAIN_QUANTITIES
        self._results: Results | None = None
        self._compared: Compared | None = None
        self._overlay: Overlay | None = None
        self._range: Range = (0, 0)
        self._range_shown = False
        self._n_frames, self._frame = 1, 0
        self._plots: list[SeriesPlot] = []
        self.signal_axis: SignalAxis
        self._nothing, self._curtain = nothing, Curtain(self, palette, nothing)
        self._build()
        self.scene().sigMouseClicked.connect(self._on_click)
        self._moves = pg.SignalProxy(
            self.scene().sigMouseMoved, rateLimit=_HOVERS_PER_SECOND, slot=self._on_move
        )

    def _build(self) -> None:
        """Plots anew, for other quantities or another theme."""
        x_range = self._plots[0].item.vb.viewRange()[0] if self._plots else (0, 1)
        if self._plots:
            self.signal_axis.remove()
        self.ci.clear()
        self.setBackground(self._palette.background)
        self._plots = [
            SeriesPlot(self.ci, row, quantity, self._palette)
            for row, quantity in enumerate(self._quantities)
        ]
        self.signal_axis = SignalAxis([p.item for p in self._plots], self._palette)
        for plot in self._plots:
            plot.mark.sigDragged.connect(self._on_drag)
            plot.region.sigRegionChanged.connect(self._on_region)
            if plot is not self._plots[-1]:
                plot.item.getAxis("bottom").setStyle(showValues=False, tickLength=0)
                plot.item.getAxis("bottom").setHeight(_LINE_HEIGHT_PX)
            if plot is not self._plots[0]:
                plot.item.setXLink(self._plots[0].item)
        self._plots[-1].item.getAxis("bottom").setHeight(_BOTTOM_HEIGHT_PX)
        self._plots[0].item.setXRange(*x_range, padding=0)
        self.signal_axis.show(self._overlay)
        self._draw()
        self.mark_frame(self._frame)
        self.set_range(self._range)
        self.show_range(self._range_shown)

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._palette = palette
        self._curtain.set_palette(palette)
        self._build()

    def show_quantities(self, quantities: Sequence[Quantity]) -> None:
        """Show other quantities; the zoom stays."""
        if tuple(quantities) != tuple(self._quantities):
            self._quantities = tuple(quantities)
            self._build()

    def show_results(self, results: Results | None, compared: Compared | None = None) -> None:
        """Draw the rows there are, and those of another stack; None empties the plots."""
        self._results, self._compared = results, compared
        self._draw()
        if results is not None and results.n_frames != self._n_frames:
            self._n_frames = results.n_frames
            self.show_all()

    def show_all(self) -> None:
        """Zoom out to all frames."""
        self._plots[0].item.setXRange(0, max(self._n_frames - 1, 1), padding=0.02)

    def show_signal(self, overlay: Overlay | None) -> None:
        """Draw an external signal on a second axis of the first plot; None removes it."""
        self._overlay = overlay
        self.signal_axis.show(overlay)
        self._show_titles()

    def say_nothing(self, why: str) -> None:
        """Say something else while there is nothing to draw."""
        self._nothing = why
        self._draw_curtain()

    def _draw_curtain(self) -> None:
        results = self._results
        if results is None:
            self._curtain.say(self._nothing)
        else:
            self._curtain.say(self._of_one_frame() if results.n_frames == 1 else "")

    def _of_one_frame(self) -> str:
        """What stands in the place of points that no line joins."""
        told = (self.value_at(quantity, 0) for quantity in self._quantities)
        return "\n".join(("One frame: a series needs more.\n", *told))

    def _draw(self) -> None:
        results, compared = self._results, self._compared
        self._draw_curtain()
        empty = np.empty(0)
        frames = np.arange(results.n_frames, dtype=np.float64) if results is not None else empty
        for plot in self._plots:
            plot.curve.show(frames, results.values(plot.quantity) if results else empty)
            x, y = compared.curve(plot.quantity) if compared is not None else (empty, empty)
            plot.compared.show(x, y)
        self._show_titles()
        unit = self.unit()
        bottom = self._plots[-1].item
        for plot in self._plots:
            plot.item.getAxis("bottom").setScale(unit.per_frame)
        bottom.getAxis("bottom").whole = unit.name == "frame"
        bottom.setLabel("bottom", unit.label, color=self._palette.text)

    def _show_titles(self) -> None:
        """Quantities with units; above all of them what else is drawn."""
        more = ""
        if self._compared is not None:
            name = html.escape(self._compared.name)
            more = f' <span style="color:{self._palette.text}">&nbsp; ┄ {name}</span>'
        in_um = self._results is not None and self._results.in_um
        for plot in self._plots:
            first = plot is self._plots[0]
            plot.set_title(in_um=in_um, more=more + self.signal_axis.title() if first else "")

    def unit(self) -> TimeUnit:
        """The unit of the x axis."""
        results = self._results
        if results is None:
            return time_unit(None, 1)
        return time_unit(results.experiment.frame_rate_hz, results.n_frames)

    def mark_frame(self, frame: int) -> None:
        """Move the marks to the shown frame."""
        self._frame = frame
        for plot in self._plots:
            plot.mark.blockSignals(True)
            plot.mark.setValue(frame)
            plot.mark.blockSignals(False)

    def marked_frame(self) -> int:
        """The frame the marks stand at."""
        return round(self._plots[0].mark.value())

    def set_range(self, frames: Range) -> None:
        """Move the shaded range: first and last frame."""
        self._range = frames
        for plot in self._plots:
            plot.set_region(*frames)

    def show_range(self, shown: bool) -> None:
        """Show or hide the shaded range."""
        self._range_shown = shown
        for plot in self._plots:
            plot.region.setVisible(shown)

    def plot(self, title: str) -> SeriesPlot:
        """The plot of a quantity that is shown."""
        return next(plot for plot in self._plots if plot.quantity.title == title)

    def curve(self, title: str) -> tuple[Values, Values]:
        """The frames and values drawn for a quantity."""
        curve = self.plot(title).curve
        return curve.x, curve.y

    def _under(self, position: Any) -> SeriesPlot | None:
        return next(
            (p for p in self._plots if p.item.vb.sceneBoundingRect().contains(position)), None
        )

    def _on_click(self, event: Any) -> None:
        plot = self._under(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and plot is not None:
            if event.double():
                self.show_all()
            self._choose(plot.item.vb.mapSceneToView(event.scenePos()).x())

    def _on_drag(self, mark: pg.InfiniteLine) -> None:
        self._choose(mark.value())

    def _choose(self, x: float) -> None:
        self.frame_chosen.emit(int(np.clip(round(x), 0, self._n_frames - 1)))

    def _on_region(self, region: pg.LinearRegionItem) -> None:
        """The range was dragged in one plot; whole frames, at least one."""
        low, high = region.getRegion()
        first = int(np.clip(np.ceil(low), 0, self._n_frames - 1))
        last = int(np.clip(np.floor(high), first, self._n_frames - 1))
        self._range = (first, last)
        for plot in self._plots:
            if plot.region is not region:
                plot.set_region(first, last)
        self.range_dragged.emit(first, last)

    def _on_move(self, event: Any) -> None:
        here = self._under(event[0])
        results = self._results
        if here is None or results is None:
            self._leave()
            return
        at = here.item.vb.mapSceneToView(event[0])
        frame = int(np.clip(round(at.x()), 0, self._n_frames - 1))
        for plot in self._plots:
            plot.cross_at(frame, at.y() if plot is here else None)
        self.hovered.emit(self.told_at(here.quantity, frame))

    def told_at(self, quantity: Quantity, frame: int) -> str:
        """Frame, time, value and unit of a quantity, in words; the compared stack's value too."""
        results, unit = self._results, self.unit()
        if results is None:
            return ""
        words = [f"frame {frame}"]
        if unit.name != "frame":
            words.append(f"{frame * unit.per_frame:.5g} {unit.name}")
        return " · ".join((*words, self.value_at(quantity, frame)))

    def value_at(self, quantity: Quantity, frame: int) -> str:
        """Value and unit of a quantity, in words; the compared stack's value too."""
        results = self._results
        if results is None:
            return ""
        words = f"{quantity.title} {_number(results.values(quantity)[frame], quantity, results)}"
        if self._compared is not None:
            value = self._compared.value_at(quantity, frame)
            words += f" ┄ {_number(value, quantity, results)}"
        return words

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """The mouse has left."""
        super().leaveEvent(event)
        self._leave()

    def _leave(self) -> None:
        for plot in self._plots:
            plot.cross_at(None)
        self.hovered.emit("")


def _number(value: float, quantity: Quantity, results: Results) -> str:
    unit = quantity.unit_of(in_um=results.in_um)
    return f"{value:.5g} {unit}".strip() if np.isfinite(value) else "none"
