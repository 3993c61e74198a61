"""Keys of the *Annotate* widget."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_amseg.plugin.annotate import keys

SHIFT = Qt.KeyboardModifier.ShiftModifier
DIGIT_1_SCANCODE = 10  # X11, on every layout
ALL = {
    name: value
    for name, value in vars(keys).items()
    if isinstance(value, tuple) and not name.startswith("_") and name != "CLASSES"
} | {f"class {i}": key for i, key in enumerate(keys.CLASSES, 1)}


@pytest.fixture
def dock(viewer):
    """A dock with a button, a text and a number field in a viewer on the screen."""
    dock = QWidget()
    layout = QVBoxLayout(dock)
    for name, field in (("button", QPushButton()), ("text", QLineEdit()), ("number", QSpinBox())):
        field.setObjectName(name)
        layout.addWidget(field)
    viewer.window.add_dock_widget(dock)
    viewer.show()
    window = viewer.window._qt_window
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    return dock


@pytest.fixture
def bound(dock):
    """Keys of two classes, and what they did."""
    done = []
    panel = keys.Keys(dock)
    panel.bind(keys.CLASSES[0], lambda: done.append(1))
    panel.bind(keys.CLASSES[8], lambda: done.append(9))
    panel.bind(keys.COMPLETE, lambda: done.append("complete"))
    yield panel, done
    panel.stop()


@pytest.fixture
def places(viewer, dock):
    """Where the focus can be."""
    canvas = viewer.window._qt_viewer.canvas.native
    fields = {name: dock.findChild(QWidget, name) for name in ("button", "text", "number")}
    return fields | {"canvas": canvas}


def test_no_key_has_two_meanings_here_or_in_napari():
    from napari.utils.shortcuts import default_shortcuts

    ours = [key for its_keys in ALL.values() for key in its_keys]
    assert len(ours) == len(set(ours))
    theirs = {str(key) for bound in default_shortcuts.values() for key in bound}
    assert not {key.replace("Return", "Enter") for key in ours} & theirs
    assert "Shift+A" in theirs  # so the names are written alike


@pytest.mark.parametrize("place", ["canvas", "button"])
def test_they_work_wherever_the_focus_is(bound, places, place):
    _, done = bound
    places[place].setFocus()
    QTest.keyClick(places[place], Qt.Key.Key_1, SHIFT)
    QTest.keyClick(places[place], Qt.Key.Key_9, SHIFT)
    QTest.keyClick(places[place], Qt.Key.Key_Return, SHIFT)
    assert done == [1, 9, "complete"]
    QTest.keyClick(places[place], Qt.Key.Key_1)
    assert done == [1, 9, "complete"]


@pytest.mark.parametrize("place", ["text", "number"])
def test_they_rest_while_somebody_types(bound, places, place):
    _, done = bound
    places[place].setFocus()
    for key in (Qt.Key.Key_1, Qt.Key.Key_Exclam, Qt.Key.Key_Return):
        QTest.keyClick(places[place], key, SHIFT)
    assert not done
    places["canvas"].setFocus()
    QTest.keyClick(places["canvas"], Qt.Key.Key_1, SHIFT)
    assert done == [1]


def test_they_are_given_back(bound, places):
    panel, done = bound
    places["canvas"].setFocus()
    panel.clear()
    QTest.keyClick(places["canvas"], Qt.Key.Key_1, SHIFT)
    assert not done
    panel.bind(keys.CLASSES[1], lambda: done.append(2))
    QTest.keyClick(places["canvas"], Qt.Key.Key_2, SHIFT)
    assert done == [2]


@pytest.mark.skipif(not shutil.which("xdotool"), reason="needs xdotool to press real keys")
@pytest.mark.skipif(
    "xvfb-run" not in os.environ.get("XAUTHORITY", ""),
    reason="changes the keyboard: only on a screen of xvfb-run's own",
)
@pytest.mark.skipif(not shutil.which("setxkbmap"), reason="needs setxkbmap for other layouts")
@pytest.mark.parametrize("layout", ["us", "de", "fr"])  # Shift+1 is "!", "!" and "1"
@pytest.mark.parametrize(("place", "works"), [("canvas", True), ("button", True), ("text", False)])
def test_real_keys_on_layouts(bound, places, layout, place, works):
    _, done = bound
    try:
        subprocess.run(["setxkbmap", layout], check=True)
        QTest.qWait(300)
        places[place].setFocus()
        for code in (DIGIT_1_SCANCODE, DIGIT_1_SCANCODE + 8):
            press = ["xdotool", "keydown", "shift", "key", str(code), "keyup", "shift"]
            subprocess.run(press, check=True)
            QTest.qWait(200)
    finally:
        subprocess.run(["setxkbmap", "us"], check=True)
    assert done == ([1, 9] if works else [])


def test_they_rest_during_a_stroke(bound, places, monkeypatch):
    _, done = bound
    places["canvas"].setFocus()
    down = staticmethod(lambda: Qt.MouseButton.LeftButton)
    monkeypatch.setattr(keys.QApplication, "mouseButtons", down)
    QTest.keyClick(places["canvas"], Qt.Key.Key_1, SHIFT)
    assert not done
