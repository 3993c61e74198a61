"""``amseg preprocess``: a corrected stack, and the chain that made it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    PixelSize,
    StackArgument,
    build_chain,
)
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.io import OutputFiles, TiffStackWriter, read_stack, write_json
from napari_amseg.overlap import ordered_map
from napari_amseg.pipeline.command_line import preprocess_words, recorded
from napari_amseg.pipeline.command_parts import absolute
from napari_amseg.preprocess import Chain, Normalise, marked, unused_flats
from napari_amseg.provenance import InputHashes, StageClock, run_record
from napari_amseg.types import Stack

_INTEGERS = {"uint8": 255.0, "uint16": 65535.0}
_MOST_WORKERS = 8  # more wait for the one that writes


def preprocess(
    stack: StackArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The TIFF file to write.")],
    preprocessing: ChainOptions,
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    dtype: Annotated[
        str,
        typer.Option(
            help="auto: the source's type if only cropped, else float32; uint8 and uint16 map "
            "the stack's 0.1 to 99.9 percentile to the full range."
        ),
    ] = "auto",
    compress: Annotated[
        bool,
        typer.Option(
            help="Pack the pages (zlib): a file up to a quarter smaller, made far slower."
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Flat-field, crop, remove the background, invert; write a TIFF stack.

    Beside OUT.tif stands OUT_preprocess.json: the chain in it replays the same steps exactly
    (`--chain OUT_preprocess.json`).
    """
    if out.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"{out}: the result is a TIFF stack; let its name end in .tif.")
    record = _record_of(out)
    for path in (out, record):
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path}: exists already; choose another name or --overwrite.")
    chain = build_chain(preprocessing)
    if dtype not in ("auto", "float32", *_INTEGERS):
        raise ValueError(f"--dtype is {dtype!r}: choose auto, float32, uint8 or uint16.")
    with read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened:
        opened = replace(opened, notes=(*opened.notes, *unused_flats(opened, chain)))
        show_notes(opened.notes)
        _write(opened, chain, out, dtype, compress=compress)
    typer.echo(f"{out}\n{record}")


def _record_of(out: Path) -> Path:
    return out.with_name(f"{out.stem}_preprocess.json")


def _write(stack: Stack, chain: Chain, out: Path, dtype: str, *, compress: bool) -> None:
    clock = StageClock()
    with OutputFiles(out.parent) as files, InputHashes(stack.files) as hashes:
        with clock.stage("preprocess_fit"):
            chain, corrected = chain.fit_apply(stack)
            mapping, ready = _output_mapping(dtype).fit_apply(corrected)
        kind = ready.dtype if dtype == "auto" else np.dtype(dtype)
        with (
            clock.stage("frames"),
            TiffStackWriter(
                files.path(out.name), ready.shape, kind, stack.experiment, compress=compress
            ) as writer,
            closing(_pages(ready, writer)) as pages,
        ):
            for page in track(pages, len(ready), "preprocessing"):
                writer.append_encoded(page)
        record = run_record(
            inputs=hashes.records(),
            settings={"dtype": str(kind)},
            output_mapping=mapping.to_json(),
            chain=chain.to_json(),
            clock=clock,
            notes=ready.notes,
            command=recorded(
                lambda: preprocess_words(
                    stack,
                    out,
                    chain=marked(absolute(_record_of(out)), chain),
                    dtype=dtype,
                    compress=compress,
                )
            ),
            experiment=stack.experiment.to_json(),
        )
        write_json(files.path(_record_of(out).name), record)


def _pages(stack: Stack, writer: TiffStackWriter) -> Generator[bytes]:
    """Every frame read, corrected and encoded, on all cores, while earlier ones are written."""

    def page(t: int) -> bytes:
        frame = stack.read(t)
        if writer.dtype.kind == "u" and frame.dtype.kind == "f":
            np.rint(frame, out=frame)  # ours: the mapping to an integer range made it
        return writer.encode(frame.astype(writer.dtype, copy=False))

    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    return ordered_map(page, range(len(stack)), workers=workers)


def _output_mapping(dtype: str) -> Chain:
    """What brings grey values to the full range of an integer type; nothing for the others."""
    if dtype not in _INTEGERS:
        return Chain()
    full = Normalise(low_percentile=0.1, high_percentile=99.9, out_high=_INTEGERS[dtype])
    return Chain((full,))
