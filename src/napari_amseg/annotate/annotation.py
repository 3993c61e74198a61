"""Labels that a person makes: which pixels are settled, which frames are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.box import bounding_box
from napari_amseg.annotate.change import Change, Packed, Side
from napari_amseg.labels import LabelScheme


class Status(IntEnum):
    """How far the labels of a frame are."""

    UNTOUCHED = 0
    SUGGESTED = 1  # by a model or the classifier, run over many frames; nobody looked
    IN_PROGRESS = 2  # a person painted or used an aid here
    COMPLETE = 3  # a person said so: every pixel is confirmed

    @property
    def words(self) -> str:
        """As shown to people."""
        return self.name.lower().replace("_", " ")


class Annotation:
    """Label images under work.

    Pixels that a person painted, and all of a frame that was called complete, are *confirmed*:
    aids leave them as they are unless asked to overwrite.

    Attributes
    ----------
    labels : uint8 (T, Y, X), codes of `scheme` or 0. by_hand : bool (T, Y, X), painted by a person.
    statuses : uint8 (T,), :class:`Status` of each frame.
    """

    def __init__(
        self, labels: NDArray[np.uint8], by_hand: NDArray[np.bool_], scheme: LabelScheme
    ) -> None:
        if labels.ndim != 3 or labels.shape != by_hand.shape:
            raise ValueError(
                f"labels are {labels.shape}, by_hand is {by_hand.shape}: both must be (T, Y, X)."
            )
        self.labels, self.by_hand, self.scheme = labels, by_hand, scheme
        self.statuses = np.zeros(len(labels), np.uint8)

    def status(self, frame: int) -> Status:
        """How far a frame is."""
        return Status(int(self.statuses[frame]))

    def confirmed(self, frame: int) -> NDArray[np.bool_]:
        """Pixels of a frame that no aid may change unasked, bool (Y, X)."""
        if self.status(frame) == Status.COMPLETE:
            return np.ones(self.labels.shape[1:], bool)
        return np.asarray(self.by_hand[frame])

    def count(self, status: Status) -> int:
        """How many frames have this status."""
        return int(np.count_nonzero(self.statuses == status))

    def next_of(self, statuses: Sequence[Status], frame: int) -> int | None:
        """The first frame after `frame` with one of these statuses, from the start again at the
        end; None if there is none.
        """
        found = np.flatnonzero(np.isin(self.statuses, [int(s) for s in statuses]))
        found = found[found != frame]
        if not found.size:
            return None
        later = found[found > frame]
        return int(later[0] if later.size else found[0])

    def propose(
        self,
        frame: int,
        codes: NDArray[np.uint8],
        *,
        where: NDArray[np.bool_] | None = None,
        overwrite: bool = False,
        by_hand: bool = False,
        status: Status = Status.IN_PROGRESS,
    ) -> Change | None:
        """The change that an aid's labels would make to a frame; None if they change nothing.

        Parameters
        ----------
        codes : uint8 (Y, X). where : bool (Y, X), the pixels that `codes` speaks of; by default
            those where it is not 0.
        overwrite : also change confirmed pixels.
        by_hand : the changed pixels are a person's work, though not painted here.
        status : of the frame afterwards, if it is not further already; a complete one that is
            overwritten is so no longer.
        """
        wanted = codes != 0 if where is None else where
        old = np.asarray(self.labels[frame])
        touched = wanted & (old != codes)
        if not overwrite:
            touched &= ~self.confirmed(frame)
        box = bounding_box(touched)
        if box is None:
            return None
        new_labels = np.where(touched[box], codes[box], old[box])
        new_by_hand = np.where(touched[box], by_hand & (codes[box] != 0), self.by_hand[frame][box])
        furthest = max(self.status(frame), status)
        if furthest == Status.COMPLETE and status != Status.COMPLETE:
            furthest = Status.IN_PROGRESS  # nobody has said that of what is there now
        return self._change(frame, box, new_labels, new_by_hand, furthest)

    def painted(self, frame: int, before: NDArray[np.uint8]) -> Change | None:
        """Take in what a person just painted: the labels are there, `before` is what was.

        Painted pixels are by hand from now on, erased ones no longer. Returns the change, or
        None if the frame is as it was.
        """
        now = np.asarray(self.labels[frame])
        box = bounding_box(now != before)
        if box is None:
            return None
        painted, by_hand = now[box] != before[box], self.by_hand[frame]
        old_by_hand, old_status = by_hand[box].copy(), self.status(frame)
        status = max(old_status, Status.IN_PROGRESS)
        by_hand[box] = np.where(painted, now[box] != 0, old_by_hand)
        self.statuses[frame] = status
        return Change(
            frame,
            box,
            Side(Packed(before[box]), Packed(old_by_hand), old_status),
            Side(Packed(now[box]), Packed(by_hand[box]), status),
        )

    def confirm(self, frame: int, where: NDArray[np.bool_]) -> Change | None:
        """The change that calls labelled pixels, bool (Y, X), by hand as they are; None if they
        are so already.
        """
        new = where & (np.asarray(self.labels[frame]) != 0) & ~self.by_hand[frame]
        box = bounding_box(new)
        if box is None:
            return None
        by_hand = self.by_hand[frame][box] | new[box]
        status = max(self.status(frame), Status.IN_PROGRESS)
        return self._change(frame, box, self.labels[frame][box], by_hand, status)

    def restatus(self, frame: int, status: Status) -> Change | None:
        """The change that gives a frame another status; None if it has it."""
        if self.status(frame) == status:
            return None
        box = slice(0, 1), slice(0, 1)
        return self._change(frame, box, self.labels[frame][box], self.by_hand[frame][box], status)

    def apply(self, changes: Iterable[Change], *, labels: bool = True) -> frozenset[int]:
        """Make changes, or make them again; returns the frames.

        labels : False where the labels have changed already, by napari's own history.
        """
        return self._put(((change, change.after) for change in changes), labels)

    def revert(self, changes: Sequence[Change], *, labels: bool = True) -> frozenset[int]:
        """Take changes back, the last one first; returns the frames."""
        return self._put(((change, change.before) for change in reversed(changes)), labels)

    def _put(self, sides: Iterable[tuple[Change, Side]], labels: bool) -> frozenset[int]:
        frames = set()
        for change, side in sides:
            if labels:
                self.labels[(change.frame, *change.box)] = side.labels
            self.by_hand[(change.frame, *change.box)] = side.by_hand
            self.statuses[change.frame] = side.status
            frames.add(change.frame)
        return frozenset(frames)

    def _change(
        self,
        frame: int,
        box: tuple[slice, slice],
        labels: NDArray[np.uint8],
        by_hand: NDArray[np.bool_],
        status: int,
    ) -> Change:
        before = Side(
            Packed(self.labels[frame][box]), Packed(self.by_hand[frame][box]), self.status(frame)
        )
        return Change(frame, box, before, Side(Packed(labels), Packed(by_hand), status))
