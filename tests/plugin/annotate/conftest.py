"""Sessions to paint in: with and without a window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.plugin.annotate.session import Session, empty_annotation

SHAPE = (6, 40, 60)


def session_in(viewer, shape=SHAPE) -> Session:
    """A session on a black stack, its first frame shown."""
    image = viewer.add_image(np.zeros(shape, np.uint8), contrast_limits=(0, 255))
    session = Session(viewer, image, empty_annotation(shape, DEFAULT_SCHEME))
    session.go_to(0)
    return session


@pytest.fixture
def session(qapp):
    """A session without a window."""
    session = session_in(ViewerModel())
    yield session
    session.close()


@pytest.fixture
def drawn_session(viewer):
    """A session in a real viewer, on the screen."""
    viewer.show()
    QTest.qWaitForWindowExposed(viewer.window._qt_window)
    session = session_in(viewer)
    yield session
    session.close()


class Mouse:
    """The left button over the canvas, in rows and columns of the frame."""

    def __init__(self, viewer) -> None:
        self._viewer = viewer
        self._canvas = viewer.window._qt_viewer.canvas

    def press(self, y: float, x: float) -> None:
        QTest.mouseMove(self._canvas.native, self._at(y, x))
        QTest.mousePress(self._canvas.native, Qt.MouseButton.LeftButton, pos=self._at(y, x))

    def move(self, y: float, x: float) -> None:
        QTest.mouseMove(self._canvas.native, self._at(y, x))
        QTest.qWait(5)

    def release(self, y: float, x: float) -> None:
        QTest.mouseRelease(self._canvas.native, Qt.MouseButton.LeftButton, pos=self._at(y, x))

    def click(self, y: float, x: float) -> None:
        self.press(y, x)
        self.release(y, x)

    def double_click(self, y: float, x: float) -> None:
        where = self._at(y, x)
        QTest.mouseDClick(self._canvas.native, Qt.MouseButton.LeftButton, pos=where)

    def drag(self, y: float, first: int, last: int) -> None:
        """A stroke along a row."""
        self.press(y, first)
        for x in range(first + 2, last, 2):
            self.move(y, x)
        self.move(y, last)
        self.release(y, last)

    def _at(self, y: float, x: float) -> QPoint:
        height, width = self._canvas.size
        camera = self._viewer.scene.camera
        row, column = camera.center[-2:]
        return QPoint(
            round(width / 2 + (x - column) * camera.zoom),
            round(height / 2 + (y - row) * camera.zoom),
        )


@pytest.fixture
def mouse(drawn_session) -> Mouse:
    """The mouse over the canvas of `drawn_session`."""
    return Mouse(drawn_session.viewer)
