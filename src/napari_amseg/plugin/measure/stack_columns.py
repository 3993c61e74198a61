"""Columns that only a whole stack can tell, computed in a thread for the *Measure* widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_amseg.plugin.measure.results import Range, Results
from napari_amseg.plugin.tasks import Latest


class StackColumns:
    """Computes the columns that are missing. kept : called when there are new ones to draw."""

    def __init__(self, kept: Callable[[], None]) -> None:
        self._kept = kept
        self._latest = Latest(self._on_columns, what="Following pores")

    def want(self, stacks: Sequence[tuple[Results, Range | None]]) -> None:
        """Compute for each stack, with its laser-on range if it was chosen by hand."""
        jobs = [
            (results, results.n_done, within, results.stack_columns(within))
            for results, within in stacks
            if not results.told_for(within)
        ]
        if jobs:
            self._latest.submit(lambda: [(r, n, w, compute()) for r, n, w, compute in jobs])

    def _on_columns(self, told: list[Any]) -> None:
        if any(results.keep(columns, n, within) for results, n, within, columns in told):
            self._kept()

    def stop(self) -> None:
        """The widget closes: nothing is delivered any more."""
        self._latest.stop()
