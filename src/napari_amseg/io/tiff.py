"""TIFF stacks of every kind: multi-page, BigTIFF, OME, ImageJ with one IFD beyond 4 GB."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_amseg.io.image import require_grey
from napari_amseg.io.tiff_metadata import read_metadata
from napari_amseg.types import Experiment, Frame, Stack


def open_tiff(path: Path) -> Stack:
    """Open a TIFF file as a lazy stack; the file stays open until ``stack.close()``.

    Raises
    ------
    ValueError
        If it is no TIFF, truncated, not grey, or its pages differ in shape or dtype.
    """
    with _opened(path, keep=True) as tif:
        series, n_series = _only_series(path, tif), len(tif.series)
        shape = _stack_shape(path, series)
        dtype = _real_dtype(path, series.dtype)
        experiment = read_metadata(tif)
        if series.dataoffset is not None:
            read = _contiguous_reader(path, tif, int(series.dataoffset), shape, dtype)
        else:
            read = _paged_reader(path, tif, series, shape)
    return Stack(
        shape=shape,
        dtype=dtype.newbyteorder("="),
        read=read,
        experiment=experiment,
        files=(str(path),),
        notes=(f"{n_series} image series in the file: the first is used",) if n_series > 1 else (),
        close_source=tif.close,
    )


def single_frame_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any], Experiment]:
    """Shape, dtype and metadata of a one-frame TIFF.

    Raises
    ------
    ValueError
        As :func:`open_tiff`, and if the file holds several frames.
    """
    with _opened(path) as tif:
        page = tif.pages.first
        # ImageJ's kind beyond 4 GB has one page for all its images.
        n_frames = max(len(tif.pages), int((tif.imagej_metadata or {}).get("images", 1)))
        if n_frames > 1:
            raise ValueError(
                f"{path}: holds {n_frames} frames, expected one frame a file. "
                "Give a multi-page file by its own name."
            )
        require_grey(path, page.shape)
        _require_bytes(path, page)
        return page.shape, _real_dtype(path, page.dtype).newbyteorder("="), read_metadata(tif)


def read_single_frame(path: Path) -> Frame:
    """The pixels of a one-frame TIFF."""
    with _opened(path) as tif:
        return _decoded(path, 0, tif.pages.first)


@contextmanager
def _opened(path: Path, *, keep: bool = False) -> Iterator[tifffile.TiffFile]:
    """A TiffFile whose structure is sound; closed at the end unless `keep` and all went well."""
    with _tifffile_errors() as errors:
        try:
            tif = tifffile.TiffFile(path)
        except (tifffile.TiffFileError, ValueError, IndexError, KeyError, struct.error) as error:
            raise ValueError(f"{path}: not a readable TIFF file ({error}).") from error
        sound = False
        try:
            len(tif.pages)  # walks the whole chain of directories, so that a cut file shows now
            if errors:
                raise ValueError(
                    f"{path}: TIFF file is truncated or damaged ({errors[0]}). Copy it again."
                )
            yield tif
            sound = True
        finally:
            if not (keep and sound):
                tif.close()


@contextmanager
def _tifffile_errors() -> Iterator[list[str]]:
    """Collect what tifffile only logs: it reads past a broken chain in silence otherwise."""
    logger = logging.getLogger("tifffile")
    found: list[str] = []
    thread = threading.get_ident()

    class Collect(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            mine = record.thread == thread
            if mine and record.levelno >= logging.ERROR:
                found.append(record.getMessage())
            return not mine

    collect = Collect()
    logger.addFilter(collect)
    try:
        yield found
    finally:
        logger.removeFilter(collect)


def _only_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    try:
        series = tif.series
    except Exception as error:  # tifffile parses foreign metadata; anything can be wrong in it
        raise ValueError(f"{path}: TIFF file is damaged ({error!r}).") from error
    if not series:
        raise ValueError(f"{path}: TIFF file holds no image.")
    if len(series) > 1 and not tif.is_ome:
        raise ValueError(f"{path}: {_first_odd_page(tif)}")
    return series[0]


def _first_odd_page(tif: tifffile.TiffFile) -> str:
    """Which page breaks the uniformity of a file with several series."""
    tif.pages.useframes = False
    words = [f"{'x'.join(map(str, page.shape))} {page.dtype}" for page in tif.pages]
    odd = next((i for i, w in enumerate(words) if w != words[0]), None)
    if odd is None:
        return f"holds {len(tif.series)} image series, expected one stack."
    return (
        f"page {odd} is {words[odd]}, but page 0 is {words[0]}. "
        "All frames of a stack must have one shape and dtype."
    )


def _stack_shape(path: Path, series: tifffile.TiffPageSeries) -> tuple[int, int, int]:
    """(T, Y, X) of a series with at most one axis longer than 1 beside rows and columns."""
    page = series.keyframe
    if "S" in series.axes or page.samplesperpixel > 1:
        require_grey(path, page.shape)
    sizes = dict(zip(series.axes, series.shape, strict=True))
    y, x = sizes.pop("Y", 0), sizes.pop("X", 0)
    if not (y and x):
        raise ValueError(f"{path}: TIFF image of shape {series.shape} holds no pixel.")
    long = {axis: n for axis, n in sizes.items() if n > 1}
    if len(long) > 1:
        raise ValueError(
            f"{path}: has axes {series.axes} of shape {series.shape}; a stack has one axis "
            "beside rows and columns. Save one channel or slice as a stack of frames."
        )
    return (next(iter(long.values()), 1), int(y), int(x))


def _real_dtype(path: Path, dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    if dtype is None or dtype.kind not in "uifb":
        raise ValueError(f"{path}: pixels are {dtype}, expected grey integers or floats.")
    return dtype


def _require_bytes(path: Path, page: tifffile.TiffPage | tifffile.TiffFrame) -> None:
    """Raise ValueError when the file ends before the page's last byte."""
    size = page.parent.filehandle.size
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset + count > size:
            raise ValueError(
                f"{path}: TIFF file is truncated (page {page.index} ends at {offset + count:,}, "
                f"the file at {size:,}). Copy it again."
            )


