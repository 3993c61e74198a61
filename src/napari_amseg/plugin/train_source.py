"""What the *Train* widget learns from: annotated layers, or a benchmark; and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_amseg.dataset import (
    Benchmark,
    add_frames,
    listed_split,
    open_benchmark,
    random_split,
    save_split,
    split_names,
)
from napari_amseg.dataset.add import IMAGE_DTYPES, labelled_frames
from napari_amseg.dataset.names import Track
from napari_amseg.labels import LabelScheme
from napari_amseg.models.bundle import CHECKPOINT, require_free
from napari_amseg.plugin.layers import image_source, label_source
from napari_amseg.types import Experiment, Stack, stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer

_EXPERIMENT = "viewer"  # never the layer's name: a resumed training must find the same frames
_FEWEST_TO_SPLIT = 3
_PARTS = (4, 1, 0)  # nobody would test on a temporary benchmark


@dataclass(frozen=True)
class LayerPair:
    """Two layers of one shape: frames as shown (T, Y, X) and their labels.

    scheme : what the label codes mean. name : of the image layer.
    """

    images: Stack
    labels: Stack
    scheme: LabelScheme
    name: str

    @property
    def frame_bytes(self) -> int:
        """Room a frame takes with its labels, not compressed."""
        rows, columns = self.images.frame_shape
        return rows * columns * (self.images.dtype.itemsize + 1)


def layer_pair(image: Layer, labels: Layer) -> LayerPair:
    """An image layer and a labels layer as a source of annotated frames; reads no frame.

    Raises
    ------
    ValueError
        If they differ in shape.
    """
    source = image_source(image)
    images = source.chain.apply(source.stack) if source.chain.steps else source.stack
    known = label_source(labels)
    codes = stack_from_array(labels.data, experiment=known.experiment)
    if images.shape != codes.shape:
        raise ValueError(
            f"{image.name!r} is {_words(images)}, {labels.name!r} is {_words(codes)} (frames × "
            "rows × columns): choose the labels of this very image."
        )
    return LayerPair(_storable(images), codes, known.scheme, image.name)


def write_benchmark(pair: LayerPair, folder: Path, track: Track) -> tuple[str, tuple[str, ...]]:
    """Write every frame with a labelled pixel to a new benchmark, frame by frame.

    A fifth of the frames, chosen at random with a fixed seed, validates. Fewer than three frames
    all train.

    track : wraps the loops over frames, to show progress or to stop.

    Returns
    -------
    The name of the split, and remarks.

    Raises
    ------
    ValueError
        If no pixel is labelled, or images or labels are not what a benchmark keeps.
    OSError
        If it cannot be written.
    """
    frames = labelled_frames(pair.labels, track=track)
    if not frames:
        raise ValueError(
            f"the labels of {pair.name!r} are empty: paint on at least one frame, every pixel "
            "that is to be learnt from; 0 stays unlabelled and does not count."
        )
    benchmark = add_frames(
        Benchmark(folder, pair.scheme, {}, ()),
        pair.images,
        pair.labels,
        Experiment(experiment=_EXPERIMENT),
        frames=frames,
        track=track,
    )
    if len(frames) < _FEWEST_TO_SPLIT:
        save_split(benchmark, listed_split(benchmark))
        return "listed", (
            f"only {len(frames)} annotated: all train, none validates; the scores are those of "
            "the frames learnt from. Annotate at least three.",
        )
    save_split(benchmark, random_split(benchmark, parts=_PARTS))
    return "random", ()


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """What a form shows of a benchmark folder."""

    folder: str
    text: str
    splits: tuple[str, ...]


def look_at_benchmark(folder: str) -> BenchmarkFacts:
    """Open a benchmark folder, for a form. Raises as :func:`open_benchmark`."""
    benchmark = open_benchmark(folder)
    n_experiments = len({frame.experiment for frame in benchmark.frames})
    text = (
        f"{len(benchmark.frames)} labelled images of {n_experiments} "
        f"experiment{'s' * (n_experiments != 1)}: {', '.join(benchmark.scheme.names)}"
    )
    return BenchmarkFacts(folder, text, split_names(benchmark))


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """What a form shows of the folder for the model: why it cannot be used, or empty.

    resumable : it holds the checkpoint of a training.
    """

    folder: str
    problem: str
    resumable: bool


def look_at_output(folder: str) -> OutputFacts:
    """Whether a model may be written to a folder, for a form."""
    path = output_path(folder)
    problem = ""
    try:
        require_free(path)
    except OSError as error:
        problem = str(error)
    return OutputFacts(folder, problem, (path / CHECKPOINT).is_file())


def output_path(folder: str) -> Path:
    """A folder as typed, complete."""
    return Path(folder).expanduser().absolute()


def _words(stack: Stack) -> str:
    return " × ".join(map(str, stack.shape))


def _storable(images: Stack) -> Stack:
    """The frames in a type that a benchmark keeps: float32 instead of any other."""
    if images.dtype in IMAGE_DTYPES:
        return images
    return images.derived(lambda t: images.read(t).astype(np.float32), dtype=np.float32)
