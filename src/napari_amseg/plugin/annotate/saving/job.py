"""Something that goes step by step in a thread, and can be ended between two steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event

Steps = Callable[[], Generator[Any]]


class Job:
    """Runs a generator in a thread; what it yields comes to the GUI thread, in order.

    Parameters
    ----------
    steps : gives the generator. It is closed in its thread, whatever ends it.
    step : gets all that it yields. ended : gets its error, or None at the end and after a cancel.
    what : names it in napari's activity dock.
    """

    def __init__(
        self,
        steps: Steps,
        *,
        step: Callable[[Any], None],
        ended: Callable[[Exception | None], None],
        what: str = "",
    ) -> None:
        from napari.qt.threading import create_worker

        self._step, self._ended = step, ended
        self._cancel = cancel_event()
        self._listens = True
        self._activity = Activity()
        if what:
            self._activity.begin(what)
        self._worker = create_worker(
            _guarded, steps, self._cancel, _start_thread=True, _connect={"yielded": self._take}
        )

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants it no more."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """End it after the step at hand."""
        self._cancel.set()

    def stop(self) -> None:
        """Cancel it, and hear nothing of it any more."""
        self._listens = False
        self._cancel.set()
        self._activity.end()

    def _take(self, told: tuple[bool, Any]) -> None:
        if not self._listens:
            return
        is_step, what = told
        if is_step:
            self._step(what)
        else:
            self._listens = False
            self._activity.end()
            self._ended(what)


def _guarded(steps: Steps, cancel: threading.Event) -> Iterator[tuple[bool, Any]]:
    """(True, step) for each step, at the end (False, error or None)."""
    try:
        with closing(steps()) as running:
            for made in running:
                yield True, made
                if cancel.is_set():
                    break
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield False, error
    else:
        yield False, None
