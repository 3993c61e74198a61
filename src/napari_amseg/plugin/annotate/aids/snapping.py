"""A stroke and the object that it was meant for: from one to the other as one change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.box import bounding_box
from napari_amseg.annotate.change import Change, Packed, Side
from napari_amseg.annotate.snap import snap_to_edge
from napari_amseg.annotate.surface_line import SurfaceLine, fit_surface
from napari_amseg.labels import LabelScheme

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stroke:
    """What a person painted last.

    mask : bool (Y, X), pixels that got a class. code : that class. labels : uint8 (Y, X) before,
    by_hand : bool (Y, X) before.
    """

    frame: int
    mask: Mask
    code: int
    labels: NDArray[np.uint8]
    by_hand: Mask

    @classmethod
    def of(cls, change: Change, annotation: Annotation) -> Stroke | None:
        """The stroke that made a change; None if it only took labels away."""
        labels = np.array(annotation.labels[change.frame])
        by_hand = np.array(annotation.by_hand[change.frame])
        labels[change.box], by_hand[change.box] = change.before.labels, change.before.by_hand
        after = np.asarray(change.after.labels)
        painted = (after != labels[change.box]) & (after != 0)
        if not painted.any():
            return None
        code = int(np.bincount(after[painted]).argmax())
        mask = np.zeros(labels.shape, bool)
        mask[change.box] = painted & (after == code)
        return cls(change.frame, mask, code, labels, by_hand)


def snapped_region(
    image: NDArray[np.generic], stroke: Stroke, scheme: LabelScheme, line: SurfaceLine | None
) -> Mask:
    """The object around a stroke, bool (Y, X).

    A keyhole ends at the surface: at `line` if that is known, else where it is found if the
    keyhole does not end elsewhere.

    Raises
    ------
    ValueError
        If there is no edge around the stroke.
    """
    others = stroke.by_hand & (stroke.labels != stroke.code) & ~stroke.mask
    keyhole = stroke.code == scheme.code_of("keyhole")
    barrier = _above(line, stroke) if keyhole else None
    try:
        return snap_to_edge(image, stroke.mask, outside=others, barrier=barrier)
    except ValueError:
        if not keyhole or barrier is not None:
            raise
        barrier = _above(fit_surface(image), stroke)
        return snap_to_edge(image, stroke.mask, outside=others, barrier=barrier)


def snapped_change(
    annotation: Annotation, stroke: Stroke, region: Mask, *, overwrite: bool
) -> tuple[Change, int] | None:
    """The change from the stroke to its object, and how many confirmed pixels it keeps from it.

    What was painted outside of the object becomes what it was; the object is by hand, since
    somebody drew it. What was painted since stays. None if there is nothing to change, or the
    stroke was undone.
    """
    now, by_hand = annotation.labels[stroke.frame], annotation.by_hand[stroke.frame]
    still = stroke.mask & (now == stroke.code)
    kept = region & by_hand & (now != stroke.code)
    if overwrite:
        kept = np.zeros_like(region)
    gained, lost = region & ~kept, still & ~region
    box = bounding_box((gained & ((now != stroke.code) | ~by_hand)) | lost)
    if not still.any() or box is None:
        return None
    labels = np.where(lost, stroke.labels, np.where(gained, np.uint8(stroke.code), now))
    marks = np.where(lost, stroke.by_hand, by_hand | gained)
    old = annotation.status(stroke.frame)
    change = Change(
        stroke.frame,
        box,
        Side(Packed(now[box]), Packed(by_hand[box]), old),
        Side(Packed(labels[box]), Packed(marks[box]), max(old, Status.IN_PROGRESS)),
    )
    return change, int(np.count_nonzero(kept))


def _above(line: SurfaceLine | None, stroke: Stroke) -> Mask | None:
    """What is above a surface; None if most of the stroke is, so that it cannot be the surface."""
    if line is None:
        return None
    above = ~line.below((stroke.mask.shape[0], stroke.mask.shape[1]))
    return None if (above & stroke.mask).sum() > stroke.mask.sum() / 2 else above
