"""Which image_key belongs to a dataset: the nearest that is as long as the data.

NeXus keeps it in the detector, writers also beside the data or in the entry. The key of another
camera would make flats of frames: one in a detector that does not hold the data is taken only where
no other can be meant, and with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.address import join_address
from napari_amseg.io.hdf5.find import Found
from napari_amseg.io.hdf5.groups import detectors_in, holds, member
from napari_amseg.io.hdf5.links import BrokenLinkError, fetch, identity
from napari_amseg.io.hdf5.values import values_of

_KEY = "image_key"
FRAME, FLAT, DARK, INVALID = 0, 1, 2, 3  # as NeXus counts them in NXtomo


@dataclass(frozen=True, slots=True)
class Key:
    """The values of an image_key, its name, and the file that holds it."""

    values: NDArray[Any]
    name: str
    file: str


def key_of(found: Found, near: list[Any], path: str) -> tuple[Key | None, tuple[str, ...]]:
    """The image_key of a dataset, if it has one, and what is worth saying about it.

    near : the groups that may say something of it, nearest first.

    Raises
    ------
    ValueError
        If a key that is meant for it cannot be used, and the dataset was not named by the user.
    """
    n_images = found.dataset.shape[0] if found.dataset.ndim == 3 else 1
    odd: list[str] = []
    for group in near:
        key, reason = _fitting(group, n_images, path)
        if key is not None:
            return key, ()
        odd += reason
    key, notes, reasons = _of_another(found.dataset, near, n_images, path)
    if key is not None:
        return key, notes
    odd += reasons
    if not odd:
        return None, notes
    if not found.is_named:
        address = join_address(path, found.name)
        raise ValueError(
            f"{path}: {odd[0]}. Without it frames, flats and darks cannot be told apart: to take "
            f"all {n_images} images as frames, open {address}."
        )
    return None, (
        *notes,
        f"{odd[0]}: not used, all images count as frames",
    )


def _fitting(group: Any, n_images: int, path: str) -> tuple[Key | None, list[str]]:
    """The key in a group; or why it cannot be used.

    Raises
    ------
    ValueError
        If it fits and holds values that mean nothing.
    """
    try:
        key = fetch(group, _KEY)
    except BrokenLinkError as error:
        return None, [_reason(error, path)]
    if not isinstance(key, h5py.Dataset) or key.shape is None or key.dtype.kind not in "uif":
        return None, []
    if key.size != n_images:
        return None, [
            f"{key.name} has {key.size} entries, the data {n_images} images (a stopped scan?)"
        ]
    try:
        values = values_of(key, path)
    except ValueError as error:
        return None, [_reason(error, path)]
    _require_known_values(values, key, path)
    return Key(values, key.name, str(key.file.filename)), []


def _reason(error: ValueError, path: str) -> str:
    return str(error).removeprefix(f"{path}: ").rstrip(".")


def _of_another(
    dataset: Any, near: list[Any], n_images: int, path: str
) -> tuple[Key | None, tuple[str, ...], list[str]]:
    """The key of a detector that does not hold the data; notes; why others cannot be used."""
    others = list(_others(dataset, near))
    cameras = [d for d in others if _has_images(d)]
    is_ours_known = any(
        holds(d, dataset) or d == dataset.parent for group in near for d in detectors_in(group)
    )
    mine, foreign, odd = [], [], []
    for detector in others:
        is_camera = detector in cameras
        is_same = len(cameras) == 1 and not is_ours_known and _is_alike(detector, dataset)
        if is_camera and not is_same:
            foreign += [detector] if _KEY in detector else []
            continue
        key, reason = _fitting(detector, n_images, path)
        mine += [key] if key is not None else []
        odd += reason
    if len(mine) == 1:
        return mine[0], (f"frames, flats and darks told apart by {mine[0].name}",), []
    if mine:
        odd.insert(0, f"{' and '.join(key.name for key in mine)} may both be meant")
    notes = tuple(
        f"{detector.name}/{_KEY} is that of another camera: not used" for detector in foreign
    )
    return None, notes, odd


def _others(dataset: Any, near: list[Any]) -> Iterator[Any]:
    """The detectors beside the data that do not hold it."""
    seen = {identity(group) for group in near}
    for group in near:
        for detector in detectors_in(group):
            if identity(detector) not in seen:
                seen.add(identity(detector))
                yield detector


def _has_images(detector: Any) -> bool:
    """Whether it has data of its own; a link that leads nowhere may be some."""
    if "data" not in detector and detector.get("data", getlink=True, default=None) is None:
        return False
    data = member(detector, "data")
    return data is None or (isinstance(data, h5py.Dataset) and len(data.shape or ()) in (2, 3))


def _is_alike(detector: Any, dataset: Any) -> bool:
    """Whether its data may be a copy of these, or what a virtual dataset takes them from."""
    data = member(detector, "data")
    return isinstance(data, h5py.Dataset) and data.shape == dataset.shape


def _require_known_values(values: NDArray[Any], key: Any, path: str) -> None:
    odd = np.setdiff1d(values, (FRAME, FLAT, DARK, INVALID))
    if odd.size:
        raise ValueError(
            f"{path}: {key.name} holds {', '.join(f'{v:g}' for v in odd[:5])}; known are 0 frame, "
            "1 flat, 2 dark and 3 invalid. Name a dataset without such a key, or correct it."
        )
