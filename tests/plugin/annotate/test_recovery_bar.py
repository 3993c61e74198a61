"""What dead sessions left is offered, what living ones have is not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.safety import ROOT_VARIABLE
from napari_amseg.annotate.working_copy import SESSION, FrameWork, SessionRecord, WorkingCopy
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.plugin.annotate.recovery_bar import RecoveryBar
from napari_amseg.plugin.annotate.widget import Annotate
from napari_amseg.types import Experiment

PATIENCE_MS = 10_000


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Where working copies are."""
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "work"))
    return tmp_path / "work"


@pytest.fixture(scope="module")
def dead():
    """The owner that a process was which has ended."""
    made = "from napari_amseg.annotate.owner import Owner; import json; "
    made += "print(json.dumps(Owner.here('Bob').to_json()))"
    told = subprocess.run([sys.executable, "-c", made], capture_output=True, check=True, text=True)
    return Owner.from_json(json.loads(told.stdout))


@pytest.fixture
def leave(root, dead, labels):
    """A working copy of some frames, left by a process that ended."""

    def leave(name, n_unsaved=1, owner=dead, created="2024-03-12T09:30:00+00:00"):
        record = SessionRecord(
            (f"/data/{name}.tif",), (9, *labels.shape), "uint16", DEFAULT_SCHEME,
            Experiment(experiment=name), owner, created=created,
        )  # fmt: skip
        copy = WorkingCopy.create(root, record)
        for t in range(n_unsaved):
            copy.write_frame(t, FrameWork(labels, labels > 0, Status.IN_PROGRESS))
        copy.write_frame(8, FrameWork(labels, labels > 0, Status.COMPLETE, "ab", unsaved=False))
        return copy

    return leave


@pytest.fixture
def bar(qtbot):
    """Open the bar in a window and wait until it has looked."""
    bars = []

    def open_bar(answer=True):
        host = QWidget()
        bar = RecoveryBar(ask=lambda parent, words: answer)
        layout = QVBoxLayout(host)
        layout.addWidget(bar)
        layout.addStretch(1)
        qtbot.addWidget(host)
        host.show()
        bars.append((bar, host))
        qtbot.waitUntil(lambda: not bar.busy, timeout=PATIENCE_MS)
        return bar

    yield open_bar
    for one, _ in bars:
        one.stop()


def test_only_what_would_be_lost_is_offered(leave, bar):
    leave("saved", n_unsaved=0)
    leave("mine", owner=Owner.here("Ann"))
    assert not bar().isVisible()
    leave("left", n_unsaved=5)
    opened = bar()
    assert opened.isVisible()
    assert len(opened.rows) == 1
    words = opened.rows[0].words.text()
    assert "Unsaved annotation of left by Bob, 2024-03-12 " in words
    assert words.endswith("5 frames")


def test_suggestions_are_told_from_what_a_person_did(leave, labels, bar):
    copy = leave("mixed", n_unsaved=2)
    suggested = FrameWork(labels, labels < 0, Status.SUGGESTED)
    for t in (3, 4, 5):
        copy.write_frame(t, suggested)
    assert bar().rows[0].words.text().endswith("2 frames worked on and 3 suggested by a model only")
    alone = leave("alone", n_unsaved=0)
    alone.write_frame(3, suggested)
    words = [row.words.text() for row in bar().rows]
    assert any(text.endswith("1 frame, all suggested by a model only") for text in words)


def test_the_newest_come_first_and_later_hides_one(leave, bar, qtbot):
    for name in ("one", "two", "three"):
        leave(name)
    opened = bar()
    assert [("three" in r.words.text(), "two" in r.words.text()) for r in opened.rows] == [
        (True, False), (False, True),
    ]  # fmt: skip
    assert opened.more.text() == "and 1 more, older"
    qtbot.mouseClick(opened.rows[0].later_button, Qt.MouseButton.LeftButton)
    assert ["two" in opened.rows[0].words.text(), "one" in opened.rows[1].words.text()] == [
        True
    ] * 2
    opened.look()
    qtbot.waitUntil(lambda: not opened.busy, timeout=PATIENCE_MS)
    assert "two" in opened.rows[0].words.text()


def test_recover_is_told_and_offered_again_if_it_fails(leave, bar, qtbot):
    copy = leave("run")
    opened = bar()
    with qtbot.waitSignal(opened.recover) as told:
        qtbot.mouseClick(opened.rows[0].recover_button, Qt.MouseButton.LeftButton)
    assert told.args[0].folder == copy.folder
    assert not opened.isVisible()
    opened.look()  # the opening failed
    qtbot.waitUntil(lambda: not opened.busy and opened.isVisible(), timeout=PATIENCE_MS)
    claimed = WorkingCopy.claim(copy.folder)
    opened.look()
    qtbot.waitUntil(lambda: not opened.busy, timeout=PATIENCE_MS)
    assert not opened.isVisible()
    claimed.discard()


@pytest.mark.parametrize("answer", [True, False])
def test_discard_asks(leave, bar, qtbot, answer):
    copy = leave("run")
    opened = bar(answer)
    qtbot.mouseClick(opened.rows[0].discard_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not opened.busy, timeout=PATIENCE_MS)
    assert copy.folder.exists() != answer
    assert opened.isVisible() != answer


def test_damaged_work_is_named_with_its_folder(leave, bar):
    broken, other = leave("broken", n_unsaved=2), leave("other")
    (broken.folder / SESSION).write_text("{")
    (other.folder / "frames" / "000000.tif").write_bytes(b"cut")
    opened = bar()
    words = [row.words.text() for row in opened.rows]
    assert "cannot be read" in words[0]
    assert str(broken.folder) in words[1]
    assert not opened.rows[1].recover_button.isVisible()
    assert opened.rows[0].recover_button.isVisible()


def test_work_of_another_computer_says_so(leave, bar, dead):
    leave("far", owner=replace(dead, host="beamline-7"))
    opened = bar()
    assert "begun on beamline-7" in opened.rows[0].words.text()


def test_labels_kept_are_those_recovered(leave, bar, labels):
    copy = leave("run")
    bar()
    np.testing.assert_array_equal(WorkingCopy.open(copy.folder).read_frame(0).labels, labels)


def test_tab_comes_to_what_is_offered_before_what_stands_below(leave, bar, qtbot):
    leave("older")
    shown = bar()
    host, below = shown.window(), QLineEdit()
    host.layout().insertWidget(1, below)
    leave("newer", created="2024-03-13T09:30:00+00:00")
    shown.look()
    qtbot.waitUntil(lambda: len(shown.rows) == 2, timeout=PATIENCE_MS)
    chain, part = [], host.nextInFocusChain()
    while part is not host:
        chain.append(part)
        part = part.nextInFocusChain()
    places = [chain.index(button) for row in shown.rows for button in row.buttons]
    assert len(places) == 6
    assert places == sorted(places)
    assert places[-1] < chain.index(below)


def test_a_window_that_went_is_not_told_what_was_found(viewer, leave, qtbot):
    leave("one")
    widget = Annotate(viewer)  # looks in a thread
    recovery = widget.recovery
    with qtbot.captureExceptions() as caught:
        widget.deleteLater()
        QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)
        qtbot.waitUntil(lambda: not recovery.busy, timeout=PATIENCE_MS)
    assert not caught
