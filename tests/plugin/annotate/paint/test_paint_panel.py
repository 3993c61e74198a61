"""Palette, tools and display, in step with napari's own controls."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.paint.guide_dialog import GuideDialog
from napari_amseg.plugin.annotate.paint.palette import share_words
from napari_amseg.plugin.annotate.paint.panel import PaintPanel

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def panel(drawn_session):
    panel = PaintPanel(drawn_session.viewer)
    drawn_session.viewer.window.add_dock_widget(panel)
    panel.set_session(drawn_session)
    yield panel
    panel.stop()


def chosen(panel):
    return [code for code, row in panel.classes.rows.items() if row.isChecked()]


def tool(panel):
    return [mode for mode, button in panel.tools.modes.items() if button.isChecked()]


def shares(panel):
    return {panel.classes.rows[code].text(): row.share.text() for code, row in rows(panel)}


def rows(panel):
    return panel.classes.rows.items()


def test_one_row_a_class_and_one_for_none(panel):
    assert list(panel.classes.rows) == [*DEFAULT_SCHEME.codes, 0]
    assert [row.text() for _, row in rows(panel)] == [*DEFAULT_SCHEME.names, "unlabelled"]
    assert chosen(panel) == [Label.KEYHOLE]
    assert all("Key: Shift+" in row.toolTip() for _, row in rows(panel))


def test_a_click_chooses_and_takes_the_brush(panel, drawn_session):
    layer, viewer = drawn_session.layer, drawn_session.viewer
    layer.mode, layer.visible = "pan_zoom", False
    viewer.layers.selection.active = drawn_session.image
    panel.classes.rows[int(Label.PORE)].click()
    assert (layer.selected_label, str(layer.mode), layer.visible) == (Label.PORE, "paint", True)
    assert viewer.layers.selection.active is layer
    layer.mode = "fill"
    panel.classes.rows[0].click()
    assert (layer.selected_label, str(layer.mode)) == (0, "fill")
    layer.mode = "erase"
    panel.classes.rows[3].click()
    assert str(layer.mode) == "paint"
    layer.mode, layer.preserve_labels = "erase", True  # it erases the chosen class then
    panel.classes.rows[3].click()
    assert str(layer.mode) == "erase"


def test_the_row_follows_the_layer_and_no_label_is_beyond_the_scheme(panel, drawn_session):
    layer = drawn_session.layer
    layer.selected_label = int(Label.POWDER)
    assert chosen(panel) == [Label.POWDER]
    layer.selected_label = 0
    assert chosen(panel) == [0]
    layer.selected_label = int(Label.PORE)
    layer.selected_label = 77  # napari offers the next free one
    assert layer.selected_label == Label.PORE
    assert "77" in panel.note.text()
    assert chosen(panel) == [Label.PORE]


def test_tools_are_in_step_both_ways(panel, drawn_session):
    layer = drawn_session.layer
    for mode, button in panel.tools.modes.items():
        button.click()
        assert str(layer.mode) == mode
        assert tool(panel) == [mode]
    layer.mode = "fill"
    assert tool(panel) == ["fill"]
    layer.mode = "pick"
    assert tool(panel) == []
    panel.tools.brush.setValue(17)
    assert layer.brush_size == 17
    layer.brush_size = 6
    assert panel.tools.brush.value() == 6
    assert panel.tools.brush_px.text() == "6 px"


def test_display_is_in_step_both_ways(panel, drawn_session):
    layer, tools = drawn_session.layer, panel.tools
    tools.outlines.click()
    assert layer.contour == 1
    layer.contour = 0
    assert not tools.outlines.isChecked()
    tools.opacity.setValue(80)
    assert layer.opacity == 0.8
    layer.opacity = 0.333
    assert tools.opacity.value() == 33
    assert layer.opacity == 0.333  # showing it does not round it
    tools.only_unlabelled.click()
    assert layer.preserve_labels
    layer.preserve_labels = False
    assert not tools.only_unlabelled.isChecked()
    layer.visible = False
    assert not tools.shown.isChecked()


def test_hiding_the_labels_keeps_the_tool(panel, drawn_session):
    layer = drawn_session.layer
    layer.mode = "polygon"
    panel.tools.shown.click()
    assert not layer.visible
    panel.tools.shown.click()
    assert layer.visible
    assert str(layer.mode) == "polygon"


def test_only_unlabelled_pixels_are_painted(panel, drawn_session):
    layer = drawn_session.layer
    layer.brush_size = 10
    layer.paint((0, 10, 10), int(Label.PORE))
    before = drawn_session.labels_of(0) == Label.PORE
    panel.tools.only_unlabelled.click()
    layer.selected_label = int(Label.SUBSTRATE)
    layer.paint((0, 10, 15), int(Label.SUBSTRATE))
    assert np.array_equal(drawn_session.labels_of(0) == Label.PORE, before)
    assert (drawn_session.labels_of(0) == Label.SUBSTRATE).any()
    layer.paint((0, 10, 12), 0)  # the eraser takes the chosen class only
    assert np.array_equal(drawn_session.labels_of(0) == Label.PORE, before)


def test_shares_follow_strokes_undo_and_frames(panel, drawn_session, qtbot):
    assert shares(panel) == dict.fromkeys(DEFAULT_SCHEME.names, "–") | {"unlabelled": "100 %"}
    drawn_session.layer.fill((0, 5, 5), int(Label.SUBSTRATE))
    drawn_session.layer.paint((0, 0, 0), int(Label.PORE))
    part = 100 * np.mean(drawn_session.labels_of(0) == Label.PORE)
    qtbot.waitUntil(lambda: shares(panel)["pore"] == f"{part:.2f} %")
    assert shares(panel)["substrate"] == f"{100 - part:.2f} %"
    drawn_session.layer.undo()
    qtbot.waitUntil(lambda: shares(panel)["substrate"] == "100 %")
    drawn_session.go_to(1)
    qtbot.waitUntil(lambda: shares(panel)["unlabelled"] == "100 %")


def test_shares_are_never_rounded_to_nothing_or_all():
    words = {0: "–", 1e-6: "< 0.01 %", 0.5: "50.00 %", 1 - 1e-6: "> 99.99 %", 1: "100 %"}
    assert {share: share_words(share) for share in words} == words


def test_its_keys(panel, drawn_session):
    layer, window = drawn_session.layer, drawn_session.viewer.window
    window._qt_window.activateWindow()
    QTest.qWaitForWindowActive(window._qt_window)
    canvas = window._qt_viewer.canvas.native
    canvas.setFocus()
    for i, code in enumerate(DEFAULT_SCHEME.codes):
        QTest.keyClick(canvas, Qt.Key(Qt.Key.Key_1 + i), SHIFT)
        assert layer.selected_label == code
    QTest.keyClick(canvas, Qt.Key.Key_0, SHIFT)
    assert layer.selected_label == 0
    QTest.keyClick(canvas, Qt.Key.Key_H, SHIFT)
    assert not layer.visible
    QTest.keyClick(canvas, Qt.Key.Key_H, SHIFT)
    QTest.keyClick(canvas, Qt.Key.Key_O, SHIFT)
    assert (layer.visible, layer.contour) == (True, 1)
    panel.set_session(None)
    QTest.keyClick(canvas, Qt.Key.Key_2, SHIFT)
    assert layer.selected_label == 0
    assert not panel.classes.rows


def test_undo_and_redo_buttons(panel, drawn_session):
    drawn_session.layer.paint((0, 10, 10), int(Label.PORE))
    panel.undo_button.click()
    assert not drawn_session.annotation.by_hand.any()
    panel.redo_button.click()
    assert drawn_session.annotation.by_hand.any()


def test_the_guide_opens_beside_the_viewer(panel, qtbot):
    panel.guide_button.click()
    guide = panel.findChild(GuideDialog)
    assert guide.isVisible()
    assert not guide.isModal()
    assert "keyhole" in guide.text.toPlainText()
    panel.guide_button.click()
    assert len(panel.findChildren(GuideDialog)) == 1


def test_pictures_of_the_guide_fit_its_window(qtbot, tmp_path):
    from qtpy.QtGui import QImage

    picture = QImage(2000, 500, QImage.Format.Format_RGB888)
    picture.fill(0)
    assert picture.save(str(tmp_path / "wide.png"))
    (tmp_path / "guide.md").write_text("# Guide\n\n![wide](wide.png)\n")
    dialog = GuideDialog(guide=tmp_path / "guide.md")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.text.document().size().width() <= dialog.width()


def test_a_guide_that_is_missing_is_explained(panel, monkeypatch, notifications):
    def missing(parent):
        raise FileNotFoundError("no guide")

    monkeypatch.setattr("napari_amseg.plugin.annotate.paint.panel.GuideDialog", missing)
    panel.guide_button.click()
    assert notifications() == ["no guide"]
