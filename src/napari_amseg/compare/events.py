"""What a comparison says while it runs; between these come the events of each training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_amseg.train import TrainEvent


@dataclass(frozen=True, slots=True)
class CompareStarted:
    """The comparison begins, or goes on: `finished` of `total` runs need not be done again."""

    finished: int
    total: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Run `number` of `total`, counted from 1: a repeat of a network."""

    network: str
    seed: int
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class ScoringStarted:
    """A network is trained and now segments the test images."""

    n_frames: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A repeat is done: the content of its ``result.json``."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A repeat went wrong; the others go on. details : the traceback of an unexpected error."""

    network: str
    seed: int
    message: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class CompareFinished:
    """The end. table : a row a network. files : written. failed : repeats without a result."""

    table: tuple[dict[str, Any], ...]
    files: tuple[Path, ...]
    failed: tuple[RunFailed, ...]


CompareEvent = (
    CompareStarted
    | RunStarted
    | TrainEvent
    | ScoringStarted
    | RunFinished
    | RunFailed
    | CompareFinished
)
