"""Which dataset of an HDF5 file holds the frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import h5py

from napari_amseg.io.address import join_address
from napari_amseg.io.hdf5.links import BROKEN, BrokenLinkError, fetch, identity

# In this order; NeXus of several facilities, Data Exchange, then plain.
KNOWN_NAMES = (
    "entry/imaging/data",
    "entry0000/instrument/detector/data",
    "entry_0000/instrument/detector/data",
    "entry/instrument/detector/data",
    "entry/data/data",
    "entry1/tomo_entry/data/data",
    "entry1/tomo_entry/instrument/detector/data",
    "exchange/data",
    "image_stack",
)
_MOST_OBJECTS = 20_000
_MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A dataset, the name it was found by, and what is worth saying about that."""

    name: str
    dataset: Any
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Contents:
    datasets: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def find_frames(file: Any, path: str) -> Found:
    """The dataset with the frames: a known name, the default of NeXus, or the only one there is.

    Raises
    ------
    ValueError
        If there is none, or several: they are listed with the line to type.
    """
    for name in KNOWN_NAMES:
        found = fetch(file, name)  # a known name whose file is missing is an error: this was meant
        if _may_be_frames(found):
            return Found(name, found)
    default = _default_signal(file)
    if default is not None:
        return Found(default, file[default])
    contents = _walk(file, path)
    stacks = {n: d for n, d in contents.datasets.items() if _may_be_frames(d) and d.ndim == 3}
    if len(stacks) > 1:
        stacks = {n: d for n, d in stacks.items() if _is_signal(d)} or stacks
    if len(stacks) == 1:
        ((name, dataset),) = stacks.items()
        lost = f"; {len(contents.broken)} links in it lead nowhere" if contents.broken else ""
        return Found(name, dataset, (f"frames: {name}, the only stack in the file{lost}",))
    raise ValueError(_why_none(file, path, contents, stacks))


def named_dataset(file: Any, name: str, path: str) -> Found:
    """The dataset of that name.

    Raises
    ------
    ValueError
        If there is none; those that are there are listed.
    """
    try:
        found = fetch(file, name)
    except BrokenLinkError as error:
        raise ValueError(str(error)) from None
    if isinstance(found, h5py.Group):
        name = f"{name.rstrip('/')}/{_signal_name(found)}"
        found = fetch(file, name)
    if not isinstance(found, h5py.Dataset):
        listed = _listed(path, _walk(file, path).datasets)
        raise ValueError(f"{path}: there is no dataset {name!r} in it. {listed}")
    return Found(name.strip("/"), found)


def near_groups(file: Any, found: Found) -> list[Any]:
    """The groups that may say something of a dataset, nearest first: those it lies in, each
    followed by the detectors beside it that hold the same data.
    """
    near: list[Any] = [found.dataset.parent]
    groups = found.name.split("/")[:-1]
    for depth in range(len(groups), 0, -1):
        above = file["/".join(groups[:depth])]
        near += [above, *(d for d in detectors_in(above) if _holds(d, found.dataset))]
    if len(groups) < 1:
        near.append(file)
    return _distinct(near)


def detectors_in(group: Any) -> list[Any]:
    """The detectors of an entry."""
    instrument = _opened(group, "instrument")
    if not isinstance(instrument, h5py.Group):
        return []
    members = (_opened(instrument, name) for name in instrument)
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


def _holds(detector: Any, dataset: Any) -> bool:
    data = _opened(detector, "data")
    return isinstance(data, h5py.Dataset) and identity(data) == identity(dataset)


def _distinct(groups: list[Any]) -> list[Any]:
    seen: dict[tuple[int, int], Any] = {}
    for group in groups:
        seen.setdefault(identity(group), group)
    return list(seen.values())


def _opened(group: Any, name: str) -> Any:
    """A member, None if it is not there or cannot be opened."""
    try:
        return group.get(name)
    except (*BROKEN, TypeError):
        return None


