"""Temporary files that layers and the compute process share; gone when nothing uses them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPARE_BYTES = 2**28


@cache
def _session_folder() -> tempfile.TemporaryDirectory[str]:
    """Removed with everything in it when the session ends."""
    return tempfile.TemporaryDirectory(prefix="napari-amseg-", ignore_cleanup_errors=True)


def scratch_array(shape: tuple[int, ...], dtype: Any, *, what: str) -> tuple[Path, NDArray[Any]]:
    """A zeroed array in a temporary ``.npy`` file; the file goes when the array does.

    Raises
    ------
    OSError
        If the disk has too little room: writing to a mapped file that finds none would crash.
    """
    root = Path(_session_folder().name)
    needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    free = shutil.disk_usage(root).free
    if free < needed + _SPARE_BYTES:
        raise OSError(
            f"{what} need {needed / 1e9:.1f} GB of temporary space, {root.parent} has "
            f"{free / 1e9:.1f} GB free: make room, or set TMPDIR to another disk."
        )
    folder = Path(tempfile.mkdtemp(dir=root))
    path = folder / "array.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    # Where a mapped file cannot be removed yet (Windows), the end of the session removes it.
    weakref.finalize(array, shutil.rmtree, folder, ignore_errors=True)
    return path, array


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """An empty temporary folder; use as a context manager, it goes at the end."""
    return tempfile.TemporaryDirectory(dir=_session_folder().name, ignore_cleanup_errors=True)
