"""Paths in a workspace: relative where they lie below it, so that the folder can be moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

# Entries that hold a path, or a list of paths, wherever they stand in the record.
_PATHS = frozenset(
    {"address", "files", "file", "confirmed_file", "folder", "stack", "benchmark", "init"}
    | {"flat", "dark", "flat_after"}
)
_INSIDE = "::"  # FILE::DATASET


def relative(record: Any, base: Path) -> Any:
    """The record with every path that lies in `base` or below it relative to it."""
    return _with_paths(record, lambda path: _stored(path, base))


def absolute(record: Any, base: Path) -> Any:
    """The inverse of :func:`relative`, for a workspace that lies in `base` now.

    Raises
    ------
    ValueError
        If a relative path leaves the folder: such ones are never written.
    """
    return _with_paths(record, lambda path: _resolved(path, base))


def _with_paths(record: Any, change: Callable[[str], str], key: str = "") -> Any:
    if isinstance(record, dict):
        return {k: _with_paths(inner, change, k) for k, inner in record.items()}
    if isinstance(record, list):
        return [_with_paths(inner, change, key) for inner in record]
    return change(record) if key in _PATHS and isinstance(record, str) and record else record


def _stored(path: str, base: Path) -> str:
    file, inside, dataset = path.partition(_INSIDE)
    where = Path(file).expanduser().absolute()
    stored = where.relative_to(base).as_posix() if where.is_relative_to(base) else str(where)
    return stored + inside + dataset


def _resolved(path: str, base: Path) -> str:
    file, inside, dataset = path.partition(_INSIDE)
    if Path(file).is_absolute():
        return path
    parts = PurePosixPath(file).parts
    if ".." in parts or "\\" in file or ":" in file:
        raise ValueError(f"path {path[:80]!r} leaves the folder of the workspace.")
    return str(base.joinpath(*parts)) + inside + dataset
