"""A stack opened for annotation: with labels that a benchmark has, or with work that was left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.load import LoadedFrame, found_again, load_frames
from napari_amseg.annotate.working_copy import WorkingCopy
from napari_amseg.dataset.benchmark import RECORD, Benchmark, FrameId, open_benchmark
from napari_amseg.dataset.names import first_few
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

MakeEmpty = Callable[[tuple[int, int, int], LabelScheme], Annotation]


@dataclass(frozen=True)
class Opened:
    """Labels to go on with.

    bases : SHA-256 of the benchmark's label file that each frame comes from. unsaved : frames that
    are in no benchmark as they are here. notes : what a person should know, in words.
    """

    annotation: Annotation
    bases: Mapping[int, str] = field(default_factory=dict)
    unsaved: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def open_labels(
    stack: Stack, benchmark: Benchmark, experiment: str, names: Mapping[str, int], empty: MakeEmpty
) -> Opened:
    """The labels that a benchmark has of an experiment, on the frames of `stack`.

    Labels of a frame that is complete, or that a person was working on, are confirmed: an earlier
    session's marks of single pixels are not in a benchmark.

    Parameters
    ----------
    names : number in the stack of each frame by its name. empty : makes the arrays.

    Raises
    ------
    ValueError
        If the benchmark's images are others than those of the stack; names the frame.
    OSError
        If a file cannot be read.
    """
    annotation = empty(stack.shape, benchmark.scheme)
    bases: dict[int, str] = {}
    strangers: list[str] = []
    for loaded in load_frames(benchmark, experiment):
        frame = names.get(loaded.name)
        if frame is None:
            strangers.append(loaded.name)
            continue
        _check_same(stack, frame, benchmark, FrameId(experiment, loaded.name), loaded)
        annotation.labels[frame] = loaded.labels
        annotation.statuses[frame] = loaded.status
        if loaded.status >= Status.IN_PROGRESS:
            annotation.by_hand[frame] = loaded.labels != 0
        bases[frame] = loaded.sha256
    notes = [f"{len(bases)} frames opened from {benchmark.folder.name}/{experiment}"]
    if strangers:
        notes.append(
            f"{len(strangers)} frames of that experiment are not of this stack by their names "
            f"({first_few(strangers)}); they stay as they are"
        )
    return Opened(annotation, bases, notes=tuple(notes))


def open_recovered(copy: WorkingCopy, empty: MakeEmpty) -> Opened:
    """The work that a session left; frames that cannot be read are told, and hide no others."""
    record = copy.record
    annotation = empty(record.shape, record.scheme)
    bases: dict[int, str] = {}
    unsaved, notes = set(), []
    benchmark = _benchmark(record.benchmark)
    for frame in copy.frames():
        try:
            work = copy.read_frame(frame)
        except ValueError as error:
            notes.append(str(error))
            continue
        if benchmark is not None and record.experiment.experiment:
            name = f"{frame:04d}" if record.frame_names is None else record.frame_names[frame]
            frame_id = FrameId(record.experiment.experiment, name)
            work = found_again(benchmark.label_path(frame_id), work)
        annotation.labels[frame] = work.labels
        annotation.by_hand[frame] = work.by_hand
        annotation.statuses[frame] = work.status
        if work.base_sha256 is not None:
            bases[frame] = work.base_sha256
        if work.unsaved:
            unsaved.add(frame)
    return Opened(annotation, bases, frozenset(unsaved), tuple(notes))


def _benchmark(folder: str | None) -> Benchmark | None:
    """The benchmark of a session, if it can be reached."""
    if folder is None or not (Path(folder) / RECORD).exists():
        return None
    return open_benchmark(folder)


def _check_same(
    stack: Stack, frame: int, benchmark: Benchmark, frame_id: FrameId, loaded: LoadedFrame
) -> None:
    """Labels of other images would be wrong to the last pixel."""
    image = stack.read(frame)
    if benchmark.image_path(frame_id).exists():
        there = benchmark.image(frame_id)
        same = there.shape == image.shape and np.array_equal(there, image.astype(there.dtype))
    else:
        same = loaded.labels.shape == image.shape
    if not same:
        raise ValueError(
            f"{frame_id} in {benchmark.folder} is another image than frame {frame} of this stack: "
            "choose the stack it was made from, preprocessed alike, or another experiment name."
        )
