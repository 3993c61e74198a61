"""All measures of one frame, as the rows of the CSV tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure.depth_flags import (
    KEYHOLE_BELOW,
    KEYHOLE_CUT,
    MOST_BELOW_PX,
    MOST_CUT,
    SURFACE_CUT,
)
from napari_amseg.measure.keyhole import (
    keyhole_area_px,
    keyhole_depth_px,
    largest_component,
    mouth_depth_px,
)
from napari_amseg.measure.line import Line
from napari_amseg.measure.pores import Pore, find_pores
from napari_amseg.measure.powder import powder_layer_px
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.shape_columns import SHAPE_COLUMNS, shape_columns
from napari_amseg.measure.surface import surface_of
from napari_amseg.measure.units import scaled
from napari_amseg.measure.unlabelled import UNLABELLED
from napari_amseg.types import Experiment

FRAME_COLUMNS = (
    "frame", "time_s", "keyhole_area_px", "keyhole_area_um2", "keyhole_depth_px",
    "keyhole_depth_um", "pore_count", "pore_area_px", "pore_area_um2",
    "pore_max_equivalent_diameter_um", "pore_max_equivalent_diameter_px", "keyhole_left_px",
    "keyhole_right_px", "keyhole_parts_px", "surface_y_px", "surface_tilt_deg", "substrate_area_px",
    "labelled_area_px", "flags", *SHAPE_COLUMNS, "powder_layer_px", "powder_layer_um",
    "pore_fraction",
)  # fmt: skip
PORE_COLUMNS = (
    "frame", "time_s", "track_id", "centroid_y_px", "centroid_x_px", "area_px", "area_um2",
    "equivalent_diameter_um", "depth_um", "circularity", "equivalent_diameter_px", "depth_px",
    "feret_diameter_px", "feret_diameter_um", "tip_distance_px", "tip_distance_um",
)  # fmt: skip

_NO_SCALE, _DEFAULTS = Experiment(), MeasureSettings()
# A surface that fewer of its columns agree on is not to be trusted, nor is the depth below it.
LEAST_SUPPORT = 0.7

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FrameMeasures:
    """One row of ``_frames.csv`` and its rows of ``_pores.csv``, track_id still empty."""

    row: Row
    pores: list[Row]


def measure_frame(
    labels: NDArray[np.uint8],
    *,
    frame: int = 0,
    scheme: LabelScheme = DEFAULT_SCHEME,
    experiment: Experiment | None = None,
    settings: MeasureSettings | None = None,
) -> FrameMeasures:
    """Measure the keyhole and the pores of one label image.

    Parameters
    ----------
    labels : (Y, X), codes of `scheme`. frame : index in the source stack, for the table.
    experiment : pixel size (um) and frame rate (Hz); without them the ``_um`` and ``_s`` values
        are None.

    Returns
    -------
    FrameMeasures. Without a keyhole its area is 0 and its depth None. ``flags`` says in words what
    was unusual: ``no surface`` means that there is no substrate to fit and that the depth is the
    row extent of the keyhole; ``surface uncertain`` that less than 70 % of the columns lie near the
    fitted line; ``surface cut off`` and ``keyhole cut off`` that the surface lies above the frame
    or the keyhole reaches its last row, so that the depth is a lower bound; ``keyhole below
    surface`` that no keyhole comes near the surface, so that the depth is larger than the keyhole
    is high; ``unlabelled`` that the frame holds no label at all, so that nothing is known of it.

    Notes
    -----
    Every area is in whole pixels, times pixel_size**2. See ``docs/reference/definitions.md``.
    """
    experiment, settings = experiment or _NO_SCALE, settings or _DEFAULTS
    keyhole, pore, substrate = (
        scheme.mask(labels, role) for role in ("keyhole", "pore", "substrate")
    )
    surface = surface_of(labels, substrate=substrate, keyhole=keyhole)
    time_s = frame / experiment.frame_rate_hz if experiment.frame_rate_hz else None
    pixel = experiment.pixel_size_um
    pores = find_pores(pore, min_area_px=settings.min_pore_area_px)
    row: Row = dict.fromkeys(FRAME_COLUMNS) | {"frame": frame, "time_s": time_s}
    area = keyhole_area_px(keyhole)
    counts = area >= settings.min_keyhole_area_px
    row |= _keyhole_columns(keyhole, area if counts else 0, surface, pixel)
    row |= _pore_columns(pores, pixel)
    row |= _surroundings(labels, surface, scheme, pixel)
    if not row["labelled_area_px"]:
        row["flags"] = UNLABELLED
    row["substrate_area_px"] = int(np.count_nonzero(substrate))
    row["pore_fraction"] = _share(row["pore_area_px"], row["substrate_area_px"])
    here = {"frame": frame, "time_s": time_s, "track_id": None}
    tip = row["keyhole_tip_y_px"], row["keyhole_tip_x_px"]
    return FrameMeasures(row, [here | _pore_row(pore, surface, tip, pixel) for pore in pores])


def _surroundings(
    labels: NDArray[np.uint8], surface: Line | None, scheme: LabelScheme, pixel: float | None
) -> Row:
    """Surface, labelled area and powder."""
    layer = powder_layer_px(labels, surface, scheme=scheme)
    return {
        "surface_y_px": None if surface is None else surface.at((labels.shape[1] - 1) / 2),
        "surface_tilt_deg": None if surface is None else surface.tilt_deg,
        "labelled_area_px": int(np.count_nonzero(labels)),
        "powder_layer_px": layer,
        "powder_layer_um": scaled(layer, pixel),
    }


def _share(pore_px: int, substrate_px: int) -> float | None:
    """Pore area over that of pores and substrate together."""
    return pore_px / (pore_px + substrate_px) if substrate_px else None


def _squared(pixel: float | None) -> float | None:
    return None if pixel is None else pixel**2


def _keyhole_columns(
    mask: NDArray[np.bool_], area: int, surface: Line | None, pixel: float | None
) -> Row:
    """Of a mask with `area` pixels, 0 if the frame counts as without a keyhole."""
    row: Row = {
        "keyhole_area_px": area,
        "keyhole_area_um2": scaled(area, _squared(pixel)),
        "flags": "",
    }
    if not area:
        return row
    part, corner = largest_component(mask)
    depth = keyhole_depth_px(part, corner, surface)
    part_area = keyhole_area_px(part)
    flags = []
    if surface is None:
        flags.append("no surface")
    elif surface.support < LEAST_SUPPORT:
        flags.append("surface uncertain")
    if surface is not None and surface.cut > MOST_CUT:
        flags.append(SURFACE_CUT)
    if surface is not None and mouth_depth_px(mask, (part, corner), surface) > MOST_BELOW_PX:
        flags.append(KEYHOLE_BELOW)
    if part_area < area:
        flags.append("keyhole in parts")
    if corner[1] == 0 or corner[1] + part.shape[1] == mask.shape[1]:
        flags.append("keyhole at border")
    if corner[0] + part.shape[0] == mask.shape[0]:
        flags.append(KEYHOLE_CUT)
    return row | {
        "keyhole_depth_px": depth,
        "keyhole_depth_um": scaled(depth, pixel),
        "keyhole_left_px": corner[1],
        "keyhole_right_px": corner[1] + part.shape[1] - 1,
        "keyhole_parts_px": area - part_area,
        "flags": "; ".join(flags),
        **shape_columns(part, corner, surface, pixel, depth_px=depth, area_px=part_area),
    }


def _pore_columns(pores: list[Pore], pixel: float | None) -> Row:
    area = sum(pore.area_px for pore in pores)
    widest = max((pore.equivalent_diameter_px for pore in pores), default=None)
    return {
        "pore_count": len(pores),
        "pore_area_px": area,
        "pore_area_um2": scaled(area, _squared(pixel)),
        "pore_max_equivalent_diameter_px": widest,
        "pore_max_equivalent_diameter_um": scaled(widest, pixel),
    }


def _pore_row(
    pore: Pore, surface: Line | None, tip: tuple[float | None, float | None], pixel: float | None
) -> Row:
    """Written out, and in plain numbers: a frame can hold hundreds of specks."""
    depth = distance = None
    y, x = pore.centroid_y_px, pore.centroid_x_px
    if surface is not None:  # from the surface, an edge, to the centroid: half a pixel more
        depth = y + 0.5 - surface.at(x)
    if tip[0] is not None and tip[1] is not None:
        distance = math.hypot(y - tip[0], x - tip[1])
    diameter, feret = pore.equivalent_diameter_px, pore.feret_diameter_px
    return {
        "centroid_y_px": y,
        "centroid_x_px": x,
        "area_px": pore.area_px,
        "area_um2": scaled(pore.area_px, _squared(pixel)),
        "circularity": None if math.isnan(pore.circularity) else pore.circularity,
        "equivalent_diameter_px": diameter,
        "equivalent_diameter_um": scaled(diameter, pixel),
        "feret_diameter_px": feret,
        "feret_diameter_um": scaled(feret, pixel),
        "depth_px": depth,
        "depth_um": scaled(depth, pixel),
        "tip_distance_px": distance,
        "tip_distance_um": scaled(distance, pixel),
    }
