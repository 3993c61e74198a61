"""What correlation maps show: axes, groups, colours, sizes; on paper and in napari alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.groups import SeparatingLine

WITHOUT, WITH = GROUPS = ("without pores", "with pores")
# Okabe and Ito's blue and vermilion, told apart by the colour-blind; the markers differ as well.
COLORS = {WITHOUT: "#0072B2", WITH: "#D55E00"}
MARKERS = {WITHOUT: "D", WITH: "o"}
_LEAST_PT, _MOST_PT = 3.4, 11.0  # diameters of markers


@dataclass(frozen=True, slots=True)
class MapAxes:
    """Which columns a map shows, and how its axes are called.

    scale : of the values to what is drawn, 100 for fractions in per cent.
    """

    x: str
    y: str
    x_label: str
    y_label: str
    title: str
    scale: float = 1.0


_AREA_AVG = "Keyhole area, average deviation (%)"
MAPS = {
    "area": MapAxes(
        "keyhole_area_delta_max", "keyhole_area_delta_avg",
        "Keyhole area, greatest deviation (%)", _AREA_AVG, "area: average and greatest", 100,
    ),
    "area_depth": MapAxes(
        "keyhole_depth_delta_avg", "keyhole_area_delta_avg",
        "Keyhole depth, average deviation (%)", _AREA_AVG, "area against depth", 100,
    ),
    "power_velocity": MapAxes(
        "map_speed_mm_s", "laser_power_w",
        "Scan speed (mm/s)", "Laser power (W)", "power against velocity",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MarkerSizes:
    """How a pore's diameter becomes a marker's: linearly from the least to the largest.

    largest : diameter of the largest pore; None if none is known. unit : of diameters.
    """

    largest: float | None
    unit: str

    def points(self, diameters: Any) -> NDArray[np.float64]:
        """Marker diameters in points; the least where the pore's is unknown."""
        values = np.nan_to_num(np.asarray(diameters, np.float64))
        return _LEAST_PT + (_MOST_PT - _LEAST_PT) * values / (self.largest or 1.0)

    def examples(self) -> list[float]:
        """Two or three round diameters for a legend."""
        if self.largest is None:
            return []
        power = 10.0 ** np.floor(np.log10(self.largest))
        step = max(m * power for m in (0.5, 1, 2, 5) if m * power <= self.largest)
        return [step / 5, step / 2, step] if step / 5 >= 1 else [step / 2, step]


def marker_sizes(table: Any) -> MarkerSizes:
    """The sizes that suit the pores of a table."""
    diameters = table["pore_diameter"].dropna()
    unit = table.attrs.get("pore_diameter_unit", "µm")
    return MarkerSizes(float(diameters.max()) if len(diameters) else None, unit)


def side_by_side(
    x: NDArray[np.float64], y: NDArray[np.float64], *, share: float = 0.012
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates in which points that coincide are set on a small circle around their place.

    share : radius of the circle, of the range of each axis.
    """
    moved = np.column_stack([x, y]).astype(np.float64)
    places, of_point = np.unique(moved, axis=0, return_inverse=True)
    spans = np.ptp(moved, axis=0) if len(moved) else np.zeros(2)
    spans = np.where(spans > 0, spans, np.maximum(np.abs(moved).max(axis=0, initial=1), 1))
    for place in range(len(places)):
        members = np.flatnonzero(of_point.ravel() == place)
        if members.size > 1:
            turn = 2 * np.pi * np.arange(members.size) / members.size
            moved[members] += share * spans * np.column_stack([np.cos(turn), np.sin(turn)])
    return moved[:, 0], moved[:, 1]


def line_label(line: SeparatingLine) -> str:
    """The line's method and accuracies, for a legend."""
    name = "LDA" if line.method == "lda" else "Logistic"
    fitted, left_out = 100 * line.accuracy, 100 * line.accuracy_left_one_out
    return f"{name} line: {fitted:.0f} % (leave-one-out {left_out:.0f} %)"


def ends_of_line(
    line: SeparatingLine, x_range: tuple[float, float], y_range: tuple[float, float]
) -> list[tuple[float, float]]:
    """Where a line enters and leaves a rectangle; empty if it passes by."""
    met = set()
    if line.b:
        met |= {(x, float(line.y(x))) for x in x_range}
    if line.a:
        met |= {(-(line.b * y + line.c) / line.a, y) for y in y_range}
    tiny = 1e-9 * max(*np.abs(x_range), *np.abs(y_range), 1e-300)
    inside = sorted(
        (x, y)
        for x, y in met
        if x_range[0] - tiny <= x <= x_range[1] + tiny
        and y_range[0] - tiny <= y <= y_range[1] + tiny
    )
    return [inside[0], inside[-1]] if len(inside) > 1 else []
