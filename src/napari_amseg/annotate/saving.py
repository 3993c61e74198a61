"""One save to a benchmark, frame by frame.

Order of what is written, so that a kill at any point leaves files that can be read and statuses
that claim no more than is true: ``experiments.csv``; the statuses of frames that are not complete;
then, a frame at a time, the backup of its label file, the image, the labels; last the statuses of
frames that are complete.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import prune_backups, write_backup
from napari_amseg.annotate.load import file_sha256, saved_as
from napari_amseg.annotate.lock import locked
from napari_amseg.annotate.owner import Owner, utc_now
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save_records import Conflict, FrameToSave, Saved, SaveTarget
from napari_amseg.dataset.add import Addition, check_finite, write_experiment, write_frame
from napari_amseg.dataset.annotation_status import (
    FrameStatus,
    lock_path,
    read_statuses,
    status_path,
    update_statuses,
)
from napari_amseg.dataset.benchmark import (
    RECORD,
    Benchmark,
    FrameId,
    create_benchmark,
    open_benchmark,
)
from napari_amseg.dataset.experiments import merged
from napari_amseg.io import OutputFiles, flush
from napari_amseg.io.tiff import read_single_frame
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Frame, Stack

Tell = Callable[[str], None]


class _Overtaken(Exception):  # noqa: N818  (no error: somebody else was faster)
    """The label file changed while this frame was being written."""


class Saving:
    """One save, the lock held."""

    def __init__(
        self,
        target: SaveTarget,
        addition: Addition,
        images: Stack,
        settings: SafetySettings,
        tell: Tell,
    ) -> None:
        self.target, self.images, self.settings, self.tell = target, images, settings, tell
        self.experiment = addition.experiment
        self.name = str(addition.experiment.experiment)
        self.benchmark = replace(addition.benchmark, folder=target.folder)
        self.rows = status_path(target.folder, self.name)

    def run(self, frames: Sequence[FrameToSave]) -> Iterator[Saved | Conflict]:
        """Save the frames that are not in conflict, in the order that the module states."""
        self._prepare()
        before = read_statuses(self.rows)
        free: list[FrameToSave] = []
        for frame in frames:
            conflict = self._conflict(frame, before)
            if conflict is None:
                free.append(frame)
            else:
                yield conflict
        wanted = {f.name: _row(f, self.target.annotator) for f in free}
        early = {f.name: wanted[f.name] for f in free if f.status != Status.COMPLETE}
        update_statuses(self.rows, early)
        saved: set[str] = set()
        try:
            for frame in free:
                outcome = self._outcome(frame, before)
                if isinstance(outcome, Saved):
                    saved.add(frame.name)
                yield outcome
        finally:
            # also after an error or a cancel: what was saved has its status, what was not keeps it
            settled = {name: wanted[name] for name in saved}
            undone = {name: before.get(name) for name in early if name not in saved}
            update_statuses(self.rows, {**undone, **settled})
            prune_backups(self.target.folder, self.name, saved, self.settings.backups)

    def _prepare(self) -> None:
        """The benchmark and the row of the experiment; left-overs of killed saves are removed."""
        folder = self.target.folder
        # of all experiments, so it has a lock of its own; no experiment begins with a dot
        lock = lock_path(folder, ".experiments")
        with locked(lock, Owner.here(self.target.annotator), self.settings, self.tell):
            if not (folder / RECORD).exists():
                create_benchmark(folder, self.target.scheme)
            known = open_benchmark(folder)
            check_scheme(known, self.target.scheme)
            there = known.experiments.get(self.name)
            if there is not None:
                self.experiment = merged(there, self.experiment)
            if there != self.experiment:
                with OutputFiles(folder) as top:
                    write_experiment(top, self.experiment)
        oldest = time.time() - self.settings.lock_stale_h * 3600
        for place in (folder / "images" / self.name, folder / "labels" / self.name):
            for part in place.glob(".*.part"):
                if part.stat().st_mtime < oldest:
                    part.unlink(missing_ok=True)

    def _conflict(self, frame: FrameToSave, rows: Mapping[str, FrameStatus]) -> Conflict | None:
        path = self._label_path(frame)
        found = file_sha256(path)
        if found in (None, frame.base_sha256) or saved_as(path, frame.labels) is not None:
            return None
        return Conflict(frame.t, frame.name, str(found), rows.get(frame.name))

    def _outcome(self, frame: FrameToSave, rows: Mapping[str, FrameStatus]) -> Saved | Conflict:
        while True:
            try:
                return self._save(frame)
            except _Overtaken:
                if conflict := self._conflict(frame, rows):
                    return conflict

    def _save(self, frame: FrameToSave) -> Saved:
        image = self.images.read(frame.t)
        check_finite(image, frame.t)
        image_path = self.benchmark.image_path(FrameId(self.name, frame.name))
        path = self._label_path(frame)
        image_replaced = False
        sha256 = saved_as(path, frame.labels)
        is_there = sha256 is not None
        # the inner files get their names first: labels are never newer than what they belong to
        with OutputFiles(path.parent) as labels, OutputFiles(image_path.parent) as images:
            if not is_there:
                part = write_frame(labels, frame.name, frame.labels, self.experiment, labels=True)
                flush(part)
                sha256 = file_sha256(part)
            if not _holds(image_path, image):
                image_replaced = image_path.exists()
                flush(write_frame(images, frame.name, image, self.experiment, labels=False))
            if not is_there:
                self._make_way(frame, path)  # last, so that little time passes until the rename
        if image_replaced:
            self.tell(f"{self.name}/{frame.name}: the image there was another; replaced")
        return Saved(frame.t, frame.name, str(sha256), image_replaced)

    def _make_way(self, frame: FrameToSave, path: Path) -> None:
        """Back up the label file that is about to be replaced, if it is still the known one."""
        try:
            file = path.read_bytes()
        except FileNotFoundError:
            return
        if hashlib.sha256(file).hexdigest() != frame.base_sha256:
            raise _Overtaken
        if self.settings.backups:
            write_backup(self.target.folder, self.name, frame.name, file)

    def _label_path(self, frame: FrameToSave) -> Path:
        return self.benchmark.label_path(FrameId(self.name, frame.name))


def check_scheme(benchmark: Benchmark, scheme: LabelScheme) -> None:
    """Raise ValueError when a code means one thing here and another there."""
    there = {c.code: c.role for c in benchmark.scheme.classes}
    for c in scheme.classes:
        if there.get(c.code, c.role) != c.role:
            raise ValueError(
                f"{benchmark.folder}: code {c.code} is {there[c.code]!r} there and {c.role!r} "
                "here. Annotate with the classes of that benchmark, or choose another folder."
            )


def _holds(path: Path, image: Frame) -> bool:
    """Whether a file holds this very image."""
    try:
        there = read_single_frame(path)
    except (OSError, ValueError):
        return False
    return there.dtype == image.dtype and np.array_equal(there, image)


def _row(frame: FrameToSave, annotator: str) -> FrameStatus:
    share = float(np.count_nonzero(frame.labels) / frame.labels.size)
    return FrameStatus(frame.name, frame.status.words, annotator, utc_now(), share)
