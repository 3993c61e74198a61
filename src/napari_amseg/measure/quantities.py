"""The quantities of a frame that are plotted: their columns, titles and units, declared once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_amseg.measure.stack_columns import STACK_COLUMNS

_LENGTH_UNITS = {1: ("_px", "px", "_um", "µm"), 2: ("_px", "px²", "_um2", "µm²")}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of the frame table.

    Attributes
    ----------
    stem : name of its column, without the unit of a length. title : for people.
    power : of a length, 1 or 2; 0 for what has no length.
    unit : of a quantity without length, empty for a plain number.
    role : of the class it describes, which gives the colour. whole : it counts things.
    signed : it may be negative or is counted from an arbitrary place, so a deviation in percent
        of its mean says nothing.
    """

    stem: str
    title: str
    power: int = 0
    unit: str = ""
    role: str = "keyhole"
    whole: bool = False
    signed: bool = False

    def column(self, *, in_um: bool) -> str:
        """Its column of ``_frames.csv``, in um or in pixels."""
        if not self.power:
            return self.stem
        return self.stem + _LENGTH_UNITS[self.power][2 if in_um else 0]

    def unit_of(self, *, in_um: bool) -> str:
        """The unit of that column, empty for a plain number."""
        return _LENGTH_UNITS[self.power][3 if in_um else 1] if self.power else self.unit

    def label(self, *, in_um: bool) -> str:
        """Title with unit, as on an axis."""
        unit = self.unit_of(in_um=in_um)
        return f"{self.title} ({unit})" if unit else self.title

    @property
    def of_stack(self) -> bool:
        """Whether only the whole stack can tell it: it changes with the laser-on range."""
        return self.column(in_um=False) in STACK_COLUMNS


_ALL = (
    Quantity("keyhole_area", "keyhole area", 2),
    Quantity("keyhole_depth", "keyhole depth", 1),
    Quantity("pore_area", "pore area", 2, role="pore"),
    Quantity("pore_count", "pores", role="pore", whole=True),
    Quantity("pore_max_equivalent_diameter", "largest pore's diameter", 1, role="pore"),
    Quantity("pore_fraction", "pore fraction", role="pore"),
    Quantity("keyhole_height", "keyhole height", 1),
    Quantity("keyhole_width_opening", "keyhole width at opening", 1),
    Quantity("keyhole_width_25", "keyhole width at 25 % depth", 1),
    Quantity("keyhole_width_50", "keyhole width at 50 % depth", 1),
    Quantity("keyhole_width_75", "keyhole width at 75 % depth", 1),
    Quantity("keyhole_width_mean", "keyhole mean width", 1),
    Quantity("keyhole_aspect_ratio", "keyhole aspect ratio"),
    Quantity("keyhole_front_wall_deg", "keyhole front wall", unit="°", signed=True),
    Quantity("keyhole_rear_wall_deg", "keyhole rear wall", unit="°", signed=True),
    Quantity("keyhole_left_wall_deg", "keyhole left wall", unit="°", signed=True),
    Quantity("keyhole_right_wall_deg", "keyhole right wall", unit="°", signed=True),
    Quantity("keyhole_tip_offset", "keyhole tip offset", 1, signed=True),
    Quantity("keyhole_perimeter", "keyhole perimeter", 1),
    Quantity("keyhole_convexity", "keyhole convexity"),
    Quantity("keyhole_circularity", "keyhole circularity"),
    Quantity("keyhole_area_delta", "area deviation"),
    Quantity("keyhole_depth_delta", "depth deviation"),
    Quantity("leading_edge", "leading edge", 1, signed=True),
    Quantity("leading_edge_velocity_m_s", "leading-edge velocity", unit="m/s", signed=True),
    Quantity("surface_tilt_deg", "surface tilt", unit="°", role="substrate", signed=True),
    Quantity("powder_layer", "powder layer", 1, role="powder"),
    Quantity("uncertainty", "uncertainty of the mask", role="background"),
)
QUANTITIES = {quantity.stem: quantity for quantity in _ALL}
# What is shown first, in this order.
MAIN_QUANTITIES = _ALL[:4]


def bin_count(n_values: int) -> int:
    """Bins for a histogram of n values, 8 to 60: a few more than Rice's rule, 2 n^(1/3)."""
    return min(60, max(8, round(2.5 * math.cbrt(n_values))))
