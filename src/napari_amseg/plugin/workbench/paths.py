"""Paths in a workspace: relative where they lie below it, so that the folder can be moved."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from napari_amseg.io.address import join_address, split_address

# Entries that hold a path, or a list of paths, wherever they stand in the record.
_PATHS = frozenset(
    {"address", "files", "file", "confirmed_file", "folder", "stack", "benchmark", "init"}
    | {"flat", "dark", "flat_after"}
)


def relative(record: Any, base: Path) -> Any:
    """The record with every path that lies in `base` or below it relative to it."""
    folder = _normal(base.absolute())
    return _with_paths(record, lambda path: _stored(path, folder))


def absolute(record: Any, base: Path) -> Any:
    """The inverse of :func:`relative`, for a workspace that lies in `base` now.

    A path that leaves the folder, or is complete on another system only, stays as it is:
    :func:`check_complete` refuses it before it is opened.
    """
    return _with_paths(record, lambda path: _resolved(path, base))


def check_complete(record: Any) -> None:
    """Check that all paths in a record can be opened, whatever folder napari runs in.

    Raises
    ------
    ValueError
        If one was refused by :func:`absolute`.
    """
    for path in _paths(record):
        if not split_address(path)[0].is_absolute():
            raise ValueError(
                f"path {path[:80]!r} leaves the folder of the workspace, or is of another "
                "system: open the file yourself, and save the workspace again."
            )


def _with_paths(record: Any, change: Callable[[str], str], key: str = "") -> Any:
    if isinstance(record, dict):
        return {k: _with_paths(inner, change, k) for k, inner in record.items()}
    if isinstance(record, list):
        return [_with_paths(inner, change, key) for inner in record]
    return change(record) if key in _PATHS and isinstance(record, str) and record else record


def _paths(record: Any) -> list[str]:
    found: list[str] = []

    def note(path: str) -> str:
        found.append(path)
        return path

    _with_paths(record, note)
    return found


def _stored(path: str, base: Path) -> str:
    file, inside = split_address(path)
    where = _normal(file.expanduser().absolute())
    below = where.relative_to(base).as_posix() if where.is_relative_to(base) else ""
    return join_address(below if _is_plain(below) else where, inside)


def _normal(path: Path) -> Path:
    """Without ``..``; where a link makes that another file, the file itself."""
    if ".." not in path.parts:
        return path
    normal, real = Path(os.path.normpath(path)), path.resolve()
    return normal if normal.resolve() == real else real


def _is_plain(below: str) -> bool:
    """Whether a relative path means the same on every system."""
    return bool(below) and not any(c in below for c in "\\:")


def _resolved(path: str, base: Path) -> str:
    file, inside = split_address(path)
    if file.is_absolute():
        return path
    stored = path[: len(path) - len(inside) - 2] if inside else path
    parts = PurePosixPath(stored).parts
    if ".." in parts or not _is_plain(stored):
        return path
    return join_address(base.joinpath(*parts), inside)
