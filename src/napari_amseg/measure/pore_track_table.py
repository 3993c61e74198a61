"""The table of pore tracks: one row a pore that was followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.pore_links import Floats, Ints, Sightings
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import pandas as pd

TRACK_COLUMNS = (
    "track_id", "first_frame", "last_frame", "n_frames", "lifetime_frames", "lifetime_s", "birth",
    "parent_track_id", "end", "merged_into_track_id", "start_y_px", "start_x_px", "end_y_px",
    "end_x_px", "velocity_y_px_per_frame", "velocity_x_px_per_frame", "speed_m_s", "mean_area_px",
    "mean_area_um2", "max_equivalent_diameter_px", "max_equivalent_diameter_um",
    "growth_px_per_frame", "growth_um2_per_s", "birth_tip_distance_px", "birth_tip_distance_um",
)  # fmt: skip
BIRTHS = ("pinch-off", "split", "merge", "present", "elsewhere")
ENDS = ("merge", "split", "keyhole", "last frame", "lost")

# A mask's edge is uncertain by a pixel on either side: so close to the keyhole is touching it.
_TOUCHING_PX = 2.0


def track_table(
    seen: Sightings,
    track: Ints,
    frames: pd.DataFrame,
    *,
    parents: Mapping[int, int],
    merged_into: Mapping[int, int],
    divided: set[int],
    pinch_off_px: float,
    experiment: Experiment,
) -> pd.DataFrame:
    """`TRACK_COLUMNS` of every track.

    Parameters
    ----------
    seen : sightings, and `track` the number of each, 0 and up. frames : the frame table.
    parents : track : the one that it split from, or the larger of the two that became it.
    merged_into : track : the one that it became a part of. divided : tracks that split.
    """
    import pandas as pd

    n = int(track.max()) + 1 if track.size else 0
    first, last = _first_and_last(track, n)
    distance = _tip_distance_px(seen, first, frames)
    columns: dict[str, Any] = {
        "track_id": np.arange(n, dtype=np.int64),
        "first_frame": seen.frame[first],
        "last_frame": seen.frame[last],
        "n_frames": np.bincount(track, minlength=n),
        "lifetime_frames": seen.frame[last] - seen.frame[first] + 1,
        "birth": _births(seen.frame[first], distance, frames, parents, merged_into, pinch_off_px),
        "parent_track_id": _optional(parents, n),
        "end": _ends(seen, last, frames, merged_into, divided),
        "merged_into_track_id": _optional(merged_into, n),
        "start_y_px": seen.y_px[first],
        "start_x_px": seen.x_px[first],
        "end_y_px": seen.y_px[last],
        "end_x_px": seen.x_px[last],
        "velocity_y_px_per_frame": _slopes(seen.frame, seen.y_px, track, n),
        "velocity_x_px_per_frame": _slopes(seen.frame, seen.x_px, track, n),
        "mean_area_px": _means(seen.area_px, track, n),
        "max_equivalent_diameter_px": 2 * _maxima(seen.radius_px, track, n),
        "growth_px_per_frame": _slopes(seen.frame, seen.area_px, track, n),
        "birth_tip_distance_px": distance,
    }
    table = pd.DataFrame(columns)
    _add_units(table, experiment)
    return table[list(TRACK_COLUMNS)]


def _add_units(table: pd.DataFrame, experiment: Experiment) -> None:
    """The columns in um and s, empty where pixel size or frame rate is unknown."""
    pixel = experiment.pixel_size_um or np.nan
    rate = experiment.frame_rate_hz or np.nan
    step = np.hypot(table["velocity_y_px_per_frame"], table["velocity_x_px_per_frame"])
    table["lifetime_s"] = table["lifetime_frames"] / rate
    table["speed_m_s"] = step * pixel * 1e-6 * rate
    table["mean_area_um2"] = table["mean_area_px"] * pixel**2
    table["max_equivalent_diameter_um"] = table["max_equivalent_diameter_px"] * pixel
    table["growth_um2_per_s"] = table["growth_px_per_frame"] * pixel**2 * rate
    table["birth_tip_distance_um"] = table["birth_tip_distance_px"] * pixel


def _first_and_last(track: Ints, n: int) -> tuple[Ints, Ints]:
    """Rows of the first and last sighting of each track; the sightings are sorted by frame."""
    rows = np.arange(track.size)
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)
    first[track[::-1]] = rows[::-1]
    last[track] = rows
    return first, last


def _means(values: Floats, track: Ints, n: int) -> Floats:
    return np.asarray(np.bincount(track, values, n) / np.bincount(track, minlength=n), np.float64)


def _maxima(values: Floats, track: Ints, n: int) -> Floats:
    greatest = np.full(n, -np.inf)
    np.maximum.at(greatest, track, values)
    return greatest


def _slopes(frame: Ints, values: Floats, track: Ints, n: int) -> Floats:
    """Least-squares slope of a value against the frame, track by track; NaN of one sighting."""
    x = frame - _means(frame.astype(np.float64), track, n)[track]
    y = values - _means(values, track, n)[track]
    spread = np.bincount(track, x * x, n)
    slope = np.bincount(track, x * y, n) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.where(spread > 0, slope, np.nan), np.float64)


def _optional(tracks: Mapping[int, int], n: int) -> Any:
    """Track numbers as a column of whole numbers with empty cells."""
    import pandas as pd

    return pd.array([tracks.get(i) for i in range(n)], dtype="Int64")


def _keyhole_at(frames: pd.DataFrame, number: Ints, *columns: str) -> list[Floats]:
    """Columns of the frame table at some frame numbers; NaN without keyhole or frame."""
    known = frames.drop_duplicates("frame").set_index("frame")
    there = known.reindex(number)
    keyhole = (there["keyhole_area_px"] > 0).to_numpy()
    return [np.where(keyhole, there[name].to_numpy(np.float64), np.nan) for name in columns]


def _tip_distance_px(seen: Sightings, first: Ints, frames: pd.DataFrame) -> Floats:
    """From the outline of each new pore to the keyhole's tip, in its frame or the one before.

    The smaller of the two counts: once a pore is pinched off, the keyhole draws back and moves on.
    0 where the tip is inside the outline, NaN without a keyhole in both frames.
    """
    distances = []
    for earlier in (0, 1):
        y, x = _keyhole_at(
            frames, seen.frame[first] - earlier, "keyhole_tip_y_px", "keyhole_tip_x_px"
        )
        distance = np.hypot(seen.y_px[first] - y, seen.x_px[first] - x) - seen.radius_px[first]
        distances.append(np.maximum(distance, 0.0))
    return np.asarray(np.fmin(*distances), np.float64)


def _births(
    first_frame: Ints,
    tip_distance: Floats,
    frames: pd.DataFrame,
    parents: Mapping[int, int],
    merged_into: Mapping[int, int],
    pinch_off_px: float,
) -> NDArray[np.object_]:
    birth = np.full(first_frame.size, "elsewhere", object)
    birth[tip_distance <= pinch_off_px] = "pinch-off"
    birth[list(parents)] = "split"
    birth[list(set(merged_into.values()))] = "merge"
    if len(frames):
        birth[first_frame == frames["frame"].min()] = "present"
    return birth


def _ends(
    seen: Sightings,
    last: Ints,
    frames: pd.DataFrame,
    merged_into: Mapping[int, int],
    divided: set[int],
) -> NDArray[np.object_]:
    end = np.full(last.size, "lost", object)
    end[_is_reached(seen, last, frames)] = "keyhole"
    end[list(divided)] = "split"
    end[list(merged_into)] = "merge"
    if len(frames):
        end[seen.frame[last] == frames["frame"].max()] = "last frame"
    return end


def _is_reached(seen: Sightings, last: Ints, frames: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the keyhole of the next frame covers or touches the place of a pore.

    The keyhole counts as the box from its first to its last column, down to its tip.
    """
    left, right, tip = _keyhole_at(
        frames, seen.frame[last] + 1, "keyhole_left_px", "keyhole_right_px", "keyhole_tip_y_px"
    )
    reach = seen.radius_px[last] + _TOUCHING_PX
    y, x = seen.y_px[last], seen.x_px[last]
    return (x + reach >= left) & (x - reach <= right) & (y - reach <= tip)
