"""``amseg simulate``: a synthetic stack with exact truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_amseg.cli.arguments import OutFolder
from napari_amseg.cli.progress import progress, show_notes
from napari_amseg.io import OutputFiles, TableWriter, TiffStackWriter, write_json
from napari_amseg.provenance import run_record
from napari_amseg.sample import FrameTruth, PhantomSettings, PoreTruth
from napari_amseg.sample import simulate as make_phantom
from napari_amseg.types import Stack


def simulate(
    out: OutFolder,
    phantom: PhantomSettings,
    flats: Annotated[
        bool, typer.Option("--flats", help="Also write phantom_flats.tif and phantom_darks.tif.")
    ] = False,
    drawn_labels: Annotated[
        bool, typer.Option("--drawn-labels", help="Also write phantom_drawn_labels.tif.")
    ] = False,
) -> None:
    """Write a synthetic LPBF stack with exact labels and exact area and depth of every frame.

    Writes phantom.tif, phantom_labels.tif, phantom_pore_ids.tif (the track of every pore pixel),
    phantom_truth.csv, phantom_pores.csv and phantom_run.json into OUT, with --flats also
    phantom_flats.tif and phantom_darks.tif. phantom_drawn_labels.tif has the borders of
    hollows and bare surface that a person draws, half-way between the rims: models learn those.
    """
    done = [name for name in ("flat_field", "background", "inverted") if getattr(phantom, name)]
    if flats and done:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in done)
        raise ValueError(
            f"--flats with {options}: flats and darks belong to raw frames, and these would be "
            "corrected twice. Leave out one or the other."
        )
    write_phantom(out, phantom, flats=flats, drawn_labels=drawn_labels)
    for path in sorted(out.glob("phantom*.*")):
        typer.echo(path)


def write_phantom(
    folder: Path, settings: PhantomSettings, *, flats: bool = False, drawn_labels: bool = False
) -> None:
    """The phantom of these settings as files, with what else is asked for; all, or none."""
    phantom = make_phantom(settings)
    show_notes(phantom.stack.notes)
    with OutputFiles(folder) as files:
        stacks = {"": phantom.stack, "_labels": phantom.labels, "_pore_ids": phantom.pore_ids}
        if flats:
            stacks |= {"_flats": phantom.flats, "_darks": phantom.darks}
        if drawn_labels:
            stacks["_drawn_labels"] = phantom.drawn
        for suffix, stack in stacks.items():
            _write_stack(stack, files.path(f"phantom{suffix}.tif"), f"writing phantom{suffix}.tif")
        _write_table(files.path("phantom_truth.csv"), FrameTruth, phantom.truth)
        _write_table(files.path("phantom_pores.csv"), PoreTruth, phantom.pores)
        notes = phantom.stack.notes
        record = run_record(inputs=[], settings={"phantom": settings.to_json()}, notes=notes)
        write_json(files.path("phantom_run.json"), record)


def _write_table(path: Path, kind: type, rows: Sequence[Any]) -> None:
    with TableWriter(path, tuple(f.name for f in fields(kind))) as table:
        for row in rows:
            table.append(asdict(row))


def _write_stack(stack: Stack, path: Path, what: str) -> None:
    with (
        TiffStackWriter(path, stack.shape, stack.dtype, stack.experiment) as writer,
        progress() as bar,
    ):
        for t in bar.track(range(len(stack)), description=what):
            writer.append(stack.read(t))
