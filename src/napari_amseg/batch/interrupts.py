"""Ctrl-C while processes start: Dask cannot be stopped half-way, so that it waits a second."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

_ASKED = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Put off Ctrl-C, and what a cluster sends to end a job, to the end of the block.

    Threads begun in the block, and processes these start, are deaf to Ctrl-C for good: a terminal
    sends it to all, and this process tells them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in _ASKED}
    try:
        with _deaf_children():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Threads and processes started in the block do not hear Ctrl-C."""
    mask: Any = getattr(signal, "pthread_sigmask", None)
    if mask is None:  # Windows: a worker ignores it once it is there
        yield
        return
    resource_tracker.ensure_running()  # when Dask starts it, it would hear again
    before = mask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)
