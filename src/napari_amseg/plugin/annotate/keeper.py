"""Keeps the work of a session: on this computer within seconds, and ready for the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.autosave import Autosave, Waiting
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save_records import FrameToSave, Saved
from napari_amseg.annotate.working_copy import FrameWork, WorkingCopy
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.types import Experiment


@dataclass
class _Place:
    """What is known of one benchmark and experiment.

    bases : SHA-256 of the label file that a frame was opened from or saved to. has_base : bool
    (T,), the same frames. unsaved : bool (T,), frames that are not there as they are.
    """

    bases: dict[int, str]
    has_base: NDArray[np.bool_]
    unsaved: NDArray[np.bool_]

    @classmethod
    def of(cls, n_frames: int, bases: Mapping[int, str], unsaved: Iterable[int]) -> _Place:
        place = cls(dict(bases), np.zeros(n_frames, bool), np.zeros(n_frames, bool))
        place.has_base[list(bases)] = True
        place.unsaved[list(unsaved)] = True
        return place


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
    unreadable : frames that the working copy has, but cannot give: it is never thrown away.
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
        unreadable: Iterable[int] = (),
        settings: SafetySettings = SafetySettings(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__()
        self.session, self.working_copy = session, working_copy
        self._place = _Place.of(session.n_frames, bases, unsaved)
        self._places = {self._place_name: self._place}
        self._has_unreadable = bool(tuple(unreadable))
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
        return frozenset(np.flatnonzero(self._worked_on()).tolist())

    @property
    def n_unsaved(self) -> int:
        """How many those are."""
        return int(np.count_nonzero(self._worked_on()))

    @property
    def n_suggested(self) -> int:
        """Frames beside them that a model labelled, in no benchmark: worth keeping, not saving."""
        suggested = self.session.annotation.statuses == Status.SUGGESTED
        return int(np.count_nonzero(self._place.unsaved & suggested & ~self._place.has_base))

    def _worked_on(self) -> NDArray[np.bool_]:
        worked_on = self.session.annotation.statuses >= Status.IN_PROGRESS
        return self._place.unsaved & (worked_on | self._place.has_base)

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

    @property
    def _place_name(self) -> tuple[Path | None, str | None]:
        return self.benchmark, self.experiment.experiment

    def set_place(self, benchmark: Path | None, experiment: Experiment) -> None:
        """Choose where to save. Another benchmark, or another name in it, has none of the files
        that frames were opened from: all of them are then unsaved, until the old place is back.

        Raises
        ------
        OSError
            If the record cannot be written.
        """
        # what a person types is relative to where napari runs now, which the next time may not
        folder = None if benchmark is None else str(benchmark.absolute())
        before, record = self._place_name, self.working_copy.record
        self.working_copy.update(replace(record, benchmark=folder, experiment=experiment))
        if self._place_name != before:
            if not self._place.bases:
                del self._places[before]  # nothing to come back to
            touched = np.flatnonzero(self.session.annotation.statuses != Status.UNTOUCHED).tolist()
            new = _Place.of(self.session.n_frames, {}, touched)
            self._place = self._places.setdefault(self._place_name, new)
            self._mark(touched)  # their bases are others now
            self.unsaved_changed.emit()
        self.place_changed.emit()

    def to_save(self, frames: Iterable[int]) -> list[FrameToSave]:
        """Copies of frames as they are now, for `save_frames`; may be called from a thread."""
        annotation = self.session.annotation
        return [
            FrameToSave(
                t,
                self.frame_name(t),
                annotation.labels[t].copy(),
                annotation.status(t),
                self._place.bases.get(t),
                np.array(annotation.by_hand[t]),
            )
            for t in frames
        ]

    def note(self, saved: Saved, given: FrameToSave) -> None:
        """A frame is in the benchmark as it was `given`; it may have changed since."""
        t, place, now = saved.t, self._place, self.session.annotation
        place.bases[t], place.has_base[t] = saved.sha256, True
        unchanged = now.status(t) == given.status and np.array_equal(now.labels[t], given.labels)
        if unchanged and (given.by_hand is None or np.array_equal(now.by_hand[t], given.by_hand)):
            place.unsaved[t] = False
        self._mark([t])
        self.unsaved_changed.emit()

    def flush(self, waiting: Waiting = lambda left: None) -> bool:
        """Write everything now, as `Autosave.flush` does; whether all of it is on the disk."""
        return self.autosave.flush(waiting=waiting)

    def close(self, waiting: Waiting = lambda left: None) -> bool:
        """Write everything and end; whether all of it is on the disk.

        The working copy of a session without unsaved work is of no more use and goes; any other
        can be recovered from now on.
        """
        self.session.changed.disconnect(self._on_changed)
        written = self.autosave.close(waiting=waiting)
        with suppress(OSError):  # it is offered once this process has ended
            if self.n_unsaved or self.n_suggested or self._has_unreadable:
                self.working_copy.release()
            else:
                self.working_copy.discard()
        return written

    def _on_changed(self, frames: frozenset[int]) -> None:
        for place in self._places.values():
            place.unsaved[list(frames)] = True
        self._mark(frames)
        self.unsaved_changed.emit()

    def _mark(self, frames: Iterable[int]) -> None:
        """What a person did is written before what a model did, which can be made again."""
        statuses = self.session.annotation.statuses
        suggested = {t for t in frames if statuses[t] == Status.SUGGESTED}
        self.autosave.mark(suggested, behind=True)
        self.autosave.mark(t for t in frames if t not in suggested)

    def _snapshot(self, frame: int) -> FrameWork:
        annotation = self.session.annotation
        return FrameWork(
            annotation.labels[frame].copy(),
            annotation.by_hand[frame].copy(),
            annotation.status(frame),
            self._place.bases.get(frame),
            bool(self._place.unsaved[frame]),
        )
