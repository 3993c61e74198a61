"""Segment a preprocessed stack, in any order: reading, inference and what follows overlap."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models import Bundle
from napari_amseg.overlap import ordered_map
from napari_amseg.segment.engine import (
    ENGINES,
    PRECISIONS,
    Engine,
    Floats,
    Prediction,
    shared_engine,
)
from napari_amseg.segment.tiling import Tiling
from napari_amseg.segment.uncertainty import uncertainty
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class SegmentSettings(Settings):
    """How a stack is segmented."""

    engine: str = setting(
        "auto", choices=ENGINES, help="What computes the masks; auto picks and says what it picked."
    )
    precision: str = setting(
        "auto",
        choices=PRECISIONS,
        help="Numbers of the network: bf16 is faster, f32 the same on every machine; auto takes "
        "the fastest the device computes with.",
    )
    batch_size: int = setting(
        64, low=1, high=256, unit="frames", help="Most frames a model call; engines take fewer."
    )
    tile_px: int = setting(
        1024, low=64, unit="px", help="Frames longer or wider than this are cut into tiles."
    )
    overlap_px: int = setting(96, low=0, unit="px", help="What neighbouring tiles share.")


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """The labels of one frame.

    Attributes
    ----------
    frame : its index. labels : uint8 (Y, X) codes.
    uncertainty : 0 to 1, as :func:`.uncertainty.uncertainty` defines it; None where no network
        made the labels.
    confidence : uint8 (Y, X), probability of the network's class times 255; None if not wanted.
    """

    frame: int
    labels: NDArray[np.uint8]
    uncertainty: float | None = None
    confidence: NDArray[np.uint8] | None = None


def kept_engine(bundle: Bundle, settings: SegmentSettings, *, confidence: bool = False) -> Engine:
    """The engine that these settings ask for; see :func:`.engine.shared_engine`."""
    return shared_engine(
        bundle, settings.engine, precision=settings.precision, confidence=confidence
    )


def segment_frames(
    stack: Stack, engine: Engine, settings: SegmentSettings, *, order: Iterable[int] | None = None
) -> Generator[tuple[int, NDArray[np.uint8]]]:
    """Class maps of a stack, and nothing beside them: see :func:`predict_frames`.

    Yields
    ------
    frame index, label codes uint8 (Y, X).
    """
    for found in predict_frames(stack, engine, settings, order=order):
        yield found.frame, found.labels


def predict_frames(
    stack: Stack, engine: Engine, settings: SegmentSettings, *, order: Iterable[int] | None = None
) -> Generator[FrameLabels]:
    """Class maps of a stack whose values are in the network's input range, and their uncertainty.

    Parameters
    ----------
    stack : (T, Y, X), float32. engine : computes class maps. settings : batch and tile sizes.
    order : frames to do, in this order; all in turn by default.

    Yields
    ------
    FrameLabels. Closing the generator stops the work after the batch at hand.
    """
    tiling = _tiling(stack.frame_shape, engine, settings)
    n_tiles, tiles_at_once = tiling.n_tiles, _tiles_a_call(tiling, engine, settings)
    frames_at_once = frames_a_call(stack.frame_shape, engine, settings)
    rows, columns = (np.tile(kept, (frames_at_once, 1)) for kept in tiling.kept())

    def predict(group: list[int]) -> list[FrameLabels]:
        cut = [tiling.cut(stack.read(t)) for t in group]
        tiles = cut[0] if len(cut) == 1 else np.concatenate(cut)
        found = _in_batches(engine, tiles, rows, columns, tiles_at_once)
        return [
            _joined(t, found[i * n_tiles : (i + 1) * n_tiles], tiling) for i, t in enumerate(group)
        ]

    todo = iter(range(len(stack)) if order is None else order)
    groups = iter(lambda: list(islice(todo, frames_at_once)), [])
    # One thread more than the engine serves: it reads and cuts meanwhile.
    with closing(ordered_map(predict, groups, workers=engine.parallel + 1)) as done:
        for group in done:
            yield from group


def frames_a_call(shape: tuple[int, int], engine: Engine, settings: SegmentSettings) -> int:
    """Frames (Y, X) that are computed together: a multiple of them done apart gives the very
    numbers that it would have among others.
    """
    tiling = _tiling(shape, engine, settings)
    return max(1, _tiles_a_call(tiling, engine, settings) // tiling.n_tiles)


def _tiling(shape: tuple[int, int], engine: Engine, settings: SegmentSettings) -> Tiling:
    return Tiling.plan(
        shape, multiple=engine.multiple, largest=settings.tile_px, overlap=settings.overlap_px
    )


def _tiles_a_call(tiling: Tiling, engine: Engine, settings: SegmentSettings) -> int:
    most = engine.batch_pixels // (tiling.tile_shape[0] * tiling.tile_shape[1])
    return max(1, min(most, settings.batch_size * tiling.n_tiles))


def _joined(frame: int, tiles: Prediction, tiling: Tiling) -> FrameLabels:
    confidence = tiles.confidence
    return FrameLabels(
        frame,
        tiling.join(tiles.labels),
        uncertainty(tiles.areas.sum(axis=0)),
        None if confidence is None else tiling.join(confidence),
    )


def _in_batches(
    engine: Engine, tiles: Floats, rows: Floats, columns: Floats, size: int
) -> Prediction:
    """Class maps of all tiles; every call has one of two shapes, so that graphs are reused."""
    found = [
        _padded_call(engine, [part[start : start + size] for part in (tiles, rows, columns)], size)
        for start in range(0, len(tiles), size)
    ]
    if len(found) == 1:
        return found[0]
    maps = [part.confidence for part in found if part.confidence is not None]
    return Prediction(
        np.concatenate([part.labels for part in found]),
        np.concatenate([part.areas for part in found]),
        np.concatenate(maps) if maps else None,
    )


def _padded_call(engine: Engine, parts: list[Floats], size: int) -> Prediction:
    """One engine call; a short last batch is filled up, a single tile goes alone."""
    n = len(parts[0])
    parts = [part[:n] for part in parts]  # there may be more rows and columns than tiles left
    if n in (1, size):
        return engine.predict(*parts)
    return engine.predict(*(_filled(part, size) for part in parts))[:n]


def _filled(part: Floats, size: int) -> Floats:
    filled = np.zeros((size, *part.shape[1:]), np.float32)
    filled[: len(part)] = part
    return filled
