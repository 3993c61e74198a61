"""Where the Workbench stands, and that it finds the docks without looking through the window."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QBoxLayout, QMainWindow

AREA, DIRECTION = Qt.DockWidgetArea, QBoxLayout.Direction


def test_docks_are_found_among_the_children_of_the_window_alone(workbench, monkeypatch):
    asked = []
    find = QMainWindow.findChildren

    def noted(self, kind, **options):
        asked.append(options.get("options"))
        return find(self, kind, **options)

    for step in ("Segment", "Measure"):
        workbench.open_step(step)
    monkeypatch.setattr(QMainWindow, "findChildren", noted)
    assert list(workbench.docks.widgets()) == ["Load", "Segment", "Measure"]
    dock = workbench.docks.widgets()["Measure"].parentWidget()
    dock.setFloating(True)
    assert list(workbench.docks.widgets()) == ["Load", "Segment", "Measure"]
    assert set(asked) == {Qt.FindChildOption.FindDirectChildrenOnly}


@pytest.mark.parametrize("area", [AREA.LeftDockWidgetArea, AREA.RightDockWidgetArea])
def test_beside_the_canvas_it_is_a_column_and_the_window_does_not_grow(
    viewer, workbench, qtbot, area
):
    window, dock = workbench.docks.window, workbench.docks.own()
    window.resize(1280, 800)
    window.show()
    workbench.open_step("Segment")
    qtbot.waitUntil(lambda: workbench._row.direction() is DIRECTION.LeftToRight)
    width = window.width()
    window.addDockWidget(area, dock)
    qtbot.waitUntil(lambda: workbench._row.direction() is DIRECTION.TopToBottom)
    qtbot.wait(200)
    assert workbench._row.direction() is DIRECTION.TopToBottom
    assert window.width() < 1.05 * width
    window.addDockWidget(AREA.TopDockWidgetArea, dock)
    qtbot.waitUntil(lambda: workbench._row.direction() is DIRECTION.LeftToRight)
