"""Saves of a session: one at a time, in a thread, and what is done about frames in conflict."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from qtpy.QtCore import QObject, Signal

from napari_amseg.annotate.load import LoadedFrame, load_frames
from napari_amseg.annotate.save_records import Conflict, FrameToSave, SaveTarget
from napari_amseg.dataset.benchmark import open_benchmark
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.saving.conflicts import Answer
from napari_amseg.plugin.annotate.saving.earlier import remember
from napari_amseg.plugin.annotate.saving.job import Job
from napari_amseg.plugin.annotate.saving.replacing import take_theirs
from napari_amseg.plugin.annotate.saving.save_job import Outcome, Remark, SaveRequest
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.tasks import Latest, explain

Copies = Callable[[Sequence[int]], list[FrameToSave]]
_BATCH = 64  # frames in memory at once


class Saver(QObject):
    """Saves frames of a session to the benchmark that its keeper has.

    Signals
    -------
    changed : a save began, went on or ended. ended : a save has ended, well or not.

    Attributes
    ----------
    said : how the last save ended, in words. done, total : frames of the save that goes on.
    conflicts, remarks : of the last save.

    """

    changed = Signal()
    ended = Signal()

    def __init__(self, session: Session, keeper: Keeper) -> None:
        super().__init__()
        self._session, self._keeper = session, keeper
        self._job: Job | None = None
        self._loader = Latest(self._on_theirs)
        self.said = ""
        self.done = self.total = 0
        self.conflicts: list[Conflict] = []
        self.remarks: list[Remark] = []

    @property
    def is_running(self) -> bool:
        """Whether a save goes on."""
        return self._job is not None

    def save(self, frames: Iterable[int]) -> None:
        """Save frames, each as it is when its turn comes."""
        self._save(list(frames), self._keeper.to_save)

    def cancel(self) -> None:
        """End after the frame at hand."""
        if self._job is not None:
            self._job.cancel()

    def answer(self, answers: Mapping[Conflict, Answer]) -> None:
        """Do with frames in conflict what a person has chosen."""
        theirs = {c.name: c.t for c, answer in answers.items() if answer is Answer.THEIRS}
        mine = {c.t: c.sha256 for c, answer in answers.items() if answer is Answer.MINE}
        if theirs:
            self._load(theirs)
        if mine:
            to_save = self._keeper.to_save
            self._save(
                list(mine), lambda ts: [replace(f, base_sha256=mine[f.t]) for f in to_save(ts)]
            )

    def stop(self) -> None:
        """Hear nothing any more; a save ends after the frame at hand."""
        self._loader.stop()
        if self._job is not None:
            self._job.stop()
            self._job = None

    def _save(self, frames: list[int], copies: Copies) -> None:
        keeper = self._keeper
        if keeper.benchmark is None or self._job is not None:
            return
        annotator = keeper.working_copy.record.owner.annotator
        target = SaveTarget(
            keeper.benchmark, keeper.experiment, self._session.scheme, annotator, keeper.folder
        )
        self.conflicts, self.remarks, self.said = [], [], ""
        self.done, self.total = 0, len(frames)
        stack = self._session.stack

        def steps() -> Generator[Outcome | Remark]:
            for first in range(0, len(frames), _BATCH):
                copied = copies(frames[first : first + _BATCH])
                yield from SaveRequest(target, stack, copied).run()

        self._job = Job(steps, step=self._take, ended=self._on_ended, what="Saving frames")
        self.changed.emit()

    def _take(self, told: Outcome | Remark) -> None:
        if isinstance(told, Remark):
            self.remarks.append(told)
            return
        self.done += 1
        if isinstance(told.what, Conflict):
            self.conflicts.append(told.what)
        else:
            self._keeper.note(told.what, told.given)
        self.changed.emit()

    def _on_ended(self, error: Exception | None) -> None:
        cancelled = self._job is not None and self._job.cancelled
        self._job = None
        if error is not None:
            explain(error)
        else:
            self._remember()
            how = "Cancelled" if cancelled else "Saved"
            n_saved = self.done - len(self.conflicts)
            self.said = (
                f"{how} {datetime.now():%H:%M}: {n_saved} of {self.total} frames, experiment "
                f"{self._keeper.experiment.experiment}."
            )
        self.changed.emit()
        self.ended.emit()

    def _remember(self) -> None:
        try:
            remember(self._keeper.experiment)
        except OSError as error:  # only completion suffers
            self.remarks.append(Remark(f"the experiment cannot be remembered here ({error})"))

    def _load(self, wanted: Mapping[str, int]) -> None:
        folder, experiment = self._keeper.benchmark, self._keeper.experiment.experiment
        if folder is None or experiment is None:
            return

        def load() -> dict[int, LoadedFrame]:
            found = load_frames(open_benchmark(folder), experiment, wanted)
            return {wanted[frame.name]: frame for frame in found}

        self._loader.submit(load)

    def _on_theirs(self, frames: dict[int, LoadedFrame]) -> None:
        try:
            take_theirs(self._session, self._keeper, frames)
        except ValueError as error:
            explain(error)
