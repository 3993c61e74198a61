"""Phantom ``.cine`` recordings: uncompressed grey frames of 8 or 16 bit.

Written from descriptions of the format; it has never met a file of a real camera. Packed, JPEG
and colour recordings are refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.camera.frame_file import FrameFile
from napari_amseg.types import Experiment, Frame, Stack

# Type, size, compression, version, first movie image, images in the camera, first image, images,
# offsets of bitmap header, setup and table of offsets.
_FILE_HEADER = struct.Struct("<2s3HiIiIIII")
# Size, width, height, planes, bits, compression.
_BITMAP_HEADER = struct.Struct("<IiiHHI")
# Where the setup keeps what is read.
_MARK, _FLIPS, _FRAME_RATE, _FILTER, _REAL_BITS, _SHUTTER_NS = 140, 756, 768, 808, 896, 1568
_SETUP_BYTES = _SHUTTER_NS + 4
_BLOCK_HEADER = struct.Struct("<IHH")
_TIMES = 1002
_MOST_BLOCKS = 64
_UNEVEN = 0.1  # of the usual interval: more than time stamps scatter
_AS_SET = 0.01  # less than this from the rate that was set, they confirm it
_REMEDY = "Save it as uncompressed grey cine, or as 16 bit TIFF, in the Phantom software."


@dataclass(frozen=True, slots=True)
class _Header:
    """What a cine says of its frames. first : number of the first, 0 at the trigger."""

    shape: tuple[int, int, int]
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16]
    first: int
    offset_of_offsets: int
    end_of_setup: int
    stated_rate_hz: int
    notes: tuple[str, ...]

    @property
    def frame_bytes(self) -> int:
        return self.shape[1] * self.shape[2] * self.dtype.itemsize


def open_cine(path: Path) -> Stack:
    """Open a Phantom recording as a lazy stack; the file stays open until ``stack.close()``.

    Frames are uint8 or uint16 (Y, X), counts as stored, the upper row first.

    Raises
    ------
    ValueError
        If it is no cine, truncated, or its frames are not uncompressed and grey.
    """
    file = FrameFile(path)
    try:
        header = _read_header(file)
        offsets = _frame_offsets(file, header)
        for t in (0, header.shape[0] - 1):  # all of them take too long over a network
            _pixels_begin(file, header, t, int(offsets[t]))
        rate, time_notes = _frame_rate(file, header)
    except ValueError:
        file.close()
        raise

    def read(t: int) -> Frame:
        begin = _pixels_begin(file, header, t, int(offsets[t]))
        frame = file.read(begin, header.frame_bytes).view(header.dtype)
        rows = frame.reshape(header.shape[1:])[::-1]  # stored as bitmaps are: the lowest row first
        return np.ascontiguousarray(rows, header.dtype.newbyteorder("="))

    return Stack(
        shape=header.shape,
        dtype=header.dtype.newbyteorder("="),
        read=read,
        experiment=Experiment(frame_rate_hz=rate),
        files=(str(path),),
        notes=(*header.notes, *time_notes),
        close_source=file.close,
    )


def _read_header(file: FrameFile) -> _Header:
    kind, _, compression, version, *counts = _unpack(file, 0, _FILE_HEADER)
    _, _, first, n_frames, at_bitmap, at_setup, at_offsets = counts
    if kind != b"CI" or version != 1:
        raise ValueError(f"{file.path}: not a Phantom cine of the kind with 64 bit offsets.")
    _, width, height, _, bits, packing = _unpack(file, at_bitmap, _BITMAP_HEADER)
    setup = file.read(at_setup, _SETUP_BYTES).tobytes()
    if setup[_MARK : _MARK + 2] != b"ST":
        raise ValueError(f"{file.path}: cine is damaged: its camera settings are not found.")
    if compression != 0 or _number(setup, _FILTER) & 0xFFFFFF or bits in (24, 48):
        raise ValueError(
            f"{file.path}: cine is compressed or in colour, expected uncompressed grey frames. "
            f"{_REMEDY}"
        )
    if packing != 0 or bits not in (8, 16):
        kinds = {256: "packed 10 bit", 1024: "packed 12 bit"}
        raise ValueError(
            f"{file.path}: pixels are {kinds.get(packing, f'of kind {packing}, {bits} bit')}, "
            f"expected 8 or 16 bit each. {_REMEDY}"
        )
    if n_frames < 1 or not (0 < width < 2**16 and 0 < height < 2**16):
        raise ValueError(
            f"{file.path}: cine is damaged: it states {n_frames} frames of {width} x {height}."
        )
    (setup_bytes,) = struct.unpack_from("<H", setup, _MARK + 2)
    return _Header(
        shape=(n_frames, height, width),
        dtype=np.dtype(np.uint8) if bits == 8 else np.dtype("<u2"),
        first=first,
        offset_of_offsets=at_offsets,
        end_of_setup=at_setup + setup_bytes,
        stated_rate_hz=_number(setup, _FRAME_RATE),
        notes=_recording(setup, first),
    )


def _recording(setup: bytes, first: int) -> tuple[str, ...]:
    """Remarks on the recording."""
    shutter_ns, bits = _number(setup, _SHUTTER_NS), _number(setup, _REAL_BITS)
    parts = [
        f"Phantom camera, {bits} bit" if bits else "Phantom camera",
        f"shutter {shutter_ns / 1000:g} us" if shutter_ns else "",
        f"first frame is number {first} of the recording, 0 at the trigger",
    ]
    remarks = [", ".join(part for part in parts if part)]
    if _number(setup, _FLIPS) or _number(setup, _FLIPS + 4):
        remarks.append("the camera software shows it flipped: frames are as they were recorded")
    return tuple(remarks)


def _number(setup: bytes, at: int) -> int:
    (value,) = struct.unpack_from("<I", setup, at)
    return int(value)


def _unpack(file: FrameFile, at: int, form: struct.Struct) -> tuple[Any, ...]:
    if at + form.size > file.n_bytes:
        raise ValueError(f"{file.path}: not a Phantom cine, or cut short: {file.n_bytes:,} bytes.")
    return form.unpack(file.read(at, form.size).tobytes())


def _frame_offsets(file: FrameFile, header: _Header) -> NDArray[np.int64]:
    """Where every frame begins, int64 (T,)."""
    n_frames = header.shape[0]
    n_stated = min(n_frames, max(0, (file.n_bytes - header.offset_of_offsets) // 8))
    offsets = file.read(header.offset_of_offsets, 8 * n_stated).view("<i8") if n_stated else None
    n_whole = 0
    if offsets is not None:
        last = file.n_bytes - 8 - header.frame_bytes
        n_whole = int(np.count_nonzero((offsets >= 0) & (offsets <= last)))
    if offsets is None or n_whole < n_frames:
        raise _truncated(file, n_frames, n_whole)
    return offsets


def _truncated(file: FrameFile, n_promised: int, n_held: int) -> ValueError:
    return ValueError(
        f"{file.path}: cine is truncated: its header promises {n_promised} frames, "
        f"it holds {n_held}. Copy it again."
    )


def _pixels_begin(file: FrameFile, header: _Header, t: int, offset: int) -> int:
    """Where the pixels of frame t begin: behind notes of the camera, whose length may vary."""
    n_notes = _number(file.read(offset, 4).tobytes(), 0)  # counts the two sizes, 8 bytes, too
    begin = offset + n_notes
    n_pixel_bytes = _number(file.read(begin - 4, 4).tobytes(), 0) if n_notes >= 8 else 0
    if n_pixel_bytes != header.frame_bytes:
        raise ValueError(
            f"{file.path}: frame {t} has {n_pixel_bytes:,} bytes, expected "
            f"{header.frame_bytes:,}: the cine is damaged, or of a kind that is not read. {_REMEDY}"
        )
    if begin + n_pixel_bytes > file.n_bytes:
        raise _truncated(file, header.shape[0], t)
    return begin


def _frame_rate(file: FrameFile, header: _Header) -> tuple[float | None, tuple[str, ...]]:
    """Frames a second (Hz) by the time stamps, else as the camera was set; and remarks."""
    stated = float(header.stated_rate_hz) or None
    times_s = _time_stamps(file, header)
    if times_s is None or len(times_s) < 2:
        return stated, ()
    intervals_s = np.diff(times_s)
    usual_s = float(np.median(intervals_s))
    if usual_s <= 0:
        return stated, ("its time stamps do not run forward: they are not used",)
    notes = []
    even = np.abs(intervals_s - usual_s) <= _UNEVEN * usual_s
    usual_s, odd = float(intervals_s[even].mean()), np.flatnonzero(~even)
    if odd.size:
        notes.append(
            f"time stamps are not even after frame {odd[0]}: frames may be missing, times may be "
            "wrong"
        )
    if stated is not None and abs(usual_s * stated - 1) < _AS_SET:
        return stated, tuple(notes)
    rate = float(f"{1 / usual_s:.6g}")
    said = f", the camera was set to {stated:g} Hz" if stated else ""
    return rate, (*notes, f"frame rate {rate:g} Hz by the time stamps{said}")


def _time_stamps(file: FrameFile, header: _Header) -> NDArray[np.float64] | None:
    """Seconds after the first frame, float64 (T,); None if the file has none."""
    at = header.end_of_setup
    for _ in range(_MOST_BLOCKS):
        if at + _BLOCK_HEADER.size > min(header.offset_of_offsets, file.n_bytes):
            return None
        n_bytes, kind, _ = _unpack(file, at, _BLOCK_HEADER)
        if kind == _TIMES and n_bytes == _BLOCK_HEADER.size + 8 * header.shape[0]:
            # 32 bit of seconds above 32 bit of their fraction; the two lowest are no time.
            ticks = file.read(at + 8, n_bytes - 8).view("<u8") & ~np.uint64(3)
            since: NDArray[np.float64] = (ticks - ticks[0]).astype(np.int64) / 2**32
            return since
        if n_bytes < _BLOCK_HEADER.size:
            return None
        at += n_bytes
    return None
