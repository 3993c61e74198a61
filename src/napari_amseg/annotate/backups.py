"""Label images that were replaced: the last few of each frame stay in the benchmark."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.lock import locked
from napari_amseg.annotate.owner import Owner, utc_now, utc_stamp
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.dataset.annotation_status import (
    ANNOTATION,
    FrameStatus,
    by_hand_path,
    lock_path,
    read_statuses,
    status_path,
    update_statuses,
)
from napari_amseg.dataset.benchmark import Benchmark, FrameId, read_scheme
from napari_amseg.io import OutputFiles
from napari_amseg.io.tiff import read_single_frame
from napari_amseg.types import Frame

_STAMP_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A label image as it was. replaced : when another took its place. author : tells people who
    saved it apart; empty if not known.
    """

    path: Path
    experiment: str
    frame: str
    replaced: datetime
    author: str = ""

    def labels(self) -> Frame:
        """Its pixels, uint8 (Y, X). OSError or ValueError if the file cannot be read."""
        return read_single_frame(self.path)


def list_backups(benchmark: Path, experiment: str, frame: str | None = None) -> tuple[Backup, ...]:
    """Backups of an experiment, or of one of its frames, the newest first."""
    found = [_backup(path) for path in _folder(benchmark, experiment).glob("[!.]*.tif")]
    chosen = [b for b in found if b is not None and frame in (None, b.frame)]
    return tuple(sorted(chosen, key=lambda b: b.replaced, reverse=True))


def write_backup(
    benchmark: Path, experiment: str, frame: str, file: bytes, annotator: str = ""
) -> Backup:
    """Keep the bytes of a label file that is about to be replaced. OSError if that fails.

    annotator : who saved it; empty if not known.
    """
    author = hashlib.sha256(annotator.encode()).hexdigest()[:8] if annotator else ""
    name = f"{frame}.{'-'.join(filter(None, (utc_stamp(), author)))}.tif"
    with OutputFiles(_folder(benchmark, experiment)) as files:
        files.path(name).write_bytes(file)
    backup = _backup(_folder(benchmark, experiment) / name)
    assert backup is not None
    return backup


def prune_backups(benchmark: Path, experiment: str, frames: Collection[str], keep: int) -> None:
    """Remove all but the newest `keep` backups of each of these frames.

    The newest of each person stays beside: who saves often drops nobody else's labels.
    """
    seen: Counter[str] = Counter()
    authors: set[tuple[str, str]] = set()
    for backup in list_backups(benchmark, experiment):
        seen[backup.frame] += 1
        author = (backup.frame, backup.author)
        is_last_of_person = bool(backup.author) and author not in authors
        authors.add(author)
        if backup.frame in frames and seen[backup.frame] > keep and not is_last_of_person:
            backup.path.unlink(missing_ok=True)


def restore_backup(
    benchmark: Path,
    backup: Backup,
    annotator: str,
    *,
    settings: SafetySettings = SafetySettings(),  # noqa: B008
    tell: Callable[[str], None] = lambda words: None,
) -> str:
    """Put a backup in the place of the labels, which become a backup; returns its SHA-256.

    The frame is then in progress: nobody has said that the older labels are complete.

    Raises
    ------
    OSError, ValueError
        If the backup cannot be read or the benchmark not be written to.
    """
    labels, file = backup.labels(), backup.path.read_bytes()
    frame = FrameId(backup.experiment, backup.frame)
    path = Benchmark(benchmark, read_scheme(benchmark), {}, ()).label_path(frame)
    lock = lock_path(benchmark, frame.experiment)
    with locked(lock, Owner.here(annotator), settings, tell):
        rows = read_statuses(status_path(benchmark, frame.experiment))
        before = rows[frame.frame].annotator if frame.frame in rows else ""
        share = float((labels != 0).mean())
        row = FrameStatus(frame.frame, Status.IN_PROGRESS.words, annotator, utc_now(), share)
        update_statuses(status_path(benchmark, frame.experiment), {frame.frame: row})
        with OutputFiles(path.parent) as files:
            files.path(path.name).write_bytes(file)
            if path.exists():
                replaced = path.read_bytes()
                write_backup(benchmark, frame.experiment, frame.frame, replaced, before)
        by_hand_path(benchmark, frame.experiment, frame.frame).unlink(missing_ok=True)
        prune_backups(benchmark, frame.experiment, {frame.frame}, max(settings.backups, 1))
    return hashlib.sha256(file).hexdigest()


def _folder(benchmark: Path, experiment: str) -> Path:
    return benchmark / ANNOTATION / "backups" / experiment


def _backup(path: Path) -> Backup | None:
    """From ``<frame>.<UTC stamp>[-<author>].tif``; None for a file of another name."""
    frame, _, rest = path.name.removesuffix(".tif").rpartition(".")
    stamp, _, author = rest.partition("-")
    try:
        replaced = datetime.strptime(stamp, _STAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Backup(path, path.parent.name, frame, replaced, author)
