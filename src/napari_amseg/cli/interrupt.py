"""Ctrl-C within two seconds, also while a backend computes a step of many."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, TypeVar

import typer

Event = TypeVar("Event")
Shown = TypeVar("Shown")
Cancelled = Callable[[], bool]
_SECONDS_TO_END = 1.5
_EXIT_CANCELLED = 130


def interruptible(
    start: Callable[[Cancelled], Generator[Event]],
    show: Callable[[Iterator[Event]], Shown],
    kept: str,
) -> Shown:
    """Run a long computation in a thread and show its events, while listening for Ctrl-C.

    Python hears an interrupt only between two calls into a backend, which may be 20 s apart.

    start : from a ``cancelled`` function to the events; it should end soon after that gives True.
    show : takes the events; what it returns is returned.
    kept : what to say after an interrupt.
    """
    stop = threading.Event()
    answers: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=100)

    def compute() -> None:
        try:
            with closing(start(stop.is_set)) as events:
                for event in events:
                    answers.put(("event", event))
            answers.put(("end", None))
        except BaseException as error:
            answers.put(("error", error))

    thread = threading.Thread(target=compute, name="amseg-compute", daemon=True)
    thread.start()
    try:
        return show(_received(answers))
    except KeyboardInterrupt:
        stop.set()
        ended = _ended(answers, thread)
        typer.echo(f"cancelled; {kept}", err=True)
        if not ended:
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(_EXIT_CANCELLED)  # a backend in the middle of a step cannot be stopped nicely
        raise typer.Exit(_EXIT_CANCELLED) from None


def _received(answers: queue.Queue[tuple[str, Any]]) -> Iterator[Any]:
    while True:
        try:
            kind, value = answers.get(timeout=0.2)  # a timeout lets Windows hear Ctrl-C
        except queue.Empty:
            continue
        if kind == "end":
            return
        if kind == "error":
            raise value
        yield value


def _ended(answers: queue.Queue[tuple[str, Any]], thread: threading.Thread) -> bool:
    """Whether the computation ends in time; its last events are dropped."""
    try:
        while answers.get(timeout=_SECONDS_TO_END)[0] == "event":
            pass
    except queue.Empty:
        return False
    thread.join(_SECONDS_TO_END)
    return not thread.is_alive()
