"""One door for the small datasets that say something of the frames: keys, sizes, times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.links import BROKEN
from napari_amseg.io.hdf5.storage import Storage


def values_of(dataset: Any, path: str) -> NDArray[Any]:
    """All values of a small dataset, as one row.

    Raises
    ------
    ValueError
        If they cannot be had: packed in a way that cannot be unpacked here, never written, in a
        file that is missing, damaged.
    """
    Storage(dataset, path)
    try:
        return np.asarray(dataset[()]).reshape(-1)
    except (*BROKEN, TypeError, MemoryError) as error:
        raise ValueError(f"{path}: {dataset.name} cannot be read ({error}).") from None
