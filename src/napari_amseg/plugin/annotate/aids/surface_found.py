"""Where the surface of a frame under annotation is."""

from __future__ import annotations

import numpy as np

from napari_amseg.annotate.surface_line import SurfaceLine, fit_surface, fit_surface_of_labels
from napari_amseg.plugin.annotate.session import Session

_LEAST_KNOWN = 0.25  # of the columns


def found_surface(session: Session, frame: int) -> SurfaceLine:
    """The surface in the grey values of a frame, or that of the substrate labelled there.

    Raises
    ------
    ValueError
        If there is neither.
    """
    try:
        return fit_surface(session.image_frame(frame))
    except ValueError:
        line = labelled_surface(session, frame)
        if line is None:
            raise
        return line


def labelled_surface(session: Session, frame: int) -> SurfaceLine | None:
    """The surface of the substrate that is labelled in a frame; None if that is not known.

    It is known where something labelled lies right above: the top of a scribble in the substrate
    is no surface.
    """
    labels, scheme = session.labels_of(frame), session.scheme
    substrate = scheme.mask(labels, "substrate")
    top, columns = substrate.argmax(axis=0), np.arange(labels.shape[1])
    known = (top > 0) & (labels[np.maximum(top - 1, 0), columns] != 0)
    if known.mean() < _LEAST_KNOWN:
        return None
    try:
        return fit_surface_of_labels(substrate & known, scheme.mask(labels, "keyhole"))
    except ValueError:
        return None
