"""``amseg explain``: where in a frame the network saw evidence for a class."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    ModelName,
    OutFolder,
    PixelSize,
    ResultName,
    StackArgument,
    build_chain,
    stem_for,
)
from napari_amseg.cli.progress import err, show_notes
from napari_amseg.explain import ExplainSettings
from napari_amseg.io import read_stack
from napari_amseg.models import load_bundle
from napari_amseg.pipeline.explain import ExplainRequest, explain_to_files


def explain(
    stack: StackArgument,
    frame: Annotated[int, typer.Option(metavar="N", help="The frame; the first is 0.")],
    out: OutFolder,
    preprocessing: ChainOptions,
    explaining: ExplainSettings,
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="The class, by its name in the model.")
    ] = "keyhole",
    model: ModelName = "fast",
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    name: ResultName = None,
    overwrite: Annotated[bool, typer.Option(help="Replace earlier results.")] = False,
) -> None:
    """Show by Grad-CAM which parts of a frame spoke for a class.

    Writes into OUT: STEM_gradcam_CLASS_N.tif (heat map, 0 to 1), the same as .png beside frame and
    prediction, and _run.json (what made them).

    Example: amseg explain run3.tif --frame 120 --class keyhole --model fast -o results
    """
    bundle = load_bundle(model)
    with read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened:
        show_notes(opened.notes)
        request = ExplainRequest(
            stack=opened,
            frame=frame,
            class_name=class_name,
            folder=out,
            stem=stem_for(name, stack),
            chain=build_chain(preprocessing),
            settings=explaining,
            overwrite=overwrite,
        )
        err.print(f"loading model {bundle.name} ...", highlight=False)
        record = explain_to_files(request, bundle)
    explained = record["explanation"]
    show_notes(explained["notes"])
    err.print(
        f"layer {explained['layer']}, score of {explained['n_pixels']} pixels, "
        f"computed with {record['engine']['device']}",
        highlight=False,
    )
    for name in request.names:
        typer.echo(out / name)
