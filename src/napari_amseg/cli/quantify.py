"""``amseg quantify``: measure any label stack, ours or not."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from napari_amseg.cli.arguments import (
    FrameRate,
    OutFolder,
    PixelSize,
    ResultName,
    ScanSpeed,
    stem_for,
    with_scan_speed,
)
from napari_amseg.cli.evaluate import show_scores
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.cli.segment import ERROR_FILES, draw_series, list_results, remove_stale
from napari_amseg.io import OutputFiles, read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure import MeasureSettings
from napari_amseg.pipeline import RunRequest, quantify_to_files


def quantify(
    labels: Annotated[str, typer.Argument(help="Label stack: TIFF, folder or glob.")],
    out: OutFolder,
    measuring: MeasureSettings,
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    scan_speed: ScanSpeed = None,
    name: ResultName = None,
    codes: Annotated[
        str | None,
        typer.Option(
            help="What the pixel values mean, if not 1 keyhole, 2 pore, 3 substrate, "
            "4 background, 5 powder: for example keyhole=255,substrate=128."
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            help="Ground-truth label stack of the same frames: scores and errors are written."
        ),
    ] = None,
    figures: Annotated[bool, typer.Option(help="Also draw the series.")] = True,
    overwrite: Annotated[
        bool, typer.Option(help="Replace results of other labels with the same name.")
    ] = False,
) -> None:
    """Measure the keyhole and the pores in every frame of a label stack.

    Example: amseg quantify run3_labels.tif --pixel-size 2 --frame-rate 50000 -o results
    """
    scheme = DEFAULT_SCHEME if codes is None else LabelScheme.parse(codes)
    stem = stem_for(name, labels)
    stem = stem if name else stem.removesuffix("_labels")
    with ExitStack() as close:
        opened = read_stack(labels, pixel_size_um=pixel_size, frame_rate_hz=frame_rate)
        stack = with_scan_speed(close.enter_context(opened), scan_speed)
        show_notes(stack.notes)
        known = None if truth is None else close.enter_context(read_stack(truth))
        request = RunRequest(
            stack=stack, folder=out, stem=stem, measure=measuring, overwrite=overwrite
        )
        record = quantify_to_files(request, scheme=scheme, truth=known, track=track)
        kinds = ("series.png",) if known is not None else ("series.png", *ERROR_FILES)
        remove_stale(out, stem, kinds)
        if figures:
            import pandas as pd

            with OutputFiles(out) as files:
                frames = pd.read_csv(out / f"{stem}_frames.csv")
                draw_series(frames, files, stem)
        list_results(out, stem, stack)
        if known is not None:
            show_scores(record)
