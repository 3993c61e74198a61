"""Labels of a benchmark opened for annotation, with what tells later whether they were changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.working_copy import FrameWork
from napari_amseg.dataset.annotation_status import (
    COMPLETE,
    by_hand_path,
    read_statuses,
    status_path,
)
from napari_amseg.dataset.benchmark import Benchmark, FrameId, list_frames, natural_order
from napari_amseg.io.tiff import read_single_frame

_SEEN_COMPLETE = "+complete"


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """A frame of a benchmark.

    labels : uint8 (Y, X). by_hand : bool (Y, X), labels that a person stands for: all of a complete
    frame. sha256 : of the label file they come from, as `version` tells it.
    """

    name: str
    labels: NDArray[np.uint8]
    by_hand: NDArray[np.bool_]
    status: Status
    sha256: str


def load_frames(
    benchmark: Benchmark, experiment: str, names: Iterable[str] | None = None
) -> Iterator[LoadedFrame]:
    """The labels that an experiment has, in natural order or that of `names`.

    Frames without a label image are passed over. A label image without a row in
    ``annotation/<experiment>.csv`` is complete.

    Raises
    ------
    ValueError
        If the table or a label image cannot be read; names it.
    """
    rows = read_statuses(status_path(benchmark.folder, experiment))
    there = {f for f in list_frames(benchmark.folder / "labels") if f.experiment == experiment}
    wanted = natural_order(there) if names is None else [FrameId(experiment, n) for n in names]
    for frame in wanted:
        if frame in there:
            labels, sha256 = _read(benchmark, frame)
            row = rows.get(frame.frame)
            status = Status.COMPLETE if row is None else status_of(row.status)
            base = version(sha256, complete=row is not None and row.status == COMPLETE)
            by_hand = labels != 0
            if status != Status.COMPLETE:
                by_hand &= _read_by_hand(benchmark, frame, labels.shape)
            yield LoadedFrame(frame.frame, labels, by_hand, status, base)


def status_of(words: str) -> Status:
    """Inverse of :attr:`Status.words`."""
    return Status[words.upper().replace(" ", "_")]


def version(sha256: str, *, complete: bool) -> str:
    """The hash of a label file, and whether it is called complete.

    Both are what a save may replace if, and only if, the session has seen them.
    """
    return sha256 + _SEEN_COMPLETE if complete else sha256


def file_of(base: str | None) -> str | None:
    """The hash of the label file in what `version` tells."""
    return None if base is None else base.removesuffix(_SEEN_COMPLETE)


def file_sha256(path: Path) -> str | None:
    """Hash of a file; None if there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def saved_as(path: Path, labels: NDArray[np.uint8]) -> str | None:
    """Hash of a label file if it holds these very labels, else None."""
    try:
        sha256 = file_sha256(path)
        there = read_single_frame(path)
    except (OSError, ValueError):
        return None
    return sha256 if there.dtype == np.uint8 and np.array_equal(there, labels) else None


def found_again(path: Path, work: FrameWork) -> FrameWork:
    """Recovered work with the label file at `path` as its base, if that holds these very labels.

    For sessions that were killed after a save had written the file, before they could note it.
    """
    sha256 = saved_as(path, work.labels)
    return work if sha256 is None else replace(work, base_sha256=sha256)


def _read_by_hand(
    benchmark: Benchmark, frame: FrameId, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Pixels that a person painted; none where that is not known."""
    path = by_hand_path(benchmark.folder, frame.experiment, frame.frame)
    if not path.exists():
        return np.zeros(shape, bool)
    by_hand = read_single_frame(path) > 0
    if by_hand.shape != shape:
        raise ValueError(
            f"{path}: {by_hand.shape}, the labels are {shape}. Remove this file: all labels of the "
            "frame are then suggestions."
        )
    return by_hand


def _read(benchmark: Benchmark, frame: FrameId) -> tuple[NDArray[np.uint8], str]:
    """Labels and the hash of the very file that they were read from."""
    path = benchmark.label_path(frame)
    while True:
        sha256 = file_sha256(path)
        labels = benchmark.labels(frame)
        if sha256 is not None and sha256 == file_sha256(path):
            return labels, sha256
