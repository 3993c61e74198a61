"""Progress bars on standard error, so that standard output stays clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

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


def progress() -> Progress:
    """A bar that counts frames and guesses the time left."""
    return Progress(
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
        err.print(f"note: {note}", highlight=False, markup=False)
