"""Closing napari's window with unsaved work: asked once, and done what was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from napari_amseg.plugin.annotate.close_guard import Choice, CloseGuard, ask


class KeeperOf:
    """What a guard asks of a keeper."""

    def __init__(self, *frames: int, n_suggested: int = 0, disk_is_well: bool = True) -> None:
        self.n_unsaved, self.n_suggested, self.folder = len(frames), n_suggested, Path("/kept/here")
        self.disk_is_well, self.n_flushed = disk_is_well, 0

    def flush(self, waiting) -> bool:
        waiting(3)
        self.n_flushed += 1
        return self.disk_is_well


class Behind(QObject):
    """Stands in for napari's own window: counts the closings that the guard lets through.

    napari's fixture cannot clean up after a window that was really closed.
    """

    n_closed = 0

    def eventFilter(self, watched, event):
        """Filters installed later are asked first."""
        if event.type() != QEvent.Type.Close:
            return False
        self.n_closed += 1
        event.ignore()
        return True


@pytest.fixture
def shown(make_napari_viewer):
    """A viewer that a person looks at."""
    return make_napari_viewer(show=True)


@pytest.fixture
def behind(shown):
    """What is asked after the guard."""
    behind, window = Behind(), shown.window._qt_window
    window.installEventFilter(behind)
    yield behind
    window.removeEventFilter(behind)


@pytest.fixture
def guarded(shown):
    """Guard the viewer with an answer; gives what was asked, and the saves begun."""
    guards = []

    def guard(answer: Choice, keeper: KeeperOf, *, floating: bool = False):
        asked, saves = [], []

        def asking(parent, n_frames, folder):
            asked.append((n_frames, folder))
            shown.window._qt_window.close()  # another click while the question stands
            return answer

        def save(ended, *, everything):
            assert everything
            saves.append(ended)

        widget = QWidget()
        guards.append(CloseGuard(widget, lambda: keeper, save, ask=asking))
        dock = shown.window.add_dock_widget(widget)
        if floating:
            dock.setFloating(True)
        QApplication.processEvents()  # until the dock is shown
        return asked, saves

    yield guard
    for one in guards:
        one.stop()
        one.stop()


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("choice", [Choice.CANCEL, Choice.KEEP])
def test_the_person_is_asked_once(shown, behind, guarded, choice, floating):
    asked, saves = guarded(choice, KeeperOf(1, 2, 3), floating=floating)
    shown.window._qt_window.close()
    assert asked == [(3, Path("/kept/here"))]
    assert behind.n_closed == (choice is Choice.KEEP)
    assert not saves


@pytest.mark.parametrize("all_saved", [True, False])
def test_save_closes_once_all_is_saved(shown, behind, guarded, all_saved):
    keeper = KeeperOf(1, 2)
    asked, saves = guarded(Choice.SAVE, keeper)
    shown.window._qt_window.close()
    assert behind.n_closed == 0
    keeper.n_unsaved = 0 if all_saved else 1  # in conflict
    saves[0]()
    assert behind.n_closed == all_saved
    assert len(asked) == 1


@pytest.mark.parametrize("frames", [(1, 2, 3), ()])
def test_what_cannot_be_kept_is_not_said_to_be_kept(shown, behind, guarded, frames):
    keeper = KeeperOf(*frames, n_suggested=7, disk_is_well=False)
    asked, _ = guarded(Choice.LOSE, keeper)
    shown.window._qt_window.close()
    assert asked == [(len(frames) or 7, None)]
    assert behind.n_closed == 1


def test_suggestions_are_kept_without_a_question(shown, behind, guarded):
    keeper = KeeperOf(n_suggested=7)
    asked, _ = guarded(Choice.CANCEL, keeper)
    shown.window._qt_window.close()
    assert not asked
    assert keeper.n_flushed == 1
    assert behind.n_closed == 1


def test_no_question_without_unsaved_work(shown, behind, guarded):
    asked, _ = guarded(Choice.CANCEL, KeeperOf())
    shown.window._qt_window.close()
    assert behind.n_closed == 1
    assert not asked


def test_a_script_is_not_asked(shown, guarded):
    asked, _ = guarded(Choice.CANCEL, KeeperOf(1))
    shown.close()  # cannot be refused
    assert not asked


def test_a_hidden_window_is_not_asked_about(make_napari_viewer):
    viewer, behind, widget = make_napari_viewer(), Behind(), QWidget()
    window = viewer.window._qt_window
    window.installEventFilter(behind)
    viewer.window.add_dock_widget(widget)
    guard = CloseGuard(widget, lambda: KeeperOf(1), lambda ended, *, everything: None)
    window.close()  # would hang with a question that nobody sees
    assert behind.n_closed == 1
    guard.stop()
    window.removeEventFilter(behind)


@pytest.mark.parametrize(
    ("choice", "kept_in"),
    [(choice, Path("/kept/here")) for choice in Choice if choice is not Choice.LOSE]
    + [(choice, None) for choice in Choice if choice is not Choice.KEEP],
)
def test_the_question_itself(shown, choice, kept_in):
    told = []

    def press():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        told.append(box.text() + box.informativeText())
        buttons = {
            button.text().replace("&", ""): button for button in box.findChildren(QPushButton)
        }
        buttons[choice.value].click()

    QTimer.singleShot(200, press)
    assert ask(shown.window._qt_window, 3, kept_in) is choice
    assert "3 frames are not saved" in told[0]
    assert ("is lost" if kept_in is None else "/kept/here") in told[0]
