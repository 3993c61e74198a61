"""Pores that never move are told, those that melting made are not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.measure.frame import FRAME_COLUMNS, PORE_COLUMNS
from napari_amseg.measure.measurements import Measurements
from napari_amseg.types import Experiment

N_FRAMES = 12


def measured(places, n_frames=N_FRAMES) -> Measurements:
    """Places (y, x) of each pore by frame, None where it is not seen."""
    found = Measurements(Experiment())
    for t in range(n_frames):
        row = dict.fromkeys(FRAME_COLUMNS, 0.0) | {"frame": t, "flags": ""}
        spots = [place for path in places if (place := path(t)) is not None]
        found.append(row | {"pore_count": len(spots)}, [_pore(t, y, x) for y, x in spots])
    return found


def _pore(t, y, x):
    size = {"area_px": 50.0, "equivalent_diameter_px": 8.0, "feret_diameter_px": 9.0}
    known = {"frame": t, "centroid_y_px": y, "centroid_x_px": x} | size
    return dict.fromkeys(PORE_COLUMNS) | known


def at(i, drift=0.0, begin=0, end=N_FRAMES):
    """The way of a pore, with the noise of a mask."""
    noise = np.random.default_rng(i).normal(0, 0.2, (2, N_FRAMES))

    def place(t):
        y, x = noise[:, t]
        return (50 * i + y, 20 + drift * t + x) if begin <= t < end else None

    return place


def notes(found: Measurements) -> str:
    assert found.notes() == ()  # only once pores have been followed
    found.tracks()
    return "\n".join(found.notes())


def test_pores_that_stand_from_the_first_frames_to_the_last_are_told():
    said = notes(measured([at(0), at(1, begin=1), at(2, end=11), at(3, drift=3.0)]))
    assert said.startswith("3 of 4 pores stand still from the first frames to the last: check")


@pytest.mark.parametrize(
    "places",
    [
        [at(i, drift=1.0) for i in range(5)],  # they drift
        [at(i, begin=5) for i in range(5)],  # left behind by the keyhole
        [at(i, end=6) for i in range(5)],  # melted again
        [at(0), at(1)],  # too few
        [],
    ],
)
def test_others_are_not(places):
    assert notes(measured(places)) == ""


def test_a_short_stack_tells_nothing():
    assert notes(measured([at(i) for i in range(5)], n_frames=5)) == ""
