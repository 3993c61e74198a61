"""Statistics of a range of frames, from columns alone: quick enough to follow a mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.deviations import Deviation, deviation
from napari_amseg.measure.quantities import Quantity
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.stack_columns import laser_on_of
from napari_amseg.measure.tracks import leading_edge_speed_px

# Columns that every statistic needs, beside those of the quantities.
RANGE_COLUMNS = (
    "frame", "keyhole_area_px", "keyhole_left_px", "keyhole_right_px", "pore_count",
    "pore_area_px", "substrate_area_px", "labelled_area_px",
)  # fmt: skip
Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity in a range: how many frames count, mean and deviations, least and greatest.

    A signed quantity has no deviations. The mean of the pore fraction is that of the pixels of all
    frames together, as in the summary, and its deviations are from that.
    """

    n: int
    deviation: Deviation
    least: float | None
    greatest: float | None


@dataclass(frozen=True, slots=True)
class RangeStatistics:
    """The numbers of the frames `first` to `last`, both included, as far as they are measured.

    n_frames : measured ones. n_keyhole : with a keyhole. pores : in all of them together.
    spreads : by the stem of the quantity. leading_edge_px_per_frame : None if it cannot be fitted.
    keyhole_frames : int64 (k,), the frames over which keyhole quantities are averaged.
    """

    first: int
    last: int
    n_frames: int
    n_keyhole: int
    pores: int
    spreads: Mapping[str, Spread]
    leading_edge_px_per_frame: float | None
    keyhole_frames: NDArray[np.int64]


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
    laser = laser_on_of(columns, settings, (first, last + 1))
    spreads = {
        quantity.stem: _spread(
            quantity, column, columns, laser.averaged if quantity.role == "keyhole" else inside
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
        leading_edge_px_per_frame=leading_edge_speed_px(
            frame, left, right, tracks=laser.tracks, sign=settings.scan_sign()
        ),
        keyhole_frames=frame[laser.averaged].astype(np.int64),
    )


def found_range(columns: Columns, settings: MeasureSettings) -> tuple[int, int] | None:
    """First and last frame with the laser on, from the keyhole or as set; None if there is none.

    columns : `RANGE_COLUMNS`, sorted by frame.
    """
    on = np.flatnonzero(laser_on_of(columns, settings).on)
    frame = columns["frame"]
    return (int(frame[on[0]]), int(frame[on[-1]])) if on.size else None


def _spread(quantity: Quantity, column: str, columns: Columns, counts: NDArray[np.bool_]) -> Spread:
    values = columns[column][counts]
    known = values[np.isfinite(values)]
    if not known.size:
        return Spread(0, Deviation(None, None, None), None, None)
    if quantity.stem == "pore_fraction":
        found = _deviation_from(known, _pore_fraction(columns, counts))
    else:
        found = deviation(known)
    if quantity.signed:
        found = Deviation(found.mean, None, None)
    return Spread(known.size, found, float(known.min()), float(known.max()))


def _pore_fraction(columns: Columns, counts: NDArray[np.bool_]) -> float:
    """Pore pixels over pore and substrate pixels of all frames that count, as in the summary;
    over all labelled ones without substrate.
    """
    pores, substrate, labelled = (
        float(columns[f"{name}_area_px"][counts].sum())
        for name in ("pore", "substrate", "labelled")
    )
    solid = substrate + pores if substrate else labelled
    return pores / solid if solid else 0.0


def _deviation_from(values: NDArray[np.float64], mean: float) -> Deviation:
    if mean == 0:
        return Deviation(mean, None, None)
    delta = np.abs(values - mean) / abs(mean)
    return Deviation(mean, float(delta.max()), float(delta.mean()))
