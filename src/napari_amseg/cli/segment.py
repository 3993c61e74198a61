"""``amseg segment``: the whole way from a stack to masks, tables and figures."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    ModelName,
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
from napari_amseg.cli.result_notes import scale_notes, table_notes
from napari_amseg.io import OutputFiles, read_stack
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import RunRequest, result_names, segment_to_files
from napari_amseg.preprocess import unused_flats
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.types import Stack
from napari_amseg.words import counted

if TYPE_CHECKING:
    import pandas as pd

ERROR_FILES = ("errors.csv", "errors.png")


def segment(
    stack: StackArgument,
    out: OutFolder,
    preprocessing: ChainOptions,
    segmenting: SegmentSettings,
    maps: MapSettings,
    post: PostSettings,
    measuring: MeasureSettings,
    model: ModelName = "fast",
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    scan_speed: ScanSpeed = None,
    name: ResultName = None,
    figures: Annotated[bool, typer.Option(help="Also draw the series and an overlay.")] = True,
    overwrite: Annotated[
        bool, typer.Option(help="Replace labels that were edited since they were written.")
    ] = False,
) -> None:
    """Segment a stack and measure every frame.

    Writes into OUT: STEM_labels.tif (masks), STEM_frames.csv, STEM_pores.csv and
    STEM_pore_tracks.csv (a row a frame, a pore a frame, a pore), STEM_summary.json, STEM_run.json
    (what made it), and two figures; with --confidence also STEM_confidence.tif.

    Example: amseg segment run3.tif --pixel-size 2 --frame-rate 50000 -o results
    """
    bundle, chain = load_bundle(model), build_chain(preprocessing)
    with read_stack(stack, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened:
        show_notes((*opened.notes, *unused_flats(opened, chain)))
        request = RunRequest(
            stack=with_scan_speed(opened, scan_speed),
            folder=out,
            stem=stem_for(name, stack),
            chain=chain,
            segment=segmenting,
            maps=maps,
            post=post,
            measure=measuring,
            overwrite=overwrite,
        )
        run_and_show(request, bundle, figures=figures)


def run_and_show(request: RunRequest, bundle: Bundle, *, figures: bool = True) -> dict[str, Any]:
    """Segment to files, draw the figures, and list what was written."""
    err.print(f"loading model {bundle.name} ...", highlight=False)
    record = segment_to_files(request, bundle, track=track)
    err.print(f"computed with {record['engine']['device']}", highlight=False)
    stale = ("series.png", "overlay.png", *ERROR_FILES)
    remove_stale(request.folder, request.stem, stale)
    if not request.maps.confidence:
        remove_stale(request.folder, request.stem, ("confidence.tif",))
    if figures:
        draw_figures(request.stack, request.folder, request.stem, record)
    list_results(
        request.folder,
        request.stem,
        request.stack,
        told=unused_flats(request.stack, request.chain),
        confidence=request.maps.confidence,
    )
    return record


def remove_stale(folder: Path, stem: str, kinds: Iterable[str]) -> None:
    """Remove what an earlier run left and this one has not written: it would not fit the rest."""
    for kind in kinds:
        (folder / f"{stem}_{kind}").unlink(missing_ok=True)


def draw_figures(stack: Stack, folder: Path, stem: str, record: dict[str, Any]) -> None:
    """An overlay of three frames and the time series, if there is one, from the files written."""
    import pandas as pd

    from napari_amseg.labels import LabelScheme
    from napari_amseg.preprocess import Chain
    from napari_amseg.report import overlay_figure

    frames = pd.read_csv(folder / f"{stem}_frames.csv")
    with read_stack(folder / f"{stem}_labels.tif") as labels, OutputFiles(folder) as files:
        draw_series(frames, files, stem)
        overlay_figure(
            Chain.from_json(record["preprocessing"]).apply(stack),
            labels,
            files.path(f"{stem}_overlay.png"),
            frames=_telling_frames(frames),
            scheme=LabelScheme.from_json(record["label_scheme"]),
        )


def draw_series(frames: pd.DataFrame, files: OutputFiles, stem: str) -> None:
    """The time series of a frame table; of one frame there is none."""
    from napari_amseg.report import series_figure

    if len(frames) > 1:
        series_figure(frames, files.path(f"{stem}_series.png"), title=stem)


def _telling_frames(frames: Any) -> list[int]:
    """Three frames spread over those with a keyhole, else over all."""
    some = frames.loc[frames["keyhole_area_px"] > 0, "frame"]
    some = list(some if len(some) else frames["frame"])
    return sorted({some[len(some) // 6], some[len(some) // 2], some[-1 - len(some) // 6]})


def list_results(
    folder: Path,
    stem: str,
    stack: Stack,
    *,
    told: Collection[str] = (),
    confidence: bool = False,
) -> None:
    """Name the files written, say what the numbers lack and which frames to look at first.

    told : notes that need not be said again, beside those of the stack.
    """
    names = result_names(stem, confidence=confidence)
    more = ("series.png", "overlay.png", *ERROR_FILES)
    for name in (*names, *(f"{stem}_{kind}" for kind in more)):
        if (folder / name).exists():
            typer.echo(folder / name)
    show_notes(scale_notes(stack.experiment))
    summary = json.loads((folder / f"{stem}_summary.json").read_text(encoding="utf-8"))
    err.print(in_words(summary), highlight=False)
    run = json.loads((folder / f"{stem}_run.json").read_text(encoding="utf-8"))
    show_notes(note for note in run["notes"] if note not in (*stack.notes, *told))
    show_notes(table_notes(folder / f"{stem}_frames.csv"))


def in_words(summary: dict[str, Any]) -> str:
    """The numbers of a stack in one line."""
    several = summary["n_frames_with_keyhole"] > 1  # one frame has no spread
    told = [f"keyhole in {summary['n_frames_with_keyhole']} of {summary['n_frames']} frames"]
    for what, unit, power in (("depth", "um", ""), ("area", "um", "2")):
        known = summary["pixel_size_um"] is not None
        record = summary[f"keyhole_{what}_{unit}{power}" if known else f"keyhole_{what}_px"]
        if record["mean"] is not None and record["delta_avg"] is not None:
            name = f"{unit}{power}" if known else f"px{power}"
            spread = f" (varies by {100 * record['delta_avg']:.0f} %)" if several else ""
            told.append(f"{what} {record['mean']:.4g} {name}{spread}")
    if summary["scan_speed_m_s"] is not None:
        told.append(f"moving at {summary['scan_speed_m_s']:.3g} m/s")
    told.append(counted(summary["pore_track_count"], "pore"))
    return ", ".join(told) + "."
