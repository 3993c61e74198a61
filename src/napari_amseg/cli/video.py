"""``amseg video``: frames beside their masks, as a video or a film strip."""

from __future__ import annotations

from contextlib import ExitStack, closing
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    PixelSize,
    StackArgument,
    build_chain,
)
from napari_amseg.cli.progress import progress, show_notes
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.pipeline.video import (
    VideoRequest,
    chosen_frames,
    write_film_strip,
    write_video,
)
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.report.video import VideoSettings
from napari_amseg.types import Stack


def video(
    stack: StackArgument,
    labels: Annotated[str, typer.Argument(help="Label stack of the same frames, a prediction.")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="FILE", help=".mp4, or .png, .pdf, .svg for a strip."),
    ],
    looks: VideoSettings,
    preprocessing: ChainOptions,
    truth: Annotated[str | None, typer.Option(help="Label stack with the true masks.")] = None,
    frames: Annotated[
        str, typer.Option(metavar="A:B:STEP", help="Frames to show, B excluded; or 0,20,40.")
    ] = "",
    view: Annotated[
        str,
        typer.Option(
            metavar="Y0:Y1,X0:X1",
            help="Show this part of every frame only; stack and labels are whole.",
        ),
    ] = "",
    codes: Annotated[
        str | None,
        typer.Option(help="What the pixel values mean, for example keyhole=255,substrate=128."),
    ] = None,
    contrast: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH",
            help="Grey values shown black and white; from a sample of the frames if not given.",
        ),
    ] = None,
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier file.")] = False,
) -> None:
    """Write a video of frames, truth and prediction, with time, scale bar and legend.

    A name in .png, .pdf or .svg gives a film strip instead: some frames beside each other.

    Example: amseg video run3.tif results/run3_labels.tif --frame-rate 50000 -o run3.mp4
    """
    scheme = DEFAULT_SCHEME if codes is None else LabelScheme.parse(codes)
    chain = build_chain(preprocessing)
    with ExitStack() as opened:
        raw = opened.enter_context(
            read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate)
        )
        show_notes(raw.notes)
        request = VideoRequest(
            stack=chain.apply(raw),
            labels=_cropped(opened.enter_context(read_stack(labels)), raw, chain),
            truth=None
            if truth is None
            else _cropped(opened.enter_context(read_stack(truth)), raw, chain),
            path=out,
            scheme=scheme,
            frames=frames,
            view=view,
            limits=None if contrast is None else _parse_contrast(contrast),
            title="Raw" if _crops(chain) == chain else "Preprocessed",
            settings=looks,
            overwrite=overwrite,
        )
        show_notes(request.notes)
        if request.is_video:
            n_frames = len(chosen_frames(frames, len(raw)))
            with progress() as bar, closing(write_video(request)) as written:
                for _ in bar.track(written, total=n_frames, description="writing video"):
                    pass
        else:
            write_film_strip(request)
    typer.echo(out)


def _cropped(masks: Stack, raw: Stack, chain: Chain) -> Stack:
    """Masks of whole frames, cropped as the frames are; others are taken for cropped already."""
    return _crops(chain).apply(masks) if masks.frame_shape == raw.frame_shape else masks


def _crops(chain: Chain) -> Chain:
    return Chain(tuple(step for step in chain.steps if isinstance(step, Crop)))


def _parse_contrast(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = float("nan")
    if not (isfinite(high - low) and low < high):
        raise ValueError(
            f"--contrast is {text!r}: write LOW,HIGH, two grey values, the lower one first."
        )
    return low, high
