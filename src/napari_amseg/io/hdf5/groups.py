"""The groups of an HDF5 file: what belongs to a dataset, by the ways of NeXus."""

from __future__ import annotations

from typing import Any

import h5py

from napari_amseg.io.hdf5.links import BROKEN, identity


def near_groups(file: Any, dataset: Any, name: str) -> list[Any]:
    """The groups that may say something of a dataset, nearest first: those it lies in, each
    followed by the detectors beside it that hold the same data.
    """
    near: list[Any] = [dataset.parent]
    groups = name.split("/")[:-1]
    for depth in range(len(groups), 0, -1):
        above = file["/".join(groups[:depth])]
        near += [above, *(d for d in detectors_in(above) if holds(d, dataset))]
    if len(groups) < 1:
        near.append(file)
    return _distinct(near)


def detectors_in(group: Any) -> list[Any]:
    """The detectors of an entry, and what else its instrument is made of."""
    instrument = member(group, "instrument")
    if not isinstance(instrument, h5py.Group):
        return []
    members = (member(instrument, name) for name in instrument)
    return [m for m in members if isinstance(m, h5py.Group)]


def attribute(holder: Any, name: str) -> str:
    """An attribute as text; '' if there is none, or it is no text."""
    try:
        value = holder.attrs.get(name)
    except (*BROKEN, AttributeError, TypeError):  # no holder, or a type that h5py does not know
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def member(group: Any, name: str) -> Any:
    """A member, None if it is not there or cannot be opened."""
    try:
        return group.get(name)
    except (*BROKEN, TypeError):
        return None


def holds(detector: Any, dataset: Any) -> bool:
    """Whether the data of a detector is this dataset."""
    data = member(detector, "data")
    return isinstance(data, h5py.Dataset) and identity(data) == identity(dataset)


def _distinct(groups: list[Any]) -> list[Any]:
    seen: dict[tuple[int, int], Any] = {}
    for group in groups:
        seen.setdefault(identity(group), group)
    return list(seen.values())


def signal_name(group: Any) -> str:
    """Which member of an NXdata is the data: by the attribute of today, or that of old files."""
    told = attribute(group, "signal")
    old = (n for n in group if not told and _old_signal(member(group, n)))
    return told or next(old, "data")


def _old_signal(found: Any) -> bool:
    return isinstance(found, h5py.Dataset) and str(found.attrs.get("signal", "")) in ("1", "b'1'")
