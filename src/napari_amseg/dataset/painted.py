"""From labels that somebody painted to what a training can use."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from napari_amseg.dataset.add import IMAGE_DTYPES
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack


def classes_to_learn(
    scheme: LabelScheme, painted: Collection[int], model: LabelScheme | None, name: str
) -> LabelScheme:
    """The classes of a training: those painted, since another cannot be learnt.

    Parameters
    ----------
    scheme : what the labels may hold. painted : the codes that occur, without 0. model : classes of
        a model that is trained further; they stay if all that is painted is among them. name : of
        what was painted, for messages.

    Raises
    ------
    ValueError
        If nothing is painted, or one class only and there is no model that knows the others.
    """
    advice = "Paint every pixel that is to be learnt from; 0 stays unlabelled and does not count."
    painted = set(painted)
    if not painted:
        raise ValueError(f"the labels of {name!r} are empty. {advice}")
    known = [c for c in scheme.classes if c.code in painted]
    if len(known) < len(painted):  # add_frames will name those that are unknown
        return scheme
    if model is not None and painted <= set(model.codes) <= set(scheme.codes):
        return LabelScheme(tuple(c for c in scheme.classes if c.code in model.codes))
    if len(known) < 2:
        raise ValueError(
            f"the labels of {name!r} hold {known[0].name} only: what is not {known[0].name} "
            f"must be painted too, as background for example. {advice}"
        )
    return LabelScheme(tuple(known))


def storable(images: Stack) -> Stack:
    """The frames in a type that a benchmark keeps: float32 instead of any other."""
    if images.dtype in IMAGE_DTYPES:
        return images
    return images.derived(lambda t: images.read(t).astype(np.float32), dtype=np.float32)
