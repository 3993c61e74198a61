"""Which images of a dataset are frames, which are flats and darks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.find import Found, detectors_in, near_groups
from napari_amseg.io.hdf5.links import BrokenLinkError, fetch

ROLES = ("flats", "flats-before", "flats-after", "darks")
_KEY = "image_key"
_FRAME, _FLAT, _DARK, _INVALID = 0, 1, 2, 3  # as NeXus counts them in NXtomo
_WHITE, _BLACK = "data_white", "data_dark"  # of Data Exchange

Images = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Part:
    """Images of a dataset, all of them if `images` is None; `files` that say so besides."""

    dataset: Any
    images: Images | None = None
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        if self.images is not None:
            return len(self.images)
        return self.dataset.shape[0] if self.dataset.ndim == 3 else 1


@dataclass(frozen=True, slots=True)
class Parts:
    """What a file holds: the frames, and by role what was recorded with them.

    `is_regular` : no image was left out between the first frame and the last.
    """

    frames: Part
    fields: dict[str, Part]
    notes: tuple[str, ...] = ()
    is_regular: bool = True


def parts_of(file: Any, found: Found, path: str) -> Parts:
    """Told apart by an image_key, or by the datasets of Data Exchange.

    Raises
    ------
    ValueError
        If the image_key holds other values than 0 to 3.
    """
    key, notes = _image_key(file, found, path)
    parts = Parts(Part(found.dataset), {}) if key is None else _by_key(found.dataset, key)
    fields = dict(parts.fields)
    for role, name in (("flats", _WHITE), ("darks", _BLACK)):
        beside, remark = _beside(near_groups(file, found), found.dataset, name)
        if beside is not None:
            fields.setdefault(role, beside)
        notes += remark
    return Parts(parts.frames, fields, (*notes, *parts.notes), parts.is_regular)


def _by_key(dataset: Any, key_dataset: Any) -> Parts:
    key = np.asarray(key_dataset).reshape(-1)
    files = (str(key_dataset.file.filename),)
    frames, flats = np.flatnonzero(key == _FRAME), np.flatnonzero(key == _FLAT)
    first, last = (int(frames[0]), int(frames[-1])) if frames.size else (0, -1)
    before, after = flats[flats < first], flats[flats > last]
    wanted = {"flats": flats, "darks": np.flatnonzero(key == _DARK)}
    notes = []
    if frames.size and before.size and after.size:
        wanted |= {"flats-before": before, "flats-after": after}
        notes.append(
            f"{before.size} flats lie before the frames and {after.size} after: ::flats-before "
            "and ::flats-after name them apart"
        )
    invalid = int((key == _INVALID).sum())
    if invalid:
        notes.append(f"{invalid} images that {_KEY} calls invalid are left out")
    is_regular = last - first + 1 == frames.size
    if not is_regular:
        notes.append(
            f"{last - first + 1 - frames.size} images between the frames are left out by {_KEY}: "
            "frames are not evenly spaced in time, so no frame rate is taken from the file"
        )
    return Parts(
        Part(dataset, frames, files),
        {role: Part(dataset, images, files) for role, images in wanted.items() if images.size},
        tuple(notes),
        is_regular,
    )


def _image_key(file: Any, found: Found, path: str) -> tuple[Any, tuple[str, ...]]:
    """The nearest image_key as long as the data; a remark if only others are there."""
    n_images = found.dataset.shape[0] if found.dataset.ndim == 3 else 1
    odd: list[str] = []
    for groups in _equally_near(near_groups(file, found)):
        keys, broken = _keys_in(groups)
        fitting = [key for key in keys if key.size == n_images]
        odd += broken
        odd += [
            f"{key.name} has {key.size} entries, the data {n_images} images"
            for key in keys
            if key.size != n_images
        ]
        if fitting:
            values = [np.asarray(key).reshape(-1) for key in fitting]
            if any(not np.array_equal(values[0], other) for other in values[1:]):
                odd.insert(0, f"{' and '.join(key.name for key in fitting)} differ")
                break
            _require_known_values(values[0], fitting[0], path)
            return fitting[0], ()
    return None, (f"{odd[0]}: not used, all images count as frames",) if odd else ()


def _equally_near(near: list[Any]) -> Iterator[list[Any]]:
    """The groups an image_key may lie in, nearest first."""
    yield from ([group] for group in near)
    yield from (detectors_in(group) for group in near)


def _keys_in(groups: list[Any]) -> tuple[list[Any], list[str]]:
    """The keys in these groups, and why others cannot be opened."""
    keys, broken = [], []
    for group in groups:
        try:
            key = fetch(group, _KEY)
        except BrokenLinkError as error:
            broken.append(str(error).rstrip("."))
            continue
        if isinstance(key, h5py.Dataset) and key.shape is not None and key.dtype.kind in "uif":
            keys.append(key)
    return keys, broken


def _require_known_values(values: NDArray[Any], key: Any, path: str) -> None:
    odd = np.setdiff1d(values, (_FRAME, _FLAT, _DARK, _INVALID))
    if odd.size:
        raise ValueError(
            f"{path}: {key.name} holds {', '.join(f'{v:g}' for v in odd[:5])}; known are 0 frame, "
            "1 flat, 2 dark and 3 invalid. Name a dataset without such a key, or correct it."
        )


def _beside(groups: list[Any], dataset: Any, name: str) -> tuple[Part | None, tuple[str, ...]]:
    """A dataset of flats or darks in a group of the frames, if it fits them."""
    for group in groups:
        try:
            found = fetch(group, name)
        except BrokenLinkError as error:
            return None, (str(error),)
        if not isinstance(found, h5py.Dataset) or not found.size:
            continue
        if found.ndim not in (2, 3) or found.shape[-2:] != dataset.shape[-2:]:
            shape = "x".join(map(str, found.shape))
            return None, (f"{name} of shape {shape} does not fit the frames: it is not used",)
        return Part(found), ()
    return None, ()
