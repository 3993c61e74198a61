"""``amseg annotate``: label images brought in, sent out, checked, compared and interpolated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from napari_amseg.annotate.interpolate import interpolate_frames
from napari_amseg.annotate.quality import FrameFinding, frame_findings
from napari_amseg.cli.annotate_agree import agree
from napari_amseg.cli.annotate_files import export, import_labels
from napari_amseg.cli.annotate_labels import (
    LabelsArgument,
    OutFile,
    Overwrite,
    SchemeOf,
    SourceArgument,
    check_out,
    codes_of,
    label_source,
    scheme_of,
    write_labels,
)
from napari_amseg.cli.command import register
from napari_amseg.cli.dataset_add import parse_frames
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.io import OutputFiles, TableWriter, read_stack
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

annotate = typer.Typer(
    help="Label images: import, export, check, compare two annotators, interpolate.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
_COLUMNS = ("frame", "kind", "severity", "message", "row", "column")


def check(
    labels: SourceArgument,
    scheme: SchemeOf = None,
    notes: Annotated[bool, typer.Option(help="Also list what may well be meant.")] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 if there are warnings.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="CSV table with every place to look at.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Look for slips in labels: one-pixel islands, a keyhole without surface, unlabelled pixels.

    Example: amseg annotate check run3_labels.tif -o findings.csv
    """
    if out is not None and out.exists() and not overwrite:
        raise FileExistsError(f"{out}: exists already; choose another name or --overwrite.")
    found: list[tuple[str, FrameFinding]] = []
    with label_source(labels, scheme) as source:
        for name in track(source.names, len(source.names), "checking"):
            for finding in frame_findings(source.read(name), source.scheme):
                if notes or finding.severity == "warning":
                    found.append((name, finding))
    for name, finding in found:
        at = "; at row {}, column {}".format(*finding.positions[0]) if finding.positions else ""
        typer.echo(f"{finding.severity}: {name}: {finding.message}{at}")
    _print_kinds(found)
    if out is not None:
        _write_findings(found, out)
    n = Counter(finding.severity for _, finding in found)
    typer.echo(f"{labels}: {n['warning']} warnings, {n['note']} notes")
    if strict and n["warning"]:
        raise typer.Exit(1)


def interpolate(
    labels: LabelsArgument,
    out: OutFile,
    name: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="Class to interpolate: keyhole.")
    ],
    keys: Annotated[
        str,
        typer.Option(help="Key frames, where it is drawn: 0,3,6,9 or 0:90:10; 0 is the first."),
    ],
    plain: Annotated[
        bool, typer.Option("--plain", help="Blend the shapes in place, without moving them.")
    ] = False,
    scheme: SchemeOf = None,
    overwrite: Overwrite = False,
) -> None:
    """Fill a class into the frames between key frames; labelled pixels stay as they are.

    Example: amseg annotate interpolate run3_labels.tif --class keyhole --keys 0,3,6,9 -o filled.tif
    """
    check_out(out, overwrite=overwrite)
    code = _code_of(scheme_of(scheme), name)
    with read_stack(labels) as stack:
        show_notes(stack.notes)
        key_frames = _key_frames(keys, stack)
        filled: Counter[str] = Counter()
        frames = _interpolated(stack, code, key_frames, filled, motion=not plain)
        shown = track(frames, len(stack), "interpolating")
        write_labels(shown, stack.shape, stack.experiment, out)
    show_notes([_in_words(name, filled)])
    typer.echo(out)


def _in_words(name: str, filled: Counter[str]) -> str:
    if filled["pixels"]:
        return f"{name} was filled into {filled['frames']} frames, {filled['pixels']:,} pixels"
    return (
        f"nothing was filled: {name} must be drawn in two key frames that follow each other, with "
        "unlabelled pixels in the frames between"
    )


def _code_of(scheme: LabelScheme, name: str) -> int:
    for c in scheme.classes:
        if name.casefold() in (c.name.casefold(), c.role.casefold()):
            return c.code
    raise ValueError(f"--class is {name!r}: the classes are {', '.join(scheme.names)}.")


def _key_frames(text: str, labels: Stack) -> Sequence[int]:
    try:
        keys = sorted(set(parse_frames(text, labels)))
    except ValueError:  # it speaks of --frames
        keys = []
    if len(keys) < 2 or not 0 <= keys[0] <= keys[-1] < len(labels):
        raise ValueError(
            f"--keys is {text!r}: name two or more of the frames 0 to {len(labels) - 1}, "
            "as 0,3,6,9 or 0:90:10."
        )
    return keys


def _interpolated(
    labels: Stack, code: int, keys: Sequence[int], filled: Counter[str], *, motion: bool
) -> Iterator[NDArray[np.uint8]]:
    """All frames in order; between the keys, unlabelled pixels get `code` where the class is.

    filled : counts the ``frames`` and ``pixels`` that got it.
    """
    yield from (codes_of(labels, t) for t in range(keys[0] + 1))
    for first, last in pairwise(keys):
        before, after = (codes_of(labels, t) == code for t in (first, last))
        for k, mask in interpolate_frames(before, after, last - first - 1, motion=motion):
            frame = codes_of(labels, first + k).copy()
            empty = mask & (frame == 0)
            frame[empty] = code
            filled.update(pixels=int(empty.sum()), frames=int(empty.any()))
            yield frame
        yield codes_of(labels, last)
    yield from (codes_of(labels, t) for t in range(keys[-1] + 1, len(labels)))


def _print_kinds(found: list[tuple[str, FrameFinding]]) -> None:
    """In how many frames each kind was found; a frame may have a kind several times."""
    once = {(finding.severity, finding.kind, name) for name, finding in found}
    kinds = Counter((severity, kind) for severity, kind, _ in once)
    if kinds:
        table = Table("", "finding", "frames")
        for (severity, kind), n in sorted(kinds.items(), reverse=True):
            table.add_row(severity, kind, f"{n:,}")
        Console().print(table)


def _write_findings(found: list[tuple[str, FrameFinding]], out: Path) -> None:
    """One row a place; a finding without a place has one row."""
    with (
        OutputFiles(out.parent) as files,
        TableWriter(files.path(out.name), _COLUMNS) as table,
    ):
        for name, finding in found:
            told = {"frame": name, "kind": finding.kind, "severity": finding.severity,
                    "message": finding.message}  # fmt: skip
            for row, column in finding.positions or ((None, None),):
                table.append({**told, "row": row, "column": column})
    typer.echo(out)


register(annotate, import_labels, name="import")
for function in (export, check, agree, interpolate):
    register(annotate, function)
