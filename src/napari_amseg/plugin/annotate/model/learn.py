"""A model that learns from what was corrected, in the compute process."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from napari_amseg.annotate.annotation import Annotation
from napari_amseg.annotate.safety import recovery_root
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline.jobs import Answer, Failed, Finished
from napari_amseg.pipeline.learn import LearnSettings, learn_request, write_learning_set
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.scratch import scratch_folder
from napari_amseg.plugin.segment.job import in_words
from napari_amseg.plugin.tasks import CancelledEarlyError, CancelledTrack, follow
from napari_amseg.plugin.train.trained import trained_models
from napari_amseg.train import StepDone, TrainFinished, TrainStarted
from napari_amseg.types import Stack


@dataclass(frozen=True)
class LearnJob:
    """A click on *Learn*.

    images : the frames as annotated. bundle : the model to go on from. folder : for the new one.
    """

    images: Stack
    annotation: Annotation
    bundle: Bundle
    folder: Path
    settings: LearnSettings


@dataclass(frozen=True, slots=True)
class Learning:
    """It begins. n_frames : learnt from. notes : remarks."""

    n_frames: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learnt:
    """The new model is there."""

    bundle: Bundle


Record = Answer | Learning | Learnt


def free_folder(stem: str) -> Path:
    """Where the next model goes: numbers come first, as a drop-down shows the beginning."""
    root = recovery_root().parent / "learnt"
    return next(folder for n in count(1) if not (folder := root / f"{n}-{stem}").exists())


def run_learn_job(
    job: LearnJob, process: ComputeProcess, cancel: threading.Event
) -> Generator[Record]:
    """Records as they come; the last is a Learnt, a Finished or a Failed. Never raises."""
    try:
        with scratch_folder() as folder:
            learnt = write_learning_set(
                job.images,
                job.annotation,
                Path(folder) / "corrected",
                model=job.bundle.card.scheme,
                track=CancelledTrack(cancel),
            )
            yield Learning(len(learnt.frames), learnt.notes)
            request = learn_request(learnt, job.bundle.folder, job.folder, job.settings)
            for answer in process.run(request, cancel):
                yield answer
                if isinstance(answer, TrainFinished) and answer.stopped != "cancelled":
                    yield Learnt(load_bundle(job.folder))
    except CancelledEarlyError:
        yield Finished(cancelled=True)
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield Failed(str(error) or type(error).__name__)


class LearnRun:
    """Runs a job in a thread that supervises the compute process, and keeps what it says.

    bundle : the new model, None until there is one, or none came. error : why, or empty.
    """

    def __init__(self, job: LearnJob) -> None:
        self.job = job
        self.cancel = cancel_event()
        self.ended, self.error, self.outcome = False, "", ""
        self.bundle: Bundle | None = None
        self._begin = time.monotonic()
        self._learning: Learning | None = None
        self._started: TrainStarted | None = None
        self._step: StepDone | None = None
        self._worker: Any = None

    def start(self, process: ComputeProcess) -> None:
        """Begin."""
        self._worker = follow(
            run_learn_job,
            self.job,
            process,
            self.cancel,
            take=self._take,
            ended=self._on_worker_end,
        )

    def step(self) -> tuple[int, int]:
        """Value and range of a progress bar: (0, 0) while there is nothing to count."""
        if self._started is None or self._step is None:
            return 0, 0
        steps = self._started.steps
        return (self._step.epoch - 1) * steps + self._step.step, steps * self._started.epochs

    def text(self) -> str:
        """For the progress bar."""
        if self._learning is None:
            return "collecting what was corrected…"
        done, steps = self.step()
        if not steps:
            return "loading the model…"
        left = None if self._step is None else self._step.seconds_left
        return f"learning, step {done} of {steps}" + ("" if left is None else f", {in_words(left)}")

    def _take(self, record: Record) -> None:
        if isinstance(record, Learning):
            self._learning = record
        elif isinstance(record, TrainStarted):
            self._started = record
        elif isinstance(record, StepDone):
            self._step = record
        elif isinstance(record, Failed):
            self.error = self.outcome = record.message
        elif isinstance(record, Learnt):
            self.bundle = record.bundle
            self.outcome = self._in_words()

    def _in_words(self) -> str:
        learning = self._learning
        n_frames = 0 if learning is None else learning.n_frames
        notes = () if learning is None else learning.notes
        seconds = in_words(time.monotonic() - self._begin)
        told = f"Learnt from {n_frames} frames in {seconds}: {self.job.folder}"
        return "\n".join((told, *notes))

    def _on_worker_end(self) -> None:
        if self.bundle is not None:
            trained_models().add(self.bundle.folder)
        elif not self.error:
            self.outcome = "Cancelled: nothing was learnt."
        self.ended = True
