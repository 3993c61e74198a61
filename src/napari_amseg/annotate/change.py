"""What happens to one frame in one step, kept small enough to be undone after hours."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.box import Box


class Packed:
    """An array, compressed; NumPy unpacks it by itself where it is assigned or computed with."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        first = array.flat[0]
        self._value = first if (array == first).all() else None  # most marks are, and fast so
        self._bytes = b""
        if self._value is None:
            self._bytes = zlib.compress(np.ascontiguousarray(array).tobytes(), 1)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return len(self._bytes)

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        if self._value is not None:
            return np.full(self.shape, self._value, dtype or self.dtype)
        array = np.frombuffer(zlib.decompress(self._bytes), self.dtype).reshape(self.shape)
        return array if dtype is None else array.astype(dtype)


@dataclass(frozen=True, slots=True)
class Side:
    """A box of a frame before or after a step.

    labels : uint8. by_hand : bool, which pixels a person set. status : of the whole frame.
    """

    labels: Packed
    by_hand: Packed
    status: int


@dataclass(frozen=True, slots=True)
class Change:
    """What one step does to one frame.

    frame : its number. box : rows and columns that it may touch.
    """

    frame: int
    box: Box
    before: Side
    after: Side
