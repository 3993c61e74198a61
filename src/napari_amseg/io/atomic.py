"""Files that appear whole or not at all: written beside their final name, then renamed."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any


def part_path(final: Path, token: str | None = None) -> Path:
    """The hidden name beside `final` under which it is written first; a new one without `token`."""
    return final.with_name(f".{final.name}.{token or uuid.uuid4().hex[:8]}.part")


def require_folder(folder: Path) -> None:
    """Raise NotADirectoryError if a file is in the place of the folder or of one above."""
    there = next((p for p in (folder, *folder.parents) if p.exists() or p.is_symlink()), None)
    if there is not None and not there.is_dir():
        raise NotADirectoryError(f"{there}: is a file; choose a folder for the results.")


class OutputFiles:
    """A set of output files that appear together when the block ends well, or never.

    Use as a context manager. :meth:`path` hands out a hidden name beside the final one; on a
    clean exit every file is flushed and renamed in turn, on an error or a cancel all are removed.

    Attributes
    ----------
    token : in the hidden names of this set, and of no other.

    Raises
    ------
    OSError
        If the folder cannot be made or written to; raised on entry, before any work.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._pending: dict[Path, Path] = {}
        self.token = uuid.uuid4().hex[:8]
        self._made: list[Path] = []

    def __enter__(self) -> OutputFiles:
        require_folder(self.folder)
        missing = [p for p in (self.folder, *self.folder.parents) if not p.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._made = missing
        probe = self.path(".probe")
        try:
            probe.write_bytes(b"")
        except OSError:
            self._discard()
            raise
        probe.unlink()
        del self._pending[self.folder / ".probe"]
        return self

    def path(self, name: str) -> Path:
        """The temporary path under which to write what will be called `name`; checked first."""
        self.check([name])
        final = self.folder / name
        return self._pending.setdefault(final, part_path(final, self.token))

    def check(self, names: Iterable[str]) -> None:
        """Raise OSError if one of these files cannot be replaced: now, not hours later."""
        for name in names:
            final = self.folder / name
            if final.is_dir():
                raise IsADirectoryError(f"{final}: is a folder; move it or choose another place.")
            if final.exists():
                os.rename(final, final)  # Windows refuses while another program has it open

    @property
    def finals(self) -> list[Path]:
        """The final paths, in the order they were asked for."""
        return list(self._pending)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            for part in self._pending.values():
                flush(part)
            self._rename()
        except BaseException:
            self._discard()
            raise

    def _rename(self) -> None:
        """Give every file its final name; an interruption waits until all have theirs."""
        interrupted: KeyboardInterrupt | None = None
        for final, part in self._pending.items():
            while part.exists():
                try:
                    part.replace(final)
                except KeyboardInterrupt as interruption:
                    interrupted = interruption
        if interrupted is not None:
            raise interrupted

    def _discard(self) -> None:
        for part in self._pending.values():
            part.unlink(missing_ok=True)
        for folder in self._made:  # only folders we made, and only if still empty
            try:
                folder.rmdir()
            except OSError:
                break


def flush(path: Path) -> None:
    """Make sure the bytes are on the disk: a full disk must show before the rename."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def write_json(path: str | os.PathLike[str], record: Any) -> None:
    """Write a JSON record, readable by people; NaN is refused."""
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    Path(path).write_text(text, encoding="utf-8")
