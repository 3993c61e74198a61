"""TIFF stacks written frame by frame, with pixel size and frame interval in their tags."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from napari_amseg.types import Experiment, Frame

# Classic TIFF ends at 4 GB. Grey values may not compress at all; labels shrink fifty-fold.
_LARGEST_CLASSIC_GREY = 2**32 - 2**25
_LARGEST_CLASSIC_LABELS = 2**35
# Noise in grey values hardly shrinks: more effort gains nothing there and takes several times as
# long. Labels lose another third by it at no cost.
_GREY_LEVEL, _LABELS_LEVEL = 1, 6


class TiffStackWriter:
    """An ImageJ-readable TIFF of (T, Y, X), one page a frame.

    Parameters
    ----------
    path : the file. shape, dtype : of the whole stack; uint8, uint16 or float32.
    experiment : pixel size and frame rate go into the tags where known.
    labels : whether the frames are label images, which compress well.
    compress : pages are packed (zlib); else raw, which is many times faster.

    Notes
    -----
    Stacks that might pass 4 GB are written as BigTIFF, which ImageJ opens through Bio-Formats.
    The same frames give the same bytes. :meth:`encode` may run in other threads, in any order;
    :meth:`append_encoded` then takes the pages one by one, in order. :meth:`append` does both.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: Any,
        experiment: Experiment,
        *,
        labels: bool = False,
        compress: bool = True,
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._compress = compress
        self._predicts = compress and self.dtype == np.uint16  # ImageJ knows no predictor of floats
        self._level = _LABELS_LEVEL if labels else _GREY_LEVEL
        self._written = 0
        self._tags = _tags(shape[0], experiment)
        raw_bytes = int(np.prod(shape, dtype=np.int64)) * self.dtype.itemsize
        largest = _LARGEST_CLASSIC_LABELS if labels and compress else _LARGEST_CLASSIC_GREY
        self.is_bigtiff = raw_bytes > largest
        self._tif = tifffile.TiffWriter(path, bigtiff=self.is_bigtiff)

    def append(self, frame: Frame) -> None:
        """Write the next frame, (Y, X) of the stack's dtype."""
        self.append_encoded(self.encode(frame))

    def encode(self, frame: Frame) -> bytes:
        """The bytes of a page, (Y, X) of the stack's dtype; safe to call from several threads."""
        if frame.shape != self.shape[1:] or frame.dtype != self.dtype:
            raise ValueError(
                f"frame is {frame.shape} {frame.dtype}, the file is {self.shape[1:]} {self.dtype}."
            )
        if not self._compress:
            return frame.tobytes()
        data: Any = np.ascontiguousarray(frame)
        if self._predicts:
            data = imagecodecs.delta_encode(data, axis=-1)
        return bytes(imagecodecs.deflate_encode(data, level=self._level))

    def append_encoded(self, page: bytes) -> None:
        """Write the next frame, as :meth:`encode` gave it."""
        first = self._tags if self._written == 0 else {}
        self._tif.write(
            iter([page]),
            shape=self.shape[1:],
            dtype=self.dtype,
            photometric="minisblack",
            compression="zlib" if self._compress else None,
            predictor=self._predicts,
            metadata=None,
            contiguous=False,
            software=False,
            rowsperstrip=self.shape[1],
            **first,
        )
        self._written += 1

    def __enter__(self) -> TiffStackWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tif.close()
        if kind is None and self._written != self.shape[0]:
            raise ValueError(f"{self._written} of {self.shape[0]} frames were written.")


def _tags(n_frames: int, experiment: Experiment) -> dict[str, Any]:
    """ImageJ description and resolution of the first page."""
    lines = ["ImageJ=1.54f", f"images={n_frames}", f"frames={n_frames}", "hyperstack=true"]
    tags: dict[str, Any] = {}
    if experiment.pixel_size_um:
        lines.append("unit=um")
        per_um = 1 / experiment.pixel_size_um
        tags["resolution"] = (per_um, per_um)
        tags["resolutionunit"] = "NONE"
    if experiment.frame_rate_hz:
        lines.append(f"finterval={1 / experiment.frame_rate_hz!r}")
        lines.append("tunit=s")
    lines.append("loop=false")
    return {"description": "\n".join(lines) + "\n", **tags}
