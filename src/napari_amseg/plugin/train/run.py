"""One run of the *Train* widget: what has been heard of it, how far it is, how it ended."""

from __future__ import annotations

import time
from typing import Any

from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import Failed, Finished
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.segment.job import in_words
from napari_amseg.plugin.tasks import follow
from napari_amseg.plugin.train.job import (
    Began,
    Epoch,
    Kept,
    Picture,
    Record,
    TrainJob,
    run_train_job,
)
from napari_amseg.plugin.train.trained import trained_models
from napari_amseg.train import StepDone, TrainFinished

Row = dict[str, Any]


class TrainProgress:
    """Keeps what a training says and tells in words how far it is."""

    def __init__(self) -> None:
        self.preparing = "starting…"
        self.began: Began | None = None
        self.history: list[Row] = []
        self.best_epoch: int | None = None
        self.prediction: Picture | None = None
        self._step: StepDone | None = None
        self._row_came = 0.0

    def take(self, record: Record, now: float) -> None:
        """Take in a record that arrived at `now` (s)."""
        if isinstance(record, Began):
            self.began, self.history = record, list(record.started.history)
            self.best_epoch = _best_epoch(self.history)
        elif isinstance(record, Epoch):
            self.history.append(record.done.row)
            self._row_came = now
            if record.done.is_best:
                self.best_epoch = record.done.row["epoch"]
            if record.prediction is not None:
                self.prediction = record.prediction
        elif isinstance(record, StepDone):
            self._step = record

    @property
    def steps_done(self) -> tuple[int, int]:
        """Value and range of a progress bar: (0, 0) while there is nothing to count."""
        if self.began is None or not (self._step or self.history):
            return 0, 0
        started = self.began.started
        done = len(self.history) * started.steps
        if self._step is not None:
            done = max(done, (self._step.epoch - 1) * started.steps + self._step.step)
        return done, started.epochs * started.steps

    def seconds_left(self, now: float) -> float | None:
        """From the epochs of this run but the first, which holds the set-up; None at first."""
        if self.began is None:
            return None
        started = self.began.started
        new = self.history[started.epochs_done :]
        if len(new) < 2:
            return None if self._step is None else self._step.seconds_left
        pace = (new[-1]["seconds"] - new[0]["seconds"]) / (len(new) - 1)
        return max(0.0, pace * (started.epochs - len(self.history)) - (now - self._row_came))

    def text(self, now: float) -> str:
        """For the progress bar; what happens before the first step otherwise."""
        if self.began is None:
            return self.preparing
        started, step = self.began.started, self._step
        if step is None:
            return "first step…"
        epoch = min(max(step.epoch, len(self.history) + 1), started.epochs)
        left = self.seconds_left(now)
        tail = "" if left is None else f", {in_words(left)} left"
        return f"epoch {epoch} of {started.epochs}{tail}"


def _best_epoch(history: list[Row]) -> int | None:
    """The epoch whose model is kept: of the best validation, or the last without validation."""
    if not history:
        return None
    if "validation_mean_iou" not in history[-1]:
        return int(history[-1]["epoch"])
    return -max((row["validation_mean_iou"] or 0.0, -row["epoch"]) for row in history)[1]


class TrainRun:
    """Runs a job in a thread that supervises the compute process, and keeps what it says."""

    def __init__(self, job: TrainJob) -> None:
        self.job = job
        self.progress = TrainProgress()
        self.cancel = cancel_event()
        self.ended, self.error = False, ""
        self.bundle: Bundle | None = None
        self.fresh = False
        self._finished: TrainFinished | Finished | None = None
        self._worker: Any = None

    def start(self, process: ComputeProcess) -> None:
        """Begin."""
        self._worker = follow(
            run_train_job,
            self.job,
            process,
            self.cancel,
            self._tell,
            take=self._take,
            ended=self._on_worker_end,
        )

    def _tell(self, text: str) -> None:
        self.progress.preparing = text

    def _take(self, record: Record) -> None:
        """A record came: keep it; drawing waits for a timer, which resets `fresh`."""
        self.progress.take(record, time.monotonic())
        self.fresh |= isinstance(record, Began | Epoch)
        if isinstance(record, Failed):
            self.error = record.message
        elif isinstance(record, TrainFinished | Finished):
            self._finished = record
        elif isinstance(record, Kept):
            self.bundle = record.bundle

    def _on_worker_end(self) -> None:
        self.ended = True
        if self.bundle is not None:
            trained_models().add(self.bundle.folder)

    @property
    def outcome(self) -> str:
        """How it ended, in a few short lines."""
        done = len(self.progress.history)
        if self.error:
            first = self.error
        elif self.cancel.is_set() or getattr(self._finished, "cancelled", False):
            first = f"Cancelled after {done} epochs."
        else:
            first = f"{done} epochs{self._in_time()}."
        return f"{first}\n{self._model()}" if self.progress.began else first

    def _in_time(self) -> str:
        end = self._finished
        if not isinstance(end, TrainFinished):
            return ""
        early = " (no better one came)" if end.stopped == "early stopping" else ""
        return f" in {in_words(end.seconds)}{early}"

    def _model(self) -> str:
        if self.bundle is None:
            return "No epoch was finished, so there is no model."
        began, epoch = self.progress.began, self.bundle.card.training.get("epoch")
        validated = began is not None and began.started.n_validation > 0
        which = "the best" if validated else "the last"
        name = self.bundle.name
        return f"The model is that of epoch {epoch}, {which}. It is chosen in Segment: {name}"
