"""``amseg info``: what a stack is, before anything is done to it."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_amseg.cli.arguments import FrameRate, PixelSize, StackArgument
from napari_amseg.io import read_stack, recorded_fields


def info(stack: StackArgument, pixel_size: PixelSize = None, frame_rate: FrameRate = None) -> None:
    """Show what a stack holds: frames, size, type, pixel size, frame rate, grey values."""
    from napari_amseg.preprocess import Chain, recorded_options
    from napari_amseg.preprocess.statistics import grey_levels

    with read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened:
        frames, height, width = opened.shape
        experiment = opened.experiment
        low, middle, high = grey_levels(Chain().apply(opened), (0.5, 50.0, 99.5))
        rate, pixel = experiment.frame_rate_hz, experiment.pixel_size_um
        size_mb = frames * height * width * opened.dtype.itemsize / 2**20
        field_mm = (width * (pixel or 0) / 1000, height * (pixel or 0) / 1000)
        files = opened.files
        rows = {
            "frames": f"{frames}",
            "rows x columns": f"{height} x {width}",
            "type": f"{opened.dtype}, {size_mb:,.1f} MB uncompressed",
            "pixel size": f"{pixel:g} um, field {field_mm[0]:.3g} x {field_mm[1]:.3g} mm"
            if pixel
            else "unknown: give --pixel-size",
            "frame rate": f"{rate:g} Hz, {1e3 * frames / rate:.4g} ms in all"
            if rate
            else "unknown: give --frame-rate",
            "grey values": f"{low:g} / {middle:g} / {high:g} (0.5, 50, 99.5 % of the pixels)",
            "files": files[0] if len(files) == 1 else f"{len(files)}: {files[0]} ... {files[-1]}",
        }
        rows |= {"dataset": opened.dataset} if opened.dataset else {}
        rows |= recorded_fields(opened)
        table = Table(show_header=False, box=None)
        for name, value in rows.items():
            table.add_row(f"[bold]{name}", escape(value))  # brackets in names are no markup
        for note in opened.notes:
            table.add_row("[bold]note", escape(note))
        options = recorded_options(opened)
    Console().print(table)
    if options:  # in one line, however long, to be copied
        typer.echo(f"to correct with what was recorded: {options}")
