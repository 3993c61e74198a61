"""One run of an aid in a thread: labels proposed frame by frame, changes out, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.change import Change
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.words import counted

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class AidCancelledError(Exception):
    """The person does not want it any more."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Labels that an aid would give a frame.

    codes : uint8 (Y, X). where : bool (Y, X), pixels that `codes` speaks of; those that are not 0
    by default.
    """

    frame: int
    codes: Codes
    where: Mask | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A frame that an aid leaves as it is. why : in words, after "left:"."""

    frame: int
    why: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """A frame that was dealt with. confirmed : pixels that stay whatever is proposed; kept : those
    of them for which something else was proposed.
    """

    frame: int
    change: Change | None
    pixels: int
    confirmed: int
    kept: int


Steps: TypeAlias = "Callable[[AidRun], Generator[Proposal | Left]]"


class AidRun:
    """Takes in what an aid proposes. :meth:`work` belongs to a thread, the rest to that of the GUI.

    Attributes
    ----------
    title : what is done, in words; `steps` may still change it. phase : what is being waited for
    before the first frame; empty if nothing. remarks : to be told at the end.

    Parameters
    ----------
    steps : makes the proposals, given this run.
    n_frames : how many proposals will come.
    overwrite : change confirmed pixels too. status : of the frames afterwards, at least.
    """

    def __init__(
        self,
        annotation: Annotation,
        title: str,
        steps: Steps,
        *,
        n_frames: int,
        overwrite: bool,
        status: Status,
    ) -> None:
        self.annotation, self.title, self.n_frames = annotation, title, n_frames
        self.overwrite, self.status = overwrite, status
        self.phase = ""
        self.remarks: list[str] = []
        self.cancel = cancel_event()
        self._steps = steps
        self._taken: list[_Taken] = []
        self._left: list[Left] = []

    @property
    def done(self) -> int:
        """How many frames were dealt with."""
        return len(self._taken) + len(self._left)

    def check(self) -> None:
        """End what goes on before the next frame; raises AidCancelledError if that is wanted."""
        if self.cancel.is_set():
            raise AidCancelledError

    def protected(self, frame: int) -> Mask:
        """Pixels of a frame that must stay as they are, bool (Y, X)."""
        confirmed = self.annotation.confirmed(frame)
        return np.zeros_like(confirmed) if self.overwrite else confirmed

    def work(self) -> None:
        """Take all proposals in, or those until it is cancelled."""
        with closing(self._steps(self)) as steps:
            for step in steps:
                if self.cancel.is_set():
                    return
                self._take(step)

    def changes(self) -> list[Change]:
        """What is to be made of it, in the order it came."""
        return [taken.change for taken in list(self._taken) if taken.change is not None]

    def renewed(self, change: Change) -> Change | None:
        """A change of a frame in which something happened since: what did, stays."""
        labels = self.annotation.labels[change.frame]
        before, after = np.asarray(change.before.labels), np.asarray(change.after.labels)
        codes, where = np.zeros_like(labels), np.zeros(labels.shape, bool)
        codes[change.box] = after
        where[change.box] = (before != after) & (labels[change.box] == before)
        return self.annotation.propose(
            change.frame, codes, where=where, overwrite=self.overwrite, status=self.status
        )

    def words(self) -> str:
        """What was done, or why nothing was, for people."""
        taken = [one for one in self._taken if one.pixels]
        pixels, kept = sum(t.pixels for t in taken), sum(t.kept for t in self._taken)
        if taken:
            where = _named([one.frame for one in taken])
            said = f"{self.title}: {where}, {counted(pixels, 'pixel')}"
        else:
            why = "" if kept or self._left else ", all is so already"
            said = f"{self.title}: nothing changed{why}"
        parts = [said]
        if kept:
            confirmed = sum(t.confirmed for t in self._taken)
            would = "" if kept == confirmed else f", {counted(kept, 'pixel')} of them against it"
            parts.append(f"{counted(confirmed, 'confirmed pixel')} kept{would}")
        if self._left:
            frames = [left.frame for left in self._left]
            parts.append(f"{_named(frames)} left: {self._left[0].why}")
        parts += self.remarks
        return "; ".join(parts) + "."

    def _take(self, step: Proposal | Left) -> None:
        if isinstance(step, Left):
            self._left.append(step)
            return
        annotation, frame = self.annotation, step.frame
        wanted = step.codes != 0 if step.where is None else step.where
        other = wanted & (step.codes != annotation.labels[frame])
        protected = self.protected(frame)
        confirmed, kept = (int(np.count_nonzero(m)) for m in (protected, other & protected))
        change = annotation.propose(
            frame, step.codes, where=step.where, overwrite=self.overwrite, status=self.status
        )
        pixels = int(np.count_nonzero(other)) - kept
        if not self.cancel.is_set():  # after a cancel the other thread takes what is there
            self._taken.append(_Taken(frame, change, pixels, confirmed, kept))


def _named(frames: list[int]) -> str:
    return f"frame {frames[0]}" if len(frames) == 1 else counted(len(frames), "frame")


def class_proposal(frame: int, labels: Codes, code: int, shape: Mask) -> Proposal:
    """A class is to be just there in a frame; pixels of it elsewhere become unlabelled, since
    nobody knows what they are.
    """
    codes = np.where(shape, code, 0).astype(np.uint8)
    return Proposal(frame, codes, shape | (labels == code))
