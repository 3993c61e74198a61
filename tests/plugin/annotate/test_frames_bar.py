"""The strip over the time axis, the counts, and the way from frame to frame."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_amseg.annotate.annotation import Status
from napari_amseg.labels import Label
from napari_amseg.plugin.annotate.frames_bar import FramesBar
from napari_amseg.plugin.annotate.strip import Strip, status_colors, strip_image
from napari_amseg.plugin.theme import Palette, rgb

DARK = Palette("#262930", "#f0f1f2", "#6a7380")
LIGHT = Palette("#efebe9", "#3b3a39", "#a3a09f")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def bar(drawn_session):
    bar = FramesBar(drawn_session.viewer)
    drawn_session.viewer.window.add_dock_widget(bar)
    bar.set_session(drawn_session)
    yield bar
    bar.stop()


def plain(label):
    """Text without the colours."""
    from qtpy.QtGui import QTextDocument

    document = QTextDocument()
    document.setHtml(label.text())
    return " ".join(document.toPlainText().split())


def test_few_frames_have_a_column_each():
    image = strip_image(np.array([0, 3, 2], np.uint8), 350, 30)
    assert image.shape == (30, 3)
    assert image.T.tolist() == [30 * [0], 30 * [3], 30 * [2]]


@pytest.mark.parametrize("status", list(Status))
def test_one_frame_among_thousands_stays_in_sight(status):
    for others in Status:
        statuses = np.full(20_000, others, np.uint8)
        statuses[12_345] = status
        image = strip_image(statuses, 175, 30)
        column = 12_345 * 175 // 20_000
        assert np.count_nonzero(image[:, column] == status) >= 7
        assert (np.delete(image, column, axis=1) == others).all()


def test_a_column_is_divided_as_its_frames_are():
    statuses = np.repeat(np.array([3, 0], np.uint8), [750, 250])
    np.random.default_rng(0).shuffle(statuses)
    column = strip_image(statuses, 1, 100)[:, 0]
    assert (np.diff(column.astype(int)) >= 0).all()  # complete grows from below
    assert np.count_nonzero(column == Status.COMPLETE) == pytest.approx(75, abs=5)
    mixed = strip_image(np.arange(4000, dtype=np.uint8) % 4, 10, 30)
    assert all(set(column) == {0, 1, 2, 3} for column in mixed.T.tolist())


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_statuses_are_told_apart_in_both_themes(theme):
    colors = [rgb(c) for c in status_colors(theme).values()] + [rgb(theme.background)]
    apart = [
        np.linalg.norm(one - other) for i, one in enumerate(colors) for other in colors[i + 1 :]
    ]
    assert min(apart) > 60


def test_the_strip_tells_what_lies_under_the_mouse(qtbot):
    strip = Strip(DARK)
    qtbot.addWidget(strip)
    strip.resize(200, 30)
    strip.set_statuses(np.array([3, 2, 0, 0], np.uint8))
    assert strip.words_at(60) == "frame 1: in progress"
    assert strip.words_at(1000) == "frame 3: untouched"
    statuses = np.zeros(2000, np.uint8)
    statuses[:3] = Status.COMPLETE
    strip.set_statuses(statuses)
    words = strip.words_at(0)
    assert words == "frame 0: complete\nframes 0 to 19: 3 complete, 17 untouched"


def test_a_click_and_a_drag_on_the_strip_go_there(bar, drawn_session):
    strip = bar.strip
    width, middle = strip.width() / 6, strip.height() // 2
    QTest.mousePress(strip, LEFT, pos=QPoint(int(2.5 * width), middle))
    assert drawn_session.frame == 2
    QTest.mouseRelease(strip, LEFT, pos=QPoint(int(2.5 * width), middle))
    moved = []
    strip.chosen.connect(moved.append)
    QTest.mouseMove(strip, QPoint(int(4.5 * width), middle))
    assert drawn_session.frame == 2  # no button was down
    QTest.mouseClick(strip, LEFT, pos=QPoint(int(5.5 * width), middle))
    assert drawn_session.frame == 5
    assert moved == [5]


def test_counts_and_status_follow(bar, drawn_session):
    session, annotation = drawn_session, drawn_session.annotation
    assert plain(bar.counts) == "■ 6 untouched"
    assert bar.status.text() == "Frame 0: untouched"
    session.layer.paint((0, 10, 10), int(Label.PORE))
    assert plain(bar.counts) == "■ 1 in progress ■ 5 untouched"
    assert bar.status.text() == "Frame 0: in progress"
    codes = np.full((40, 60), int(Label.SUBSTRATE), np.uint8)
    session.apply([annotation.propose(t, codes, status=Status.SUGGESTED) for t in (2, 3)])
    session.set_status([4], Status.COMPLETE)
    assert plain(bar.counts) == "■ 1 complete ■ 1 in progress ■ 2 suggested ■ 2 untouched"
    session.layer.undo()
    assert plain(bar.counts) == "■ 1 in progress ■ 2 suggested ■ 3 untouched"
    session.layer.redo()
    session.go_to(4)
    assert bar.complete_button.isChecked()
    session.go_to(3)
    assert not bar.complete_button.isChecked()
    assert bar.status.text() == "Frame 3: suggested"


def test_complete_says_what_is_missing_but_does_not_block(bar, drawn_session):
    session = drawn_session
    codes = np.full((40, 60), int(Label.SUBSTRATE), np.uint8)
    codes[0, :3] = 0
    session.apply([session.annotation.propose(0, codes)])
    bar.complete_button.click()
    assert session.annotation.status(0) == Status.COMPLETE
    assert plain(bar.status) == "Frame 0: complete, but 3 pixels are unlabelled"
    session.layer.paint((0, 0, 1), int(Label.SUBSTRATE))
    assert bar.status.text() == "Frame 0: complete"
    bar.complete_button.click()
    assert session.annotation.status(0) == Status.IN_PROGRESS


def test_from_frame_to_frame(bar, drawn_session):
    session = drawn_session
    bar.previous_button.click()
    assert session.frame == 0
    bar.next_button.click()
    bar.next_button.click()
    bar.previous_button.click()
    assert session.frame == 1
    session.set_status([2, 3], Status.COMPLETE)
    session.set_status([4], Status.SUGGESTED)
    session.set_status([5], Status.IN_PROGRESS)
    bar.unlabelled_button.click()
    assert session.frame == 4
    bar.unlabelled_button.click()
    assert session.frame == 0
    session.set_status([1, 4], Status.COMPLETE)
    bar.unlabelled_button.click()
    assert session.frame == 0
    assert bar.status.text() == "No other frame is unlabelled."


def test_its_keys(bar, drawn_session):
    session = drawn_session
    window = session.viewer.window._qt_window
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    canvas = session.viewer.window._qt_viewer.canvas.native
    canvas.setFocus()

    def press(key):
        QTest.keyClick(canvas, key, Qt.KeyboardModifier.ShiftModifier)

    press(Qt.Key.Key_D)
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_S)
    assert session.frame == 1
    press(Qt.Key.Key_Return)
    assert session.annotation.status(1) == Status.COMPLETE
    session.go_to(0)
    press(Qt.Key.Key_N)
    assert session.frame == 2
    bar.set_session(None)
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_D)
    assert session.frame == 2
    assert plain(bar.counts) == ""
