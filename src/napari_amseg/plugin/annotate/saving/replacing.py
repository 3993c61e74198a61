"""Labels from files in the place of those of whole frames, as one step that can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.change import Change
from napari_amseg.annotate.load import LoadedFrame
from napari_amseg.annotate.save_records import FrameToSave, Saved
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.types import Frame


def changes_by_hand(
    annotation: Annotation,
    frame: int,
    codes: Frame,
    *,
    where: NDArray[np.bool_] | None = None,
    overwrite: bool = False,
    status: Status | None = None,
) -> list[Change]:
    """The changes, one after another, that take labels (Y, X) into a frame as a person's work.

    Pixels that had these labels already, as a suggestion, are by hand too.

    where, overwrite : as in :meth:`.Annotation.propose`. status : of the frame afterwards; by
    default it is in progress, if not further.
    """
    this = slice(frame, frame + 1)
    trial = Annotation(
        np.array(annotation.labels[this]), np.array(annotation.by_hand[this]), annotation.scheme
    )
    trial.statuses[0] = annotation.statuses[frame]
    made = []

    def make(change: Change | None) -> None:
        if change is not None:
            trial.apply([change])
            made.append(replace(change, frame=frame))

    make(trial.propose(0, codes, where=where, overwrite=overwrite, by_hand=True))
    make(trial.confirm(0, trial.labels[0] == codes))
    if status is not None:
        make(trial.restatus(0, status))
    return made


def replace_labels(session: Session, frames: Mapping[int, tuple[Frame, Status]]) -> int:
    """Put label images, uint8 (Y, X), in the place of all of their frames; how many changed.

    They are a person's work, so aids leave them.

    Raises
    ------
    ValueError
        If one is of another size; nothing is changed then.
    """
    annotation, changes = session.annotation, []
    everywhere = np.ones(annotation.labels.shape[1:], bool)
    for t, (labels, status) in frames.items():
        if labels.shape != everywhere.shape:
            raise ValueError(
                f"frame {t}: the labels in the file are {labels.shape}, not {everywhere.shape}. "
                "They are of another stack; nothing was replaced."
            )
        changes += changes_by_hand(
            annotation, t, labels, where=everywhere, overwrite=True, status=status
        )
    session.apply(changes)
    return len({change.frame for change in changes})


def take_theirs(session: Session, keeper: Keeper, frames: Mapping[int, LoadedFrame]) -> None:
    """Go on with what another person saved; the next save of a frame may replace that.

    Raises as :func:`replace_labels`.
    """
    replace_labels(session, {t: (theirs.labels, theirs.status) for t, theirs in frames.items()})
    for t, theirs in frames.items():
        given = FrameToSave(t, theirs.name, theirs.labels, theirs.status, theirs.sha256)
        keeper.note(Saved(t, theirs.name, theirs.sha256), given)
