"""From a campaign to its correlation maps: table, ellipses, lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.groups import LINE_METHODS, GroupComparison, compare_groups
from napari_amseg.pipeline.campaign import COMPUTED, Campaign, CampaignRow
from napari_amseg.pipeline.campaign_table import PARAMETERS
from napari_amseg.report.correlation import FrameAreas
from napari_amseg.report.maps import GROUPS, MAPS, WITH, WITHOUT
from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class CorrelateSettings(Settings):
    """How the groups with and without pores are compared and drawn."""

    ellipse_level: float = setting(
        0.95, low=0.5, high=0.999, help="Share of a normal distribution inside the ellipses."
    )
    line: str = setting(
        "lda",
        choices=LINE_METHODS,
        help="How the separating line is found: linear discriminant analysis or logistic "
        "regression.",
    )
    format: str = setting(
        "pdf", choices=("pdf", "svg", "none"), help="Vector figures beside the PNG."
    )


@dataclass(frozen=True, slots=True)
class Correlation:
    """A campaign compared.

    Attributes
    ----------
    table : pandas, a row an experiment, with the columns of ``campaign.csv``; ``pores`` is bool,
        ``pore_diameter`` is the largest pore's in the unit of its attrs, for markers.
    maps : by the names of :data:`~napari_amseg.report.maps.MAPS`; deviations are fractions.
    """

    campaign: Campaign
    table: Any
    maps: Mapping[str, GroupComparison]
    notes: tuple[str, ...]
    settings: CorrelateSettings


def correlate(campaign: Campaign, settings: CorrelateSettings | None = None) -> Correlation:
    """Compare the experiments with pores and those without.

    Raises
    ------
    ValueError
        If no experiment of the campaign has a keyhole.
    """
    settings = settings or CorrelateSettings()
    table, notes = _table(campaign)
    if not table["in_map"].any():
        raise ValueError(f"{campaign.source}: no experiment has a keyhole; there is no map.")
    maps = {}
    for name in ("area", "area_depth"):
        found = maps[name] = compare_groups(
            table[[MAPS[name].x, MAPS[name].y]].to_numpy(float),
            table["pores"].to_numpy(bool),
            names=GROUPS,
            level=settings.ellipse_level,
            method=settings.line,
        )
        notes += [f"map {name}: {note}" for note in found.notes]
    return Correlation(campaign, table, maps, (*campaign.notes, *notes), settings)


def keyhole_areas(found: Correlation) -> tuple[FrameAreas | None, list[str]]:
    """Keyhole areas of every frame with a keyhole, by group; None where no frame table is.

    In um² of the experiments with a pixel size; in px only if none has one.
    """
    mapped = [row for row in found.campaign.rows if _in_map(row)]
    sized = [row for row in mapped if _of(row, "keyhole_area_um2", "mean") is not None]
    column, unit = ("keyhole_area_um2", "µm²") if sized else ("keyhole_area_px", "px")
    by_group: dict[str, list[NDArray[np.float64]]] = {group: [] for group in GROUPS}
    without_table = []
    for row in sized or mapped:
        if row.frames_file is None:
            without_table.append(row.name)
        else:
            by_group[WITH if row.pores else WITHOUT].append(_areas(row.frames_file, column))
    notes = []
    if 0 < len(sized) < len(mapped):
        unsized = [row.name for row in mapped if row not in sized]
        notes.append(f"no pixel size, so not in the histograms: {_listed(unsized)}.")
    if without_table:
        notes.append(f"no frame table, so not in the histograms: {_listed(without_table)}.")
    if not any(by_group.values()):
        return None, notes
    pooled = {group: np.concatenate([np.empty(0), *of]) for group, of in by_group.items()}
    return FrameAreas(pooled, unit, {group: len(of) for group, of in by_group.items()}), notes


def _areas(path: Path, column: str) -> NDArray[np.float64]:
    """Keyhole areas of the frames in which the laser melts."""
    import pandas as pd

    try:
        frames = pd.read_csv(path, usecols=lambda name: name in (column, "laser_on"))
        areas = frames[column].to_numpy(float)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a readable frame table ({error}).") from None
    melts = areas > 0
    if "laser_on" in frames:
        melts &= frames["laser_on"].to_numpy(float) != 0
    melting: NDArray[np.float64] = areas[melts]
    return melting


def _table(campaign: Campaign) -> tuple[Any, list[str]]:
    """The pandas table of a campaign, and what had to be left out."""
    import pandas as pd

    table = pd.DataFrame([row_cells(row) for row in campaign.rows])
    numbers = [c for c in COMPUTED if c != "in_map"] + ["laser_power_w", "scan_speed_mm_s"]
    table[numbers] = table[numbers].astype(float)
    notes = []
    left_out = table["experiment"][~table["in_map"]].tolist()
    if left_out:
        notes.append(f"no keyhole, so not in the maps: {_listed(left_out)}.")
    stated = table["scan_speed_mm_s"]
    fitted = table["experiment"][stated.isna() & table["scan_speed_fitted_mm_s"].notna()].tolist()
    if fitted and table["laser_power_w"].notna().any():
        notes.append(f"scan speed as fitted to the frames, none was given: {_listed(fitted)}.")
        table["map_speed_mm_s"] = stated.fillna(table["scan_speed_fitted_mm_s"])
    else:
        table["map_speed_mm_s"] = stated
    if not table[["laser_power_w", "map_speed_mm_s"]].notna().all(axis=1).any():
        notes.append("laser power or scan speed unknown, so no power-velocity map.")
    with_pores = table[table["pores"]]
    sizes = {unit: f"pore_max_equivalent_diameter_{s}" for s, unit in (("um", "µm"), ("px", "px"))}
    unit = "µm" if with_pores[sizes["µm"]].notna().any() else "px"
    table["pore_diameter"] = table[sizes[unit]]
    table.attrs["pore_diameter_unit"] = unit
    unknown = with_pores["experiment"][with_pores[sizes[unit]].isna()].tolist()
    if unknown:
        notes.append(f"pore diameter in {unit} unknown, drawn smallest: {_listed(unknown)}.")
    return table, notes


def row_cells(row: CampaignRow) -> dict[str, Any]:
    """A row of ``campaign.csv``."""
    given, speed = row.experiment.to_json(), _of(row, "scan_speed_m_s")
    cells: dict[str, Any] = {"experiment": row.name, "pores": row.pores}
    cells |= {name: given[name] for name in PARAMETERS}
    cells |= {name: _of(row, name) for name in COMPUTED}
    cells["scan_speed_fitted_mm_s"] = None if speed is None else 1e3 * speed
    for kind, power in (("area", "2"), ("depth", "")):
        stem = f"keyhole_{kind}"
        cells[f"{stem}_mean_px"] = _of(row, f"{stem}_px", "mean")
        cells[f"{stem}_mean_um{power}"] = _of(row, f"{stem}_um{power}", "mean")
        for delta in ("delta_max", "delta_avg"):
            values = (_of(row, f"{stem}_{unit}", delta) for unit in ("px", f"um{power}"))
            cells[f"{stem}_{delta}"] = next((v for v in values if v is not None), None)
    cells["in_map"] = _in_map(row)
    cells |= {"source": given["source"], "stack": row.stack, "labels": row.labels}
    return cells | {"summary": str(row.summary_file)} | dict(row.more)


def _in_map(row: CampaignRow) -> bool:
    """Whether an experiment had a keyhole whose deviations are known."""
    quantities = ("keyhole_area_px", "keyhole_area_um2")
    return any(_of(row, quantity, "delta_avg") is not None for quantity in quantities)


def _of(row: CampaignRow, quantity: str, number: str = "") -> float | None:
    """A number of a summary, one of a record of numbers if named; None where it says nothing.

    Raises
    ------
    ValueError
        If it is no finite number of zero or more; names the file.
    """
    value = row.summary.get(quantity)
    if number and value is not None:
        value = value.get(number) if isinstance(value, Mapping) else str(value)
    if value is None:
        return None
    if not isinstance(value, int | float) or not np.isfinite(value) or value < 0:
        raise ValueError(f"{row.summary_file}: {quantity} {number} is {value!r}, not a number.")
    return float(value)


def _listed(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
