"""``amseg annotate import`` and ``export``: label images from and for other programs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.cli.annotate_labels import (
    LabelsArgument,
    Overwrite,
    SchemeOf,
    check_out,
    scheme_of,
    write_labels,
)
from napari_amseg.cli.arguments import OutFolder, stem_of
from napari_amseg.cli.dataset_add import parse_frames
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.io import read_stack
from napari_amseg.io.label_export import export_labels
from napari_amseg.io.label_files import LabelImages
from napari_amseg.io.label_images import (
    found_values,
    in_our_codes,
    onto_frames,
    open_label_images,
)
from napari_amseg.io.label_mapping import LabelMapping, suggested_mapping
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

_MOST_LISTED, _MOST_IN_CODES = 40, 16


def import_labels(
    files: Annotated[
        list[str],
        typer.Argument(help="TIFF stack, folder, glob in quotes, or files: PNG, TIFF, labelme."),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The label stack to write, a TIFF.")
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE=CLASS,...",
            help="What the values mean: 1=keyhole,2=pore,0=unlabelled; #ff0000=pore; 1-=pore or "
            "*=pore for numbered pores; the names in labelme files.",
        ),
    ] = None,
    scheme: SchemeOf = None,
    list_values: Annotated[
        bool, typer.Option("--list", help="Only list the values found and a first guess.")
    ] = False,
    onto: Annotated[
        str | None,
        typer.Option(metavar="STACK", help="Image stack whose frames --frames names."),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(help="Frames of --onto the label images belong to, in order: 0:10 or 3,7,12."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Bring label images from Fiji, labelme or any program that writes indexed or RGB images.

    Example: amseg annotate import masks/ --codes "255=keyhole,0=unlabelled" -o run3_labels.tif
    """
    known = scheme_of(scheme)
    if out is not None:
        check_out(out, overwrite=overwrite)
    elif not list_values:
        raise ValueError("no -o: name the label stack to write, or choose --list.")
    if onto is None and frames is not None:
        raise ValueError("--frames needs --onto, the stack whose frames they are.")
    given = None if codes is None else LabelMapping.of(codes, known)
    with ExitStack() as close:
        images = open_label_images(files)
        close.enter_context(images.stack)
        show_notes(images.stack.notes)
        if list_values:
            _list_values(_found(images), known)
            return
        assert out is not None
        labels = in_our_codes(images, given or _guessed(images, known))
        if onto is not None:
            labels = _placed(labels, close.enter_context(read_stack(onto)), frames)
        numbers = track(range(len(labels)), len(labels), "importing")
        write_labels((labels.read(t) for t in numbers), labels.shape, labels.experiment, out)
    typer.echo(out)


def export(
    labels: LabelsArgument,
    out: OutFolder,
    file_format: Annotated[
        str, typer.Option("--format", help="png: indexed, one a frame; tiff: one stack.")
    ] = "png",
    scheme: SchemeOf = None,
    overwrite: Overwrite = False,
) -> None:
    """Write label images as indexed PNG or TIFF, with a legend, for other programs.

    Example: amseg annotate export run3_labels.tif --format png -o for_paper
    """
    known = scheme_of(scheme)
    with read_stack(labels) as stack:
        show_notes(stack.notes)
        numbers = track(range(len(stack)), len(stack), "exporting")
        written = export_labels(
            stack,
            known,
            out,
            stem=stem_of(labels),
            file_format=file_format,
            overwrite=overwrite,
            frames=numbers,
        )
    typer.echo(f"{out}: {len(written) - 2} label files, {written[-2].name}, {written[-1].name}")


def _found(images: LabelImages) -> dict[str, int]:
    n = len(images.stack)
    return found_values(images, track(range(n), n, "looking for values"))


def _list_values(found: dict[str, int], scheme: LabelScheme) -> None:
    guess = suggested_mapping(found, scheme)
    table = Table("value", "pixels", "share", "class, as a guess")
    total = sum(found.values())
    for value, n in list(found.items())[:_MOST_LISTED]:
        table.add_row(value, f"{n:,}", f"{100 * n / total:.3g} %", guess.get(value, "?"))
    console = Console()
    console.print(table, markup=False)
    if len(found) > _MOST_LISTED:
        console.print(f"... and {len(found) - _MOST_LISTED:,} more values", highlight=False)
    typer.echo(f'--codes "{_codes_text(found, guess)}"')


def _codes_text(found: dict[str, int], guess: dict[str, str]) -> str:
    """The --codes to give, with a question mark for each class that cannot be guessed."""
    told = [f"{value}={guess.get(value, '?')}" for value in list(found)[:_MOST_IN_CODES]]
    return ",".join(told) + (",*=?" if len(found) > _MOST_IN_CODES else "")


def _guessed(images: LabelImages, scheme: LabelScheme) -> LabelMapping:
    """The meaning of the values where it is plain for all of them."""
    found = _found(images)
    guess = suggested_mapping(found, scheme)
    if len(guess) < len(found):
        raise ValueError(
            f"{len(found) - len(guess)} of {len(found)} values have no plain meaning: "
            f'give --codes "{_codes_text(found, guess)}", with a class, or unlabelled, for each ?.'
        )
    show_notes([f"values taken as {_codes_text(found, guess)}"])
    return LabelMapping.of(guess, scheme)


def _placed(labels: Stack, target: Stack, frames: str | None) -> Stack:
    chosen = list(parse_frames(frames, target))
    placed = onto_frames(labels, chosen, target.shape)
    known = labels.experiment.updated(**target.experiment.to_json())
    return replace(placed, experiment=known)
