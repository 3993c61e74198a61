"""``amseg annotate agree``: two annotations of the same frames compared."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.annotate.agreement import Agreement, Difference
from napari_amseg.cli.annotate_labels import (
    LabelSource,
    Overwrite,
    SchemeOf,
    SourceArgument,
    label_source,
)
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.dataset.names import first_few
from napari_amseg.io import OutputFiles, TableWriter, TiffStackWriter, write_json
from napari_amseg.types import Experiment

_FILES = ("agreement.json", "agreement_frames.csv", "difference.tif")
_MOST_WORST = 5


def agree(
    first: SourceArgument,
    second: SourceArgument,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for the numbers and the difference.")
    ] = None,
    scheme: SchemeOf = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare two annotations of the same frames: IoU, kappa and distance of the borders.

    Frames of two benchmarks are paired by experiment and name, of two stacks by number. With -o:
    agreement.json, agreement_frames.csv, difference.tif (0 agree, 1 another class, 2 labelled in
    the first alone, 3 in the second alone).

    Example: amseg annotate agree anna_labels.tif ben_labels.tif -o agreement
    """
    with ExitStack() as close:
        sources = [close.enter_context(label_source(p, scheme)) for p in (first, second)]
        names = _paired(*sources)
        agreement = Agreement(sources[0].scheme)
        if out is None:
            for name in track(names, len(names), "comparing"):
                agreement.add(name, *(source.read(name) for source in sources))
        else:
            _check_free(out, overwrite=overwrite)
            record = {"first": str(first), "second": str(second)}
            _compare_to_files(agreement, sources, names, out, record)
    _show(agreement)
    for path in [] if out is None else [out / name for name in _FILES if (out / name).exists()]:
        typer.echo(path)


def _paired(first: LabelSource, second: LabelSource) -> tuple[str, ...]:
    """Names of the frames in both; what is in one alone is told."""
    if first.scheme != second.scheme:
        raise ValueError(
            f"the first has the classes {_words(first)}, the second {_words(second)}: "
            "annotations of different classes cannot be compared."
        )
    for one, other, which in ((first, second, "first"), (second, first, "second")):
        alone = sorted(set(one.names) - set(other.names))
        if alone:
            show_notes([f"{len(alone)} frames are in the {which} alone: {first_few(alone)}"])
    there = set(second.names)
    names = tuple(name for name in first.names if name in there)
    if not names:
        raise ValueError(
            "no frame is in both: give two stacks, or two benchmarks with the same experiments."
        )
    return names


def _words(source: LabelSource) -> str:
    return ", ".join(f"{c.code} {c.name}" for c in source.scheme.classes)


def _check_free(out: Path, *, overwrite: bool) -> None:
    there = next((out / name for name in _FILES if (out / name).exists()), None)
    if there is not None and not overwrite:
        raise FileExistsError(f"{there}: exists already; choose another folder or --overwrite.")


def _compare_to_files(
    agreement: Agreement,
    sources: list[LabelSource],
    names: tuple[str, ...],
    out: Path,
    record: dict[str, Any],
) -> None:
    sizes = {sources[0].size(name) for name in names}
    with OutputFiles(out) as files, ExitStack() as close:
        table = close.enter_context(TableWriter(files.path(_FILES[1]), agreement.columns))
        picture = None
        if len(sizes) == 1:
            shape = (len(names), *sizes.pop())
            picture = close.enter_context(
                TiffStackWriter(files.path(_FILES[2]), shape, np.uint8, Experiment(), labels=True)
            )
        else:
            show_notes([f"no {_FILES[2]}: the frames have several sizes"])
        for name in track(names, len(names), "comparing"):
            found = agreement.add(name, *(source.read(name) for source in sources))
            table.append(found.row)
            if picture is not None:
                picture.append(found.difference)
        codes = {code.name.lower(): int(code) for code in Difference}
        write_json(
            files.path(_FILES[0]), {**record, **agreement.to_json(), "difference_codes": codes}
        )
    if picture is None:
        (out / _FILES[2]).unlink(missing_ok=True)  # of an earlier comparison


def _show(agreement: Agreement) -> None:
    record = agreement.to_json()
    headings = ("class", "IoU", "F1", "kappa", "border px", "border 95 %", "in one only")
    title = f"{record['n_frames']:,} frames, {record['labelled_px']:,} pixels labelled in both"
    table = Table(*headings, title=title)
    for name, row in record["classes"].items():
        if row["iou"] is None:  # neither has it
            continue
        scores = (_number(row[key], 4) for key in ("iou", "f1", "kappa"))
        borders = (_number(row[key], 2) for key in ("boundary_mean_px", "boundary_p95_px"))
        table.add_row(name, *scores, *borders, f"{row['one_sided_frames']} frames")
    table.add_section()
    table.add_row("all", *(_number(record[key], 4) for key in ("mean_iou", "mean_f1", "kappa")))
    console = Console()
    console.print(table)
    one_only = record["only_first_px"], record["only_second_px"]
    if any(one_only):
        told = " and ".join(
            f"{n:,} in the {which} alone"
            for n, which in zip(one_only, ("first", "second"), strict=True)
        )
        console.print(f"labelled pixels that count in no score: {told}", highlight=False)
    for row in agreement.worst_frames(_MOST_WORST):
        console.print(
            f"least alike: {row['frame']}, mean IoU {row['mean_iou']:.4f}, "
            f"{row['differing_px']:,} pixels",
            highlight=False,
        )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
