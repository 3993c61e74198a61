"""``read_stack``: one door for every kind of stack; a new format is one reader and one line."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isclose
from pathlib import Path

from napari_amseg.io.address import HDF5_SUFFIXES, split_address
from napari_amseg.io.camera.cine import open_cine
from napari_amseg.io.camera.photron import open_photron, without_photron_parts
from napari_amseg.io.image import open_image
from napari_amseg.io.sequence import FRAME_SUFFIXES, numbered_sequence, open_sequence
from napari_amseg.io.tiff import open_tiff
from napari_amseg.types import Stack

READERS: dict[str, Callable[[Path], Stack]] = {
    ".tif": open_tiff,
    ".tiff": open_tiff,
    ".png": open_image,
    ".jpg": open_image,
    ".jpeg": open_image,
    ".bmp": open_image,
    ".cihx": open_photron,
    ".cih": open_photron,
    ".mraw": open_photron,
    ".cine": open_cine,
}

StackPath = str | os.PathLike[str]


def open_hdf5(path: Path, inside: str = "") -> Stack:
    """As :func:`napari_amseg.io.hdf5.open.open_hdf5`; h5py is loaded when it is needed."""
    from napari_amseg.io.hdf5.open import open_hdf5 as opened

    return opened(path, inside)


READERS |= dict.fromkeys(HDF5_SUFFIXES, open_hdf5)


def read_stack(
    path: StackPath | Sequence[StackPath],
    *,
    pixel_size_um: float | None = None,
    frame_rate_hz: float | None = None,
) -> Stack:
    """Open an X-ray stack without reading its frames.

    Parameters
    ----------
    path : a file (TIFF of any kind: multi-page, BigTIFF, OME, ImageJ hyperstack; a Photron
        recording by its header or its ``.mraw``; a Phantom ``.cine``; HDF5), a folder of numbered
        images, a glob such as ``"run3/*.tif"``, or a list of image files. Numbered images are
        put in numeric order: 999 before 1000, ``f (2)`` before ``f (10)``. Inside an HDF5 file
        ``FILE::DATASET`` names a dataset, ``FILE::flats`` and ``FILE::darks`` what was recorded
        with the frames.
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
    return split_address(path)[0].suffix.lower() in READERS or Path(path).is_dir()


def recorded_fields(stack: Stack) -> dict[str, str]:
    """What is recorded with a stack, in words: ``{"flats": "100 images", "darks": "20 images"}``;
    or why it cannot be read.
    """
    found: dict[str, str] = {}
    for role, address in (("flats", stack.flat), ("darks", stack.dark)):
        if address is not None:
            try:
                with read_stack(address) as field:
                    found[role] = f"{len(field)} images" if len(field) > 1 else "1 image"
            except (ValueError, OSError) as error:
                found[role] = str(error)
    return found


def _open(path: StackPath | Sequence[StackPath]) -> Stack:
    if not isinstance(path, str | os.PathLike):
        return _open(path[0]) if len(path) == 1 else _open_list([Path(p) for p in path])
    where, inside = split_address(path)
    where = where.expanduser()
    if inside:
        if not where.is_file():
            raise FileNotFoundError(f"{where}: there is no such file.")
        return open_hdf5(where, inside)
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
    files = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in READERS and p.name[0] != "." and not p.is_dir()
    ]
    if not files:
        raise FileNotFoundError(_no_stack(folder))
    return _open_sequence_among(files, folder)


def _no_stack(folder: Path) -> str:
    """That a folder holds no stack, and which of its folders do."""
    text = f"{folder}: no image or stack in it ({', '.join(READERS)})."
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    with_stacks = [p for p in inner if any(q.suffix.lower() in READERS for q in _entries(p))]
    if not with_stacks:
        return text
    names = ", ".join(p.name for p in with_stacks[:6]) + (", ..." if len(with_stacks) > 6 else "")
    return f"{text} Its folders {names} hold some: name one, such as {with_stacks[0]}."


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it may not be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _open_pattern(pattern: Path) -> Stack:
    """The files a glob finds, as if they were alone in their folder."""
    files = [p for p in map(Path, glob.glob(str(pattern))) if not p.is_dir()]
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
    files = without_photron_parts(files)
    if len(files) == 1:
        return _reader(files[0])(files[0])
    images, recordings = _by_kind(files)
    if recordings and len(images) < 2:
        names = ", ".join(sorted(p.name for p in files)[:6])
        raise ValueError(f"{folder}: {len(files)} stacks in it, {names}: name one of them.")
    sequence, skipped = numbered_sequence(images, folder)
    stack = open_sequence(sequence)
    skipped += recordings
    if not skipped:
        return stack
    names = ", ".join(p.name for p in skipped[:5]) + (" ..." if len(skipped) > 5 else "")
    return replace(stack, notes=(*stack.notes, f"not part of the numbered sequence: {names}"))


def _open_list(files: list[Path]) -> Stack:
    """Files named one by one: all of them, in numeric order."""
    if not files:
        raise FileNotFoundError("list of files: it is empty.")
    for file in files:
        _reader(split_address(file)[0])
    files = without_photron_parts(files)
    if len(files) == 1:
        return _open(files[0])
    _, recordings = _by_kind(files)
    if recordings:
        raise ValueError(f"{recordings[0]}: is a stack of its own, not an image: give it alone.")
    return open_sequence(files)


def _by_kind(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Files that may be frames of a sequence, and those that are always stacks of their own."""
    images = [p for p in files if p.suffix.lower() in FRAME_SUFFIXES]
    return images, [p for p in files if p.suffix.lower() not in FRAME_SUFFIXES]
