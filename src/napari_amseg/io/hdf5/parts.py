"""Which images of a dataset are frames, which are flats and darks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.find import Found
from napari_amseg.io.hdf5.groups import holds, near_groups
from napari_amseg.io.hdf5.image_key import DARK, FLAT, FRAME, INVALID, Key, key_of
from napari_amseg.io.hdf5.links import BrokenLinkError, fetch
from napari_amseg.words import counted

ROLES = ("flats", "flats-before", "flats-after", "darks")
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
        If the image_key holds other values than 0 to 3, or its own cannot be used and nobody named
        the dataset: its flats and darks would pass for frames.
    """
    near = near_groups(file, found.dataset, found.name)
    key, notes = key_of(found, near, path)
    dataset = found.dataset
    parts = Parts(Part(dataset), {}) if key is None else _by_key(dataset, key)
    fields = dict(parts.fields)
    for role, name in (("flats", _WHITE), ("darks", _BLACK)):
        beside, remark = _beside(near, dataset, name)
        if beside is not None and role not in fields:
            fields[role] = beside
            if not _is_beside(beside.dataset, dataset):
                remark = (f"{role} from {beside.dataset.name}: check that they are of this camera",)
        notes += remark
    return Parts(parts.frames, fields, (*notes, *parts.notes), parts.is_regular)


def _by_key(dataset: Any, image_key: Key) -> Parts:
    key, files = image_key.values, (image_key.file,)
    frames, flats = np.flatnonzero(key == FRAME), np.flatnonzero(key == FLAT)
    first, last = (int(frames[0]), int(frames[-1])) if frames.size else (0, -1)
    before, after = flats[flats < first], flats[flats > last]
    wanted = {"flats": flats, "darks": np.flatnonzero(key == DARK)}
    notes = []
    if frames.size and before.size and after.size:
        wanted |= {"flats-before": before, "flats-after": after}
        lie = "flat lies" if before.size == 1 else "flats lie"
        notes.append(
            f"{before.size} {lie} before the frames and {after.size} after: ::flats-before and "
            "::flats-after name them apart"
        )
    invalid = int((key == INVALID).sum())
    if invalid:
        notes.append(f"{counted(invalid, 'image')} left out, which the image_key calls invalid")
    is_regular = last - first + 1 == frames.size
    if not is_regular:
        notes.append(
            f"{counted(last - first + 1 - frames.size, 'image')} between the frames left out by "
            "the image_key: frames are not evenly spaced in time, so no frame rate is taken from "
            "the file"
        )
    return Parts(
        Part(dataset, frames, files),
        {role: Part(dataset, images, files) for role, images in wanted.items() if images.size},
        tuple(notes),
        is_regular,
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


def _is_beside(field: Any, dataset: Any) -> bool:
    """Whether both lie in one group, or in the detector that holds the data."""
    return field.parent == dataset.parent or holds(field.parent, dataset)
