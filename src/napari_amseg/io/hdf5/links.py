"""Links inside HDF5 files: followed by HDF5 itself; here is said where one leads nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

BROKEN = (KeyError, OSError, RuntimeError, ValueError)  # what h5py raises for a link gone wrong
_MOST_HOPS = 16


class BrokenLinkError(ValueError):
    """A name is there, but what it is linked to is not."""


def fetch(file: Any, name: str) -> Any:
    """The object of that name; None if the file has no such name.

    Raises
    ------
    BrokenLinkError
        If a link on the way leads nowhere; names the missing file and says what to do.
    """
    try:
        return file[name]
    except BROKEN:
        reason = _broken(file, name, _MOST_HOPS)
        if reason is None:
            return None
        raise BrokenLinkError(f"{file.file.filename}: {reason}") from None


def identity(found: Any) -> tuple[int, int]:
    """What tells whether two names mean one object, as long as both are open."""
    info = h5py.h5o.get_info(found.id)
    return info.fileno, info.addr


def linked_file(name: str, beside: str | Path) -> Path | None:
    """The file that HDF5 opens for a link in the file `beside`; None if it is not there."""
    here, wanted = Path(beside), Path(name)
    places = [wanted] if wanted.is_absolute() else []
    relative = wanted.name if wanted.is_absolute() else wanted  # moved files are found beside
    places += [here.parent / relative, Path.cwd() / relative, here.resolve().parent / relative]
    return next((place for place in places if place.is_file()), None)


def missing_file(name: str, beside: str | Path) -> str:
    """Which linked file is not there, and the remedy."""
    return (
        f"{name}, which is not there (looked for beside {Path(beside).name}, in "
        f"{Path(beside).resolve().parent}). Copy it there: linked files belong together"
    )


def _broken(group: Any, name: str, hops: int) -> str | None:
    """Why `name` cannot be opened; None if a part of it is simply not there."""
    if name.startswith("/"):
        group = group.file
    for part in filter(None, name.split("/")):
        if not isinstance(group, h5py.Group):
            return None
        try:
            link = group.get(part, getlink=True)
        except TypeError:
            return f"{part} in {group.name} is a link of a kind that is not followed."
        if link is None:
            return None
        try:
            group = group[part]
        except BROKEN as error:
            return _of_link(group, part, link, str(error), hops)
    return None


def _of_link(group: Any, part: str, link: Any, error: str, hops: int) -> str:
    name = f"{group.name.rstrip('/')}/{part}"
    here = group.file.filename
    if isinstance(link, h5py.ExternalLink):
        target = linked_file(link.filename, here)
        if target is None:
            return f"{name} is kept in {missing_file(link.filename, here)}."
        return (
            f"{name} is kept in {target} as {link.path}, which cannot be opened there. "
            "Is that file whole, and the one that belongs here?"
        )
    if isinstance(link, h5py.SoftLink):
        further = _broken(group, link.path, hops - 1) if hops else "the links go round in a circle."
        return further or f"{name} is a link to {link.path}, which is not in the file."
    return f"{name} is damaged ({error}). Copy the file again."
