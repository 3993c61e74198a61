"""TIFF stacks of every kind: multi-page, BigTIFF, OME, ImageJ with one IFD beyond 4 GB."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_amseg.io.image import require_grey
from napari_amseg.io.tiff_file import NOT_DAMAGE, opened
from napari_amseg.io.tiff_metadata import read_metadata
from napari_amseg.io.tiff_pages import is_page_by_page, name_of, require_same_kind
from napari_amseg.types import Experiment, Frame, Stack

# No compression shrinks measured grey values by more; blank pages of up to 64 MB are let through.
_MOST_SHRUNK, _LARGE_BYTES = 2000, 2**26


def open_tiff(path: Path) -> Stack:
    """Open a TIFF file as a lazy stack; the file stays open until ``stack.close()``.

    Raises
    ------
    ValueError
        If it is no TIFF, truncated, not grey, or its pages differ in shape or dtype.
    """
    with opened(path, keep=True) as tif:
        if is_page_by_page(tif):
            page = tif.pages.first
            require_grey(path, page.shape)
            shape = (len(tif.pages), page.shape[0], page.shape[1])
            dtype = _real_dtype(path, page.dtype)
            notes = [f"{shape[0]:,} images, each a series of its own, are taken as frames"]
            read = _paged_reader(path, tif, tif.pages, shape)
        else:
            series, n_series = _only_series(path, tif), len(tif.series)
            shape, dtype = _stack_shape(path, series), _real_dtype(path, series.dtype)
            notes = [f"{n_series} image series in the file: the first is used"] * (n_series > 1)
            notes += _missing(path, tif, shape[0])
            if series.dataoffset is not None:
                read = _contiguous_reader(path, tif, int(series.dataoffset), shape, dtype)
            else:
                pages = tif.pages if _is_uniform(series) else series.pages
                read = _paged_reader(path, tif, pages, shape)
        experiment, remarks = read_metadata(tif)
    return Stack(
        shape=shape,
        dtype=dtype.newbyteorder("="),
        read=read,
        experiment=experiment,
        files=(str(path),),
        notes=(*remarks, *notes),
        close_source=tif.close,
    )


Header = tuple[tuple[int, ...], np.dtype[Any], Experiment, tuple[str, ...]]


def single_frame_header(path: Path) -> Header:
    """Shape, dtype and metadata of a one-frame TIFF, and what of it is not believed.

    Raises
    ------
    ValueError
        As :func:`open_tiff`, and if the file holds several frames.
    """
    with opened(path) as tif:
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
        return page.shape, _real_dtype(path, page.dtype).newbyteorder("="), *read_metadata(tif)


def read_single_frame(path: Path) -> Frame:
    """The pixels of a one-frame TIFF."""
    with opened(path) as tif:
        return _decoded(path, 0, tif.pages.first)


def _only_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    try:
        series = tif.series
    except NOT_DAMAGE:
        raise
    except Exception as error:  # tifffile parses foreign metadata; anything can be wrong in it
        raise ValueError(
            f"{path}: TIFF file is damaged ({type(error).__name__} in its metadata). Copy it again."
        ) from error
    if not series:
        raise ValueError(f"{path}: TIFF file holds no image.")
    if not tif.is_ome and (len(series) > 1 or _is_uniform(series[0])):
        require_same_kind(path, tif)
    if len(series) > 1 and not tif.is_ome:
        names = dict.fromkeys(name for one in series if (name := name_of(one.keyframe)))
        called = f" ({', '.join(map(repr, [*names][:4]))})" if names else ""
        raise ValueError(
            f"{path}: holds {len(series)} image series{called}, expected one stack. Save the one "
            "that is meant as a file of its own."
        )
    return series[0]


def _is_uniform(series: tifffile.TiffPageSeries) -> bool:
    """Whether tifffile takes all pages for one stack, after it has looked at a few."""
    return str(series.kind) == "uniform"


def _missing(path: Path, tif: tifffile.TiffFile, n_frames: int) -> list[str]:
    """A remark where ImageJ's header promises more images than there are.

    Raises
    ------
    ValueError
        If it is ImageJ's kind with one page for all images: that file was cut.
    """
    promised = (tif.imagej_metadata or {}).get("images", 1)
    if not isinstance(promised, int) or promised <= n_frames:
        return []
    if len(tif.pages) > 1:
        return [f"the ImageJ header speaks of {promised:,} images, the file holds {n_frames:,}"]
    page = tif.pages.first
    held = (tif.filehandle.size - page.dataoffsets[0]) // max(page.nbytes, 1)
    raise ValueError(
        f"{path}: TIFF file is truncated: its ImageJ header promises {promised:,} images, it holds "
        f"{held:,}. Copy it again."
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
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def _require_bytes(path: Path, page: tifffile.TiffPage | tifffile.TiffFrame) -> None:
    """Raise ValueError when the file ends before the page's last byte, or cannot hold its pixels.

    A header is a claim: memory for its pixels is taken only where the bytes stored can be them.
    """
    size, stored = page.parent.filehandle.size, sum(page.databytecounts)
    if page.nbytes > _LARGE_BYTES and page.nbytes > _MOST_SHRUNK * stored:
        raise ValueError(
            f"{path}: TIFF file is damaged: page {page.index} says {'x'.join(map(str, page.shape))}"
            f" pixels and holds {stored:,} bytes for them. Copy it again."
        )
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
            f"{path}: TIFF file is truncated: its header promises {shape[0]:,} frames of "
            f"{shape[1]}x{shape[2]}, it holds {held:,}. Copy it again."
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
    path: Path, tif: tifffile.TiffFile, pages: Any, shape: tuple[int, int, int]
) -> Any:
    """Frames in pages of their own, compressed or scattered."""
    if len(pages) < shape[0]:
        raise ValueError(f"{path}: metadata promises {shape[0]} frames, the file has {len(pages)}.")
    tif.filehandle.set_lock(True)
    lock = tif.filehandle.lock  # looking up a page moves the cursor of those who read
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
            raise ValueError(
                f"{path}: frame {t} decodes to the shape {frame.shape}, its header says "
                f"{shape[1:]}: the file is damaged, or of a kind that is not read."
            )
        return frame

    return read


def _decoded(path: Path, t: int, page: Any) -> Frame:
    try:
        frame: Frame = page.asarray(maxworkers=1)
    except NOT_DAMAGE:
        raise
    except Exception as error:  # codecs raise their own kinds
        raise ValueError(
            f"{path}: frame {t} cannot be decoded ({error}). Copy it again."
        ) from error
    return frame.view(np.uint8) if frame.dtype == bool else frame
