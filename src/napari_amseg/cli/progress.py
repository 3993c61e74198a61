"""Progress bars on standard error, so that standard output stays clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

err = Console(stderr=True)


class _Bar(Progress):
    """A bar that leaves nothing behind when an error ends the work."""

    def start(self) -> None:
        """Show the bar."""
        _shown.append(self)
        super().start()

    def stop(self) -> None:
        """Show the bar for the last time."""
        if self in _shown:
            _shown.remove(self)
        super().stop()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.live.transient = True
        super().__exit__(kind, error, trace)

    def track(
        self,
        sequence: Iterable[T] | Sequence[T],
        total: float | None = None,
        completed: int = 0,
        task_id: Any = None,
        description: str = "",
        update_period: float = 0.1,
    ) -> Iterator[T]:
        """Pass items through and count them.

        Rich counts in a thread, and waits for it where the loop ends. After an error that may be
        while memory is collected, with the screen locked: each would wait for the other for ever.
        """
        if total is None and isinstance(sequence, Sized):
            total = len(sequence)
        task = self.add_task(description, total=total, completed=completed)
        for item in sequence:
            yield item
            self.advance(task)
        self.update(task, completed=total)


_shown: list[_Bar] = []


def remove_bars() -> None:
    """Take down what is half-way: an error is to be told."""
    for bar in reversed(_shown.copy()):
        bar.live.transient = True
        bar.stop()


def progress() -> Progress:
    """A bar that counts frames and guesses the time left."""
    return _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


def track(frames: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass frames through and show how many have gone by."""
    with progress() as bar:
        yield from bar.track(frames, total=total, description=what)


def show_notes(notes: Iterable[str]) -> None:
    """Print remarks, one a line; brackets in them are text."""
    for note in notes:
        err.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
