"""``amseg laser``: the laser line, its kymograph, and the stack as the laser sees it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    OutFolder,
    PixelSize,
    ResultName,
    ScanSpeed,
    StackArgument,
    build_chain,
    stem_for,
    with_scan_speed,
)
from napari_amseg.cli.progress import err, show_notes, track
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure.laser_frame import WindowSettings
from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.pipeline.laser_frame import LaserRequest, laser_to_files, parse_rows


def laser(
    stack: StackArgument,
    out: OutFolder,
    window: WindowSettings,
    preprocessing: ChainOptions,
    labels: Annotated[
        str | None, typer.Option(help="Label stack of the same frames: the line fits its keyhole.")
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(help="What the labels' pixel values mean, for example keyhole=255."),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="A:B", help="Rows of the kymograph, B excluded; those below the surface if not."
        ),
    ] = None,
    line: Annotated[
        str | None,
        typer.Option(
            metavar="X0,V",
            help="The line by hand: place at frame 0, px a frame (negative: to the left); "
            "X0,V,FIRST,LAST also names the first and last frame with the laser on.",
        ),
    ] = None,
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    scan_speed: ScanSpeed = None,
    name: ResultName = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results.")
    ] = False,
) -> None:
    """Find the laser's path, and look at the stack from the laser.

    Writes into OUT: STEM_laser.json (line, scan speed, t = 0), STEM_kymograph.tif and .png (column
    against time), STEM_laser_frame.tif (a window that travels with the laser), and with --labels
    STEM_laser_frame_labels.tif.

    Example: amseg laser run3.tif --pixel-size 2 --frame-rate 50000 -o results
    """
    given_rows = None if rows is None else parse_rows(rows)
    scheme = DEFAULT_SCHEME if codes is None else LabelScheme.parse(codes)
    with read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened:
        show_notes(opened.notes)
        opened = with_scan_speed(opened, scan_speed)
        label_stack = None if labels is None else read_stack(labels)
        request = LaserRequest(
            stack=opened,
            folder=out,
            stem=stem_for(name, stack),
            chain=build_chain(preprocessing),
            labels=label_stack,
            scheme=scheme,
            rows=given_rows,
            line=None if line is None else _parse_line(line, len(opened)),
            window=window,
            overwrite=overwrite,
        )
        try:
            record = laser_to_files(request, track=track)
        finally:
            if label_stack is not None:
                label_stack.close()
    show_notes(record["notes"])
    err.print(_in_words(record), highlight=False, soft_wrap=True)
    for name in request.names:
        typer.echo(out / name)


def _parse_line(text: str, n_frames: int) -> LaserLine:
    x0, velocity, *on = text.split(",") if "," in text else (text, "")
    try:
        first, last = map(int, on or (0, n_frames - 1))
        numbers = float(x0), float(velocity)
    except ValueError:
        raise ValueError(
            f"--line is {text!r}: write X0,V, the column at frame 0 and the pixels a frame, "
            "for example 120,4.9; or X0,V,FIRST,LAST."
        ) from None
    if last >= n_frames:
        raise ValueError(f"--line ends in frame {last}, but the last frame is {n_frames - 1}.")
    return LaserLine(*numbers, first, last)


def _in_words(record: dict[str, Any]) -> str:
    speed, difference = record["scan_speed_m_s"], record["difference_to_entered_percent"]
    text = (
        f"x = {record['x0_px']:.1f} px {record['velocity_px_per_frame']:+.4g} px a frame, "
        f"t = 0 in frame {record['t0_frame']}"
    )
    text += "" if speed is None else f"; {speed:.4g} m/s"
    text += "" if difference is None else f", {difference:+.1f} % from the speed set"
    return text
