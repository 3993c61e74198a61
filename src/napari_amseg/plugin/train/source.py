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
from napari_amseg.dataset.codes import code_counts
from napari_amseg.dataset.names import Track
from napari_amseg.dataset.painted import classes_to_learn, storable
from napari_amseg.labels import LabelScheme
from napari_amseg.models.bundle import CHECKPOINT, require_free
from napari_amseg.plugin.layers import image_source, label_source
from napari_amseg.types import Experiment, Stack, stack_from_array
from napari_amseg.words import counted

if TYPE_CHECKING:
    from napari.layers import Layer

_EXPERIMENT = "viewer"  # never the layer's name: a resumed training must find the same frames
_FEWEST_TO_SPLIT = 3
_PARTS = (4, 1, 0)  # nobody would test on a temporary benchmark


@dataclass(frozen=True)
class LayerPair:
    """Two layers of one shape: frames as shown (T, Y, X) and their labels.

    scheme : what the label codes mean. name : of the image layer. is_confirmed : the labels are
    those of an annotation that a person stands for, without suggestions.
    """

    images: Stack
    labels: Stack
    scheme: LabelScheme
    name: str
    is_confirmed: bool = False


def layer_pair(image: Layer, labels: Layer) -> LayerPair:
    """An image layer and a labels layer as a source of annotated frames; reads no frame.

    Of an annotation only what is confirmed counts: a model learns nothing from suggestions but
    their mistakes.

    Raises
    ------
    ValueError
        If they differ in shape.
    """
    images = image_source(image).processed()
    known = label_source(labels)
    codes = stack_from_array(labels.data, experiment=known.experiment)
    if images.shape != codes.shape:
        raise ValueError(
            f"{image.name!r} is {_words(images)}, {labels.name!r} is {_words(codes)} (frames × "
            "rows × columns): choose the labels of this very image."
        )
    if known.confirmed is not None:
        return LayerPair(storable(images), known.confirmed, known.scheme, image.name, True)
    return LayerPair(storable(images), codes, known.scheme, image.name)


def write_benchmark(
    pair: LayerPair, folder: Path, track: Track, model: LabelScheme | None = None
) -> tuple[str, tuple[str, ...]]:
    """Write every frame with a labelled pixel to a new benchmark, frame by frame.

    Its classes are those that are painted: one that is not cannot be learnt and would only be in
    the way. A fifth of the frames, chosen at random with a fixed seed, validates; fewer than
    three frames all train.

    track : wraps the loops over frames, to show progress or to stop. model : classes of a model
    that is trained further; they stay if all that is painted is among them.

    Returns
    -------
    The name of the split, and remarks.

    Raises
    ------
    ValueError
        If fewer than two classes are painted, or images or labels are not what a benchmark keeps.
    OSError
        If it cannot be written.
    """
    frames, painted = _annotated(pair.labels, track)
    if pair.is_confirmed and not frames:
        raise ValueError(
            f"nothing in the annotation of {pair.name!r} is confirmed: paint in some frames, or "
            "mark those that are right as complete. Suggestions that nobody confirmed teach "
            "nothing."
        )
    scheme = classes_to_learn(pair.scheme, painted, model, pair.name)
    benchmark = add_frames(
        Benchmark(folder, scheme, {}, ()),
        pair.images,
        pair.labels,
        Experiment(experiment=_EXPERIMENT),
        frames=frames,
        track=track,
    )
    left_out = [name for name in pair.scheme.names if name not in scheme.names]
    notes = [f"not painted, so left out: {', '.join(left_out)}"] if left_out else []
    if pair.is_confirmed:
        notes.append(
            f"{len(frames)} of {len(pair.labels)} frames count, with what a person painted or "
            "called complete; suggestions do not"
        )
    if len(frames) < _FEWEST_TO_SPLIT:
        save_split(benchmark, listed_split(benchmark))
        notes.append(
            f"only {len(frames)} annotated: all train, none validates; annotate at least three"
        )
        return "listed", tuple(notes)
    save_split(benchmark, random_split(benchmark, parts=_PARTS))
    return "random", tuple(notes)


def _annotated(labels: Stack, track: Track) -> tuple[list[int], set[int]]:
    """The frames with a labelled pixel, and the codes that occur."""
    frames, codes = [], set()
    for t in track(range(len(labels)), len(labels), "looking for labels"):
        try:
            found = set(np.flatnonzero(code_counts(labels.read(t))).tolist()) - {0}
        except ValueError as error:
            raise ValueError(f"labels, frame {t}: {error}") from None
        if found:
            frames.append(t)
            codes |= found
    return frames, codes


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
        f"{len(benchmark.frames)} labelled images of {counted(n_experiments, 'experiment')}: "
        f"{', '.join(benchmark.scheme.names)}"
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
