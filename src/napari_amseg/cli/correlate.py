"""``amseg correlate``: a campaign's deviations and pores, as maps with ellipses and a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.cli.arguments import OutFolder
from napari_amseg.cli.progress import show_notes
from napari_amseg.pipeline.correlate import CorrelateSettings, Correlation
from napari_amseg.pipeline.correlate_files import correlate_to_files
from napari_amseg.report.maps import GROUPS, MAPS, WITH, line_label


def correlate(
    campaign: Annotated[
        Path,
        typer.Argument(
            help="CSV with a row an experiment (columns experiment, summary, then process "
            "parameters), or a folder of results."
        ),
    ],
    out: OutFolder,
    correlating: CorrelateSettings,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results.")
    ] = False,
) -> None:
    """Compare the experiments of a campaign that formed pores with those that did not.

    Example: amseg correlate campaign.csv -o correlated
    """
    found, files, notes = correlate_to_files(campaign, out, correlating, overwrite=overwrite)
    show_notes(notes)
    _show(found)
    for path in files:
        typer.echo(path)


def _show(found: Correlation) -> None:
    """Print how many experiments the groups have and how well the lines separate them."""
    mapped = found.table[found.table["in_map"]]
    table = Table("", *GROUPS)
    counts = [int((mapped["pores"] == (group == WITH)).sum()) for group in GROUPS]
    table.add_row("experiments in the maps", *map(str, counts))
    for column, title in _MEANS.items():
        means = [100 * mapped[column][mapped["pores"] == (g == WITH)].mean() for g in GROUPS]
        table.add_row(title, *("" if mean != mean else f"{mean:.1f} %" for mean in means))
    console = Console()
    console.print(table)
    for name, comparison in found.maps.items():
        if comparison.line is not None:
            larger = f"; always the larger group: {100 * comparison.line.larger_group:.0f} %"
            console.print(f"{MAPS[name].title}: {line_label(comparison.line)}{larger}",
                          highlight=False)  # fmt: skip


_MEANS = {
    "keyhole_area_delta_max": "area, mean greatest deviation",
    "keyhole_area_delta_avg": "area, mean average deviation",
    "keyhole_depth_delta_avg": "depth, mean average deviation",
}
