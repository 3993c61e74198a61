"""Numbers of a whole stack: means, deviations, scan speed, porosity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from napari_amseg.measure.line import fit_line
from napari_amseg.types import Experiment


@dataclass(frozen=True, slots=True)
class Deviation:
    """Mean of a series and its relative deviations from it; None where there is nothing."""

    mean: float | None
    delta_max: float | None
    delta_avg: float | None

    def to_json(self, scale: float = 1.0) -> dict[str, float | None]:
        """Plain record, the mean times `scale`."""
        mean = None if self.mean is None else self.mean * scale
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
    """Collects frame rows and gives ``<stem>_summary.json``; holds five numbers a frame."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._keyholes: list[tuple[float, float, float, float, float]] = []
        self._n_frames = self._pore_count = self._pore_frames = 0
        self._pore_px = self._substrate_px = self._labelled_px = 0
        self._max_diameter_px: float | None = None

    def append(self, row: dict[str, Any]) -> None:
        """Add the row of one frame."""
        self._n_frames += 1
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
        area, depth = deviation(keyholes[:, 1]), deviation(keyholes[:, 2])
        speed_px = leading_edge_speed_px(keyholes[:, 0], keyholes[:, 3], keyholes[:, 4])
        pixel, rate = self.experiment.pixel_size_um, self.experiment.frame_rate_hz
        widest = self._max_diameter_px
        speed = None
        if speed_px is not None and pixel and rate:
            speed = abs(speed_px) * pixel * 1e-6 * rate
        return {
            "n_frames": self._n_frames,
            "n_frames_with_keyhole": len(keyholes),
            "pixel_size_um": pixel,
            "frame_rate_hz": rate,
            "keyhole_area_px": area.to_json(),
            "keyhole_area_um2": area.to_json(pixel**2) if pixel else None,
            "keyhole_depth_px": depth.to_json(),
            "keyhole_depth_um": depth.to_json(pixel) if pixel else None,
            "leading_edge_px_per_frame": speed_px,
            "scan_speed_m_s": speed,
            "pore_count_total": self._pore_count,
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


def leading_edge_speed_px(
    frames: ArrayLike, left_px: ArrayLike, right_px: ArrayLike
) -> float | None:
    """Pixels a frame by which the keyhole's leading edge moves; positive to the right.

    The leading edge is the border of the keyhole on the side towards which its middle moves; a
    straight line is fitted robustly to its column over the frames that hold a keyhole.

    Parameters
    ----------
    frames, left_px, right_px : frame index, first and last column of the keyhole, shape (n,).

    Returns
    -------
    None with fewer than three frames.
    """
    left, right = np.asarray(left_px, np.float64), np.asarray(right_px, np.float64)
    if left.size < 3:
        return None
    # No point is closer than "always counts": the edge jumps with every fluctuation.
    middle = fit_line(frames, (left + right) / 2, tolerance=np.inf)
    if middle is None:
        return None
    edge = fit_line(frames, right if middle.slope >= 0 else left, tolerance=5.0)
    return None if edge is None else edge.slope
