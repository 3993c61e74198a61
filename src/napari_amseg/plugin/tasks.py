"""Work in threads, results in the GUI thread, errors as notifications."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from napari_amseg.io.system_errors import error_words
from napari_amseg.plugin.activity import Activity

Task = Callable[[], Any]

_EXPECTED = (ValueError, OSError, ImportError)


def explain(error: BaseException) -> None:
    """Show an error: what a user can act on as one line, a bug with its traceback."""
    from napari.utils.notifications import notification_manager, show_error

    if isinstance(error, _EXPECTED):
        show_error(in_words(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def in_words(error: BaseException) -> str:
    """What a widget says of an error; lines as they are."""
    return error_words(error) if isinstance(error, OSError) else str(error)


class Latest:
    """Runs tasks in a thread, one at a time; of those that came meanwhile only the last.

    done : gets a task's result, in the GUI thread. failed : gets its error. what : names tasks that
    may take long in napari's activity dock.
    """

    def __init__(
        self,
        done: Callable[[Any], None],
        *,
        failed: Callable[[BaseException], None] = explain,
        what: str = "",
    ) -> None:
        self._done, self._failed, self._what = done, failed, what
        self._activity = Activity()
        self._waiting: Task | None = None
        self._running = self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return self._running

    def submit(self, task: Task) -> None:
        """Run `task` now, or when the running one has ended."""
        if self._stopped:
            return
        if self._running:
            self._waiting = task
            return
        self._running = True
        if self._what:
            self._activity.begin(self._what)
        run_in_thread(task, self._on_end)

    def drop(self) -> None:
        """Forget the task that waits."""
        self._waiting = None

    def stop(self) -> None:
        """Deliver nothing any more; call when the widget closes."""
        self._stopped, self._waiting = True, None
        self._activity.end()

    def _on_end(self, result: Any, error: BaseException | None) -> None:
        self._running = False
        self._activity.end()
        if self._stopped:
            return
        task, self._waiting = self._waiting, None
        if task is not None:
            self.submit(task)
        if error is not None:
            self._failed(error)
        else:
            self._done(result)


def run_in_thread(task: Task, ended: Callable[[Any, BaseException | None], None]) -> Any:
    """Run `task` in a thread; `ended` gets its result, or None and its error. Gives the worker."""
    from napari.qt.threading import create_worker

    def guarded() -> tuple[Any, BaseException | None]:
        try:
            return task(), None
        except Exception as error:  # handed on to `ended`
            return None, error

    return create_worker(
        guarded, _start_thread=True, _connect={"returned": lambda outcome: ended(*outcome)}
    )


def follow(
    records: Callable[..., Generator[Any]],
    *arguments: Any,
    take: Callable[[Any], None],
    ended: Callable[[], None],
) -> Any:
    """Run a generator function in a thread; `take` gets what it yields, in the GUI thread, and
    `ended` is called after the last. Gives the worker, which must be kept.
    """
    from napari.qt.threading import create_worker

    return create_worker(
        records, *arguments, _start_thread=True, _connect={"yielded": take, "finished": ended}
    )


class CancelledEarlyError(Exception):
    """Cancel came before the compute process had anything to do."""


@dataclass(frozen=True)
class CancelledTrack:
    """A `Track` that tells how far a loop over frames is, and ends it when `cancel` is set."""

    cancel: threading.Event
    tell: Callable[[str], None] = lambda text: None

    def __call__(self, items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
        """The items, as long as nobody cancels."""
        for number, item in enumerate(items, 1):
            if self.cancel.is_set():
                raise CancelledEarlyError
            self.tell(f"{what}: {number} of {total}")
            yield item
