"""A file of raw frames, read by position: what readers of camera formats share."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class FrameFile:
    """Bytes of a file from anywhere in it, for several threads; open until it is closed.

    Not a memory map: its pages would count as this process's memory and grow with the stack.

    Raises
    ------
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = path.stat().st_size
        self._file = path.open("rb")
        self._lock = threading.Lock()

    def read(self, offset: int, n_bytes: int) -> NDArray[np.uint8]:
        """The uint8 bytes ``[offset, offset + n_bytes)``; ValueError if the file ends before."""
        if not 0 <= offset <= offset + n_bytes <= self.n_bytes:
            raise ValueError(
                f"{self.path}: bytes {offset:,} to {offset + n_bytes:,} are asked for, the file "
                f"has {self.n_bytes:,}. Copy it again."
            )
        found = np.empty(n_bytes, np.uint8)
        with self._lock:
            self._file.seek(offset)
            n_held = self._file.readinto(found)  # type: ignore[arg-type]
        if n_held < n_bytes:
            raise ValueError(f"{self.path}: was cut short while it was open; did it change?")
        return found

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def unpack_12bit(packed: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Pixels of 12 bit, two in three bytes, the higher bits first.

    packed : uint8 (n,), n a multiple of 3. Returns uint16 (2 n / 3,), 0 to 4095.
    """
    first, middle, last = packed.reshape(-1, 3).T
    first, middle = first.astype(np.uint16), middle.astype(np.uint16)
    pixels = np.empty((first.size, 2), np.uint16)
    pixels[:, 0] = first << 4 | middle >> 4
    pixels[:, 1] = (middle & 0x0F) << 8 | last
    return pixels.reshape(-1)
