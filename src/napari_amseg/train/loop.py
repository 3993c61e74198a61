"""The training loop: epochs of steps, validation, best and last state on the disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.batches import Batch, TrainingBatches, WholeFrames
from napari_amseg.labels import LabelScheme
from napari_amseg.models.backend import keras
from napari_amseg.scores import Confusion
from napari_amseg.train.events import StepDone
from napari_amseg.train.loss import dice_focal_loss
from napari_amseg.train.metric import ConfusionMetric
from napari_amseg.train.norms import recalibrate_norms, set_momentum
from napari_amseg.train.settings import TrainSettings

_SECONDS_BETWEEN_REPORTS = 0.2
_SHARE_FORGOTTEN = 0.995
_MEMORY_WORDS = ("out of memory", "outofmemory", "oom when", "resource_exhausted", "bad_alloc")


class Cancelled(Exception):  # noqa: N818 (no error: somebody pressed Cancel)
    """The training was asked to stop."""


@dataclass(frozen=True)
class Loop:
    """A compiled model and what it learns from.

    Attributes
    ----------
    model : compiled by :func:`compile_model`. scheme : its classes.
    training, validation : batches; `validation` may have no frames.
    cancelled : asked before every step.
    steps_to_settle : before so many steps the batch norms are calibrated ahead of validation, which
        is slow: their moving statistics still hold what they started with.
    """

    model: Any
    scheme: LabelScheme
    training: TrainingBatches
    validation: WholeFrames
    cancelled: Callable[[], bool]
    steps_to_settle: int

    def epoch(self, number: int, epochs: int) -> Generator[StepDone, None, dict[str, Any]]:
        """Train one epoch, counted from 0, and validate it; returns its scores.

        Raises
        ------
        Cancelled
            Within a step of being asked to.
        ValueError
            If memory does not suffice, or the loss is no number any more.
        """
        confusion, losses = Confusion(self.scheme), []
        start = reported = time.monotonic()
        steps = self.training.steps
        for step, batch in enumerate(self._until_cancelled(self.training.epoch(number)), 1):
            losses.append(self._step(self.model.train_on_batch, batch, confusion))
            if not np.isfinite(losses[-1]):
                raise ValueError(
                    f"the loss became {losses[-1]} in epoch {number + 1}: the training diverged. "
                    "Use a lower learning rate, or float32 precision."
                )
            now = time.monotonic()
            if now - reported >= _SECONDS_BETWEEN_REPORTS or step == steps:
                reported = now
                left = (now - start) / step * ((epochs - number) * steps - step)
                yield StepDone(number + 1, step, steps, float(np.mean(losses)), left)
        scores = {"loss": float(np.mean(losses)), **_columns("", confusion)}
        if (number + 1) * steps < self.steps_to_settle:
            with closing(self._until_cancelled(self.training.epoch(number))) as batches:
                recalibrate_norms(self.model, batches, n_batches=min(10, steps))
        return scores | self._validated()

    def _validated(self) -> dict[str, Any]:
        if not self.validation.frames:
            return {}
        confusion, losses, pixels = Confusion(self.scheme), [], []
        for batch in self._until_cancelled(iter(self.validation)):
            losses.append(self._step(self.model.test_on_batch, batch, confusion))
            pixels.append(np.count_nonzero(batch[1]))
        return {
            "validation_loss": float(np.average(losses, weights=pixels)),
            **_columns("validation_", confusion),
        }

    def _until_cancelled(self, batches: Any) -> Generator[Batch]:
        with closing(batches):
            for batch in batches:
                if self.cancelled():
                    raise Cancelled
                yield batch

    def _step(self, step: Callable[..., Any], batch: Batch, confusion: Confusion) -> float:
        self.model.reset_metrics()
        try:
            logs = step(*batch, return_dict=True)
        except Exception as error:  # every backend has its own out-of-memory error
            advice = _memory_advice(error, batch[0].shape)
            if advice is None:
                raise
            raise advice from error
        confusion.add_counts(_matrix(logs["confusion"], len(self.scheme.classes)))
        return float(logs["loss"])


def compile_model(
    model: Any,
    scheme: LabelScheme,
    weights: tuple[float, ...],
    settings: TrainSettings,
    steps: int,
) -> Any:
    """Give a model its loss, its Adam with a learning rate along half a cosine, and its metric.

    weights : of the classes. steps : an epoch. Returns the learning-rate schedule.
    """
    set_momentum(model, settings.norm_momentum)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, decay_steps=steps * settings.epochs
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=dice_focal_loss(scheme.codes, class_weights=weights, gamma=settings.focal_gamma),
        metrics=[ConfusionMetric(scheme.codes)],
    )
    model.optimizer.build(model.trainable_variables)  # inside a step it is traced twice
    return schedule


def steps_to_settle(momentum: float) -> int:
    """Steps after which a moving average has forgotten its start but for half a per cent."""
    return math.ceil(math.log(1 - _SHARE_FORGOTTEN) / math.log(momentum)) if momentum else 1


def _columns(prefix: str, confusion: Confusion) -> dict[str, Any]:
    """Scores of a confusion matrix as columns of ``training.csv``."""
    scores = confusion.to_json()
    columns = {f"{prefix}{name}": scores[name] for name in ("mean_iou", "mean_f1")}
    for measure in ("iou", "f1"):
        for name in confusion.scheme.names:
            columns[f"{prefix}{measure}_{name}"] = scores[measure].get(name)
    return columns


def _matrix(counts: Any, n: int) -> NDArray[np.int64]:
    return np.asarray(keras.ops.convert_to_numpy(counts), np.int64).reshape(n, n)


def _memory_advice(error: BaseException, shape: tuple[int, ...]) -> ValueError | None:
    """What to do when memory ran out; None if it was something else."""
    text = f"{type(error).__name__} {error}".casefold()
    if not isinstance(error, MemoryError) and not any(word in text for word in _MEMORY_WORDS):
        return None
    return ValueError(
        f"out of memory with a batch of {shape[0]} samples of {shape[1]}x{shape[2]} pixels: "
        "use a smaller batch size or smaller crops."
    )
