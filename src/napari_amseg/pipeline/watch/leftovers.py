"""Hidden files that an earlier run left half-written when it was killed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from napari_amseg.pipeline.watch.seen import Seen, seen

_PART = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.part")


class Leftovers:
    """The half-written files that lay in a folder when the watch began.

    folder : of the results.
    """

    def __init__(self, folder: Path) -> None:
        self._parts: dict[str, list[Seen]] = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                match = _PART.fullmatch(entry.name)
                if match is not None:
                    with suppress(FileNotFoundError):
                        self._parts.setdefault(match["name"], []).append(seen(Path(entry.path)))

    def remove(self, names: Iterable[str]) -> None:
        """Delete those that were to become one of `names`, unless somebody has written on since."""
        for name in names:
            for part in self._parts.pop(name, ()):
                path = Path(part[0])
                with suppress(OSError):  # gone, or open elsewhere: it does no harm
                    if seen(path) == part:
                        path.unlink()
