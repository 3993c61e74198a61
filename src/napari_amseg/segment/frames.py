"""Segment a preprocessed stack, frame by frame, in any order."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_amseg.segment.engine import ENGINES, Engine
from napari_amseg.segment.tiling import Tiling
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class SegmentSettings(Settings):
    """How a stack is segmented."""

    engine: str = setting(
        "auto", choices=ENGINES, help="What computes the masks; auto picks and says what it picked."
    )
    batch_size: int = setting(8, low=1, high=256, unit="frames", help="Most frames a model call.")
    tile_px: int = setting(
        1024, low=64, unit="px", help="Frames longer or wider than this are cut into tiles."
    )
    overlap_px: int = setting(96, low=0, unit="px", help="What neighbouring tiles share.")
    batch_pixels: int = setting(
        2**20, low=4096, unit="px", help="Most pixels a model call: bounds the memory it takes."
    )


def segment_frames(
    stack: Stack, engine: Engine, settings: SegmentSettings, *, order: Iterable[int] | None = None
) -> Generator[tuple[int, NDArray[np.uint8]]]:
    """Class maps of a stack whose values are in the network's input range.

    Parameters
    ----------
    stack : (T, Y, X), float32. engine : computes class maps. settings : batch and tile sizes.
    order : frames to do, in this order; all in turn by default.

    Yields
    ------
    frame index, label codes uint8 (Y, X). Closing the generator stops the work after the batch
    at hand.
    """
    tiling = Tiling.plan(
        stack.frame_shape,
        multiple=engine.multiple,
        largest=settings.tile_px,
        overlap=settings.overlap_px,
    )
    most = settings.batch_pixels // (tiling.tile_shape[0] * tiling.tile_shape[1])
    tiles_at_once = max(1, min(most, settings.batch_size * tiling.n_tiles))
    frames_at_once = max(1, tiles_at_once // tiling.n_tiles)
    todo = iter(range(len(stack)) if order is None else order)
    while group := list(islice(todo, frames_at_once)):
        tiles = np.concatenate([tiling.cut(stack.read(t)) for t in group])
        maps = _in_batches(engine, tiles, tiles_at_once)
        for i, t in enumerate(group):
            yield t, tiling.join(maps[i * tiling.n_tiles : (i + 1) * tiling.n_tiles])


def _in_batches(engine: Engine, tiles: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Class maps of all tiles; every call has one of two shapes, so that graphs are reused."""
    maps = [
        _padded_call(engine, tiles[start : start + size], size)
        for start in range(0, len(tiles), size)
    ]
    return maps[0] if len(maps) == 1 else np.concatenate(maps)


def _padded_call(engine: Engine, tiles: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """One engine call; a short last batch is filled up, a single tile goes alone."""
    n = len(tiles)
    if n in (1, size):
        return engine.class_maps(tiles)
    filled = np.zeros((size, *tiles.shape[1:]), np.float32)
    filled[:n] = tiles
    return engine.class_maps(filled)[:n]
