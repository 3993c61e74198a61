"""The kymograph in pyqtgraph: column against frame, with the laser's line to be dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal

from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.plugin.curtain import Curtain
from napari_amseg.plugin.theme import Palette
from napari_amseg.report.kymograph import column_unit, frame_unit
from napari_amseg.types import Experiment

_LINE, _HANDLE = "#E69F00", "#56B4E9"
_NOTHING = "Press Fit line: the kymograph and the laser's line appear here."
_TOP_PX = 8
_MARK = {"color": "#ffffff", "width": 1, "style": Qt.PenStyle.DashLine}


class KymographPlot(pg.PlotWidget):
    """An x-t image, time downwards; its coordinates are columns and frames, its axes have units.

    line_dragged : the line was moved by hand, to column and frame of its two ends.
    frame_chosen : a click chose this frame.
    """

    line_dragged = Signal(float, float, float, float)
    frame_chosen = Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette, self._n_frames = palette, 1
        self._roi: pg.LineSegmentROI | None = None
        self.image = pg.ImageItem(axisOrder="row-major")
        plot = self.getPlotItem()
        plot.addItem(self.image)
        plot.invertY(True)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.layout.setContentsMargins(0, _TOP_PX, 0, 0)  # half of the first label stands above
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        self._mark = pg.InfiniteLine(angle=0, pen=pg.mkPen(**_MARK))
        self._mark.setZValue(5)
        plot.addItem(self._mark, ignoreBounds=True)
        self.scene().sigMouseClicked.connect(self._on_click)
        self._curtain = Curtain(self, palette, _NOTHING)
        self.set_palette(palette)
        self.show_units(Experiment(), 1)

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._palette = palette
        self.setBackground(palette.background)
        self._curtain.set_palette(palette)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(palette.faint))
            axis.setTextPen(pg.mkPen(palette.text))
            axis.label.setDefaultTextColor(pg.mkColor(palette.text))

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No more room than needed."""
        return self.minimumSize()

    def show_image(
        self, change: NDArray[np.float32] | None, levels: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        """Show what changes, (T, X), black and white at these levels; None empties the plot."""
        self._curtain.say(_NOTHING if change is None else "")
        if change is None:
            self.image.clear()
            self.show_line(None)
            return
        self._n_frames, width = change.shape
        self.image.setImage(change, levels=levels)
        self.image.setRect(0, -0.5, width, self._n_frames)  # an edge lies between columns
        self.setRange(xRange=(0, width), yRange=(0, self._n_frames), padding=0.01)

    def show_units(self, experiment: Experiment, width_px: int) -> None:
        """Label the axes in um and us or ms, where known."""
        dx, x_unit = column_unit(experiment, width_px)
        dt, t_unit = frame_unit(experiment, self._n_frames)
        for side, size, text in (
            ("bottom", dx, f"x ({x_unit})"),
            ("left", dt, f"time ({t_unit})" if t_unit else "frame"),
        ):
            self.getAxis(side).setScale(size)
            self.setLabel(side, text, color=self._palette.text)

    def show_line(self, line: LaserLine | None) -> None:
        """Draw the line over its laser track, in place of an earlier one."""
        if self._roi is not None:
            self.removeItem(self._roi)
            self._roi = None
        if line is None:
            return
        last = min(max(line.last_frame, line.first_frame + 1), max(self._n_frames - 1, 1))
        frames = np.array([min(line.first_frame, last - 1), last])
        ends = [(float(x), float(t)) for x, t in zip(line(frames), frames, strict=True)]
        self._roi = pg.LineSegmentROI(
            ends,
            pen=pg.mkPen(_LINE, width=2),
            hoverPen=pg.mkPen(_LINE, width=3),
            handlePen=pg.mkPen(_HANDLE, width=2),
        )
        self._roi.setZValue(10)
        self._roi.sigRegionChanged.connect(self._on_dragged)
        self.addItem(self._roi)

    def line_ends(self) -> list[tuple[float, float]]:
        """Column and frame of the two ends of the line."""
        if self._roi is None:
            return []
        points = [self._roi.mapToParent(p) for p in self._roi.listPoints()]
        return [(p.x(), p.y()) for p in points]

    def drag_end(self, which: int, x: float, frame: float) -> None:
        """Move one end of the line, 0 or 1, as the mouse does."""
        if self._roi is not None:
            self._roi.movePoint(self._roi.getHandles()[which], (x, frame), coords="parent")

    def mark_frame(self, frame: int) -> None:
        """Move the mark to the shown frame."""
        self._mark.setValue(frame)

    def _on_dragged(self, *_: Any) -> None:
        (x0, t0), (x1, t1) = sorted(self.line_ends(), key=lambda end: end[1])
        self.line_dragged.emit(x0, t0, x1, t1)

    def _on_click(self, event: Any) -> None:
        box = self.getPlotItem().vb
        inside = box.sceneBoundingRect().contains(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and inside:
            y = box.mapSceneToView(event.scenePos()).y()
            self.frame_chosen.emit(int(np.clip(round(y), 0, self._n_frames - 1)))
