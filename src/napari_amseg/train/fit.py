"""A plain training loop: cosine learning rate, averaged weights, recalibrated norms."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models.backend import keras

Batch = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train and how to average.

    minutes, steps : the first limit that is reached ends the training.
    learning_rate : at the start; it falls to zero along half a cosine.
    average_steps : length of the running average of the weights.
    report_every_s : wall time between two calls of the report function, in seconds.
    """

    minutes: float = 30.0
    steps: int = 100_000
    learning_rate: float = 2e-3
    average_steps: int = 200
    report_every_s: float = 240.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands: steps done, wall time, mean loss since the last report."""

    step: int
    elapsed_s: float
    loss: float


def fit(
    model: Any,
    batches: Iterator[Batch],
    loss: Callable[[Any, Any], Any],
    *,
    schedule: Schedule,
    report: Callable[[Progress, list[NDArray[Any]]], None] | None = None,
) -> tuple[Progress, list[NDArray[Any]]]:
    """Train a model and return the averaged weights; the model keeps its last ones.

    Parameters
    ----------
    model : Keras model from (B, Y, X, 1) to (B, Y, X, C); compiled here with Adam.
    batches : endless iterator of images float32 (B, Y, X, 1) and labels (B, Y, X).
    loss : ``loss(labels, probabilities) -> scalar``.
    report : called every so often with the progress and the averaged weights.

    Returns
    -------
    progress : at the end. weights : for ``model.set_weights``.
    """
    model.compile(optimizer=keras.optimizers.Adam(schedule.learning_rate), loss=loss)
    average = [w.astype(np.float32) for w in model.get_weights()]
    start = reported = time.monotonic()
    losses: list[float] = []
    step = 0
    done = 0.0
    while done < 1:
        model.optimizer.learning_rate = (
            schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
        )
        images, labels = next(batches)
        losses.append(float(model.train_on_batch(images, labels)))
        step += 1
        _blend(average, model.get_weights(), 1 / min(step, schedule.average_steps))
        now = time.monotonic()
        done = max((now - start) / (60 * schedule.minutes), step / schedule.steps)
        if report and now - reported > schedule.report_every_s:
            report(Progress(step, now - start, float(np.mean(losses))), average)
            losses, reported = [], time.monotonic()
    return Progress(step, time.monotonic() - start, float(np.mean(losses or [0.0]))), average


def _blend(average: list[NDArray[Any]], weights: Iterable[NDArray[Any]], share: float) -> None:
    for mean, weight in zip(average, weights, strict=True):
        mean += share * (weight - mean)


def recalibrate_norms(model: Any, batches: Iterator[Batch], *, n_batches: int = 30) -> None:
    """Set the moving statistics of all batch normalisations to the mean over some batches.

    Averaged weights have seen no batch, so the statistics collected on the way
    are not theirs.
    """
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    before = [norm.momentum for norm in norms]
    for seen, (images, _) in enumerate(islice(batches, n_batches)):
        for norm in norms:
            norm.momentum = seen / (seen + 1)
        model(images, training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
