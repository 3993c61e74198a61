"""Which dataset of an HDF5 file holds the frames."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import h5py

from napari_amseg.io.address import join_address
from napari_amseg.io.hdf5.groups import attribute, member, signal_name
from napari_amseg.io.hdf5.links import BrokenLinkError, fetch, identity

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
_NOT_IN_ENTRY = ("exchange/data", "image_stack")
_IN_ENTRY = tuple(dict.fromkeys(n.split("/", 1)[1] for n in KNOWN_NAMES if n not in _NOT_IN_ENTRY))
_ENTRY = re.compile(r"entry_?\d*")
_MOST_OBJECTS = 20_000
_MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A dataset, the name it was found by, what is worth saying about that, and whether the user
    gave that name.
    """

    name: str
    dataset: Any
    notes: tuple[str, ...] = ()
    is_named: bool = False


@dataclass(slots=True)
class _Contents:
    datasets: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def find_frames(file: Any, path: str) -> Found:
    """The dataset with the frames: a known name, the default of NeXus, or the only one there is.

    A single image under a known name is taken only where the file holds no stack.

    Raises
    ------
    ValueError
        If there is none, or several: they are listed with the line to type.
    """
    known = _known(file)
    stacks = {n: d for n, d in known.items() if d.ndim == 3}
    if stacks:
        return _of_one_scan(file, path, stacks)
    default = _default_signal(file)
    if default is not None:
        return Found(default, file[default])
    contents = _walk(file, path)
    every = {n: d for n, d in contents.datasets.items() if _may_be_frames(d) and d.ndim == 3}
    stacks = every
    if len(every) > 1:
        stacks = {n: d for n, d in every.items() if _is_signal(d)} or every
    if len(stacks) == 1:
        ((name, dataset),) = stacks.items()
        return Found(name, dataset, (_why_this(name, every, contents),))
    if known and not stacks:
        name = next(iter(known))
        return Found(name, known[name], _not_open(known, name))
    raise ValueError(_why_none(file, path, contents, stacks))


def _known(file: Any) -> dict[str, Any]:
    """Frames under known names, the first of all first; under those of other entries too.

    Raises
    ------
    BrokenLinkError
        If a known name before the first stack leads nowhere: this was meant.
    """
    found: dict[str, Any] = {}
    for name in KNOWN_NAMES:
        _add_known(found, file, name)
    if any(d.ndim == 3 for d in found.values()):
        for entry in (n for n in file if _is_entry(file, n)):
            for name in (f"{entry}/{rest}" for rest in _IN_ENTRY):
                _add_known(found, file, name)
    return found


def _add_known(found: dict[str, Any], file: Any, name: str) -> None:
    try:
        dataset = fetch(file, name)
    except BrokenLinkError:
        if any(d.ndim == 3 for d in found.values()):
            return
        raise
    if _may_be_frames(dataset) and all(identity(dataset) != identity(d) for d in found.values()):
        found[name] = dataset


def _is_entry(file: Any, name: str) -> bool:
    group = member(file, name)
    named = _ENTRY.fullmatch(name) or attribute(group, "NX_class") == "NXentry"
    return bool(named) and isinstance(group, h5py.Group)


def _of_one_scan(file: Any, path: str, stacks: dict[str, Any]) -> Found:
    """The first stack of the only entry that holds one, or of the one the file calls its default.

    Raises
    ------
    ValueError
        If several entries hold stacks and the file says nothing of the kind.
    """
    entries: dict[str, str] = {}
    for name in stacks:
        if name not in _NOT_IN_ENTRY:
            entries.setdefault(name.split("/", 1)[0], name)
    if len(entries) < 2:
        name = next(iter(stacks))
        return Found(name, stacks[name], _not_open(stacks, name))
    chosen = entries.get(attribute(file, "default").strip("/"))
    if chosen is None:
        raise ValueError(
            f"{path}: holds {len(entries)} scans, and no default says which is meant. "
            f"{_listed(path, stacks)}"
        )
    return Found(chosen, stacks[chosen], _not_open(stacks, chosen, " by the file's default"))


def _not_open(stacks: dict[str, Any], name: str, why: str = "") -> tuple[str, ...]:
    """A note on the other stacks, if there are any."""
    others = [f"{n} ({_words(d)})" for n, d in stacks.items() if n != name]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (f"frames: {name}{why}; not open: {', '.join(others[:3])}{more}",) if others else ()


def _why_this(name: str, every: dict[str, Any], contents: _Contents) -> str:
    lost = f"; {len(contents.broken)} links in it lead nowhere" if contents.broken else ""
    if len(every) == 1:
        return f"frames: {name}, the only stack in the file{lost}"
    why = ", by its NX_class the only one that a detector recorded"
    return _not_open(every, name, why)[0] + lost


def named_dataset(file: Any, name: str, path: str) -> Found:
    """The dataset of that name.

    Raises
    ------
    ValueError
        If there is none; those that are there are listed.
    """
    wanted, name = name, "/".join(part for part in name.split("/") if part not in ("", "."))
    try:
        found = fetch(file, name) if name else None
    except BrokenLinkError as error:
        raise ValueError(str(error)) from None
    if isinstance(found, h5py.Group):
        name = f"{name}/{signal_name(found)}"
        found = fetch(file, name)
    if not isinstance(found, h5py.Dataset):
        listed = _listed(path, _walk(file, path).datasets)
        raise ValueError(f"{path}: there is no dataset {wanted!r} in it. {listed}")
    return Found(name, found, is_named=True)


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
    entries = [n for n in file if attribute(member(file, n), "NX_class") == "NXentry"]
    entry = attribute(file, "default") or (entries[0] if len(entries) == 1 else "")
    chosen = attribute(member(file, entry), "default") if entry else ""
    group = member(file, f"{entry}/{chosen}") if chosen else None
    if not isinstance(group, h5py.Group):
        return None
    signal = signal_name(group)
    data = member(group, signal)
    is_stack = _may_be_frames(data) and data.ndim == 3
    return f"{entry}/{chosen}/{signal}".strip("/") if is_stack else None


def _is_signal(dataset: Any) -> bool:
    """Whether it is what a detector recorded, by the classes of NeXus."""
    group = dataset.parent
    is_nexus = attribute(group, "NX_class") in ("NXdetector", "NXdata")
    return is_nexus and dataset.name.rsplit("/", 1)[-1] == signal_name(group)


def _walk(file: Any, path: str) -> _Contents:
    """Every dataset once, by the first name that leads to it; links that lead nowhere."""
    contents, seen = _Contents(), {identity(file): file}
    waiting = [("", file)]
    while waiting:
        prefix, group = waiting.pop(0)
        for name in group:
            found = member(group, name)
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
    order = sorted(datasets, key=lambda n: (not _can_be_opened(datasets[n]), n))
    lines = [f"{n} ({_words(datasets[n])})" for n in order[:_MOST_LISTED]]
    more = f", and {len(order) - _MOST_LISTED} more" if len(order) > _MOST_LISTED else ""
    can = _can_be_opened(datasets[order[0]])
    advice = f"Name one, such as {join_address(path, order[0])!r}" if can else "It holds"
    return f"{advice}: {', '.join(lines)}{more}."


def _can_be_opened(dataset: Any) -> bool:
    return _may_be_frames(dataset) and 0 not in dataset.shape


def _words(dataset: Any) -> str:
    shape = "empty" if dataset.shape is None else "x".join(map(str, dataset.shape)) or "one value"
    return f"{shape} {dataset.dtype}"
