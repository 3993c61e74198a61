"""Columns of the frame table that only the whole stack can tell: laser on, front and rear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.deviations import relative_deviations
from napari_amseg.measure.laser_on import LaserOn, find_laser_on
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.tracks import track_direction
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import pandas as pd

STACK_COLUMNS = (
    "laser_on", "keyhole_area_delta", "keyhole_depth_delta", "keyhole_front_wall_deg",
    "keyhole_rear_wall_deg", "leading_edge_px", "leading_edge_um", "leading_edge_velocity_m_s",
)  # fmt: skip
GAP_FLAG = "keyhole gap"
_VELOCITY_SPAN = 2


def laser_on_of(
    frames: Mapping[str, Any] | pd.DataFrame,
    settings: MeasureSettings,
    within: tuple[int, int] | None = None,
) -> LaserOn:
    """The laser-on ranges of a frame table or of its columns, sorted by frame.

    within : frames (first, end), in place of those of the settings.
    """
    return find_laser_on(
        frames["frame"],
        frames["keyhole_area_px"] > 0,
        (frames["keyhole_left_px"] + frames["keyhole_right_px"]) / 2,
        max_gap_frames=settings.max_keyhole_gap_frames,
        trim_frames=settings.skip_entry_exit_frames,
        within=within or settings.laser_on_range(),
    )


def add_stack_columns(
    frames: pd.DataFrame, laser: LaserOn, experiment: Experiment, settings: MeasureSettings
) -> None:
    """Fill `STACK_COLUMNS` into a frame table, and flag the frames of short keyhole gaps.

    frames : sorted by frame, with ``FRAME_COLUMNS``. laser : its laser-on ranges.
    """
    frames["laser_on"] = laser.on.astype(np.int64)
    for measure in ("area", "depth"):
        values = frames[f"keyhole_{measure}_px"].where(laser.averaged)
        frames[f"keyhole_{measure}_delta"] = relative_deviations(values)
    flags = frames["flags"].to_numpy(object)
    flags[laser.gap] = [f"{words}; {GAP_FLAG}" if words else GAP_FLAG for words in flags[laser.gap]]
    frames["flags"] = flags
    _add_front_and_rear(frames, laser, experiment, settings)


def _add_front_and_rear(
    frames: pd.DataFrame, laser: LaserOn, experiment: Experiment, settings: MeasureSettings
) -> None:
    """Front is the side to which the laser moves; a standing beam has none."""
    empty = np.full(len(frames), np.nan)
    front, rear, edge, velocity = (empty.copy() for _ in range(4))
    number, left, right, left_wall, right_wall = (
        frames[name].to_numpy(np.float64)
        for name in ("frame", "keyhole_left_px", "keyhole_right_px",
                     "keyhole_left_wall_deg", "keyhole_right_wall_deg")
    )  # fmt: skip
    for track in laser.tracks:
        sign = settings.scan_sign()
        if sign is None:
            sign = track_direction(number[track], left[track], right[track])
        if sign == 0:
            continue
        to_right = sign > 0
        front[track] = (right_wall if to_right else left_wall)[track]
        rear[track] = (left_wall if to_right else right_wall)[track]
        edge[track] = right[track] + 1 if to_right else left[track]
        velocity[track] = _local_slope(number[track], edge[track])
    pixel, rate = experiment.pixel_size_um, experiment.frame_rate_hz
    frames["keyhole_front_wall_deg"], frames["keyhole_rear_wall_deg"] = front, rear
    frames["leading_edge_px"] = edge
    frames["leading_edge_um"] = edge * pixel if pixel else np.nan
    metres = pixel * 1e-6 * rate if pixel and rate else np.nan
    frames["leading_edge_velocity_m_s"] = velocity * metres


def _local_slope(x: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.float64]:
    """Slope between the points two before and two after each, as far as there are any."""
    i = np.arange(x.size)
    before, after = np.maximum(i - _VELOCITY_SPAN, 0), np.minimum(i + _VELOCITY_SPAN, x.size - 1)
    if x.size < 2:
        return np.full(x.size, np.nan)
    return np.asarray((y[after] - y[before]) / (x[after] - x[before]), np.float64)
