"""``read_stack``: one door for every kind of stack; a new format is one reader and one line."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isclose
from pathlib import Path

from napari_amseg.io.image import open_image
from napari_amseg.io.sequence import numbered_sequence, open_sequence
from napari_amseg.io.tiff import open_tiff
from napari_amseg.types import Stack

# Photron (.cihx, .cih) and HDF5 (.h5, .nxs) readers join here, one line each.
READERS: dict[str, Callable[[Path], Stack]] = {
    ".tif": open_tiff,
    ".tiff": open_tiff,
    ".png": open_image,
    ".jpg": open_image,
    ".jpeg": open_image,
    ".bmp": open_image,
}

StackPath = str | os.PathLike[str]


def read_stack(
    path: StackPath | Sequence[StackPath],
    *,
    pixel_size_um: float | None = None,
    frame_rate_hz: float | None = None,
) -> Stack:
    """Open an X-ray stack without reading its frames.

    Parameters
    ----------
    path : a file (TIFF of any kind: multi-page, BigTIFF, OME, ImageJ hyperstack), a folder of
        numbered images, a glob such as ``"run3/*.tif"``, or a list of image files. Numbered
        images are put in numeric order: 999 before 1000, ``f (2)`` before ``f (10)``.
    pixel_size_um, frame_rate_hz : replace what the file says. Where neither says, they stay None.

    Returns
    -------
    Stack of shape (T, Y, X) in the file's own dtype.

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ValueError
        If it is not a readable grey stack, is truncated, or its frames differ in shape or dtype;
        the message names the first odd file.
    """
    stack = _open(path)
    known = stack.experiment
    experiment = known.updated(pixel_size_um=pixel_size_um, frame_rate_hz=frame_rate_hz)
    notes = [
        f"{what} {given:g} {unit} replaces {own:g} {unit}, which the file states"
        for what, given, own, unit in (
            ("pixel size", pixel_size_um, known.pixel_size_um, "um"),
            ("frame rate", frame_rate_hz, known.frame_rate_hz, "Hz"),
        )
        if given is not None and own is not None and not isclose(given, own, rel_tol=1e-6)
    ]
    return replace(stack, experiment=experiment, notes=(*stack.notes, *notes))


def can_read(path: StackPath) -> bool:
    """Whether `path` looks like a stack, judged by name only: for viewers that ask often."""
    return Path(path).suffix.lower() in READERS or Path(path).is_dir()


def _open(path: StackPath | Sequence[StackPath]) -> Stack:
    if not isinstance(path, str | os.PathLike):
        return _open_list([Path(p) for p in path])
    where = Path(path).expanduser()
    if where.is_dir():
        return _open_folder(where)
    if where.exists():
        return _reader(where)(where)
    if glob.has_magic(str(where)):
        return _open_pattern(where)
    raise FileNotFoundError(f"{where}: there is no such file or folder.")


def _reader(path: Path) -> Callable[[Path], Stack]:
    try:
        return READERS[path.suffix.lower()]
    except KeyError:
        raise ValueError(
            f"{path}: files ending in {path.suffix or 'nothing'!r} are not read; "
            f"known are {', '.join(READERS)}."
        ) from None


def _open_folder(folder: Path) -> Stack:
    """The numbered images of a folder, or the one stack file in it."""
    files = [p for p in folder.iterdir() if p.suffix.lower() in READERS and p.name[0] != "."]
    if not files:
        raise FileNotFoundError(f"{folder}: no image or stack in it ({', '.join(READERS)}).")
    return _open_sequence_among(files, folder)


def _open_pattern(pattern: Path) -> Stack:
    """The files a glob finds, as if they were alone in their folder."""
    files = [Path(p) for p in glob.glob(str(pattern))]
    if not files:
        raise FileNotFoundError(f"pattern {pattern}: no file matches.")
    folders = sorted({str(p.parent) for p in files})
    if len(folders) > 1:
        raise ValueError(
            f"pattern {pattern}: matches files in {len(folders)} folders ({folders[0]}, "
            f"{folders[1]}, ...). A stack lies in one folder."
        )
    for file in files:
        _reader(file)
    return _open_sequence_among(files, files[0].parent)


def _open_sequence_among(files: list[Path], folder: Path) -> Stack:
    """The one file, or the numbered sequence among several; what is left out is noted."""
    if len(files) == 1:
        return _reader(files[0])(files[0])
    sequence, skipped = numbered_sequence(files, folder)
    stack = open_sequence(sequence)
    if not skipped:
        return stack
    names = ", ".join(p.name for p in skipped[:5]) + (" ..." if len(skipped) > 5 else "")
    return replace(stack, notes=(*stack.notes, f"not part of the numbered sequence: {names}"))


def _open_list(files: list[Path]) -> Stack:
    """Files named one by one: all of them, in numeric order."""
    if not files:
        raise FileNotFoundError("list of files: it is empty.")
    for file in files:
        _reader(file)
    return _open(files[0]) if len(files) == 1 else open_sequence(files)
