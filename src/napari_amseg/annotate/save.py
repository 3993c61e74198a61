"""Annotated frames into the benchmark: nobody's labels are overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from napari_amseg.annotate.lock import locked
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save_records import Conflict, FrameToSave, Saved, SaveTarget
from napari_amseg.annotate.saving import Saving, Tell, check_scheme
from napari_amseg.dataset.add import Addition, check_addition
from napari_amseg.dataset.annotation_status import lock_path
from napari_amseg.dataset.benchmark import RECORD, Benchmark, open_benchmark
from napari_amseg.dataset.painted import storable
from napari_amseg.types import Stack

__all__ = ["Conflict", "FrameToSave", "SaveTarget", "Saved", "save_frames"]


def save_frames(
    target: SaveTarget,
    images: Stack,
    frames: Sequence[FrameToSave],
    *,
    settings: SafetySettings = SafetySettings(),  # noqa: B008
    tell: Tell = lambda words: None,
) -> Iterator[Saved | Conflict]:
    """Write images and labels of frames, and yield what became of each.

    Everything is checked before anything is written. A frame in conflict is left as it is, the
    others are saved. Closing the iterator ends after the frame at hand.

    Parameters
    ----------
    images : (T, Y, X), processed as they are to be kept; float32 is, of types that a benchmark does
        not know. frames : those to save.
    tell : told what is worth showing, such as a left-over lock that was removed.

    Raises
    ------
    ValueError
        If names, labels, scheme, metadata or dtypes do not fit the benchmark, or its images of
        this experiment are others; says what.
    OSError
        If the folder cannot be reached or written to; says where the work is kept.
    """
    if not frames:
        return
    images = storable(images)
    try:
        _check_reachable(target.folder, frames)
        addition = _checked(target, images, frames)
        saving = Saving(target, addition, images, settings, tell)
        path = lock_path(target.folder, saving.name)
        with locked(path, Owner.here(target.annotator), settings, tell):
            yield from saving.run(frames)
    except OSError as error:
        kept = f" Nothing is lost: the work is kept in {target.kept_in}." if target.kept_in else ""
        raise OSError(
            f"{target.folder}: cannot save to this benchmark now ({error}).{kept} Save again, or "
            "choose another folder."
        ) from error


def _check_reachable(folder: Path, frames: Iterable[FrameToSave]) -> None:
    """A share that is not mounted looks like an empty place: nothing is begun there."""
    if (folder / RECORD).exists():
        return
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"{folder.parent} is not there")
    if any(frame.base_sha256 for frame in frames):
        raise FileNotFoundError(f"{folder / RECORD}, from which frames were opened, is gone")


def _checked(target: SaveTarget, images: Stack, frames: Sequence[FrameToSave]) -> Addition:
    """What `add_frames` checks, of these frames."""
    benchmark = Benchmark(target.folder, target.scheme, {}, ())
    if (target.folder / RECORD).exists():
        benchmark = open_benchmark(target.folder)
        check_scheme(benchmark, target.scheme)
    by_number = {frame.t: frame.labels for frame in frames}
    wrong = [t for t, labels in by_number.items() if labels.shape != images.frame_shape]
    if wrong:
        raise ValueError(
            f"frame {wrong[0]}: labels are {by_number[wrong[0]].shape}, images are "
            f"{images.frame_shape}: give the labels of these very images."
        )
    labels = Stack(images.shape, np.dtype(np.uint8), by_number.__getitem__)
    return check_addition(
        benchmark,
        images,
        labels,
        target.experiment,
        frames=[frame.t for frame in frames],
        names=[frame.name for frame in frames],
        overwrite=True,
        allow_unlabelled=True,
    )
