"""Marked frames are written soon, never in the way of painting, and never forgotten."""

from __future__ import annotations

import errno
import threading
import time
from itertools import count

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.autosave import Autosave
from napari_amseg.annotate.working_copy import FrameWork

LONG_S = 20.0  # only ever waited for in full when a test fails


class Disk:
    """Stands for a working copy: keeps frames, is slow or full on demand."""

    def __init__(self):
        self.frames: dict[int, list[int]] = {}
        self.order: list[int] = []
        self.error: Exception | None = None
        self.bad: set[int] = set()
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.changed = threading.Condition()

    def write_frame(self, t, work):
        self.entered.set()
        assert self.open.wait(LONG_S)
        if self.error is not None:
            raise self.error
        if t in self.bad:
            raise ValueError(f"frame {t} is bad")
        with self.changed:
            self.frames.setdefault(t, []).append(int(work.labels[0, 0]))
            self.order.append(t)
            self.changed.notify_all()

    def wait_for(self, holds):
        with self.changed:
            assert self.changed.wait_for(holds, LONG_S)


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def errors():
    return []


@pytest.fixture
def start(disk, errors):
    """Starts an autosave of frames whose every snapshot holds the next number."""
    numbers, started = count(1), []

    def snapshot(t):
        return FrameWork(
            np.full((2, 2), next(numbers), np.uint8), np.zeros((2, 2), bool), Status(2)
        )

    def make(seconds, snapshot=snapshot):
        started.append(Autosave(disk, snapshot, seconds=seconds, on_error=errors.append))
        return started[-1]

    yield make
    disk.open.set()
    for autosave in started:
        autosave.close(1.0)


def test_frames_are_written_by_themselves(disk, start):
    autosave = start(0.02)
    autosave.mark([3, 5])
    disk.wait_for(lambda: set(disk.frames) == {3, 5})
    autosave.mark([5])
    disk.wait_for(lambda: len(disk.frames[5]) == 2)
    assert len(disk.frames[3]) == 1
    assert autosave.flush(LONG_S)
    assert autosave.pending == frozenset()


def test_many_changes_are_one_write(disk, start):
    autosave = start(30.0)
    for _ in range(50):
        autosave.mark([7])
    assert autosave.pending == {7}
    assert disk.frames == {}
    assert autosave.flush(LONG_S)
    assert len(disk.frames[7]) == 1


def test_painting_goes_on_while_the_disk_is_slow(disk, start):
    disk.open.clear()
    autosave = start(0.02)
    autosave.mark([1])
    assert disk.entered.wait(LONG_S)
    autosave.mark([1, 2])  # would hang here if it waited for the disk
    assert autosave.pending == {1, 2}
    assert not autosave.flush(0.01)
    disk.open.set()
    assert autosave.flush(LONG_S)
    assert len(disk.frames[1]) == 2  # changed while it was being written, so written again


def test_what_was_painted_last_goes_first(disk, start):
    disk.open.clear()
    autosave = start(0.0)
    autosave.mark([0])
    assert disk.entered.wait(LONG_S)
    autosave.mark(range(10, 14))  # a model labels many frames,
    autosave.mark([99])  # then a person paints
    disk.open.set()
    assert autosave.flush(LONG_S)
    assert disk.order[:2] == [0, 99]
    assert set(disk.order[2:]) == {10, 11, 12, 13}


def test_a_full_disk_is_told_once_and_tried_again(disk, start, errors):
    disk.error = OSError(errno.ENOSPC, "No space left on device")
    autosave = start(0.05)
    autosave.mark([1, 2])
    assert not autosave.flush(LONG_S)
    assert autosave.pending == {1, 2}
    assert not autosave.flush(LONG_S)
    (told,) = errors
    assert "No space left" in told
    assert ".." not in told
    disk.error = PermissionError(errno.EACCES, "denied")
    assert not autosave.flush(LONG_S)
    assert len(errors) == 2
    disk.error = None
    disk.wait_for(lambda: set(disk.frames) == {1, 2})  # without being asked
    assert autosave.flush(LONG_S)
    disk.error = OSError(errno.ENOSPC, "No space left on device")
    autosave.mark([1])
    assert not autosave.flush(LONG_S)
    assert len(errors) == 3  # it had been well again


def test_an_error_that_is_a_sentence_ends_once(disk, start, errors):
    disk.error = FileNotFoundError("the folder is gone.")
    autosave = start(0.02)
    autosave.mark([1])
    assert not autosave.flush(LONG_S)
    assert "the folder is gone. It is tried again" in errors[0]


def test_one_bad_frame_holds_up_no_other(disk, start, errors):
    disk.bad = {4}
    autosave = start(0.02)
    autosave.mark([3, 4, 5])
    assert not autosave.flush(LONG_S)
    assert set(disk.frames) == {3, 5}
    assert autosave.pending == {4}
    for t in range(10, 13):
        autosave.mark([t])
        disk.wait_for(lambda t=t: t in disk.frames)
    assert len(errors) == 1


def test_a_snapshot_or_a_window_that_fails_does_not_end_it(disk, errors):
    fails = [True]

    def snapshot(t):
        if fails:
            raise RuntimeError("layer is gone")
        return FrameWork(np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool), Status(2))

    def deaf(words):
        errors.append(words)
        raise RuntimeError("window is gone")

    autosave = Autosave(disk, snapshot, seconds=0.02, on_error=deaf)
    autosave.mark([1])
    assert not autosave.flush(LONG_S)
    assert "layer is gone" in errors[0]
    fails.clear()
    disk.wait_for(lambda: 1 in disk.frames)
    assert autosave.close()


def test_closing_writes_what_is_left(disk, start):
    autosave = start(30.0)
    autosave.mark(range(5))
    assert autosave.close(LONG_S)
    assert set(disk.frames) == set(range(5))
    autosave.mark([1])
    assert not autosave.close(LONG_S)  # comes back at once: nobody writes any more


def test_closing_takes_as_long_as_the_disk_needs(disk, start, monkeypatch):
    write, left = disk.write_frame, []

    def slowly(t, work):
        time.sleep(0.05)
        write(t, work)

    monkeypatch.setattr(disk, "write_frame", slowly)
    autosave = start(30.0)
    autosave.mark(range(20))
    assert autosave.close(0.5, waiting=left.append)  # a second in all, but no frame takes that long
    assert set(disk.frames) == set(range(20))
    assert left == sorted(left, reverse=True)
    assert left


def test_closing_gives_up_on_a_disk_that_hangs(disk, start):
    autosave = start(30.0)
    disk.open.clear()
    autosave.mark([1, 2])
    assert not autosave.close(0.2)
    assert autosave.pending == {1, 2}


def test_what_a_model_did_goes_last(disk, start):
    autosave = start(30.0)
    autosave.mark([1, 2])
    autosave.mark(range(10, 14), behind=True)
    autosave.mark([2], behind=True)  # a person's work is in it, too
    autosave.mark([12])
    assert autosave.flush(LONG_S)
    assert disk.order[:3] == [12, 2, 1]
