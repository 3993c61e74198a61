"""Nothing is clipped, overlapping or unexplained in any widget, in both themes, at 1280 x 800."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_amseg.plugin.fold import Fold

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from look_check import findings, out_of_order, unexplained  # noqa: E402

WIDGETS = (
    "Load stack", "Preprocess", "Segment", "Measure", "Laser frame", "Annotate", "Train",
    "Grad-CAM", "Video", "Correlate", "Watch folder",
)  # fmt: skip
WINDOW = (1280, 800)
_MOST_LOOKS = 20


def test_the_list_of_widgets_is_that_of_the_manifest(npe2pm):
    with npe2pm.tmp_plugin(package="napari-amseg") as plugin:
        names = {widget.display_name for widget in plugin.manifest.contributions.widgets}
    assert names - set(WIDGETS) <= {"Workbench"}
    assert set(WIDGETS) <= names


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_shows_all_it_says_and_explains_itself(
    viewer, add_widget, qtbot, frames, labels, name
):
    viewer.show()
    viewer.window.resize(*WINDOW)
    viewer.add_image(np.array(frames), name="stack")
    viewer.add_labels(np.repeat(labels[np.newaxis], len(frames), axis=0), name="truth")
    widget = add_widget(name)
    narrow = [widget.parent()], [1], Qt.Orientation.Horizontal
    viewer.window._qt_window.resizeDocks(*narrow)
    told = set(looked_at(widget, qtbot))
    viewer.theme = "light"
    for fold in widget.findChildren(Fold):
        if fold.isVisible():
            fold.button.setChecked(True)
    told |= looked_at(widget, qtbot)
    assert not told
    size = viewer.window._qt_window.size()
    assert size.width() <= WINDOW[0]
    assert size.height() <= WINDOW[1]


def looked_at(widget, qtbot) -> set[str]:
    """All that is wrong, once the layout has settled; on a busy machine that takes its time."""
    told = set()
    for _ in range(_MOST_LOOKS):
        qtbot.wait(150)
        told = {*findings(widget), *unexplained(widget), *out_of_order(widget)}
        if not told:
            break
    return told


@pytest.fixture
def page(qtbot):
    """An empty page that is shown."""
    page = QWidget()
    qtbot.addWidget(page)
    return page


def test_the_check_sees_text_that_is_cut(page):
    label, button = QLabel("a long text that has no room", page), QPushButton("Another", page)
    label.setGeometry(0, 0, 40, 20)
    button.setGeometry(0, 30, 20, 20)
    page.resize(100, 100)
    page.show()
    cut = findings(page)
    assert any("a long text" in text for text in cut)
    assert any("Another" in text for text in cut)


def test_the_check_sees_what_lies_on_another_and_what_reaches_out(page):
    first, second, out = (QLabel(text, page) for text in ("one", "two", "out"))
    first.setGeometry(0, 0, 60, 20)
    second.setGeometry(30, 10, 60, 20)
    out.setGeometry(80, 60, 60, 20)
    page.resize(100, 100)
    page.show()
    found = findings(page)
    assert any("lies on" in text for text in found)
    assert any("'out' reaches out" in text for text in found)


def test_the_check_wants_tooltips_and_reasons(page):
    layout = QVBoxLayout(page)
    silent, stubborn, fine = QLineEdit(), QPushButton("Go"), QPushButton("Stop")
    stubborn.setToolTip("Begin.")
    stubborn.setEnabled(False)
    fine.setToolTip("Open a stack first.")
    fine.setEnabled(False)
    for part in (silent, stubborn, fine):
        layout.addWidget(part)
    page.show()
    no_tip, no_reason = unexplained(page)
    assert no_tip == "QLineEdit has no tooltip"
    assert "'Go' is disabled" in no_reason


def test_the_check_sees_a_tab_that_goes_up(page, qtbot):
    rows = QVBoxLayout(page)
    first, second, last = (QLineEdit(text) for text in ("first", "second", "last"))
    for field in (first, second, last):
        rows.addWidget(field)
    QWidget.setTabOrder(first, last)
    with qtbot.waitExposed(page):
        page.show()
    (told,) = out_of_order(page)
    assert told == "Tab goes up from QLineEdit 'last' to QLineEdit 'second'"


def test_fields_side_by_side_are_in_order(page, qtbot):
    row = QHBoxLayout(page)
    for _ in range(3):
        row.addWidget(QLineEdit())
    with qtbot.waitExposed(page):
        page.show()
    assert not out_of_order(page)
