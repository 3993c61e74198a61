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
Cancelled = Callable[[], bool]
_SECONDS_TO_END = 1.5
_EXIT_CANCELLED = 130


def interruptible(start: Callable[[Cancelled], Generator[Event]], kept: str) -> Iterator[Event]:
    """Events of a long computation that runs in a thread, while this one listens for Ctrl-C.

    Python hears an interrupt only between two calls into a backend, which may be 20 s apart.

    start : from a ``cancelled`` function to the events; it should end soon after that gives True.
    kept : what to say after an interrupt, when the computation does not end in time.
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
        yield from _received(answers)
    except KeyboardInterrupt:
        stop.set()
        if not _ended(answers, thread):
            typer.echo(f"cancelled; {kept}", err=True)
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(_EXIT_CANCELLED)  # a backend in the middle of a step cannot be stopped nicely
        typer.echo(f"cancelled; {kept}", err=True)
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
