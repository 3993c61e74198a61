"""Whether files may be others than they were, told without reading them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CLOCK_S = 2.0  # file systems round times, up to this


def size_and_time(files: Iterable[str]) -> tuple[int, float]:
    """Bytes in all files together, and when one was written last, in seconds since 1970.

    0 and 0 where there are no files, or they cannot be asked.
    """
    try:
        found = [Path(file).stat() for file in files]
    except OSError:
        return 0, 0.0
    newest = max((stat.st_mtime for stat in found), default=0.0)
    return sum(stat.st_size for stat in found), newest


def look_touched(files: Iterable[str], size_bytes: int, modified_s: float) -> bool:
    """Whether files have another size or time than :func:`size_and_time` said then."""
    if not size_bytes:
        return False
    size, modified = size_and_time(files)
    return size != size_bytes or abs(modified - modified_s) > _CLOCK_S
