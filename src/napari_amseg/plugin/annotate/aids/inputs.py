"""Inputs that aids share: the class, and which frames."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QSize, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QWidget

from napari_amseg.labels import LabelClass
from napari_amseg.plugin.annotate.paint.palette import swatch
from napari_amseg.plugin.fields import DropDown
from napari_amseg.plugin.theme import Palette

_ICON_PX = 14


class ClassChoice(DropDown):
    """The classes of a scheme, each with its colour.

    nothing : what to say for no class at all; None if there must be one.
    """

    def __init__(self, *, nothing: str | None = None) -> None:
        super().__init__()
        self._nothing = nothing
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))

    def offer(self, classes: Iterable[LabelClass], palette: Palette, *, role: str = "") -> None:
        """Offer other classes; the chosen code stays if it is among them, else that of `role`."""
        before = self.code()
        self.blockSignals(True)
        self.clear()
        wanted = None
        for one in classes:
            self.addItem(swatch(one.color, palette), one.name, int(one.code))
            if one.role == role:
                wanted = int(one.code)
        if self._nothing is not None:
            self.addItem(self._nothing, 0)
        self.choose(wanted if before is None else before)
        self.blockSignals(False)

    def code(self) -> int | None:
        """The chosen code, 0 for no class; None while nothing is offered."""
        data = self.currentData()
        return None if data is None else int(data)

    def choose(self, code: int | None) -> None:
        """Choose a code; one that is not offered changes nothing."""
        index = self.findData(code)
        if index >= 0:
            self.setCurrentIndex(index)


class FrameSpin(QSpinBox):
    """The number of a frame, from 0."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setKeyboardTracking(False)
        self.setRange(0, 0)


class FrameRange(QWidget):
    """From one frame to another, both included."""

    changed = Signal()

    def __init__(self, first_tip: str, last_tip: str) -> None:
        super().__init__()
        self.first, self.last = FrameSpin(first_tip), FrameSpin(last_tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.first, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.last, 1)
        self._spins = (self.first, self.last)
        for spin in self._spins:
            spin.valueChanged.connect(lambda _: self.changed.emit())

    def set_stack(self, n_frames: int) -> None:
        """Another stack: all of its frames."""
        for spin in self._spins:
            spin.setRange(0, max(0, n_frames - 1))
        self.show_range(0, n_frames - 1)

    def show_range(self, first: int, last: int) -> None:
        """Fill both in."""
        for spin, frame in zip(self._spins, (first, last), strict=True):
            spin.blockSignals(True)
            spin.setValue(frame)
            spin.blockSignals(False)
        self.changed.emit()

    def frames(self) -> range:
        """The frames, in turn, whichever is named first."""
        first, last = sorted(spin.value() for spin in self._spins)
        return range(first, last + 1)

    def words(self) -> str:
        """As "0–99"."""
        frames = self.frames()
        return f"{frames[0]}–{frames[-1]}" if len(frames) > 1 else str(frames[0])
