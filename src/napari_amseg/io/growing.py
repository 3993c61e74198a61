"""Stacks that another program is still writing: the whole frames there are by now."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_amseg.io.image import read_image
from napari_amseg.io.read import read_stack
from napari_amseg.io.tiff import read_single_frame, single_frame_header
from napari_amseg.io.tiff_metadata import read_metadata
from napari_amseg.types import Experiment, Frame, Stack

_UNREADABLE = (tifffile.TiffFileError, ValueError, IndexError, KeyError, struct.error, OSError)
_Page = tuple[int, tuple[int, ...], np.dtype[Any]]  # where its directory begins, shape, dtype
_PAGES_A_LOOK = 1000
_SAMPLE_BYTES = 4096  # of the first frame's first strip: its beginning, middle and end


class OverwrittenError(ValueError):
    """Another stack was written over a file that is followed: its first frame is another."""


class GrowingTiff:
    """The whole frames of a TIFF whose pages come one by one, each with a directory of its own.

    A page is whole when the file holds all its bytes and the directory of a later page has been
    written: on a network drive a file may have its length before its bytes. So the last page is
    left out until the file is known to be complete. Files with one directory for all frames, which
    is written at the end, never show more than nothing here. The file is open only between
    :meth:`grow` and :meth:`release`; directories are read once, a thousand at most a look.

    Parameters
    ----------
    path : the file. It need not be readable yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.experiment = Experiment()
        self._pages: list[_Page] = []
        self._places: set[int] = set()  # of directories
        self._sample = b""
        self._tif: tifffile.TiffFile | None = None
        self._lock = threading.Lock()

    @property
    def n_frames(self) -> int:
        """Frames that can be read."""
        return max(0, len(self._pages) - 1)

    def grow(self) -> int:
        """Look at the file again; returns :attr:`n_frames`.

        Raises
        ------
        OverwrittenError
            If it begins with another frame than before: follow it from its beginning.
        ValueError
            If its directories lead back to an earlier one.
        """
        circular = overwritten = False
        with self._lock, suppress(*_UNREADABLE):  # half a header: there will be more next time
            tif = self._reopened()
            if not self._pages:
                self.experiment, _ = read_metadata(tif)
            overwritten = bool(self._sample) and self._first_frame(tif) != self._sample
            circular = not overwritten and self._take_in(tif)
            if self.n_frames and not self._sample:
                self._sample = self._first_frame(tif)
        if overwritten:
            raise OverwrittenError(f"{self.path}: another stack was written over it.")
        if circular:
            raise ValueError(f"{self.path}: is damaged: a page leads back to an earlier one.")
        return self.n_frames

    def _take_in(self, tif: tifffile.TiffFile) -> bool:
        """Append pages that have become whole; True if the last leads back to an earlier one."""
        size = tif.filehandle.size
        at = self._after_last(tif)
        for _ in range(_PAGES_A_LOOK):
            if not 0 < at < size:
                return False
            if at in self._places:
                return True
            page = _page_at(tif, at, len(self._pages))
            if not _is_whole(page, size):
                return False
            self._pages.append((at, page.shape, np.dtype(page.dtype)))
            self._places.add(at)
            at = self._after_last(tif)
        return False

    def _first_frame(self, tif: tifffile.TiffFile) -> bytes:
        """Some stored bytes of frame 0; inodes and times tell nothing on many network drives."""
        try:
            page = _page_at(tif, self._pages[0][0], 0)
            begin, n_bytes = page.dataoffsets[0], page.databytecounts[0]
        except (tifffile.TiffFileError, ValueError, IndexError, KeyError, struct.error):
            return b""
        last = max(0, n_bytes - _SAMPLE_BYTES)
        sample = b""
        for offset in (0, last // 2, last):
            tif.filehandle.seek(begin + offset)
            sample += tif.filehandle.read(min(_SAMPLE_BYTES, n_bytes))
        return sample

    def stack(self) -> Stack:
        """The frames that can be read, as a lazy stack; more of them after the next `grow`.

        Raises
        ------
        ValueError
            If there is none, or it is not grey.
        """
        if not self.n_frames:
            raise ValueError(f"{self.path}: holds no whole frame yet.")
        _, shape, dtype = self._pages[0]
        if len(shape) != 2:
            raise ValueError(f"{self.path}: pages have shape {shape}, expected grey planes.")
        return Stack(
            shape=(self.n_frames, shape[0], shape[1]),
            dtype=dtype.newbyteorder("="),
            read=self.read,
            experiment=self.experiment,
            files=(str(self.path),),
        )

    def read(self, t: int) -> Frame:
        """Frame t in the byte order of this machine.

        Raises
        ------
        ValueError
            If it cannot be decoded, or differs from the first in shape or dtype.
        """
        at, *kind = self._pages[t]
        if kind != list(self._pages[0][1:]):
            raise ValueError(f"{self.path}: frame {t} is of another shape or dtype than frame 0.")
        with self._lock:
            tif = self._tif or self._reopened()
            try:
                frame: Frame = _page_at(tif, at, t).asarray(maxworkers=1)
            except Exception as error:  # codecs raise their own kinds
                raise ValueError(f"{self.path}: frame {t} cannot be decoded ({error}).") from error
        return frame.astype(frame.dtype.newbyteorder("="), copy=False)

    def release(self) -> None:
        """Close the file, so that its writer may rename it."""
        with self._lock:
            if self._tif is not None:
                self._tif.close()
                self._tif = None

    def _reopened(self) -> tifffile.TiffFile:
        if self._tif is not None:
            self._tif.close()
        self._tif = None
        self._tif = tifffile.TiffFile(self.path)
        return self._tif

    def _after_last(self, tif: tifffile.TiffFile) -> int:
        """Where the directory after the last known page begins; 0 if it is not written yet."""
        file, form = tif.filehandle, tif.tiff
        if self._pages:
            at = self._pages[-1][0]
            file.seek(at)
            (n_tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
            file.seek(at + form.tagnosize + n_tags * form.tagsize)
        else:
            file.seek(8 if form.is_bigtiff else 4)
        (found,) = struct.unpack(form.offsetformat, file.read(form.offsetsize))
        return int(found)


def _page_at(tif: tifffile.TiffFile, at: int, index: int) -> tifffile.TiffPage:
    tif.filehandle.seek(at)
    return tifffile.TiffPage(tif, index)


def _is_whole(page: tifffile.TiffPage, size: int) -> bool:
    """Whether the file, `size` bytes long, holds all bytes of a page."""
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    return bool(parts) and all(offset > 0 and offset + n <= size for offset, n in parts)


class GrowingSequence:
    """The leading frames of a numbered sequence whose files come one by one.

    files : those that are whole, in order of their numbers; none may be missing between them.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)

    def grow(self, files: Sequence[Path]) -> bool:
        """Take in a later list; False if one came late, between or before those taken already."""
        known = len(self.files)
        if tuple(files[:known]) != self.files:
            return False
        self.files = tuple(files)
        return True

    def stack(self) -> Stack:
        """The frames there are, as a lazy stack; more of them after the next `grow`.

        Raises
        ------
        ValueError
            If there is none, or the first cannot be read.
        """
        if not self.files:
            raise ValueError("no whole frame yet.")
        first = self.files[0]
        experiment = single_frame_header(first)[2] if _is_tiff(first) else Experiment()
        frame = self.read(0)
        return Stack(
            shape=(len(self.files), *frame.shape),
            dtype=frame.dtype,
            read=self.read,
            experiment=experiment,
            files=tuple(map(str, self.files)),
        )

    def read(self, t: int) -> Frame:
        """Frame t. Raises ValueError if it cannot be read."""
        path = self.files[t]
        return read_single_frame(path) if _is_tiff(path) else read_image(path)


def frames_and_files(path: Path) -> tuple[int, tuple[str, ...]] | None:
    """How many frames a file holds by now, and the files they lie in, linked ones too; None if it
    cannot be read, or not to its last byte.
    """
    try:
        with read_stack(path) as stack:
            return len(stack), stack.files
    except (ValueError, OSError):
        return None


def _is_tiff(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".tiff")
