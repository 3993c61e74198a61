"""Label images that the annotate commands take, and the stack that they write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from napari_amseg.annotate.label_codes import as_codes
from napari_amseg.cli.progress import show_notes
from napari_amseg.dataset import FrameId, open_benchmark
from napari_amseg.dataset.benchmark import RECORD, read_scheme
from napari_amseg.io import OutputFiles, TiffStackWriter, read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.types import Experiment, Stack

LabelsArgument = Annotated[str, typer.Argument(help="Label stack: TIFF, folder or glob.")]
SourceArgument = Annotated[str, typer.Argument(help="Label stack, or a benchmark folder.")]
SchemeOf = Annotated[
    Path | None,
    typer.Option(
        "--scheme", metavar="BENCHMARK", help="Benchmark whose classes count; the five if left out."
    ),
]
OutFile = Annotated[Path, typer.Option("-o", "--out", help="The label stack to write, a TIFF.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]


@dataclass(frozen=True, slots=True)
class LabelSource:
    """Label images by name: ``frame 3`` of a stack, ``experiment/frame`` of a benchmark.

    read : the label image of a name, uint8 (Y, X). size : its rows and columns, without reading it.
    """

    scheme: LabelScheme
    names: tuple[str, ...]
    read: Callable[[str], NDArray[np.uint8]]
    size: Callable[[str], tuple[int, int]]


@contextmanager
def label_source(path: str, scheme: Path | None) -> Iterator[LabelSource]:
    """Open a label stack, or the labels of a benchmark, which has a scheme of its own."""
    folder = Path(path).expanduser()
    if (folder / RECORD).is_file():
        if scheme is not None:
            raise ValueError(
                f"--scheme is for stacks: {path} is a benchmark, with its own classes."
            )
        benchmark = open_benchmark(folder)
        frames = {str(frame): frame for frame in benchmark.frames}
        yield LabelSource(
            benchmark.scheme,
            tuple(frames),
            lambda name: benchmark.labels(frames[name]),
            lambda name: benchmark.shape(FrameId(*name.split("/", 1))),
        )
        return
    with read_stack(path) as stack:
        show_notes(stack.notes)
        numbers = {f"frame {t}": t for t in range(len(stack))}
        yield LabelSource(
            scheme_of(scheme),
            tuple(numbers),
            lambda name: codes_of(stack, numbers[name]),
            lambda name: stack.frame_shape,
        )


def scheme_of(benchmark: Path | None) -> LabelScheme:
    """The classes of a benchmark, or the five."""
    return DEFAULT_SCHEME if benchmark is None else read_scheme(benchmark.expanduser())


def codes_of(labels: Stack, t: int) -> NDArray[np.uint8]:
    """A frame of a label stack as uint8. ValueError, naming it, if it holds no codes 0..255."""
    return as_codes(labels.read(t), t)


def check_out(out: Path, *, overwrite: bool) -> None:
    """Raise ValueError or FileExistsError if a label stack cannot be written there."""
    if out.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"{out}: the result is a TIFF stack; let its name end in .tif.")
    if out.exists() and not overwrite:
        raise FileExistsError(f"{out}: exists already; choose another name or --overwrite.")


def write_labels(
    frames: Iterable[NDArray[np.uint8]],
    shape: tuple[int, int, int],
    experiment: Experiment,
    out: Path,
) -> None:
    """Write a label stack frame by frame; it appears whole or not at all."""
    with (
        OutputFiles(out.parent) as files,
        TiffStackWriter(files.path(out.name), shape, np.uint8, experiment, labels=True) as writer,
    ):
        for frame in frames:
            writer.append(frame)
