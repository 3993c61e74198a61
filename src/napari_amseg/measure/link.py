"""Which pore of this frame is which of the last: one number for as long as a pore is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


class PoreLinker:
    """Gives the pores of successive frames their ``track_id``, in memory of one frame.

    Pores of neighbouring frames are paired so that the sum of distances between centroids is
    least, no pair farther apart than `max_step_px`. A pore that is missed for a frame starts a new
    track.
    """

    def __init__(self, max_step_px: float) -> None:
        self.max_step_px = max_step_px
        self._next_id = 0
        self._places = np.empty((0, 2))
        self._ids: list[int] = []

    def link(self, pores: list[dict[str, Any]]) -> None:
        """Write ``track_id`` into the pore rows of the next frame."""
        places = np.array([(p["centroid_y_px"], p["centroid_x_px"]) for p in pores]).reshape(-1, 2)
        distance = cdist(self._places, places)
        # An impossible pair costs more than any set of possible ones, and is dropped afterwards.
        cost = np.where(distance <= self.max_step_px, distance, 1e6)
        ids: list[int | None] = [None] * len(pores)
        for before, now in zip(*linear_sum_assignment(cost), strict=True):
            if distance[before, now] <= self.max_step_px:
                ids[now] = self._ids[before]
        for pore, known in zip(pores, ids, strict=True):
            pore["track_id"] = self._new_id() if known is None else known
        self._places, self._ids = places, [pore["track_id"] for pore in pores]

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1