def _may_be_frames(found: Any) -> bool:
    """Grey numbers in two or three axes; RGB and other things are told at the end."""
    return (
        isinstance(found, h5py.Dataset)
        and found.shape is not None
        and found.dtype.kind in "uifb"
        and found.ndim in (2, 3)
        and found.shape[-1] not in (3, 4)
    )


def _default_signal(file: Any) -> str | None:
    """What the default attributes of NeXus lead to, if that is a stack that is there."""
    entries = [n for n in file if attribute(_opened(file, n), "NX_class") == "NXentry"]
    entry = attribute(file, "default") or (entries[0] if len(entries) == 1 else "")
    chosen = attribute(_opened(file, entry), "default") if entry else ""
    group = _opened(file, f"{entry}/{chosen}") if chosen else None
    if not isinstance(group, h5py.Group):
        return None
    signal = _signal_name(group)
    data = _opened(group, signal)
    is_stack = _may_be_frames(data) and data.ndim == 3
    return f"{entry}/{chosen}/{signal}".strip("/") if is_stack else None


def _signal_name(group: Any) -> str:
    """Which member of an NXdata is the data: by the attribute of today, or that of old files."""
    told = attribute(group, "signal")
    old = (n for n in group if not told and _old_signal(_opened(group, n)))
    return told or next(old, "data")


def _old_signal(found: Any) -> bool:
    return isinstance(found, h5py.Dataset) and str(found.attrs.get("signal", "")) in ("1", "b'1'")


def _is_signal(dataset: Any) -> bool:
    """Whether it is what a detector recorded, by the classes of NeXus."""
    group = dataset.parent
    is_nexus = attribute(group, "NX_class") in ("NXdetector", "NXdata")
    return is_nexus and dataset.name.rsplit("/", 1)[-1] == _signal_name(group)


def _walk(file: Any, path: str) -> _Contents:
    """Every dataset once, by the first name that leads to it; links that lead nowhere."""
    contents, seen = _Contents(), {identity(file): file}
    waiting = [("", file)]
    while waiting:
        prefix, group = waiting.pop(0)
        for name in group:
            found = _opened(group, name)
            if found is None:
                contents.broken.append(prefix + name)
                continue
            if not isinstance(found, h5py.Group | h5py.Dataset) or identity(found) in seen:
                continue
            seen[identity(found)] = found  # kept open: identities hold only for open objects
            if len(seen) > _MOST_OBJECTS:
                raise ValueError(
                    f"{path}: holds more than {_MOST_OBJECTS:,} objects; name the dataset: "
                    f"{join_address(path, 'NAME')}."
                )
            if isinstance(found, h5py.Dataset):
                contents.datasets[prefix + name] = found
            else:
                waiting.append((f"{prefix}{name}/", found))
    return contents


def _why_none(file: Any, path: str, contents: _Contents, stacks: dict[str, Any]) -> str:
    if stacks:
        return f"{path}: holds {len(stacks)} stacks. {_listed(path, stacks)}"
    for name in contents.broken:
        try:
            fetch(file, name)
        except BrokenLinkError as error:
            return str(error)
    return (
        f"{path}: no dataset of grey frames (frame, row, column) is in it. "
        f"{_listed(path, contents.datasets)}"
    )


def _listed(path: str, datasets: dict[str, Any]) -> str:
    """Names, shapes and types; those that may be frames first."""
    if not datasets:
        return "It holds no dataset at all."
    order = sorted(datasets, key=lambda n: (not _may_be_frames(datasets[n]), n))
    lines = [f"{n} ({_words(datasets[n])})" for n in order[:_MOST_LISTED]]
    more = f", and {len(order) - _MOST_LISTED} more" if len(order) > _MOST_LISTED else ""
    return f"Name one, such as {join_address(path, order[0])!r}: {', '.join(lines)}{more}."


def _words(dataset: Any) -> str:
    shape = "empty" if dataset.shape is None else "x".join(map(str, dataset.shape)) or "one value"
    return f"{shape} {dataset.dtype}"
