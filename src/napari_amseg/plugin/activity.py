"""Long work in napari's activity dock."""

from __future__ import annotations

import time
from typing import Any

from qtpy.QtCore import QTimer

_AFTER_MS = 700  # shorter work would only flicker
_EVERY_S = 0.7  # a change lets events in and redraws


class Activity:
    """A bar in napari's activity dock while something goes on; use it in the GUI thread."""

    def __init__(self) -> None:
        self._what, self._total, self._run = "", 0, 0
        self._done = self._drawn = 0
        self._drawn_s = 0.0
        self._bar: Any = None

    def begin(self, what: str, total: int = 0) -> None:
        """Show `what` from some time after now until the end; without `total`, no share of it."""
        self.end()
        self._what, self._total, self._done, self._drawn = what, total, 0, 0
        run = self._run
        QTimer.singleShot(_AFTER_MS, lambda: self._draw() if run == self._run else None)

    def show(self, done: int, total: int) -> None:
        """So many steps are done."""
        self._done, self._total = done, total
        if self._bar is not None and time.monotonic() - self._drawn_s > _EVERY_S:
            self._draw()

    def end(self) -> None:
        """Nothing goes on any more."""
        self._run += 1
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self) -> None:
        from napari.utils import progress

        self._drawn_s = time.monotonic()
        if self._bar is None:
            self._bar = progress(total=self._total, desc=self._what)
        elif self._bar.total != self._total:
            self._bar.total = self._total
        by, self._drawn = self._done - self._drawn, self._done
        if by:
            self._bar.update(by)
