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
from napari_amseg.annotate.load import file_of, file_sha256, saved_as, version
from napari_amseg.annotate.lock import locked
from napari_amseg.annotate.owner import Owner, utc_now
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.same_images import check_images, other_image, readable_image
from napari_amseg.annotate.save_records import Conflict, FrameToSave, Saved, SaveTarget
from napari_amseg.dataset.add import Addition, check_finite, write_experiment, write_frame
from napari_amseg.dataset.annotation_status import (
    COMPLETE,
    FrameStatus,
    by_hand_path,
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
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

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
        self._before: Mapping[str, FrameStatus] = {}
        self._as_it_was: set[str] = set()  # frames that are there already, saved by somebody else

    def run(self, frames: Sequence[FrameToSave]) -> Iterator[Saved | Conflict]:
        """Save the frames that are not in conflict, in the order that the module states."""
        names = {frame.t: frame.name for frame in frames}
        check_images(self.images, self.benchmark, self.name, names)
        self._prepare()
        before = self._before = read_statuses(self.rows)
        free: list[FrameToSave] = []
        for frame in frames:
            conflict = self._conflict(frame)
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
                outcome = self._outcome(frame)
                if isinstance(outcome, Saved):
                    saved.add(frame.name)
                yield outcome
        finally:
            # also after an error or a cancel: what was saved has its status, what was not keeps it
            settled = {n: before[n] if n in self._as_it_was else wanted[n] for n in saved}
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

    def _conflict(self, frame: FrameToSave) -> Conflict | None:
        path, row = self._label_path(frame), self._before.get(frame.name)
        found = file_sha256(path)
        is_complete = row is not None and row.status == COMPLETE
        if found is None or frame.base_sha256 == version(found, complete=is_complete):
            return None
        is_equal = saved_as(path, frame.labels) is not None
        is_known = is_equal or found == file_of(frame.base_sha256)
        is_own = row is None or not self._is_others(row)
        nothing_lost = is_equal and frame.status == Status.COMPLETE
        if is_known and (nothing_lost or is_own or not is_complete):
            return None
        return Conflict(frame.t, frame.name, version(found, complete=is_complete), row)

    def _outcome(self, frame: FrameToSave) -> Saved | Conflict:
        while True:
            try:
                return self._save(frame)
            except _Overtaken:
                if conflict := self._conflict(frame):
                    return conflict

    def _save(self, frame: FrameToSave) -> Saved:
        image = self.images.read(frame.t)
        check_finite(image, frame.t)
        frame_id = FrameId(self.name, frame.name)
        image_path, path = self.benchmark.image_path(frame_id), self._label_path(frame)
        image_there = readable_image(image_path)
        if image_there is not None and not np.array_equal(image_there, image):
            raise ValueError(other_image(self.benchmark, frame_id, frame.t))
        was_broken = image_there is None and image_path.exists()
        sha256 = saved_as(path, frame.labels)
        is_there = sha256 is not None
        # the inner files get their names first: labels are never newer than what they belong to
        with OutputFiles(path.parent) as labels, OutputFiles(image_path.parent) as images:
            if not is_there:
                part = write_frame(labels, frame.name, frame.labels, self.experiment, labels=True)
                flush(part)
                sha256 = file_sha256(part)
            if image_there is None:
                flush(write_frame(images, frame.name, image, self.experiment, labels=False))
            if not is_there:
                self._make_way(frame, path)  # last, so that little time passes until the rename
        row = self._before.get(frame.name)
        if (
            is_there
            and row is not None
            and self._is_others(row)
            and row.status == frame.status.words
        ):
            self._as_it_was.add(frame.name)
        self._write_by_hand(frame)
        if was_broken:
            self.tell(f"{frame_id}: the image there could not be read; written again")
        is_complete = frame.status == Status.COMPLETE
        return Saved(frame.t, frame.name, version(str(sha256), complete=is_complete))

    def _write_by_hand(self, frame: FrameToSave) -> None:
        """What a person painted, of a frame that is not complete: the rest is suggested."""
        path = by_hand_path(self.target.folder, self.name, frame.name)
        if frame.by_hand is None or frame.status == Status.COMPLETE:
            path.unlink(missing_ok=True)
            return
        with OutputFiles(path.parent) as files:
            mask = np.where(frame.by_hand, np.uint8(255), np.uint8(0))
            flush(write_frame(files, frame.name, mask, self.experiment, labels=True))

    def _make_way(self, frame: FrameToSave, path: Path) -> None:
        """Back up the label file that is about to be replaced, if it is still the known one."""
        try:
            file = path.read_bytes()
        except FileNotFoundError:
            return
        if hashlib.sha256(file).hexdigest() != file_of(frame.base_sha256):
            raise _Overtaken
        if self.settings.backups:
            row = self._before.get(frame.name)
            annotator = "" if row is None else row.annotator
            write_backup(self.target.folder, self.name, frame.name, file, annotator)

    def _is_others(self, row: FrameStatus) -> bool:
        return row.annotator != self.target.annotator

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


def _row(frame: FrameToSave, annotator: str) -> FrameStatus:
    share = float(np.count_nonzero(frame.labels) / frame.labels.size)
    return FrameStatus(frame.name, frame.status.words, annotator, utc_now(), share)
