"""What all aids have in common: cancelled, overtaken by a stroke, left behind."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.labels import Label
from napari_amseg.plugin.annotate.aids.run import Proposal


@pytest.fixture
def slow(bench):
    """Start an aid that waits before each frame; gives what lets it go on."""
    go = threading.Semaphore(0)

    def steps(run):
        for t in range(bench.session.n_frames):
            assert go.acquire(timeout=20)
            yield Proposal(t, np.full(bench.session.labels_of(0).shape, 3, np.uint8))

    def start():
        frames = range(bench.session.n_frames)
        return bench.panel.desk.start("slow", frames, steps, status=Status.SUGGESTED)

    yield start, go
    go.release(100)


def test_a_cancelled_run_keeps_the_frames_so_far_as_one_step(bench, slow, qtbot):
    start, go = slow
    empty = bench.state()
    run = start()
    assert not bench.panel.copy.next_button.isEnabled()
    go.release(3)
    qtbot.waitUntil(lambda: run.done == 3)
    bench.click(bench.panel.desk.outcome.cancel_button)
    bench.wait()
    assert bench.status == "Cancelled at 3 of 10 frames. Slow: 3 frames, 46,080 pixels."
    assert [bool(labels.any()) for labels in bench.session.annotation.labels] == [True] * 3 + [
        False
    ] * 7
    go.release(7)
    bench.session.layer.undo()
    assert all(map(np.array_equal, bench.state(), empty))


def test_a_run_that_is_cancelled_before_its_first_frame_changes_nothing(bench, slow):
    start, _ = slow
    start()
    bench.click(bench.panel.desk.outcome.cancel_button)
    bench.wait()
    assert bench.status == "Cancelled at 0 of 10 frames."
    assert not bench.session.layer._undo_history


def test_no_step_is_made_in_the_middle_of_a_stroke(bench, slow, qtbot):
    start, go = slow
    start()
    with bench.session.layer.block_history():  # as while the mouse is down
        go.release(10)
        qtbot.wait(200)
        assert not bench.session.annotation.labels.any()
    bench.wait()
    assert bench.session.annotation.labels.all()


def test_what_is_painted_while_an_aid_runs_stays(bench, slow, qtbot):
    start, go = slow
    run = start()
    go.release(5)
    qtbot.waitUntil(lambda: run.done == 5)
    spot = np.zeros(bench.session.labels_of(0).shape, bool)
    spot[10:20, 10:20] = True
    bench.paint(2, spot, Label.PORE)
    bench.paint(7, spot, Label.PORE)
    painted = bench.state()
    go.release(5)
    bench.wait()
    annotation = bench.session.annotation
    for t in (2, 7):
        assert np.array_equal(annotation.labels[t] == Label.PORE, spot)
        assert (annotation.labels[t][~spot] == Label.SUBSTRATE).all()
        assert np.array_equal(annotation.by_hand[t], spot)
        assert annotation.status(t) == Status.IN_PROGRESS
    bench.session.layer.undo()
    assert all(map(np.array_equal, bench.state(), painted))


def test_nothing_goes_on_behind_a_session_that_ended(bench, slow, qtbot):
    start, go = slow
    run = start()
    bench.panel.set_session(None)
    assert run.cancel.is_set()
    go.release(10)
    qtbot.wait(50)
    assert not bench.session.annotation.labels.any()
