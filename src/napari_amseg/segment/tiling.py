"""Fit frames to a network: pad to its multiple, or cut into overlapping tiles of one size."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Tiling:
    """How frames of one shape are cut into equal tiles and put together again.

    Tiles overlap; each pixel of the result comes from the tile in whose interior it lies deepest,
    so that no seam sees the padding of its tile. A frame that fits is one padded tile.

    Attributes
    ----------
    frame_shape : (rows, columns) of a frame.
    tile_shape : (rows, columns) of every tile, multiples of the network's step.
    rows, columns : (start in frame, stop in frame, first row kept, last row kept) of each tile.
    """

    frame_shape: tuple[int, int]
    tile_shape: tuple[int, int]
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @classmethod
    def plan(
        cls, frame_shape: tuple[int, int], *, multiple: int, largest: int, overlap: int
    ) -> Tiling:
        """Tiles for frames of `frame_shape`, at most `largest` pixels a side, `overlap` shared."""
        height, rows = _spans(frame_shape[0], multiple, largest, overlap)
        width, columns = _spans(frame_shape[1], multiple, largest, overlap)
        return cls(frame_shape, (height, width), rows, columns)

    @property
    def n_tiles(self) -> int:
        """Tiles a frame."""
        return len(self.rows) * len(self.columns)

    def cut(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tiles (n_tiles, rows, columns) of a frame, its border mirrored outwards as padding.

        A frame that is a tile is not copied.
        """
        if frame.shape == self.tile_shape:
            return np.asarray(frame, np.float32)[np.newaxis]
        tiles = np.empty((self.n_tiles, *self.tile_shape), np.float32)
        spans = ((r, c) for r in self.rows for c in self.columns)
        for tile, ((y0, y1, _, _), (x0, x1, _, _)) in zip(tiles, spans, strict=True):
            part = frame[y0:y1, x0:x1]
            pad = [(0, full - n) for full, n in zip(self.tile_shape, part.shape, strict=True)]
            tile[:] = (
                np.pad(part, pad, mode="symmetric") if any(after for _, after in pad) else part
            )
        return tiles

    def kept(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Which rows (n_tiles, rows) and columns (n_tiles, columns) of each tile :meth:`join`
        takes: 1, else 0. A pixel is taken where both are 1, so every pixel of a frame once.
        """
        rows = np.zeros((self.n_tiles, self.tile_shape[0]), np.float32)
        columns = np.zeros((self.n_tiles, self.tile_shape[1]), np.float32)
        spans = ((r, c) for r in self.rows for c in self.columns)
        for i, ((y0, _, ya, yb), (x0, _, xa, xb)) in enumerate(spans):
            rows[i, ya - y0 : yb - y0] = 1
            columns[i, xa - x0 : xb - x0] = 1
        return rows, columns

    def join(self, maps: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The class map (Y, X) of a frame from those of its tiles."""
        if self.frame_shape == self.tile_shape:
            return np.asarray(maps[0])
        joined = np.empty(self.frame_shape, np.uint8)
        spans = ((r, c) for r in self.rows for c in self.columns)
        for tile, ((y0, _, ya, yb), (x0, _, xa, xb)) in zip(maps, spans, strict=True):
            joined[ya:yb, xa:xb] = tile[ya - y0 : yb - y0, xa - x0 : xb - x0]
        return joined


def _spans(size: int, multiple: int, largest: int, overlap: int) -> tuple[int, tuple[Span, ...]]:
    """Tile length and the spans of the tiles along one axis."""
    whole = -(-size // multiple) * multiple
    largest = max(largest // multiple * multiple, multiple)
    if whole <= largest:
        return whole, ((0, size, 0, size),)
    overlap = min(overlap, largest // 2)
    n = -(-(size - overlap) // (largest - overlap))
    starts = np.linspace(0, size - largest, n).round().astype(int).tolist()
    seams = [0] + [(a + largest + b) // 2 for a, b in pairwise(starts)] + [size]
    return largest, tuple(
        (start, start + largest, seams[i], seams[i + 1]) for i, start in enumerate(starts)
    )
