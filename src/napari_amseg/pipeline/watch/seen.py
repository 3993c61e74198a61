"""Size and time of the images in a folder, asked of the disk as rarely as is safe.

A camera that writes numbered images leaves thousands of files that never change again, and on a
network drive each question takes a while. So a look asks for new ones, for those that are not
known to be whole images, for the last that came, and for some of the others in turn: any change is
seen some looks later. Before a stack counts as complete all its files are asked for anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

Seen = tuple[str, int, int]  # path, bytes, time of the last change in ns
_LATEST = 16
_IN_TURN = 64


class FolderImages:
    """What is known of the images of one folder, without its sub-folders."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}  # the last that changed at its end
        self._turn = 0

    def look(self, paths: Iterable[str], is_whole_image: Callable[[str], bool]) -> bool:
        """Take in which files there are now; returns whether anything has changed.

        is_whole_image : of a known path, whether it is an image that is likely to stay as it is.
        """
        there = set(paths)
        gone = self._seen.keys() - there
        for path in gone:
            del self._seen[path]
        changed = bool(gone)
        for path in self._to_ask(there, is_whole_image):
            with suppress(FileNotFoundError):  # went while we looked
                now = seen(Path(path))
                if self._seen.get(path) != now:
                    self._seen.pop(path, None)
                    self._seen[path] = now
                    changed = True
        return changed

    def _to_ask(self, there: set[str], is_whole_image: Callable[[str], bool]) -> list[str]:
        known = list(self._seen)
        new = sorted(there - self._seen.keys())
        self._turn = self._turn % max(len(known), 1)
        ask = set(islice(known, self._turn, self._turn + _IN_TURN)) | set(known[-_LATEST:])
        self._turn += _IN_TURN
        return new + [p for p in known if p in ask or not is_whole_image(p)]

    def all(self) -> list[Seen]:
        """Every image, in the order of their names."""
        return [self._seen[path] for path in sorted(self._seen)]


def seen(path: Path) -> Seen:
    """A file as it is now. Raises OSError if it cannot be asked."""
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns
