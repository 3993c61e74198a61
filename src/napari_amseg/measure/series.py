"""Numbers of a whole stack: means, deviations, scan speed, porosity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from napari_amseg.measure.tracks import leading_edge_speed_px, split_tracks
from napari_amseg.types import Experiment


@dataclass(frozen=True, slots=True)
class Deviation:
    """Mean of a series and its relative deviations from it; None where there is nothing."""

    mean: float | None
    delta_max: float | None
    delta_avg: float | None

    def to_json(self, scale: float | None = 1.0) -> dict[str, float | None]:
        """Plain record, the mean times `scale`; None if the scale is unknown."""
        mean = None if self.mean is None or scale is None else self.mean * scale
        return {"mean": mean, "delta_max": self.delta_max, "delta_avg": self.delta_avg}


def deviation(values: ArrayLike) -> Deviation:
    """Deviations of a keyhole series (AM-SegNet paper, equations 3 to 5).

    mean A = sum A_i / n, delta_i = abs(A_i - mean A) / mean A, delta_max their greatest and
    delta_avg their mean. NaN values, frames without a keyhole, do not count.
    """
    series = np.asarray(values, np.float64)
    series = series[np.isfinite(series)]
    mean = float(series.mean()) if series.size else 0.0
    if mean == 0:
        return Deviation(mean if series.size else None, None, None)
    delta = np.abs(series - mean) / mean
    return Deviation(mean, float(delta.max()), float(delta.mean()))


class StackSummary:
    """Collects frame rows and gives ``<stem>_summary.json``; holds five numbers a frame.

    experiment : pixel size and frame rate. skip_entry_exit_frames : keyhole frames left out of
    means and deviations at both ends of each laser track.
    """

    def __init__(self, experiment: Experiment, *, skip_entry_exit_frames: int = 0) -> None:
        self.experiment, self._skip = experiment, skip_entry_exit_frames
        self._keyholes: list[tuple[float, float, float, float, float]] = []
        self._n_frames = self._pore_count = self._pore_frames = self._pore_tracks = 0
        self._without_surface = 0
        self._pore_px = self._substrate_px = self._labelled_px = 0
        self._max_diameter_px: float | None = None

    def append(self, row: dict[str, Any], pores: Sequence[dict[str, Any]] = ()) -> None:
        """Add the row of one frame, and its pores, linked, if tracks are to be counted."""
        self._n_frames += 1
        self._without_surface += "no surface" in row["flags"]
        tracks = [p["track_id"] + 1 for p in pores if p["track_id"] is not None]
        self._pore_tracks = max([self._pore_tracks, *tracks])
        if row["keyhole_area_px"]:
            self._keyholes.append(
                (row["frame"], row["keyhole_area_px"], row["keyhole_depth_px"],
                 row["keyhole_left_px"], row["keyhole_right_px"])
            )  # fmt: skip
        self._pore_count += row["pore_count"]
        self._pore_frames += row["pore_count"] > 0
        self._pore_px += row["pore_area_px"]
        self._substrate_px += row["substrate_area_px"]
        self._labelled_px += row["labelled_area_px"]
        widest = row["pore_max_equivalent_diameter_px"]
        if widest is not None:
            self._max_diameter_px = max(widest, self._max_diameter_px or 0.0)

    def to_json(self) -> dict[str, Any]:
        """The summary; ``_um`` and ``_m_s`` entries are None without pixel size and frame rate."""
        keyholes = np.array(self._keyholes, np.float64).reshape(-1, 5)
        tracks = split_tracks(keyholes[:, 0], (keyholes[:, 3] + keyholes[:, 4]) / 2)
        steady = [keyholes[i[self._skip : i.size - self._skip]] for i in tracks]
        kept = np.concatenate([np.empty((0, 5)), *steady])
        area, depth = deviation(kept[:, 1]), deviation(kept[:, 2])
        speed_px = leading_edge_speed_px(keyholes[:, 0], keyholes[:, 3], keyholes[:, 4])
        pixel, rate = self.experiment.pixel_size_um, self.experiment.frame_rate_hz
        widest = self._max_diameter_px
        speed = None
        if speed_px is not None and pixel and rate:
            speed = abs(speed_px) * pixel * 1e-6 * rate
        return {
            "n_frames": self._n_frames,
            "n_frames_with_keyhole": len(keyholes),
            "n_frames_averaged": len(kept),
            "n_frames_without_surface": self._without_surface,
            "n_laser_tracks": len(tracks),
            "pixel_size_um": pixel,
            "frame_rate_hz": rate,
            "keyhole_area_px": area.to_json(),
            "keyhole_area_um2": area.to_json(pixel**2 if pixel else None),
            "keyhole_depth_px": depth.to_json(),
            "keyhole_depth_um": depth.to_json(pixel),
            "leading_edge_px_per_frame": speed_px,
            "scan_speed_m_s": speed,
            "pore_count_total": self._pore_count,
            "pore_track_count": self._pore_tracks,
            "pore_count_mean": self._pore_count / self._n_frames if self._n_frames else None,
            "n_frames_with_pores": self._pore_frames,
            "pore_area_total_px": self._pore_px,
            "pore_max_equivalent_diameter_px": widest,
            "pore_max_equivalent_diameter_um": widest * pixel if widest and pixel else None,
            "pore_fraction": self._pore_fraction(),
        }

    def _pore_fraction(self) -> float | None:
        """Pore pixels over pore and substrate pixels; over all labelled ones without substrate."""
        solid = self._substrate_px + self._pore_px if self._substrate_px else self._labelled_px
        return self._pore_px / solid if solid else None
