"""Work kept on the disk within seconds, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress

from napari_amseg.annotate.working_copy import FrameWork, WorkingCopy

_LONGEST_PAUSE_S = 10.0
_LOOK_S = 0.1

Waiting = Callable[[int], None]


class Autosave:
    """Writes marked frames to a working copy; painting never waits for it.

    A frame marked once is written within `seconds`, however often it is marked meanwhile. What
    cannot be written stays marked and is tried again, after longer and longer pauses.

    Parameters
    ----------
    working_copy : where to. snapshot : ``snapshot(t)`` gives a frame as it is now, in arrays of
        its own; called from the thread.
    seconds : between a mark and the frame on the disk, as long as the disk keeps up.
    on_error : told in words why work cannot be kept, once for each new reason; called from the
        thread.
    """

    def __init__(
        self,
        working_copy: WorkingCopy,
        snapshot: Callable[[int], FrameWork],
        *,
        seconds: float = 2.0,
        on_error: Callable[[str], None],
    ) -> None:
        self.working_copy = working_copy
        self._snapshot, self._on_error = snapshot, on_error
        self._delay_s = seconds / 2  # the other half is for writing
        self._first_pause_s = seconds
        # When each marked frame is to be written; the last of them that is due goes first.
        self._due: OrderedDict[int, float] = OrderedDict()
        self._failed: dict[int, None] = {}  # marked frames whose last try failed, in order
        self._writing: int | None = None
        self._n_tried = 0
        self._wake = threading.Condition()
        self._hurried = self._closed = False
        self._told: set[tuple[object, ...]] = set()
        self._pauses, self._retry_at = 0, 0.0
        self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> frozenset[int]:
        """Frames that are not on the disk as they are."""
        with self._wake:
            writing = () if self._writing is None else (self._writing,)
            return frozenset((*self._due, *self._failed, *writing))

    def mark(self, frames: Iterable[int], *, behind: bool = False) -> None:
        """These frames have changed; call it after the change, so that none is missed.

        behind : they are written after all others, as what a model can make again.
        """
        due = time.monotonic() + self._delay_s
        with self._wake:
            for t in frames:
                if t in self._failed:
                    continue
                is_new = t not in self._due
                self._due.setdefault(t, due)
                if is_new or not behind:
                    self._due.move_to_end(t, last=not behind)
            self._wake.notify_all()

    def flush(self, patience_s: float = 30.0, *, waiting: Waiting = lambda left: None) -> bool:
        """Write everything now, however long that takes; whether all is on the disk.

        Comes back early if a frame cannot be written, or none is within `patience_s`.

        waiting : told some times a second how many frames are left.
        """
        with self._wake:
            self._hurried = True
            self._try_failed_again()
            self._wake.notify_all()
        tried, give_up_at = -1, 0.0
        while True:
            with self._wake:
                if tried != self._n_tried:
                    tried, give_up_at = self._n_tried, time.monotonic() + patience_s
                left_s = give_up_at - time.monotonic()
                if left_s > 0:
                    self._wake.wait_for(self._settled, min(left_s, _LOOK_S))
                left = len(self._due) + len(self._failed) + (self._writing is not None)
                if self._settled() or (left_s <= 0 and tried == self._n_tried):
                    self._hurried = False
                    return not left
            waiting(left)  # it may draw: the thread goes on meanwhile

    def close(self, patience_s: float = 30.0, *, waiting: Waiting = lambda left: None) -> bool:
        """Write everything as `flush` does and end the thread; whether all is on the disk."""
        written = self.flush(patience_s, waiting=waiting)
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join(min(patience_s, _LONGEST_PAUSE_S))
        return written

    def _settled(self) -> bool:
        """Whether a flush can do no more: all is written, or was tried in vain."""
        return self._closed or (not self._due and self._writing is None)

    def _run(self) -> None:
        while (t := self._next()) is not None:
            try:
                self.working_copy.write_frame(t, self._snapshot(t))
            except Exception as error:  # whatever it is, the work stays marked
                self._fail(t, error)
            else:
                self._succeed(t)

    def _next(self) -> int | None:
        """Wait for a frame that is due and take it; None at the end.

        Of several the one marked last comes first: what a person just painted does not wait for
        a thousand frames that a model labelled.
        """
        with self._wake:
            while not self._closed:
                now = time.monotonic()
                if (t := self._ready(now)) is not None:
                    self._due.pop(t)
                    self._writing = t
                    return t
                self._wake.wait(self._pause_s(now))
            return None

    def _ready(self, now: float) -> int | None:
        if self._hurried and self._due:
            return next(reversed(self._due))
        if now < self._retry_at:
            return None
        ready = next((t for t in reversed(self._due) if self._due[t] <= now), None)
        if ready is None and self._failed:
            self._try_failed_again()
            ready = next(iter(self._due))
        return ready

    def _try_failed_again(self) -> None:
        """After all others: it may be these frames alone that fail."""
        for t in reversed(self._failed):
            self._due[t] = 0.0
            self._due.move_to_end(t, last=False)
        self._failed.clear()

    def _pause_s(self, now: float) -> float | None:
        """How long there is nothing to do; None until somebody marks something."""
        if self._failed:
            return max(0.0, self._retry_at - now)
        if not self._due:
            return None
        return max(0.0, max(min(self._due.values()), self._retry_at) - now)

    def _succeed(self, t: int) -> None:
        with self._wake:
            self._writing, self._pauses, self._retry_at = None, 0, 0.0
            self._n_tried += 1
            if not self._failed:
                self._told.clear()
            self._wake.notify_all()

    def _fail(self, t: int, error: Exception) -> None:
        reason = _reason(error)
        with self._wake:
            is_new = reason not in self._told
            self._told.add(reason)
            self._writing = None
            self._n_tried += 1
            self._due.pop(t, None)  # marked again meanwhile
            self._failed[t] = None
            pause_s = min(self._first_pause_s * 2 ** min(self._pauses, 10), _LONGEST_PAUSE_S)
            self._retry_at = time.monotonic() + pause_s
            self._pauses += 1
            self._wake.notify_all()
        if is_new:
            with suppress(Exception):  # a window that is gone must not end the thread
                self._on_error(
                    f"work is not being kept: {str(error).rstrip('.')}. It is tried again from "
                    "time to time; make room, or save the frames to a benchmark."
                )


def _reason(error: Exception) -> tuple[object, ...]:
    """What makes two errors the same; a full disk is one reason, whichever frame it hits."""
    number = error.errno if isinstance(error, OSError) else None
    return (type(error), str(error) if number is None else number)
