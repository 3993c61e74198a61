"""The form for an external signal: a CSV file, its columns, its clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_amseg.io.signals import TIME_UNITS, Signal, read_signal, signal_columns, split_unit
from napari_amseg.plugin.fields import DropDown
from napari_amseg.plugin.forms import FreeNumber, PathEdit
from napari_amseg.plugin.measure.compared import Overlay
from napari_amseg.plugin.tasks import Latest

_BY_HEADER = "auto"
_SHORT_PX = 68
_OFFSET_PX, _UNIT_PX = 74, 84


class SignalForm(QWidget):
    """Which file, which of its columns; reads it in a thread.

    changed : another signal was read, or there is none any more. signal : what was read.
    """

    changed = QtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.signal: Signal | None = None
        self.problem = ""
        self._columns = Latest(self._on_columns, failed=self._on_failed)
        self._signals = Latest(self._on_signal, failed=self._on_failed)
        self.path = PathEdit(folder=False, hint="CSV file")
        self.path.setToolTip("Photodiode, laser power, acoustic emission: a column of times, one "
                             "of values.")  # fmt: skip
        self.offset = FreeNumber("0 ms")
        self.offset.setFixedWidth(_OFFSET_PX)
        self.offset.setToolTip(
            "Added to the times, in ms: when its clock is 0, counted from frame 0."
        )
        self.time, self.unit, self.value = DropDown(), DropDown(), DropDown()
        self.unit.addItems([_BY_HEADER, *TIME_UNITS])
        for box, tip in ((self.time, "Column of the times."), (self.value, "Column of the values."),
                         (self.unit, "Unit of the times; auto: see header.")):  # fmt: skip
            box.setMinimumWidth(_SHORT_PX)
            box.setToolTip(tip)
        self.unit.setFixedWidth(_UNIT_PX)
        self._lay_out()
        self.path.changed.connect(self._on_path)
        self.offset.changed.connect(self._read)
        for box in (self.time, self.unit, self.value):
            box.activated.connect(self._read)
        self._enable()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for parts in (
            ((self.path, 1), (QLabel("offset"), 0), (self.offset, 0)),
            ((QLabel("time"), 0), (self.time, 2), (self.unit, 0), (QLabel("value"), 0),
             (self.value, 2)),
        ):  # fmt: skip
            row = QHBoxLayout()
            row.setSpacing(4)
            for widget, stretch in parts:
                row.addWidget(widget, stretch)
            layout.addLayout(row)

    def overlay(self, frame_rate_hz: float | None) -> Overlay | None:
        """The signal over the frames of a stack; None without one, or without a frame rate."""
        if self.signal is None or frame_rate_hz is None:
            return None
        s = self.signal
        return Overlay(s.name, s.unit, s.time_s * frame_rate_hz, s.values)

    def stop(self) -> None:
        """The widget closes: nothing is delivered any more."""
        self._columns.stop()
        self._signals.stop()

    def _enable(self) -> None:
        there = self.time.count() > 0
        for box in (self.time, self.unit, self.value, self.offset):
            box.setEnabled(there)

    def _on_path(self) -> None:
        path = Path(self.path.path()).expanduser()
        for box in (self.time, self.value):
            box.clear()
        self._enable()
        if self.path.path() and path.is_file():
            self._columns.submit(lambda: (path, signal_columns(path)))
        else:
            self._take(None, f"{path}: no such file." if self.path.path() else "")

    def _on_columns(self, found: tuple[Path, tuple[str, ...]]) -> None:
        path, columns = found
        if path != Path(self.path.path()).expanduser():
            return
        for box in (self.time, self.value):
            box.clear()
            box.addItems(columns)
        time = next((i for i, c in enumerate(columns) if _is_time(c)), 0)
        self.time.setCurrentIndex(time)
        self.value.setCurrentIndex(next((i for i in range(len(columns)) if i != time), 0))
        self._enable()
        self._read()

    def _read(self, *_: Any) -> None:
        path, unit = Path(self.path.path()).expanduser(), self.unit.currentText()
        time, value = self.time.currentText(), self.value.currentText()
        if not value:
            return
        try:
            offset_s = (self.offset.number() or 0.0) * 1e-3
        except ValueError as error:
            self._on_failed(error)
            return
        self._signals.submit(
            lambda: read_signal(
                path,
                time_column=time,
                value_column=value,
                time_unit=None if unit == _BY_HEADER else unit,
                offset_s=offset_s,
            )
        )

    def _on_signal(self, signal: Signal) -> None:
        self._take(signal, "")

    def _on_failed(self, error: BaseException) -> None:
        self._take(None, str(error))

    def _take(self, signal: Signal | None, problem: str) -> None:
        self.signal, self.problem = signal, problem
        self.changed.emit()


def _is_time(column: str) -> bool:
    return split_unit(column)[0].lower() in ("t", "time")
