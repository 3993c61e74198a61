"""How far a thread is, told a few times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass

from napari_amseg.plugin.tasks import CancelledEarlyError

_TELL_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Step:
    """So many of the `total` frames of a layer are done."""

    done: int
    total: int


class Pace:
    """Yields a step now and then, and ends the work when `cancel` is set."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel, self._told = cancel, 0.0

    def told(self, t: int, total: int) -> Generator[Step]:
        """Frame `t` is done."""
        if self._cancel.is_set():
            raise CancelledEarlyError
        if (now := time.monotonic()) - self._told > _TELL_SECONDS:
            self._told = now
            yield Step(t + 1, total)
