"""A stack opened for annotation: with labels that a benchmark has, or with work that was left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_amseg.annotate.annotation import Annotation
from napari_amseg.annotate.load import LoadedFrame, found_again, load_frames
from napari_amseg.annotate.same_images import StackSearch, other_image, plain_name
from napari_amseg.annotate.working_copy import WorkingCopy
from napari_amseg.dataset.benchmark import RECORD, Benchmark, FrameId, open_benchmark
from napari_amseg.dataset.names import first_few
from napari_amseg.dataset.painted import storable
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

MakeEmpty = Callable[[tuple[int, int, int], LabelScheme], Annotation]


@dataclass(frozen=True)
class Opened:
    """Labels to go on with.

    bases : SHA-256 of the benchmark's label file that each frame comes from. unsaved : frames that
    are in no benchmark as they are here. unreadable : frames of a working copy that cannot be read,
    so that their files must stay. frame_names : of all frames in the benchmark; None for plain
    numbers. notes : what a person should know, in words.
    """

    annotation: Annotation
    bases: Mapping[int, str] = field(default_factory=dict)
    unsaved: frozenset[int] = frozenset()
    unreadable: frozenset[int] = frozenset()
    frame_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def open_labels(stack: Stack, benchmark: Benchmark, experiment: str, empty: MakeEmpty) -> Opened:
    """The labels that a benchmark has of an experiment, on the frames of `stack`.

    Which frame is which is told by the images; the names are where they are looked for first.

    empty : makes the arrays.

    Raises
    ------
    ValueError
        If the benchmark's images are others than those of the stack; names the frame.
    OSError
        If a file cannot be read.
    """
    annotation = empty(stack.shape, benchmark.scheme)
    bases: dict[int, str] = {}
    names: dict[int, str] = {}
    strangers: list[str] = []
    places = _Places(stack, benchmark)
    for loaded in load_frames(benchmark, experiment):
        frame = places.number(FrameId(experiment, loaded.name), loaded)
        if frame is None:
            strangers.append(loaded.name)
            continue
        _put(annotation, frame, loaded)
        bases[frame], names[frame] = loaded.sha256, loaded.name
    if strangers and not bases:
        raise ValueError(
            f"{benchmark.folder}: none of the {len(strangers)} images of {experiment!r} is in this "
            "stack: choose the stack they were made from, preprocessed alike, or another "
            "experiment name."
        )
    notes = [f"{len(bases)} frames opened from {benchmark.folder.name}/{experiment}"]
    if strangers:
        notes.append(
            f"{len(strangers)} frames of that experiment are not of this stack "
            f"({first_few(strangers)}); they stay as they are"
        )
    return Opened(annotation, bases, frame_names=_all_names(len(stack), names), notes=tuple(notes))


def open_recovered(copy: WorkingCopy, empty: MakeEmpty) -> Opened:
    """The work that a session left, and the benchmark's labels of the frames it left alone.

    Frames that cannot be read are told, and hide no others.
    """
    record = copy.record
    annotation = empty(record.shape, record.scheme)
    bases: dict[int, str] = {}
    unsaved, unreadable = set(), set()
    notes: list[str] = []
    benchmark = _benchmark(record.benchmark, notes)
    for frame in copy.frames():
        try:
            work = copy.read_frame(frame)
        except (OSError, ValueError) as error:
            notes.append(str(error))
            unreadable.add(frame)
            continue
        if benchmark is not None and record.experiment.experiment:
            name = plain_name(frame) if record.frame_names is None else record.frame_names[frame]
            frame_id = FrameId(record.experiment.experiment, name)
            work = found_again(benchmark.label_path(frame_id), work)
        annotation.labels[frame] = work.labels
        annotation.by_hand[frame] = work.by_hand
        annotation.statuses[frame] = work.status
        if work.base_sha256 is not None:
            bases[frame] = work.base_sha256
        if work.unsaved:
            unsaved.add(frame)
    if benchmark is not None:
        _add_untouched(annotation, bases, benchmark, copy, notes)
    return Opened(annotation, bases, frozenset(unsaved), frozenset(unreadable), notes=tuple(notes))


def _add_untouched(
    annotation: Annotation,
    bases: dict[int, str],
    benchmark: Benchmark,
    copy: WorkingCopy,
    notes: list[str],
) -> None:
    """Labels that the session opened or that were saved since, where it has nothing of its own."""
    record, own = copy.record, set(copy.frames())
    names = record.frame_names or [plain_name(t) for t in range(record.shape[0])]
    numbers = {name: t for t, name in enumerate(names)}
    try:
        for loaded in load_frames(benchmark, str(record.experiment.experiment)):
            frame = numbers.get(loaded.name)
            if frame is None or frame in own or loaded.labels.shape != copy.frame_shape:
                continue
            _put(annotation, frame, loaded)
            bases[frame] = loaded.sha256
    except (OSError, ValueError) as error:
        notes.append(f"not all labels of the benchmark could be read: {error}")


def _put(annotation: Annotation, frame: int, loaded: LoadedFrame) -> None:
    annotation.labels[frame] = loaded.labels
    annotation.by_hand[frame] = loaded.by_hand
    annotation.statuses[frame] = loaded.status


def _benchmark(folder: str | None, notes: list[str]) -> Benchmark | None:
    """The benchmark of a session, if it can be reached; work is recovered without it, too."""
    try:
        if folder is None or not (Path(folder) / RECORD).exists():
            return None
        return open_benchmark(folder)
    except (OSError, ValueError) as error:
        notes.append(f"the benchmark cannot be read now, its labels were not looked at: {error}")
        return None


class _Places:
    """Tells which frame of a stack a frame of a benchmark is."""

    def __init__(self, stack: Stack, benchmark: Benchmark) -> None:
        self._stack, self._benchmark = stack, benchmark
        self._search = StackSearch(storable(stack))
        self._plain = {plain_name(t): t for t in range(len(stack))}
        self._last = -1

    def number(self, frame_id: FrameId, loaded: LoadedFrame) -> int | None:
        """Its number; None if it is not in the stack, ValueError if its name says that it is."""
        by_name = self._plain.get(frame_id.frame)
        if self._benchmark.image_path(frame_id).exists():
            first = (self._last + 1 if by_name is None else by_name,)
            found = self._search.find(self._benchmark.image(frame_id), first)
            is_other = found is None and by_name is not None
        else:
            found = by_name
            is_other = found is not None and loaded.labels.shape != self._stack.frame_shape
        if is_other and by_name is not None:
            raise ValueError(other_image(self._benchmark, frame_id, by_name))
        if found is not None:
            self._last = found
        return found


def _all_names(n_frames: int, names: Mapping[int, str]) -> tuple[str, ...] | None:
    """Names of all frames, given those in the benchmark; None if plain numbers do."""
    if all(name == plain_name(t) for t, name in names.items()):
        return None
    # no plain numbers beside other names: they would say that they are other frames
    return tuple(names.get(t, f"stack-{plain_name(t)}") for t in range(n_frames))
