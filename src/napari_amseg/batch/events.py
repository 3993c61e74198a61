"""What a campaign tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_amseg.batch.assemble import Finished


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    """Workers are there or on their way. dashboard : its address, or None."""

    cluster: str
    scheduler: str
    dashboard: str | None
    n_stacks: int


@dataclass(frozen=True, slots=True)
class StackBegun:
    """A stack is open.

    chunks : it has. finished : of these, by an earlier call. remarks : on the stack.
    """

    name: str
    chunks: int
    finished: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """A chunk of a stack is finished."""

    name: str


@dataclass(frozen=True, slots=True)
class StackDone:
    """The files of a stack are there."""

    name: str
    done: Finished


@dataclass(frozen=True, slots=True)
class StackFailed:
    """A stack that could not be segmented, and why. chunks : finished and kept for a next call."""

    name: str
    reason: str
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class WorkersGone:
    """No worker is there; the campaign waits for one."""


@dataclass(frozen=True, slots=True)
class CampaignFinished:
    """All stacks are done or have failed. files : written for the campaign as a whole."""

    outcomes: tuple[StackDone | StackFailed, ...]
    files: tuple[Path, ...] = field(default_factory=tuple)


CampaignEvent = (
    CampaignStarted | StackBegun | ChunkDone | StackDone | StackFailed | WorkersGone
    | CampaignFinished
)  # fmt: skip
