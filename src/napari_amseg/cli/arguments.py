"""Arguments that several commands take, and what is made from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from napari_amseg.io.address import split_address
from napari_amseg.pipeline.command_parts import with_full_paths
from napari_amseg.preprocess import (
    Background,
    Chain,
    Crop,
    FlatField,
    Invert,
    Step,
    read_chain,
)
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack

StackArgument = Annotated[
    str,
    typer.Argument(
        help="TIFF, HDF5, Photron or Phantom stack, FILE::DATASET inside an HDF5 file, folder of "
        "numbered images, or a glob in quotes."
    ),
]
BenchmarkFolder = Annotated[Path, typer.Argument(help="Benchmark folder.")]
SplitName = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", help="Split to use; the only one if left out."),
]
ModelName = Annotated[
    str, typer.Option(help="A shipped model (see amseg models) or a bundle folder.")
]
OutFolder = Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")]
ResultName = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="What file names begin with; the stack's if not given."
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size", metavar="UM", help="Pixel size in um; the file's own if not given."
    ),
]
FrameRate = Annotated[
    float | None,
    typer.Option(
        "--frame-rate", metavar="HZ", help="Frames a second; the file's own if not given."
    ),
]
ScanSpeed = Annotated[
    float | None,
    typer.Option(
        "--scan-speed", metavar="MM_S", help="Scan speed that was set, mm/s; compared with the fit."
    ),
]


@dataclass(frozen=True, slots=True)
class ChainOptions(Settings):
    """Preprocessing as given on the command line, in the order in which it is done."""

    chain: str | None = setting(
        None,
        help="Chain JSON, or a _run.json, to replay; before the steps given here. FILE#HASH, as in "
        "recorded commands: only if the file still holds that chain.",
    )
    flat: str | None = setting(None, help="Flat-field stack or image.")
    dark: str | None = setting(None, help="Dark-field stack or image.")
    flat_after: str | None = setting(None, help="Second flat, recorded after the stack.")
    flat_reduce: str = setting(
        "median", choices=("median", "mean"), help="How flats and darks are combined."
    )
    crop: str | None = setting(None, help="Region Y0:Y1,X0:X1, ends excluded; flats stay whole.")
    background: str | None = setting(
        None,
        choices=("median", "mean", "percentile", "previous"),
        help="Remove what does not move, by this method.",
    )
    background_mode: str = setting(
        "divide", choices=("divide", "subtract"), help="Divide by the background or subtract it."
    )
    background_window: int = setting(
        0, low=0, unit="frames", help="Frames in a rolling window; 0: the whole stack."
    )
    background_percentile: float = setting(
        10.0, low=0, high=100, unit="%", help="Percentile, for that method."
    )
    invert: bool = setting(False, help="Mirror grey values: for dark pores or keyholes.")


def build_chain(given: ChainOptions) -> Chain:
    """The chain these options describe: flat field, crop, background, invert."""
    chain = Chain() if given.chain is None else read_chain(given.chain)
    steps: list[Step] = []
    if given.flat is not None:
        steps.append(
            FlatField(
                flat=given.flat,
                dark=given.dark,
                flat_after=given.flat_after,
                reduce=given.flat_reduce,
            )
        )
    elif given.dark is not None or given.flat_after is not None:
        raise ValueError("--dark and --flat-after need --flat, the flat-field stack or image.")
    if given.crop is not None:
        steps.append(Crop.parse(given.crop))
    if given.background is not None:
        steps.append(
            Background(
                method=given.background,
                mode=given.background_mode,
                window=given.background_window,
                percentile=given.background_percentile,
            )
        )
    if given.invert:
        steps.append(Invert())
    return with_full_paths(chain + Chain(tuple(steps)))


def with_scan_speed(stack: Stack, scan_speed_mm_s: float | None) -> Stack:
    """The stack with the scan speed that was set."""
    return replace(stack, experiment=stack.experiment.updated(scan_speed_mm_s=scan_speed_mm_s))


def stem_for(name: str | None, source: str) -> str:
    """The name that was given, else :func:`stem_of`.

    Raises
    ------
    ValueError
        If it is empty or holds what separates folders.
    """
    if name is None:
        return stem_of(source)
    if not name.strip() or name != Path(name).name:
        raise ValueError(
            f"--name is {name!r}: give the beginning of a file name; folders go to -o."
        )
    return name


def stem_of(source: str) -> str:
    """What result files are named after: the file, or the folder that holds the images."""
    path = split_address(source)[0]
    if not path.exists():  # a glob
        path = path.parent
        while any(c in path.name for c in "*?["):
            path = path.parent
    if path.is_dir():
        return path.resolve().name or "stack"
    return path.name.removesuffix(path.suffix).removesuffix(".ome")
