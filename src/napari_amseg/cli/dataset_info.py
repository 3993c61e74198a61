"""``amseg dataset info``: what a benchmark holds, as tables, files and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.cli.arguments import BenchmarkFolder
from napari_amseg.cli.progress import err, show_notes, track
from napari_amseg.dataset import (
    SUBSETS,
    Benchmark,
    Split,
    Statistics,
    describe,
    load_split,
    open_benchmark,
    split_names,
)
from napari_amseg.dataset.annotation_status import incomplete_frames, told_incomplete
from napari_amseg.dataset.statistics import GROUPINGS
from napari_amseg.io import OutputFiles, TableWriter, write_json

_TITLES = {
    "substrate_material": "substrate material",
    "facility": "facility",
    "experiment": "experiment",
    "size": "rows x columns",
}


def info(
    folder: BenchmarkFolder,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for the tables and two figures."),
    ] = None,
) -> None:
    """Show what a benchmark holds: images and pixels per class, material, facility and size.

    With -o: benchmark_info.csv, benchmark_info.json, benchmark_images.png, benchmark_pixels.png.
    """
    benchmark = open_benchmark(folder)
    statistics = describe(benchmark, track=track)
    console = Console()
    console.print(_class_table(statistics))
    for grouping, title in _TITLES.items():
        if statistics.by(grouping):
            console.print(_group_table(statistics, grouping, title))
    if incomplete := incomplete_frames(benchmark):
        show_notes([f"counted too, but not complete: {told_incomplete(incomplete)}"])
    for name in split_names(benchmark):
        _print_split(console, benchmark, name)
    if out is not None:
        _write(statistics, out)


def print_subsets(benchmark: Benchmark, split: Split) -> None:
    """Show how many images and pixels of each class the subsets of a split have."""
    names = benchmark.scheme.names
    groups = {
        subset: describe(benchmark, split.of(subset), track=track).total for subset in SUBSETS
    }
    table = Table("", *SUBSETS, caption="share of the labelled pixels (images)")
    table.add_row("images", *(f"{group.images:,}" for group in groups.values()))
    shares = {subset: _shares(group.class_px) for subset, group in groups.items()}
    for i, name in enumerate(names):
        images = {subset: int(group.class_images[i]) for subset, group in groups.items()}
        cells = (f"{shares[subset][i]} ({n:,})" if n else "-" for subset, n in images.items())
        table.add_row(name, *cells)
        absent = [subset for subset, n in images.items() if groups[subset].images and not n]
        if absent and any(images.values()):
            err.print(f"note: no {name} in {' and '.join(absent)}.", highlight=False)
    Console().print(table)


def _class_table(statistics: Statistics) -> Table:
    total = statistics.total
    table = Table("class", "code", "images", "pixels", "share", title=f"{total.images:,} images")
    classes = zip(
        statistics.scheme.classes,
        total.class_images.tolist(),
        total.class_px.tolist(),
        _shares(total.class_px),
        strict=True,
    )
    for c, images, pixels, share in classes:
        table.add_row(c.name, str(c.code), f"{images:,}", f"{pixels:,}", share)
    table.add_row("unlabelled", "0", "", f"{total.unlabelled_px:,}", "")
    return table


def _group_table(statistics: Statistics, grouping: str, title: str) -> Table:
    """Images of each group, and how its labelled pixels are shared among the classes."""
    table = Table(title, "images", *statistics.scheme.names)
    for group in statistics.by(grouping):
        table.add_row(group.value, f"{group.images:,}", *_shares(group.class_px))
    return table


def _print_split(console: Console, benchmark: Benchmark, name: str) -> None:
    try:
        split = load_split(benchmark, name)
    except ValueError as error:  # the numbers above stand without it
        err.print(f"note: {error}", highlight=False)
        return
    counts = ", ".join(f"{len(split.of(subset)):,} {subset}" for subset in SUBSETS)
    seed = "" if split.seed is None else f", seed {split.seed}"
    console.print(f"split [bold]{name}[/] ({split.rule}{seed}): {counts}", highlight=False)
    show_notes(split.notes)


def _shares(pixels: Any) -> list[str]:
    total = int(pixels.sum())
    return [f"{100 * int(n) / total:.3g} %" if total else "" for n in pixels]


def _write(statistics: Statistics, out: Path) -> None:
    from napari_amseg.report.dataset import images_figure, pixels_figure

    rows = list(statistics.rows())
    with OutputFiles(out) as files:
        with TableWriter(files.path("benchmark_info.csv"), statistics.columns) as table:
            for row in rows:
                table.append(row)
        record = {by: [_without_by(row) for row in rows if row["by"] == by] for by in GROUPINGS}
        scheme = statistics.scheme.to_json()
        write_json(files.path("benchmark_info.json"), {"label_scheme": scheme, **record})
        if statistics.total.images:
            images_figure(statistics, files.path("benchmark_images.png"))
            pixels_figure(statistics, files.path("benchmark_pixels.png"))
    for path in files.finals:
        typer.echo(path)


def _without_by(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "by"}
