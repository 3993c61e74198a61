"""The time axis as a strip: how far each frame is, and where one is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_amseg.annotate.annotation import Status
from napari_amseg.plugin.theme import Palette, rgb

_HEIGHT_PX = 30
_COLUMN_PX = 2  # at least
_LEAST_PX = 7  # height of a status that one frame in a column has; all four find room
_MARK_PX = 9.0  # at least
_GAP_FROM_PX = 5  # a column as wide as this is set apart from the next
# Told apart by the colour-blind too (Okabe and Ito); untouched frames take the theme's colour.
_COLORS = {
    Status.SUGGESTED: "#56b4e9",
    Status.IN_PROGRESS: "#e69f00",
    Status.COMPLETE: "#009e73",
}


def status_colors(palette: Palette) -> dict[Status, str]:
    """Colour of each status, ``#rrggbb``, legible on the theme's background."""
    return {Status.UNTOUCHED: palette.faint} | {
        status: palette.legible(color) for status, color in _COLORS.items()
    }


def strip_image(statuses: NDArray[np.uint8], n_columns: int, height: int) -> NDArray[np.uint8]:
    """Statuses as an image: frames from left to right, from untouched above to complete below.

    A column that stands for several frames is divided as they are, and even one frame of them
    takes some height: a gap among thousands stays in sight, and so does a lone complete frame.

    Parameters
    ----------
    statuses : uint8 (T,), T > 0. n_columns : at most; never more than frames.

    Returns
    -------
    uint8 (height, min(n_columns, T)), the status that each pixel shows.
    """
    n_frames, n_statuses = len(statuses), len(Status)
    n_columns = min(n_columns, n_frames)
    column = np.arange(n_frames) * n_columns // n_frames
    counts = np.bincount(column * n_statuses + statuses, minlength=n_columns * n_statuses)
    counts = counts.reshape(n_columns, n_statuses)
    present = counts > 0
    spare = height - _LEAST_PX * present.sum(axis=1, keepdims=True)
    heights = _LEAST_PX * present + spare * counts / counts.sum(axis=1, keepdims=True)
    ends = np.rint(heights.cumsum(axis=1))[:, :-1]
    return (np.arange(height)[:, None, None] >= ends).sum(axis=-1).astype(np.uint8)


class Strip(QWidget):
    """Shows the status of all frames; a click or a drag goes to one.

    Signals
    -------
    chosen : the frame that was pointed at.
    """

    chosen = Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._statuses = np.zeros(0, np.uint8)
        self._frame = 0
        self._image: QImage | None = None
        self.set_palette(palette)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As wide as there is room."""
        return QSize(200, _HEIGHT_PX)

    def set_palette(self, palette: Palette) -> None:
        """Follow the theme."""
        self._palette = palette
        self._table = np.array([rgb(c) for c in status_colors(palette).values()], np.uint8)
        self._redraw()

    def set_statuses(self, statuses: NDArray[np.uint8]) -> None:
        """Show the status of each frame, uint8 (T,)."""
        self._statuses = statuses.copy()
        self._redraw()

    def set_frame(self, frame: int) -> None:
        """Mark the frame that is shown."""
        self._frame = frame
        self.update()

    def frame_at(self, x: float) -> int:
        """The frame drawn at a distance from the left edge, in pixels."""
        n_frames = len(self._statuses)
        return int(np.clip(x * n_frames / max(self.width(), 1), 0, n_frames - 1))

    def words_at(self, x: float) -> str:
        """What is drawn there: the frame that a click goes to, and the others of its column."""
        frame = self.frame_at(x)
        words = f"frame {frame}: {Status(int(self._statuses[frame])).words}"
        n_frames = len(self._statuses)
        n_columns = min(self._n_columns(), n_frames)
        column = frame * n_columns // n_frames
        first, end = (-(-c * n_frames // n_columns) for c in (column, column + 1))
        if end - first < 2:
            return words
        counted = count_words(self._statuses[first:end])
        return f"{words}\nframes {first} to {end - 1}: {counted}"

    def _n_columns(self) -> int:
        return max(self.width() // _COLUMN_PX, 1)

    def _redraw(self) -> None:
        self._image = None
        self.update()

    def _drawn(self) -> QImage:
        if self._image is None:
            image = self._table[strip_image(self._statuses, self._n_columns(), self.height())]
            height, width, _ = image.shape
            data = image.tobytes()
            view = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self._image = view.copy()  # the view does not keep its bytes
        return self._image

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """The statuses, gaps between wide columns, and the marker."""
        if not len(self._statuses):
            return
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        painter.drawImage(self.rect(), self._drawn())
        width = self.width() / len(self._statuses)
        if width >= _GAP_FROM_PX:
            for i in range(1, len(self._statuses)):
                gap = QRectF(round(i * width) - 0.5, 0, 1, self.height())
                painter.fillRect(gap, QColor(self._palette.background))
        self._mark(painter, width)
        painter.end()

    def _mark(self, painter: QPainter, width: float) -> None:
        """A rim around the shown column, wider than it where columns are thin."""
        wide = max(width, _MARK_PX)
        left = min(max((self._frame + 0.5) * width - wide / 2, 0.0), self.width() - wide)
        rim = QRectF(round(left), 0, round(wide), self.height())
        for color, inset, thick in ((self._palette.background, 0.5, 1), (self._palette.text, 2, 2)):
            painter.setPen(QPen(QColor(color), thick))
            painter.drawRect(rim.adjusted(inset, inset, -inset, -inset))

    def resizeEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Another width has other columns."""
        self._redraw()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Go there."""
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Dragged along the time axis."""
        self._choose(event)

    def _choose(self, event: QMouseEvent | None) -> None:
        if event is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        if len(self._statuses):
            self.chosen.emit(self.frame_at(event.position().x()))

    def event(self, event: QEvent | None) -> bool:
        """What lies under the mouse, told in a tooltip."""
        if isinstance(event, QHelpEvent) and len(self._statuses):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)


def count_words(statuses: NDArray[np.uint8]) -> str:
    """How many frames have which status: ``3 complete, 2 in progress, 1995 untouched``."""
    counts = np.bincount(statuses, minlength=len(Status))
    return ", ".join(f"{counts[s]} {s.words}" for s in reversed(Status) if counts[s])
