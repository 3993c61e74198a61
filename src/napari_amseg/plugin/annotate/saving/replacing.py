"""Labels from files in the place of those of whole frames, as one step that can be undone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.load import LoadedFrame
from napari_amseg.annotate.save_records import FrameToSave, Saved
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.types import Frame


def replace_labels(session: Session, frames: Mapping[int, tuple[Frame, Status]]) -> int:
    """Put label images, uint8 (Y, X), in the place of all of their frames; how many changed.

    They are a person's work, so aids leave them.

    Raises
    ------
    ValueError
        If one is of another size; nothing is changed then.
    """
    changes = []
    for t, (labels, _) in frames.items():
        shape = session.labels_of(t).shape
        if labels.shape != shape:
            raise ValueError(f"frame {t}: the labels in the file are {labels.shape}, not {shape}.")
        everywhere = np.ones(shape, bool)
        change = session.annotation.propose(
            t, labels, where=everywhere, overwrite=True, by_hand=True
        )
        changes.append(change)
    n_changed = session.apply(changes)
    for t, (_, status) in frames.items():
        if session.annotation.status(t) != status:
            session.set_status([t], status)
    return n_changed


def take_theirs(session: Session, keeper: Keeper, frames: Mapping[int, LoadedFrame]) -> None:
    """Go on with what another person saved; the next save of a frame may replace that.

    Raises as :func:`replace_labels`.
    """
    replace_labels(session, {t: (theirs.labels, theirs.status) for t, theirs in frames.items()})
    for t, theirs in frames.items():
        given = FrameToSave(t, theirs.name, theirs.labels, theirs.status, theirs.sha256)
        keeper.note(Saved(t, theirs.name, theirs.sha256), given)
