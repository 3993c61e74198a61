"""One person saves into an experiment at a time: a small file says who does.

Made with O_EXCL and nothing else, because locks of the operating system do not hold on all network
folders. It is advice among users of this program; what others write is found by its hash.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_amseg.annotate.owner import Owner, utc_now, utc_stamp
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.io.records import parse_json

_LOOK_AGAIN_S = 0.2
_WRITTEN_AFTER_S = 60.0  # a lock that is unreadable for longer was cut off by a kill


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file says. owner : who saves; None if that cannot be read. since : UTC time."""

    text: str
    owner: Owner | None
    since: datetime

    @property
    def words(self) -> str:
        """Who, where, since when."""
        who = f"{self.owner.annotator} on {self.owner.host}" if self.owner else "somebody"
        return f"{who}, since {self.since.isoformat(timespec='seconds')}"

    def is_stale(self, settings: SafetySettings) -> bool:
        """Whether its process is dead, or it is older than a save can take."""
        age_s = (datetime.now(UTC) - self.since).total_seconds()
        if self.owner is None:
            return age_s > _WRITTEN_AFTER_S
        return self.owner.alive is False or age_s > settings.lock_stale_h * 3600


@contextmanager
def locked(
    path: Path, owner: Owner, settings: SafetySettings, tell: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock file at `path`; wait while another does, break one that was left over.

    tell : told in words when a left-over is broken.

    Raises
    ------
    BlockingIOError
        If another still holds it after `settings.lock_wait_s`; says who.
    OSError
        If the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**owner.to_json(), "time": utc_now(), "token": utc_stamp()}, indent=2)
    give_up = time.monotonic() + settings.lock_wait_s
    while not _made(path, text):
        held = read_lock(path)
        if held is None:
            continue  # given back meanwhile
        if held.is_stale(settings):
            _break(path, held)
            tell(f"{path.name}: a lock left by {held.words}, was removed")
        elif time.monotonic() >= give_up:
            raise BlockingIOError(
                f"{path}: {held.words}, saves into this experiment. Try again in a moment; if "
                "nobody does, delete this file."
            )
        else:
            time.sleep(_LOOK_AGAIN_S)
    try:
        yield
    finally:
        if (held := read_lock(path)) is not None and held.text == text:
            path.unlink(missing_ok=True)


def read_lock(path: Path) -> Lock | None:
    """What a lock file says; None if there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    try:
        record = parse_json(text)
        since = datetime.fromisoformat(record["time"]).astimezone(UTC)
        return Lock(text, Owner.from_json(record), since)
    except (ValueError, KeyError, TypeError):
        return Lock(text, None, since)  # being written just now, or damaged


def _made(path: Path, text: str) -> bool:
    """Make the file, unless it is there."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with open(file, "w", encoding="utf-8") as writer:
        writer.write(text)
    return True


def _break(path: Path, stale: Lock) -> None:
    """Remove a stale lock; if another process did and made its own, that one stays."""
    aside = path.with_name(f".{path.name}.{utc_stamp()}-{os.getpid()}.part")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if aside.read_text(encoding="utf-8", errors="replace") != stale.text:
        aside.replace(path)
    else:
        aside.unlink()
