"""What a training says while it runs: small frozen records, for progress bars and curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_amseg.dataset.benchmark import FrameId


@dataclass(frozen=True, slots=True)
class TrainStarted:
    """Training begins, or goes on after `epochs_done` epochs whose rows are `history`.

    Attributes
    ----------
    device : backend and device. precision : arithmetic. network : name and arguments.
    n_parameters : trainable ones. n_train, n_validation : images. steps : a epoch.
    shape : (rows, columns) of a sample. classes : names, in channel order.
    preview_frame : the validation image whose prediction is written after each epoch.
    """

    device: str
    precision: str
    network: str
    n_parameters: int
    n_train: int
    n_validation: int
    steps: int
    epochs: int
    shape: tuple[int, int]
    classes: tuple[str, ...]
    epochs_done: int = 0
    history: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    preview_frame: FrameId | None = None


@dataclass(frozen=True, slots=True)
class StepDone:
    """Where epoch `epoch`, counted from 1, stands.

    step, steps : done, and in all. loss : mean so far. seconds_left : of the whole training.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class EpochDone:
    """An epoch has ended: its row of ``training.csv``, and whether it is the best yet.

    The bundle holds the best epoch, the checkpoint the last; both are on the disk now.
    """

    row: dict[str, Any]
    is_best: bool


@dataclass(frozen=True, slots=True)
class TrainFinished:
    """The end. best_epoch : the one in the bundle, None if none was finished.

    stopped : why before the last epoch (``cancelled``, ``early stopping``), or empty.
    """

    epochs_done: int
    best_epoch: int | None
    seconds: float
    stopped: str = ""


TrainEvent = TrainStarted | StepDone | EpochDone | TrainFinished
