"""Photron recordings: frames in ``<name>.mraw``, what they are in ``<name>.cihx`` or ``.cih``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from napari_amseg.io.camera.frame_file import FrameFile, unpack_12bit
from napari_amseg.io.camera.photron_header import PhotronHeader, read_photron_header
from napari_amseg.types import Experiment, Frame, Stack

HEADER_SUFFIXES = (".cihx", ".cih")
_DATA = (".mraw", ".MRAW")
_HEADERS = (".cihx", ".CIHX", ".cih", ".CIH")
_RANKS = {".cihx": 0, ".cih": 1, ".mraw": 2}


def open_photron(path: Path) -> Stack:
    """Open a recording by its header or its data as a lazy stack of counts.

    Frames are uint8 or uint16 (Y, X). The data file stays open until ``stack.close()``.

    Raises
    ------
    FileNotFoundError
        If header or data are not beside each other.
    ValueError
        As :func:`read_photron_header`, and if the data are not as long as the header says.
    """
    header_file = _beside(path, _HEADERS) if path.suffix.lower() == ".mraw" else path
    data_file = path if path.suffix.lower() == ".mraw" else _beside(path, _DATA)
    header = read_photron_header(header_file)
    data = FrameFile(data_file)
    try:
        notes = _check_length(data, header, header_file)
    except ValueError:
        data.close()
        raise

    def read(t: int) -> Frame:
        return _counts(data.read(t * header.frame_bytes, header.frame_bytes), header)

    return Stack(
        shape=header.shape,
        dtype=np.dtype(np.uint8 if header.bits == 8 else np.uint16),
        read=read,
        experiment=Experiment(frame_rate_hz=header.frame_rate_hz),
        files=(str(data_file), str(header_file)),
        opened_as=(str(header_file),),
        notes=(*header.notes, *notes),
        close_source=data.close,
    )


def without_photron_parts(files: Iterable[Path]) -> list[Path]:
    """Files less those that belong to another of them: data by their header, a second header."""
    given = list(files)
    best: dict[Path, int] = {}
    for file in given:
        rank = _RANKS.get(file.suffix.lower())
        if rank is not None:
            name = file.with_suffix("")
            best[name] = min(best.get(name, rank), rank)
    return [
        file
        for file in given
        if file.suffix.lower() not in _RANKS
        or _RANKS[file.suffix.lower()] == best[file.with_suffix("")]
    ]


def _beside(path: Path, suffixes: tuple[str, ...]) -> Path:
    found = _first_there(path, suffixes)
    if found is None:
        wanted = " or ".join(suffix for suffix in suffixes if suffix.islower())
        raise FileNotFoundError(
            f"{path}: there is no {path.stem}{wanted} beside it. A Photron recording is a header, "
            ".cihx or .cih, and a .mraw file of the same name: copy both."
        )
    return found


def _first_there(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    candidates = (path.with_suffix(suffix) for suffix in suffixes)
    return next((file for file in candidates if file.is_file()), None)


def _check_length(data: FrameFile, header: PhotronHeader, header_file: Path) -> tuple[str, ...]:
    """A remark on bytes beyond the last frame; ValueError if frames are missing or too many."""
    n_frames = header.shape[0]
    n_held, n_beyond = divmod(data.n_bytes, header.frame_bytes)
    if n_held < n_frames:
        raise ValueError(
            f"{data.path}: is truncated: its header {header_file.name} promises {n_frames} frames, "
            f"it holds {n_held}. Copy it again."
        )
    if n_held > n_frames:
        raise ValueError(
            f"{data.path}: does not fit its header {header_file.name}, which promises {n_frames} "
            f"frames of {header.shape[2]} x {header.shape[1]} pixels and {header.bits} bit: it "
            f"holds {data.n_bytes:,} bytes, {n_held} such frames. Is the header of another "
            "recording?"
        )
    return (f"{n_beyond} bytes beyond the last frame are not read",) if n_beyond else ()


def _counts(raw: Frame, header: PhotronHeader) -> Frame:
    """A frame (Y, X) of counts from its bytes in the file."""
    if header.bits == 12:
        pixels: Frame = unpack_12bit(raw)
    elif header.bits == 16:
        pixels = raw.view("<u2").astype(np.uint16, copy=False)
    else:
        pixels = raw
    if header.shift:
        pixels >>= header.shift
    return pixels.reshape(header.shape[1:])