def _contiguous_reader(
    path: Path,
    tif: tifffile.TiffFile,
    offset: int,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
) -> Any:
    """Frames one after the other in the file: seek and read.

    Not a memory map: its pages would count as this process's memory and grow with the stack.
    """
    dtype = dtype.newbyteorder(tif.byteorder)
    frame_bytes = shape[1] * shape[2] * dtype.itemsize
    held = (tif.filehandle.size - offset) // frame_bytes
    if held < shape[0]:
        raise ValueError(
            f"{path}: TIFF file is truncated: its header promises {shape[0]} frames, "
            f"it holds {held}. Copy it again."
        )
    lock = threading.Lock()

    def read(t: int) -> Frame:
        frame = np.empty(shape[1:], dtype)
        with lock:
            tif.filehandle.seek(offset + t * frame_bytes)
            held = tif.filehandle.readinto(frame)  # type: ignore[arg-type]
        if held < frame_bytes:
            raise ValueError(f"{path}: frame {t} is cut short; did the file change?")
        return frame.astype(dtype.newbyteorder("="), copy=False)

    return read


def _paged_reader(
    path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, shape: tuple[int, int, int]
) -> Any:
    """Frames in pages of their own, compressed or scattered."""
    pages = series.pages
    if len(pages) < shape[0]:
        raise ValueError(f"{path}: metadata promises {shape[0]} frames, the file has {len(pages)}.")
    tif.filehandle.set_lock(True)
    lock = threading.Lock()  # looking up a page moves tifffile's cursor
    for t in (0, shape[0] - 1):
        page = pages[t]
        if page is None:
            raise ValueError(f"{path}: frame {t} is missing; is a part of the data set elsewhere?")
        _require_bytes(path, page)

    def read(t: int) -> Frame:
        with lock:
            page = pages[t]
        frame = _decoded(path, t, page)
        if frame.shape != shape[1:]:
            raise ValueError(f"{path}: frame {t} is {frame.shape}, frame 0 is {shape[1:]}.")
        return frame

    return read


def _decoded(path: Path, t: int, page: Any) -> Frame:
    try:
        frame: Frame = np.squeeze(page.asarray(maxworkers=1))
    except Exception as error:  # codecs raise their own kinds
        raise ValueError(
            f"{path}: frame {t} cannot be decoded ({error}). Copy it again."
        ) from error
    return frame
