"""``amseg dataset add``: annotated frames into a benchmark folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from napari_amseg.cli.arguments import FrameRate, PixelSize, StackArgument
from napari_amseg.cli.progress import err, show_notes, track
from napari_amseg.dataset import Benchmark, add_frames, open_benchmark
from napari_amseg.dataset.add import labelled_frames
from napari_amseg.dataset.benchmark import RECORD
from napari_amseg.dataset.codes import recoded
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Experiment, Stack


@dataclass(frozen=True, slots=True)
class MetadataOptions(Settings):
    """What else is known about an experiment: the columns of ``experiments.csv``."""

    facility: str | None = setting(None, help="For example ESRF, APS, DLS.")
    beamline: str | None = setting(None, help="For example ID19, 32-ID-B, I12.")
    process: str | None = setting(None, help="For example LPBF, DED, laser welding, casting.")
    substrate_material: str | None = setting(None, help="Material of the plate.")
    powder_material: str | None = setting(None, help="Material of the powder, if there was any.")
    laser_power_w: float | None = setting(None, unit="W", help="Nominal laser power.")
    scan_speed_mm_s: float | None = setting(None, unit="mm/s", help="Nominal scan speed.")
    source: str | None = setting(None, help="Where the data come from: proposal, DOI, licence.")


def add(
    images: StackArgument,
    labels: Annotated[str, typer.Argument(help="Their label images: TIFF, folder or glob.")],
    experiment: Annotated[
        str, typer.Option(metavar="ID", help="Name of the experiment: what a folder may be called.")
    ],
    benchmark: Annotated[Path, typer.Option(help="Benchmark folder; made if it is not there.")],
    metadata: MetadataOptions,
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    frames: Annotated[
        str | None,
        typer.Option(
            help="Frames to add, counted from 0: 0:10 (the first ten), 0:90:5, 3,7,12, "
            "or labelled (those with any label). All if left out."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Classes of a new benchmark, if not all five: pore,background; "
            "classes of your own with their code: keyhole,pore,substrate,spatter=6."
        ),
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(
            help="What the pixel values of LABELS mean, if not what the benchmark says: for "
            "example pore=255,background=128. They are translated."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace frames that are there.")
    ] = False,
    allow_unlabelled: Annotated[
        bool, typer.Option("--allow-unlabelled", help="Also take frames without any label.")
    ] = False,
) -> None:
    """Add images with their labels to a benchmark; makes the benchmark if there is none.

    Either all frames are added or, if anything is wrong, none.

    Example: amseg dataset add run3.tif run3_labels.tif --experiment run3 --benchmark bench
    --facility ESRF --substrate-material Ti-6Al-4V --pixel-size 4.31
    """
    target = _open_or_new(benchmark, classes)
    known = Experiment(
        experiment=experiment,
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        **metadata.to_json(),
    )
    with (
        read_stack(images, pixel_size_um=pixel_size, frame_rate_hz=frame_rate) as opened,
        read_stack(labels) as label_images,
    ):
        show_notes((*opened.notes, *label_images.notes))
        if codes is not None:
            label_images = recoded(label_images, LabelScheme.parse(codes), target.scheme)
        chosen = parse_frames(frames, label_images)
        target = add_frames(
            target,
            opened,
            label_images,
            known,
            frames=chosen,
            overwrite=overwrite,
            allow_unlabelled=allow_unlabelled,
            track=track,
        )
    typer.echo(f"{benchmark}: {len(chosen)} frames of {experiment}, {len(target.frames)} in all")
    if target.experiment(experiment).pixel_size_um is None:
        err.print("note: no --pixel-size: errors cannot be told in um.", highlight=False)


def parse_frames(text: str | None, labels: Stack) -> Sequence[int]:
    """Frame numbers from ``0:10``, ``0:90:5``, ``3,7,12``, ``labelled`` or None (all).

    Raises
    ------
    ValueError
        If the text has another form.
    """
    if text is None:
        return range(len(labels))
    if text.strip() == "labelled":
        return labelled_frames(labels, track=track)
    try:
        ranges = [_numbers(part, len(labels)) for part in text.split(",")]
        beyond = any(max(r[0], r[-1]) >= len(labels) for r in ranges if r)
    except OverflowError:
        beyond = True
    except (TypeError, ValueError):
        raise ValueError(f"--frames is {text!r}: write 0:10, 0:90:5, 3,7,12 or labelled.") from None
    if beyond:
        raise ValueError(f"--frames is {text!r}: the stack has frames 0 to {len(labels) - 1}.")
    return [t for r in ranges for t in r]


def _numbers(part: str, n_frames: int) -> Sequence[int]:
    if ":" not in part:
        return [int(part)]
    start, stop, *step = part.split(":")
    return range(int(start or 0), int(stop or n_frames), *map(int, step))


def _open_or_new(folder: Path, classes: str | None) -> Benchmark:
    """The benchmark there, or an empty one that is not on the disk yet."""
    scheme = DEFAULT_SCHEME if classes is None else parse_classes(classes)
    if not (folder / RECORD).exists():
        return Benchmark(folder, scheme, {}, ())
    benchmark = open_benchmark(folder)
    if classes is not None and scheme != benchmark.scheme:
        raise ValueError(
            f"--classes is {classes!r}, but {folder} has {', '.join(benchmark.scheme.names)}: "
            "leave it out, or choose another folder."
        )
    return benchmark


def parse_classes(text: str) -> LabelScheme:
    """Default classes by their names, others as ``name=code``. ValueError for anything else."""
    codes = {c.role: c.code for c in DEFAULT_SCHEME.classes}
    names = [part.strip().casefold() for part in text.split(",")]
    strange = [name for name in names if "=" not in name and name not in codes]
    if strange:
        raise ValueError(
            f"--classes names {', '.join(strange)}; known are {', '.join(codes)}. "
            "Give a class of your own a code: spatter=6."
        )
    return LabelScheme.parse(",".join(n if "=" in n else f"{n}={codes[n]}" for n in names))
