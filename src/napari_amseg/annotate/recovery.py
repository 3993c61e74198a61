"""Working copies that are there: what a crash left, and who else has the same stack open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import local_time
from napari_amseg.annotate.working_copy import (
    SESSION,
    SessionRecord,
    WorkingCopy,
    unsaved_status,
    written_frames,
)
from napari_amseg.io.address import file_name


@dataclass(frozen=True, slots=True)
class FoundWork:
    """A working copy on the disk.

    folder : where. record : what it is of; None if that cannot be read. n_frames, n_unsaved : the
    frames written, and those of them that are in no benchmark. owner_alive : whether its process
    still runs, None if unknown. faults : what cannot be read, by name. n_suggested : of those
    unsaved, the frames that only a model labelled.
    """

    folder: Path
    record: SessionRecord | None
    n_frames: int
    n_unsaved: int
    owner_alive: bool | None
    faults: tuple[str, ...] = ()
    n_suggested: int = 0

    @property
    def is_here(self) -> bool:
        """Whether this process has it open."""
        return self.record is not None and self.record.owner.is_here

    @property
    def words(self) -> str:
        """For people: what, by whom, how much of it is saved nowhere else."""
        if self.record is None:
            return f"{self.folder.name}: {self.n_frames} frames; {'; '.join(self.faults)}"
        name = self.record.experiment.experiment or ", ".join(
            file_name(file) for file in self.record.files[:1]
        )
        owner = self.record.owner
        return (
            f"{name or 'a stack'}, begun {local_time(self.record.created)} by {owner.annotator} on "
            f"{owner.host}: {self.n_unsaved} of {self.n_frames} frames not saved"
        )


def list_working_copies(root: Path) -> tuple[FoundWork, ...]:
    """All working copies below `root`, newest first; one that is damaged hides no other."""
    if not root.is_dir():
        return ()
    folders = sorted((p for p in root.iterdir() if p.is_dir()), reverse=True)
    found = (_look_at(folder) for folder in folders)
    # a folder with neither record nor frames was left by a process that had only begun
    return tuple(work for work in found if work.n_frames or (work.folder / SESSION).exists())


def open_elsewhere(root: Path, files: Sequence[str]) -> tuple[FoundWork, ...]:
    """Working copies of the same stack that are open already, here or in another process."""
    same = [w for w in list_working_copies(root) if w.record and w.record.files == tuple(files)]
    return tuple(w for w in same if w.owner_alive is not False and files)


def _look_at(folder: Path) -> FoundWork:
    record, faults = None, []
    try:
        record = WorkingCopy.open(folder).record
    except (OSError, ValueError) as error:
        faults.append(str(error))
    frames, n_unsaved, n_suggested = written_frames(folder), 0, 0
    for t in frames:
        try:
            status = unsaved_status(folder, t)
            n_unsaved += status is not None
            n_suggested += status == Status.SUGGESTED.words
        except ValueError as error:
            faults.append(str(error))
            n_unsaved += 1
    alive = record.owner.alive if record is not None else None
    return FoundWork(folder, record, len(frames), n_unsaved, alive, tuple(faults), n_suggested)
