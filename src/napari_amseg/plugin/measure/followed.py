"""Pores are followed in a thread once a stack is measured: how many there are takes a while."""

from __future__ import annotations

from collections.abc import Callable

from napari_amseg.measure.pore_tracks import PoreTracks
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.tasks import Latest

_Found = tuple[Results, int, PoreTracks]


class FollowedPores:
    """Follows the pores of stacks that are measured. done : called when some are known."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._latest = Latest(self._on_found)

    def want(self, results: Results | None) -> None:
        """Follow the pores of a stack, unless they are followed or rows are still to come."""
        if results is None or not results.complete or results.measurements.followed is not None:
            return
        copy, n_done = results.measurements.copy(), results.n_done
        if not self._latest.busy:  # asked again when it is done
            self._latest.submit(lambda: (results, n_done, copy.pore_tracks))

    def _on_found(self, found: _Found) -> None:
        results, n_done, tracks = found
        if results.n_done == n_done:
            results.measurements.take_followed(tracks)
        self._done()

    def stop(self) -> None:
        """The widget closes: nothing is delivered any more."""
        self._latest.stop()
