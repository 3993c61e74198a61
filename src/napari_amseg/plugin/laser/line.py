"""The laser's line to look at and to correct: in its kymograph, and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QVBoxLayout, QWidget

from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.forms import TidyForm
from napari_amseg.plugin.laser.kymograph import KymographPlot
from napari_amseg.plugin.number_field import NumberField
from napari_amseg.plugin.theme import palette
from napari_amseg.report.kymograph import speed_in_words
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import napari

_HOW = {"edges": "from labels", "projection": "from grey values", "given": "by hand"}


class LineEditor(QWidget):
    """A kymograph with the line in it, its column and speed, and what they mean.

    frame_chosen : a click chose this frame.
    """

    frame_chosen = Signal(int)

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self.line: LaserLine | None = None
        self._experiment = Experiment()
        self._n_frames, self._width = 1, 1
        self._viewer = viewer
        self.plot = KymographPlot(palette(viewer))
        viewer.events.theme.connect(self._on_theme)
        self.plot.setMinimumHeight(220)
        self.plot.setToolTip("Drag the line or its ends; click to go to a frame.")
        self.x0 = _spin("px", 2, "Place of the laser's leading edge at frame 0.")
        self.velocity = _spin("px a frame", 4, "Positive to the right; 0 if the laser stands.")
        self.numbers = Lines(least_lines=3)
        fields = QWidget()
        form = TidyForm(fields)
        form.add("x at frame 0", self.x0)
        form.add("speed", self.velocity)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(fields)
        layout.addWidget(self.numbers)
        self.plot.line_dragged.connect(self._on_dragged)
        self.plot.frame_chosen.connect(self.frame_chosen)
        for spin in (self.x0, self.velocity):
            spin.valueChanged.connect(self._on_typed)
        self._show_numbers()

    def stop(self) -> None:
        """Let go of the viewer."""
        self._viewer.events.theme.disconnect(self._on_theme)

    def _on_theme(self, event: object = None) -> None:
        self.plot.set_palette(palette(self._viewer))

    def clear(self) -> None:
        """Nothing is known."""
        self.line = None
        self.plot.show_image(None)
        self._show_numbers()

    def show_found(
        self, change: NDArray[np.float32], line: LaserLine, levels: tuple[float, float]
    ) -> None:
        """Show what changes, (T, X), between these levels, and the line that was fitted to it."""
        self._n_frames, self._width = change.shape
        self.plot.show_image(change, levels)
        self.set_line(line)

    def set_line(self, line: LaserLine, *, draw: bool = True) -> None:
        """Another line; `draw` unless the plot shows it already."""
        self.line = line
        if draw:
            self.plot.show_line(line)
        for spin, value in ((self.x0, line.x0_px), (self.velocity, line.velocity_px)):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)
        self._show_numbers()

    def set_experiment(self, experiment: Experiment) -> None:
        """Other units, or another speed that was set."""
        self._experiment = experiment
        self._show_numbers()

    def _on_dragged(self, x0: float, t0: float, x1: float, t1: float) -> None:
        """The line was moved by hand; while its ends are in one frame it has no speed."""
        if t1 - t0 < 1:
            return
        velocity = (x1 - x0) / (t1 - t0)
        first, last = (min(max(round(t), 0), self._n_frames - 1) for t in (t0, t1))
        self.set_line(LaserLine(x0 - velocity * t0, velocity, first, last), draw=False)

    def _on_typed(self) -> None:
        if self.line is not None:
            first, last = self.line.first_frame, self.line.last_frame
            self.set_line(LaserLine(self.x0.value(), self.velocity.value(), first, last))

    def _show_numbers(self) -> None:
        """The line in words, with the units there are."""
        line, experiment = self.line, self._experiment
        for spin in (self.x0, self.velocity):
            spin.setEnabled(line is not None)
        self.numbers.setText("" if line is None else _in_words(line, experiment))
        if line is not None:
            self.plot.show_units(experiment, self._width)
            self.numbers.setToolTip("\n".join(line.notes))


def _in_words(line: LaserLine, experiment: Experiment) -> str:
    rate = experiment.frame_rate_hz
    time = "" if rate is None else f" ({1e6 * line.first_frame / rate:g} µs)"
    share = "" if line.confidence is None else f", {line.confidence:.0%} of its frames on it"
    speed = speed_in_words(line, experiment)
    return (
        f"{speed[0].upper()}{speed[1:]}.\n"
        f"t = 0 in frame {line.first_frame}{time}, last frame {line.last_frame}.\n"
        f"Line {_HOW[line.method]}{share}."
    )


def _spin(unit: str, decimals: int, tip: str) -> QDoubleSpinBox:
    spin = NumberField()
    spin.setRange(-1e6, 1e6)
    spin.setDecimals(decimals)
    spin.setSuffix(f" {unit}")
    spin.setKeyboardTracking(False)
    spin.setToolTip(tip)
    return spin
