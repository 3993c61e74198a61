"""Keeps the work of a session: on this computer within seconds, and ready for the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.autosave import Autosave
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save_records import FrameToSave, Saved
from napari_amseg.annotate.working_copy import FrameWork, WorkingCopy
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.types import Experiment


class Keeper(QObject):
    """Watches a session and writes what changes to its working copy.

    Signals
    -------
    unsaved_changed : other frames than before are in no benchmark as they are.
    trouble : why work cannot be kept at the moment, in words.
    place_changed : another benchmark or experiment is saved to.

    Parameters
    ----------
    bases : SHA-256 of the benchmark's label file that each frame was opened from.
    unsaved : frames that were recovered and are in no benchmark.
    """

    unsaved_changed = Signal()
    trouble = Signal(str)
    place_changed = Signal()

    def __init__(
        self,
        session: Session,
        working_copy: WorkingCopy,
        *,
        bases: Mapping[int, str],
        unsaved: Iterable[int] = (),
        settings: SafetySettings = SafetySettings(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__()
        self.session, self.working_copy = session, working_copy
        self._bases = dict(bases)
        self._unsaved = set(unsaved)
        self.autosave = Autosave(
            working_copy,
            self._snapshot,
            seconds=settings.autosave_s,
            on_error=self.trouble.emit,  # across threads: Qt queues it
        )
        session.changed.connect(self._on_changed)

    @property
    def unsaved(self) -> frozenset[int]:
        """Frames a person worked on that are in no benchmark as they are."""
        statuses = self.session.annotation.statuses
        return frozenset(
            t for t in self._unsaved if statuses[t] >= Status.IN_PROGRESS or t in self._bases
        )

    @property
    def folder(self) -> Path:
        """Where the work is kept."""
        return self.working_copy.folder

    @property
    def experiment(self) -> Experiment:
        """What is known of the measurement, and its name in the benchmark."""
        return self.working_copy.record.experiment

    @property
    def benchmark(self) -> Path | None:
        """The folder that is saved to, if one was chosen."""
        folder = self.working_copy.record.benchmark
        return None if folder is None else Path(folder)

    def frame_name(self, frame: int) -> str:
        """Name of a frame in the benchmark."""
        names = self.working_copy.record.frame_names
        return f"{frame:04d}" if names is None else names[frame]

    def set_place(self, benchmark: Path | None, experiment: Experiment) -> None:
        """Choose where to save. Another benchmark, or another name in it, has none of the files
        that frames were opened from: all of them are then unsaved.

        Raises
        ------
        OSError
            If the record cannot be written.
        """
        record = self.working_copy.record
        moved = (self.benchmark, self.experiment.experiment) != (benchmark, experiment.experiment)
        folder = None if benchmark is None else str(benchmark)
        self.working_copy.update(replace(record, benchmark=folder, experiment=experiment))
        if moved:
            self._bases.clear()
            statuses = self.session.annotation.statuses
            self._on_changed(frozenset(int(t) for t in (statuses != Status.UNTOUCHED).nonzero()[0]))
        self.place_changed.emit()

    def to_save(self, frames: Iterable[int]) -> list[FrameToSave]:
        """Copies of frames as they are now, for `save_frames`."""
        annotation = self.session.annotation
        return [
            FrameToSave(
                t,
                self.frame_name(t),
                annotation.labels[t].copy(),
                annotation.status(t),
                self._bases.get(t),
            )
            for t in frames
        ]

    def note(self, saved: Saved, given: FrameToSave) -> None:
        """A frame is in the benchmark as it was `given`; it may have changed since."""
        self._bases[saved.t] = saved.sha256
        now = self.session.annotation
        unchanged = now.status(saved.t) == given.status
        if unchanged and (now.labels[saved.t] == given.labels).all():
            self._unsaved.discard(saved.t)
        self.autosave.mark([saved.t])
        self.unsaved_changed.emit()

    def close(self) -> bool:
        """Write everything and end; whether all of it is on the disk.

        The working copy of a session without unsaved work is of no more use and goes.
        """
        self.session.changed.disconnect(self._on_changed)
        written = self.autosave.close()
        if not self.unsaved:
            self.working_copy.discard()
        return written

    def _on_changed(self, frames: frozenset[int]) -> None:
        self._unsaved |= frames
        self.autosave.mark(frames)
        self.unsaved_changed.emit()

    def _snapshot(self, frame: int) -> FrameWork:
        annotation = self.session.annotation
        return FrameWork(
            annotation.labels[frame].copy(),
            annotation.by_hand[frame].copy(),
            annotation.status(frame),
            self._bases.get(frame),
            frame in self._unsaved,
        )
