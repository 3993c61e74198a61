"""Frames out of an HDF5 dataset, in any order, from several threads, each chunk unpacked once."""

from __future__ import annotations

import threading
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.links import BROKEN
from napari_amseg.io.hdf5.unpack import Unpacker
from napari_amseg.types import Frame

_BLOCK_BYTES = 2**27
_BLOCKS_KEPT = 2  # threads that work ahead are in two neighbours at most


class FrameReader:
    """``reader(t) -> (Y, X) array`` in the byte order of this machine.

    A packed chunk with several frames in it is unpacked for all of them at once, and the last two
    such blocks are kept: at most 256 MiB, whatever the number of frames.

    Parameters
    ----------
    dataset : of shape (T, Y, X), or (Y, X) for a single frame. path : for messages. images : which
        of the T are read, in order; all by default. packed_together : frames in a packed chunk.
    """

    def __init__(
        self, dataset: Any, path: str, images: NDArray[np.intp] | None, packed_together: int
    ) -> None:
        # A new object without h5py's cache of creation properties: those of a virtual dataset,
        # kept until after its file is closed, crash HDF5 1.14.6 when the program ends.
        self._dataset = h5py.Dataset(dataset.id)
        self._path, self._images = path, images
        self._dtype = dataset.dtype.newbyteorder("=")
        self._in_chunk = packed_together
        frame_bytes = int(np.prod(dataset.shape[-2:])) * dataset.dtype.itemsize
        n_blocks = -(-packed_together * frame_bytes // _BLOCK_BYTES)  # of a chunk too large
        self._in_block = max(-(-packed_together // max(n_blocks, 1)), 1)
        self._blocks: dict[int, NDArray[Any]] = {}
        self._lock = threading.Lock()
        is_whole_chunk = self._in_block == packed_together
        self._unpack = Unpacker(dataset) if is_whole_chunk and Unpacker.fits(dataset) else None

    def __call__(self, t: int) -> Frame:
        """Frame `t`, an array of its own.

        Raises
        ------
        ValueError
            If it cannot be unpacked, or the file was closed.
        """
        image = t if self._images is None else int(self._images[t])
        if self._in_chunk == 1:
            return np.asarray(self._read(image, image + 1)[0])
        chunk, inside = divmod(image, self._in_chunk)
        first = chunk * self._in_chunk + inside // self._in_block * self._in_block
        last = min(first + self._in_block, (chunk + 1) * self._in_chunk)
        return np.array(self._block(first, last)[image - first])

    def _block(self, first: int, last: int) -> NDArray[Any]:
        block = self._blocks.get(first)
        if block is not None:
            return block
        with self._lock:
            block = self._blocks.get(first)
            if block is None:
                block = self._read(first, last)
                while len(self._blocks) >= _BLOCKS_KEPT:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[first] = block
        return block

    def _read(self, first: int, last: int) -> NDArray[Any]:
        """Images ``first:last`` of the dataset."""
        if not self._dataset:
            raise ValueError(f"{self._path}: was closed; open the stack again.")
        images = None if self._unpack is None else self._unpack(first // self._in_chunk)
        if images is None:
            images = self._through_hdf5(first, last)
        return images.astype(self._dtype, copy=False)

    def _through_hdf5(self, first: int, last: int) -> NDArray[Any]:
        try:
            if self._dataset.ndim == 2:
                return np.asarray(self._dataset[()])[np.newaxis]
            return np.asarray(self._dataset[first:last])
        except (*BROKEN, MemoryError) as error:
            raise ValueError(
                f"{self._path}: frame {first} cannot be read ({error}). Copy the file again."
            ) from error
