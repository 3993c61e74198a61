"""Work kept on the disk within seconds, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from napari_amseg.annotate.working_copy import FrameWork, WorkingCopy

_LONGEST_PAUSE_S = 10.0


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
        self._due: dict[int, float] = {}  # when each marked frame is to be written
        self._writing: int | None = None
        self._wake = threading.Condition()
        self._hurried = self._closed = False
        self._failed: set[int] = set()  # marked frames whose last try failed
        self._told: set[tuple[object, ...]] = set()
        self._pauses, self._retry_at = 0, 0.0
        self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> frozenset[int]:
        """Frames that are not on the disk as they are."""
        with self._wake:
            return self._pending()

    def mark(self, frames: Iterable[int]) -> None:
        """These frames have changed; call it after the change, so that none is missed."""
        now = time.monotonic()
        with self._wake:
            for t in frames:
                self._due.setdefault(t, now + self._delay_s)
            self._wake.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Write everything now; whether all is on the disk. Comes back early if that fails."""
        with self._wake:
            self._hurried = True
            self._failed.clear()
            self._wake.notify_all()
            self._wake.wait_for(self._settled, timeout)
            self._hurried = False
            return not self._pending()

    def close(self, timeout: float = 10.0) -> bool:
        """Write everything and end the thread; whether all is on the disk."""
        written = self.flush(timeout)
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join(timeout)
        return written

    def _settled(self) -> bool:
        """Whether a flush can do no more: all is written, or was tried in vain."""
        return self._closed or self._pending() <= self._failed

    def _pending(self) -> frozenset[int]:
        return frozenset(self._due) | ({self._writing} - {None})  # type: ignore[operator]

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
                if ready := self._ready(now):
                    self._writing = max(ready, key=self._due.__getitem__)
                    del self._due[self._writing]
                    return self._writing
                times = [max(at, self._retry_at) - now for at in self._due.values()]
                self._wake.wait(max(0.0, min(times)) if times else None)
            return None

    def _ready(self, now: float) -> list[int]:
        untried = [t for t in self._due if t not in self._failed] if self._hurried else []
        if untried or now < self._retry_at:
            return untried
        return [t for t, at in self._due.items() if at <= now]

    def _succeed(self, t: int) -> None:
        with self._wake:
            self._writing, self._pauses, self._retry_at = None, 0, 0.0
            self._failed.discard(t)
            if not self._failed:
                self._told.clear()
            self._wake.notify_all()

    def _fail(self, t: int, error: Exception) -> None:
        reason = _reason(error)
        with self._wake:
            is_new = reason not in self._told
            self._told.add(reason)
            self._writing = None
            self._failed.add(t)
            self._due[t] = 0.0  # due, but after all others: it may be this frame alone that fails
            pause_s = min(self._first_pause_s * 2 ** min(self._pauses, 10), _LONGEST_PAUSE_S)
            self._retry_at = time.monotonic() + pause_s
            self._pauses += 1
            self._wake.notify_all()
        if is_new:
            with suppress(Exception):  # a window that is gone must not end the thread
                self._on_error(
                    f"work is not being kept: {error}. It is tried again from time to time; make "
                    "room, or save the frames to a benchmark."
                )


def _reason(error: Exception) -> tuple[object, ...]:
    """What makes two errors the same; a full disk is one reason, whichever frame it hits."""
    number = error.errno if isinstance(error, OSError) else None
    return (type(error), str(error) if number is None else number)
