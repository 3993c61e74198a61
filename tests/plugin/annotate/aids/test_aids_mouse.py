"""Aids and the mouse over the canvas, in a window that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.labels import Label
from napari_amseg.plugin.annotate.aids.panel import AidsPanel


@pytest.fixture
def panel(drawn_session):
    panel = AidsPanel(drawn_session.viewer)
    panel.set_session(drawn_session)
    yield panel
    panel.stop()


def test_the_surface_is_drawn_and_its_end_dragged(panel, drawn_session, mouse, qtbot):
    aid = panel.surface
    aid.draw()
    mouse.press(10, 5)
    for x in range(10, 55, 5):
        mouse.move(10, x)
    mouse.release(10, 50)
    qtbot.waitUntil(lambda: aid.line is not None and aid._shape._layer.mode == "direct")
    assert aid.line.rows([0, 59]) == pytest.approx([10, 10], abs=0.6)
    mouse.press(10, 50)
    mouse.move(16, 50)
    mouse.move(20, 50)
    mouse.release(20, 50)
    assert aid.line.rows(50) == pytest.approx(20, abs=0.8)
    aid.fill_shown()
    qtbot.waitUntil(lambda: panel.desk.run is None)
    labels = drawn_session.labels_of(0)
    assert (labels[5] == Label.BACKGROUND).all()
    assert (labels[25] == Label.SUBSTRATE).all()
    assert drawn_session.viewer.layers.selection.active is drawn_session.layer


def test_a_step_waits_for_the_mouse_to_be_let_go(panel, drawn_session, mouse, qtbot):
    session, other = drawn_session, np.full(drawn_session.annotation.labels.shape, 4, np.uint8)
    session.viewer.add_labels(other, name="other")
    session.viewer.layers.selection.active = session.layer
    session.layer.mode = "paint"
    session.layer.selected_label, session.layer.brush_size = int(Label.PORE), 3
    mouse.press(20, 10)
    mouse.move(20, 20)
    panel.layers.take_shown()
    qtbot.wait(150)
    assert not (session.labels_of(0) == Label.BACKGROUND).any()
    mouse.move(20, 30)
    mouse.release(20, 30)
    qtbot.waitUntil(lambda: panel.desk.run is None)
    painted = session.labels_of(0) == Label.PORE
    assert painted[20, 10:30].all()
    assert np.array_equal(session.annotation.by_hand[0], painted)
    assert (session.labels_of(0)[~painted] == Label.BACKGROUND).all()
    session.layer.undo()
    assert np.array_equal(session.labels_of(0) == Label.PORE, painted)
    assert not (session.labels_of(0) == Label.BACKGROUND).any()
    session.layer.undo()
    assert not session.labels_of(0).any()
