"""HDF5 stacks: NeXus, Data Exchange and plain files; flats and darks recorded with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_amseg.io.address import SEPARATOR, join_address
from napari_amseg.io.hdf5.find import Found, find_frames, named_dataset
from napari_amseg.io.hdf5.frames import FrameReader
from napari_amseg.io.hdf5.metadata import stated
from napari_amseg.io.hdf5.parts import ROLES, Part, Parts, parts_of
from napari_amseg.io.hdf5.storage import Storage
from napari_amseg.types import Stack


def open_hdf5(path: Path, inside: str = "") -> Stack:
    """Open the frames of an HDF5 file, or its flats or darks, as a lazy stack.

    Parameters
    ----------
    path : the file. It stays open until ``stack.close()``.
    inside : the name of a dataset, ``flats``, ``flats-before``, ``flats-after`` or ``darks``, or
        both as ``DATASET::flats``. Without a name the frames are looked for where beamlines keep
        them, see :data:`~napari_amseg.io.hdf5.find.KNOWN_NAMES`.

    Raises
    ------
    ValueError
        If it is no HDF5 file, damaged, or being written; if it holds no stack, or several; if a
        linked file is missing; if what is asked for is not grey frames.
    """
    file = _opened(path)
    try:
        return _stack(file, path, inside)
    except ValueError:
        file.close()
        raise
    except (OSError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError) as error:
        file.close()
        raise ValueError(f"{path}: is damaged ({error}). Copy it again.") from error
    except BaseException:
        file.close()
        raise


def _stack(file: Any, path: Path, inside: str) -> Stack:
    name, role = _split(inside)
    if role and not name and not _has_role(file, path, role) and role in file:
        name, role = role, ""  # a plain file whose flats are a dataset of that name
    found = named_dataset(file, name, str(path)) if name else find_frames(file, str(path))
    _require_grey(found, path)
    parts = parts_of(file, found, str(path))
    if role:
        return _of_part(file, path, inside, found, _field(parts, role, path))
    if not len(parts.frames):
        held = ", ".join(f"{len(part)} {role}" for role, part in parts.fields.items())
        raise ValueError(
            f"{path}: {found.name} holds no frame" + (f", only {held}." if held else ".")
        )
    stack = _of_part(file, path, inside, found, parts.frames)
    experiment, remarks = stated(file, found, parts, str(path))
    return replace(
        stack,
        experiment=experiment,
        flat=join_address(path, inside, "flats") if "flats" in parts.fields else None,
        dark=join_address(path, inside, "darks") if "darks" in parts.fields else None,
        notes=(*found.notes, *parts.notes, *remarks, *stack.notes),
    )


def _of_part(file: Any, path: Path, inside: str, found: Found, part: Part) -> Stack:
    """The images of a part as a stack; nothing is known of them yet."""
    storage = Storage(part.dataset, str(path))
    growing = ("the file is not closed by its writer: later frames are not seen",)
    return Stack(
        shape=(len(part), *part.dataset.shape[-2:]),
        dtype=part.dataset.dtype.newbyteorder("="),
        read=FrameReader(part.dataset, str(path), part.images, storage.packed_together),
        files=tuple(dict.fromkeys((str(path), *storage.files, *part.files))),
        opened_as=(join_address(path, inside),),
        dataset=found.name if part.dataset is found.dataset else part.dataset.name.strip("/"),
        notes=(*storage.notes, *(growing if file.swmr_mode else ())),
        close_source=file.close,
    )


def _opened(path: Path) -> Any:
    """The file, open for reading; one that is still being written if its writer allows it."""
    try:
        try:
            return h5py.File(path, "r")
        except OSError as error:
            if "already open for write" in str(error):
                return h5py.File(path, "r", swmr=True)
            if "unable to lock" in str(error) and not isinstance(error, BlockingIOError):
                return h5py.File(path, "r", locking=False)  # a network drive without locks
            raise
    except BlockingIOError:
        raise ValueError(
            f"{path}: another program is writing it. Wait until that has closed the file."
        ) from None
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        raise ValueError(
            f"{path}: not a readable HDF5 file ({error}). If it should be one, copy it again."
        ) from error


def _split(inside: str) -> tuple[str, str]:
    """Dataset and role of what is named inside a file."""
    *names, last = inside.split(SEPARATOR)
    if last in ROLES:
        return SEPARATOR.join(names), last
    return inside, ""


def _has_role(file: Any, path: Path, role: str) -> bool:
    try:
        found = find_frames(file, str(path))
    except ValueError:
        return False
    return role in parts_of(file, found, str(path)).fields


def _field(parts: Parts, role: str, path: Path) -> Part:
    if role not in parts.fields:
        held = ", ".join(parts.fields)
        raise ValueError(
            f"{path}: no {role} are recorded in it"
            + (f", only {held}." if held else ": neither by an image_key nor as data_white.")
        )
    return parts.fields[role]


def _require_grey(found: Found, path: Path) -> None:
    """Raise ValueError unless the dataset is made of grey frames."""
    dataset, name = found.dataset, f"{path}: {found.name}"
    if dataset.shape is None or dataset.dtype.kind not in "uifb":
        raise ValueError(f"{name} is {dataset.dtype}, expected grey integers or floats.")
    shape = "x".join(map(str, dataset.shape)) or "a single value"
    if dataset.ndim not in (2, 3):
        raise ValueError(f"{name} is {shape}, expected the axes (frame, row, column).")
    if dataset.shape[-1] in (3, 4):
        raise ValueError(f"{name} is {shape}: colour images are not read, convert them to grey.")
    if not np.prod(dataset.shape, dtype=object):
        raise ValueError(f"{name} is {shape}: there is no pixel in it. Has the scan run?")
