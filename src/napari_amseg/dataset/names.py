"""Names of experiments, frames and splits: safe as file names on every system, in natural order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_amseg.io.sequence import numeric_key

# Wraps what a loop runs over, to show progress: track(items, total, what).
Track = Callable[[Iterable[Any], int, str], Iterable[Any]]

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^[.\s]|[.\s]$')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # on Windows


def check_name(name: str, what: str) -> None:
    """Raise ValueError unless `name` can be a file name on Linux, Windows and macOS.

    what : what it names, for the message.
    """
    if not name or _FORBIDDEN.search(name) or _RESERVED.match(name):
        raise ValueError(
            f"{what} is {name!r}: it becomes a file name, so use letters, digits, '-' and '_'; "
            'not < > : " / \\ | ? *, and no dot or space at either end.'
        )


def natural_key(name: str) -> tuple[Any, ...]:
    """Sort key that puts f2 before f10, the same on every system."""
    return numeric_key(Path(name)), name


def first_few(items: Sequence[object], most: int = 3) -> str:
    """The first items in words: ``a, b, c, ...``."""
    return ", ".join(map(str, items[:most])) + (", ..." if len(items) > most else "")


def silent(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """The `Track` that shows nothing."""
    return items
