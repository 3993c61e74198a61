"""Label images for other programs: indexed PNG or TIFF, with a legend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.atomic import OutputFiles, write_json
from napari_amseg.io.tables import TableWriter
from napari_amseg.io.tiff_writer import TiffStackWriter
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Stack

FORMATS = ("png", "tiff")
_LEGEND_FILES = ("legend.csv", "legend.json")
_COLUMNS = ("code", "name", "role", "color")


def export_labels(
    labels: Stack,
    scheme: LabelScheme,
    folder: Path,
    *,
    stem: str,
    file_format: str = "png",
    overwrite: bool = False,
    frames: Iterable[int] | None = None,
) -> list[Path]:
    """Write label images with a legend for other programs; all files appear together or none.

    PNG: one file a frame, ``<stem>_0000.png``, 8-bit indexed; the index is the code, the palette
    holds the colours of the classes, 0 is black and transparent. TIFF: one ImageJ-readable stack,
    ``<stem>.tif``. Beside them ``legend.csv`` and ``legend.json``: code, name, role and colour.

    Parameters
    ----------
    labels : (T, Y, X) integer codes of `scheme` or 0. file_format : one of `FORMATS`.
    frames : the numbers 0..T-1 in order, wrapped to show progress.

    Returns
    -------
    The files written, label images first.

    Raises
    ------
    FileExistsError
        If one of the files is there and `overwrite` is not set.
    ValueError
        If a frame holds a code that is not of the scheme; names it.
    OSError
        If the folder cannot be written to.
    """
    if file_format not in FORMATS:
        raise ValueError(f"format is {file_format!r}: choose {' or '.join(FORMATS)}.")
    if labels.dtype.kind not in "ui":
        raise ValueError(f"labels are {labels.dtype}, expected whole numbers, the class codes.")
    names = list(_names(stem, len(labels), file_format))
    there = [name for name in (*names, *_LEGEND_FILES) if (folder / name).exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"{folder / there[0]}: exists already; choose another folder or --overwrite."
        )
    codes = _checked(labels, scheme, range(len(labels)) if frames is None else frames)
    with OutputFiles(folder) as files:
        if file_format == "tiff":
            _write_tiff(codes, labels, files.path(names[0]))
        else:
            palette = _palette(scheme)
            for name, frame in zip(names, codes, strict=True):
                _write_png(files.path(name), frame, palette)
        _write_legend(files, scheme)
    return files.finals


def _names(stem: str, n_frames: int, file_format: str) -> Iterator[str]:
    if file_format == "tiff":
        yield f"{stem}.tif"
        return
    digits = max(4, len(str(n_frames - 1)))
    yield from (f"{stem}_{t:0{digits}d}.png" for t in range(n_frames))


def _checked(
    labels: Stack, scheme: LabelScheme, frames: Iterable[int]
) -> Iterator[NDArray[np.uint8]]:
    classes = ", ".join(f"{c.code} {c.name}" for c in scheme.classes)
    for t in frames:
        frame = labels.read(t)
        values = np.unique(frame) if frame.max() > 255 else np.flatnonzero(np.bincount(frame.flat))
        strange = [int(v) for v in values if v not in (0, *scheme.codes)]
        if strange:
            raise ValueError(f"frame {t}: holds code {strange[0]}; the scheme has {classes}.")
        yield frame.astype(np.uint8)


def _write_tiff(codes: Iterable[NDArray[np.uint8]], labels: Stack, path: Path) -> None:
    with TiffStackWriter(path, labels.shape, np.uint8, labels.experiment, labels=True) as writer:
        for frame in codes:
            writer.append(frame)


def _write_png(path: Path, codes: NDArray[np.uint8], palette: bytes) -> None:
    from PIL import Image

    image = Image.fromarray(codes)
    image.putpalette(palette)  # makes the grey image an indexed one, same pixels
    image.save(path, format="PNG", transparency=0, bits=8)


def _palette(scheme: LabelScheme) -> bytes:
    """256 colours, three bytes each; entries of no class are black."""
    from PIL import ImageColor

    colours = bytearray(3 * 256)
    for c in scheme.classes:
        colours[3 * c.code : 3 * c.code + 3] = ImageColor.getrgb(c.color)[:3]
    return bytes(colours)


def _write_legend(files: OutputFiles, scheme: LabelScheme) -> None:
    entries = [
        {"code": 0, "name": "unlabelled", "color": "transparent", "role": "unlabelled"},
        *scheme.to_json(),
    ]
    table, record = (files.path(name) for name in _LEGEND_FILES)
    with TableWriter(table, _COLUMNS) as writer:
        for entry in entries:
            writer.append(entry)
    write_json(record, {"classes": entries})
