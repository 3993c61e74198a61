"""Pages that scroll: a dock may be lower than what it holds."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_amseg.plugin.forms import WIDGET_WIDTH_PX

SCROLL_BAR_PX = 16


class Page(QScrollArea):
    """Shows `inside` at the width there is; scrolls up and down, never sideways."""

    def __init__(self, inside: QWidget | None = None) -> None:
        super().__init__()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._settle)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if inside is not None:
            self.setWidget(inside)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """What is shown may need more width than before."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._later.start()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Another size: perhaps no scroll bar any more."""
        super().resizeEvent(event)
        self._later.start()

    def _settle(self) -> None:
        """Take away a scroll bar that Qt left over what is shown though nothing scrolls."""
        inside, viewport = self.widget(), self.viewport()
        if inside is not None and viewport is not None and inside.width() > viewport.width():
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)  # lays out anew

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Never narrower than what it shows, its scroll bar included."""
        inside = self.widget()
        width = 0
        if inside is not None:
            width = max(inside.minimumSizeHint().width(), inside.minimumWidth())
        return QSize(width + SCROLL_BAR_PX, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as what it shows."""
        inside = self.widget()
        height = 0 if inside is None else inside.sizeHint().height()
        return QSize(self.minimumSizeHint().width(), height)


def scrolled(inside: QWidget) -> QScrollArea:
    """A page that does not make the window grow."""
    return Page(inside)


def fill(widget: QWidget, inside: QWidget, below: QWidget | None = None) -> None:
    """Let a page with `inside` fill a dock widget, which gets the width that all have.

    below : stays in view under the page.
    """
    inside.setMinimumWidth(WIDGET_WIDTH_PX)
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(scrolled(inside))
    if below is not None:
        layout.addWidget(below, 0, Qt.AlignmentFlag.AlignRight)
