"""What *Correlate* writes: the campaign's table, its record and its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari_amseg.io import OutputFiles, TableWriter, write_json
from napari_amseg.io.records import read_json
from napari_amseg.pipeline.campaign import COMPUTED, Campaign, read_campaign
from napari_amseg.pipeline.campaign_table import PARAMETERS
from napari_amseg.pipeline.correlate import (
    CorrelateSettings,
    Correlation,
    correlate,
    keyhole_areas,
    row_cells,
)
from napari_amseg.provenance import run_record, sha256
from napari_amseg.report.correlation import (
    FrameAreas,
    correlation_figure,
    histogram_figure,
    power_velocity_figure,
)
from napari_amseg.report.maps import MAPS

TABLE, RECORD = "campaign.csv", "correlation.json"
_PLACES = ("source", "stack", "labels", "summary")


def correlate_to_files(
    path: str | Path,
    folder: Path,
    settings: CorrelateSettings | None = None,
    *,
    overwrite: bool = False,
) -> tuple[Correlation, list[Path], tuple[str, ...]]:
    """Read a campaign, compare it and write all files; gives them, and the notes.

    Raises
    ------
    ValueError, OSError
        As :func:`~napari_amseg.pipeline.campaign.read_campaign`, :func:`correlate` and
        :func:`write_correlation`.
    """
    found = correlate(read_campaign(path), settings)
    return (found, *write_correlation(found, folder, overwrite=overwrite))


def write_correlation(
    found: Correlation, folder: Path, *, overwrite: bool = False
) -> tuple[list[Path], tuple[str, ...]]:
    """Write ``campaign.csv``, ``correlation.json`` and the figures; gives them, and all notes.

    Reads the frame tables beside the summaries for the histograms.

    Raises
    ------
    FileExistsError
        If a file is there already and may not be replaced. A ``campaign.csv`` that is not as it was
        written here, so one made by hand, is never replaced.
    """
    _refuse_to_replace(found.campaign, folder)
    areas, more = keyhole_areas(found)
    notes = (*found.notes, *more)
    figures = [
        (f"{name}.{kind}", figure)
        for name, figure in _figures(found, areas)
        for kind in dict.fromkeys(("png", found.settings.format))
        if kind != "none"
    ]
    for name in (TABLE, RECORD, *(name for name, _ in figures)):
        if (folder / name).exists() and not overwrite:
            raise FileExistsError(
                f"{folder / name}: is there already; choose another folder, or --overwrite."
            )
    with OutputFiles(folder) as files:
        table = files.path(TABLE)
        _write_table(table, found)
        for name, figure in figures:
            figure(files.path(name))
        outputs = [{"name": TABLE, "sha256": sha256(table)}]
        write_json(files.path(RECORD), _record(found, areas, notes) | {"outputs": outputs})
    return files.finals, notes


def _refuse_to_replace(campaign: Campaign, folder: Path) -> None:
    """Refuse a folder whose ``campaign.csv`` is the campaign itself, or was not written here."""
    path = folder / TABLE
    if not path.is_file():
        return
    if campaign.source.resolve() == path.resolve():
        raise FileExistsError(
            f"{path}: would be replaced by the table of results; choose another folder."
        )
    try:
        written = read_json(folder / RECORD)["outputs"]
        ours = {"name": TABLE, "sha256": sha256(path)} in written
    except (OSError, ValueError, LookupError, TypeError):
        ours = False
    if not ours:
        raise FileExistsError(
            f"{path}: was not written by amseg correlate, or was edited since, and is never "
            "replaced; choose another folder, or rename it."
        )


def _figures(
    found: Correlation, areas: FrameAreas | None
) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """The figures there are data for, by name."""
    table = found.table
    yield "correlation", lambda path: correlation_figure(table, found.maps, areas, path)
    if areas is not None:
        yield "keyhole_area_histogram", lambda path: histogram_figure(areas, path)
    if table[["laser_power_w", "map_speed_mm_s"]].notna().all(axis=1).any():
        yield "power_velocity", lambda path: power_velocity_figure(table, path)


def _write_table(path: Path, found: Correlation) -> None:
    columns = ["experiment", "pores", *PARAMETERS, *COMPUTED, *_PLACES]
    columns += [name for name in found.campaign.more_columns if name not in columns]
    with TableWriter(path, columns) as table:
        for row in found.campaign.rows:
            cells = row_cells(row)
            for name in ("pores", "in_map"):
                cells[name] = "yes" if cells[name] else "no"
            table.append(cells)


def _record(found: Correlation, areas: FrameAreas | None, notes: tuple[str, ...]) -> dict[str, Any]:
    """The content of ``correlation.json``."""
    campaign, table = found.campaign, found.table
    paths = [] if campaign.source.is_dir() else [campaign.source]
    for row in campaign.rows:
        paths += [row.summary_file] + ([row.frames_file] if row.frames_file and areas else [])
    return run_record(
        inputs=[{"name": path.name, "sha256": sha256(path)} for path in paths],
        settings={"correlate": found.settings.to_json()},
        notes=notes,
        campaign=str(campaign.source.resolve()),
        n_experiments=len(table),
        n_in_maps=int(table["in_map"].sum()),
        not_in_maps=table["experiment"][~table["in_map"]].tolist(),
        maps={
            name: {
                "x": MAPS[name].x,
                "y": MAPS[name].y,
                "unit": "fraction",
                **comparison.to_json(),
            }
            for name, comparison in found.maps.items()
        },
    )
