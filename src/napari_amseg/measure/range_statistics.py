"""Statistics of a range of frames, from columns alone: quick enough to follow a mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.laser_on import LaserOn, find_laser_on
from napari_amseg.measure.quantities import Quantity
from napari_amseg.measure.series import Deviation, deviation
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.tracks import leading_edge_speed_px

# Columns that every statistic needs, beside those of the quantities.
RANGE_COLUMNS = (
    "frame", "keyhole_area_px", "keyhole_left_px", "keyhole_right_px", "pore_count",
)  # fmt: skip
Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity in a range: how many frames count, mean and deviations, least and greatest."""

    n: int
    deviation: Deviation
    least: float | None
    greatest: float | None


@dataclass(frozen=True, slots=True)
class RangeStatistics:
    """The numbers of the frames `first` to `last`, both included, as far as they are measured.

    n_frames : measured ones. n_keyhole : with a keyhole. pores : in all of them together.
    spreads : by the stem of the quantity. leading_edge_px_per_frame : None if it cannot be fitted.
    """

    first: int
    last: int
    n_frames: int
    n_keyhole: int
    pores: int
    spreads: Mapping[str, Spread]
    leading_edge_px_per_frame: float | None


def range_statistics(
    columns: Columns,
    quantities: Sequence[tuple[Quantity, str]],
    within: tuple[int, int],
    settings: MeasureSettings,
) -> RangeStatistics:
    """Statistics of the frames of a range.

    Keyhole quantities are averaged over the laser-on frames with a keyhole, as in the summary of
    a stack whose ``laser_on_frames`` is that range; others over all measured frames.

    Parameters
    ----------
    columns : `RANGE_COLUMNS` and those of the quantities, float64 (n,), sorted by frame.
    quantities : what to average, each with the column that is meant.
    within : first and last frame, both included.
    """
    first, last = within
    frame = columns["frame"]
    inside = (frame >= first) & (frame <= last)
    laser = _laser_on(columns, settings, (first, last + 1))
    spreads = {
        quantity.stem: _spread(
            columns[column][laser.averaged if quantity.role == "keyhole" else inside]
        )
        for quantity, column in quantities
    }
    left, right = columns["keyhole_left_px"], columns["keyhole_right_px"]
    return RangeStatistics(
        first=first,
        last=last,
        n_frames=int(inside.sum()),
        n_keyhole=int((columns["keyhole_area_px"][inside] > 0).sum()),
        pores=int(columns["pore_count"][inside].sum()),
        spreads=spreads,
        leading_edge_px_per_frame=leading_edge_speed_px(frame, left, right, tracks=laser.tracks),
    )


def found_range(columns: Columns, settings: MeasureSettings) -> tuple[int, int] | None:
    """First and last frame with the laser on, from the keyhole or as set; None if there is none.

    columns : `RANGE_COLUMNS`, sorted by frame.
    """
    on = np.flatnonzero(_laser_on(columns, settings, settings.laser_on_range()).on)
    frame = columns["frame"]
    return (int(frame[on[0]]), int(frame[on[-1]])) if on.size else None


def _laser_on(
    columns: Columns, settings: MeasureSettings, within: tuple[int, int] | None
) -> LaserOn:
    return find_laser_on(
        columns["frame"],
        columns["keyhole_area_px"] > 0,
        (columns["keyhole_left_px"] + columns["keyhole_right_px"]) / 2,
        max_gap_frames=settings.max_keyhole_gap_frames,
        trim_frames=settings.skip_entry_exit_frames,
        within=within,
    )


def _spread(values: NDArray[np.float64]) -> Spread:
    known = values[np.isfinite(values)]
    least, greatest = (float(known.min()), float(known.max())) if known.size else (None, None)
    return Spread(known.size, deviation(known), least, greatest)
