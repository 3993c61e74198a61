"""Label images from elsewhere as codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.codes import code_counts
from napari_amseg.types import Frame


def as_codes(labels: Frame, frame: int) -> NDArray[np.uint8]:
    """A label image (Y, X) of integers as uint8; the same array if it is so already.

    frame : its number, for messages.

    Raises
    ------
    ValueError
        If it holds no codes 0..255; names the frame.
    """
    if labels.dtype != np.uint8:
        try:
            code_counts(labels)
        except ValueError as error:
            raise ValueError(f"frame {frame}: {error}") from None
    return labels.astype(np.uint8, copy=False)
