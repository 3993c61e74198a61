"""Numbers of a whole stack: means, deviations, scan speed, porosity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.measure.deviations import deviation
from napari_amseg.measure.laser_on import LaserOn
from napari_amseg.measure.pore_track_table import BIRTHS
from napari_amseg.measure.tracks import leading_edge_speed_px
from napari_amseg.measure.units import twice
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import pandas as pd

# Means over the averaged frames, beside those of area and depth: column without unit, with _um.
_LENGTHS = (
    "keyhole_width_opening", "keyhole_width_25", "keyhole_width_50", "keyhole_width_75",
    "keyhole_width_mean", "keyhole_height", "keyhole_tip_offset", "keyhole_perimeter",
)  # fmt: skip
_NUMBERS = (
    "keyhole_aspect_ratio", "keyhole_front_wall_deg", "keyhole_rear_wall_deg",
    "keyhole_convexity", "keyhole_circularity",
)  # fmt: skip


def summarise(
    frames: pd.DataFrame,
    laser: LaserOn,
    experiment: Experiment,
    *,
    tracks: pd.DataFrame | None,
    sign: int | None = None,
) -> dict[str, Any]:
    """The content of ``<stem>_summary.json``.

    Parameters
    ----------
    frames : frame table, sorted by frame. laser : its laser-on ranges.
    experiment : pixel size and frame rate; ``_um`` and ``_m_s`` entries are None without them.
    sign : direction of the laser, see :func:`leading_edge_speed_px`.
    tracks : one row a pore that was followed, None if they were not.
    """
    pixel = experiment.pixel_size_um
    kept = frames[laser.averaged]
    area, depth = (deviation(kept[f"keyhole_{m}_px"]) for m in ("area", "depth"))
    widest = _most(frames["pore_max_equivalent_diameter_px"])
    n = len(frames)
    return {
        "n_frames": n,
        "n_frames_with_keyhole": int((frames["keyhole_area_px"] > 0).sum()),
        "n_frames_averaged": len(kept),
        "n_frames_unlabelled": int((frames["labelled_area_px"] == 0).sum()),
        "n_frames_without_surface": int(frames["surface_y_px"].isna().sum()),
        "n_frames_laser_on": int(laser.on.sum()),
        "n_frames_in_keyhole_gaps": int(laser.gap.sum()),
        "n_laser_tracks": len(laser.tracks),
        "laser_on_ranges": [
            [int(frames["frame"].iloc[t[0]]), int(frames["frame"].iloc[t[-1]]) + 1]
            for t in laser.tracks
        ],
        "pixel_size_um": pixel,
        "frame_rate_hz": experiment.frame_rate_hz,
        "keyhole_area_px": area.to_json(),
        "keyhole_area_um2": area.to_json(pixel**2 if pixel else None),
        "keyhole_depth_px": depth.to_json(),
        "keyhole_depth_um": depth.to_json(pixel),
        **_shape_means(kept, pixel),
        **_scan_speed(frames, laser, experiment, sign),
        "surface_tilt_deg": _mean(frames["surface_tilt_deg"]),
        **twice("powder_layer", _mean(frames["powder_layer_px"]), pixel),
        "pore_count_total": int(frames["pore_count"].sum()),
        "pore_count_laser_on": int(frames["pore_count"][laser.on].sum()),
        "pore_track_count": None if tracks is None else len(tracks),
        "pore_births": None if tracks is None else _births(tracks),
        "pore_count_mean": int(frames["pore_count"].sum()) / n if n else None,
        "n_frames_with_pores": int((frames["pore_count"] > 0).sum()),
        "pore_area_total_px": int(frames["pore_area_px"].sum()),
        **twice("pore_max_equivalent_diameter", widest, pixel),
        "pore_fraction": _pore_fraction(frames),
    }


def _shape_means(kept: pd.DataFrame, pixel: float | None) -> dict[str, Any]:
    means: dict[str, Any] = {}
    for name in _LENGTHS:
        means |= twice(name, _mean(kept[f"{name}_px"]), pixel)
    return means | {name: _mean(kept[name]) for name in _NUMBERS if name in kept}


def _scan_speed(
    frames: pd.DataFrame, laser: LaserOn, experiment: Experiment, sign: int | None
) -> dict[str, Any]:
    """The fitted speed, and how far the entered one lies from it."""
    pixel, rate, entered = (
        experiment.pixel_size_um,
        experiment.frame_rate_hz,
        experiment.scan_speed_mm_s,
    )
    number, left, right = (
        frames[name].to_numpy(np.float64)
        for name in ("frame", "keyhole_left_px", "keyhole_right_px")
    )
    speed_px = leading_edge_speed_px(number, left, right, tracks=laser.tracks, sign=sign)
    speed = (
        None if speed_px is None or not (pixel and rate) else abs(speed_px) * pixel * 1e-6 * rate
    )
    off = None if speed is None or not entered else speed / (entered * 1e-3) - 1
    return {
        "leading_edge_px_per_frame": speed_px,
        "scan_speed_m_s": speed,
        "scan_speed_entered_m_s": entered * 1e-3 if entered else None,
        "scan_speed_relative_difference": off,
    }


def _births(tracks: pd.DataFrame) -> dict[str, int]:
    """How many pores began in each way."""
    return {birth: int((tracks["birth"] == birth).sum()) for birth in BIRTHS}


def _pore_fraction(frames: pd.DataFrame) -> float | None:
    """Pore pixels over pore and substrate pixels; over all labelled ones without substrate."""
    pores, substrate = int(frames["pore_area_px"].sum()), int(frames["substrate_area_px"].sum())
    solid = substrate + pores if substrate else int(frames["labelled_area_px"].sum())
    return pores / solid if solid else None


def _mean(values: pd.Series[float]) -> float | None:
    return float(values.mean()) if values.notna().any() else None


def _most(values: pd.Series[float]) -> float | None:
    return float(values.max()) if values.notna().any() else None
