"""Chunks packed with deflate, the usual compression, unpacked outside HDF5.

HDF5 does one thing at a time, whatever the number of threads. Here only the packed bytes are read
through it; libdeflate then unpacks them, several chunks at once in several threads.
"""

from __future__ import annotations

from typing import Any

import h5py
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.links import BROKEN

_DEFLATE, _SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE


class Unpacker:
    """``unpacker(chunk) -> images of that chunk``, of the last one with what lies beyond the end.

    dataset : one for which :meth:`fits` is true.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._is_shuffled = _filters(dataset)[0] == _SHUFFLE
        self._n_bytes = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize

    @staticmethod
    def fits(dataset: Any) -> bool:
        """Whether its chunks are whole frames, and packed in this way and no other."""
        if dataset.ndim != 3 or dataset.chunks is None or dataset.chunks[1:] != dataset.shape[1:]:
            return False
        is_plain = dataset.id.get_type() == h5py.h5t.py_create(dataset.dtype)  # no odd precision
        return is_plain and _filters(dataset) in ([_DEFLATE], [_SHUFFLE, _DEFLATE])

    def __call__(self, chunk: int) -> NDArray[Any] | None:
        """Images in the file's byte order; None where HDF5 has to do it, or tells the fault."""
        step = self._dataset.chunks[0]
        try:
            skipped, packed = self._dataset.id.read_direct_chunk((chunk * step, 0, 0))
            if skipped:
                return None
            data = np.empty(self._n_bytes, np.uint8)
            size = len(imagecodecs.deflate_decode(packed, out=data.data))
        except (*BROKEN, imagecodecs.DeflateError):
            return None
        if size != self._n_bytes:
            return None
        if self._is_shuffled:  # the first bytes of all pixels, then the second ones
            data = np.ascontiguousarray(data.reshape(self._dataset.dtype.itemsize, -1).T)
        images: NDArray[Any] = data.view(self._dataset.dtype).reshape(self._dataset.chunks)
        return images


def _filters(dataset: Any) -> list[int]:
    properties = dataset.id.get_create_plist()
    return [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
