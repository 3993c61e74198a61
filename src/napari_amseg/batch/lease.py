"""One campaign a folder of results: a file says who works there, and that he is still alive.

Tasks look for the file too: without it they stop, also those of a campaign that was killed and has
left workers behind on a cluster that goes on.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_amseg.io.records import parse_json

_NAME = ".amseg-batch-running-"
_SECONDS_BETWEEN_BEATS = 15.0
SECONDS_TO_DEATH = 300.0  # without a beat: a machine or a file system may be slow


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write into a folder. file : there while it holds. token : of this campaign."""

    file: Path
    token: str

    def require(self) -> None:
        """Raise OSError if another campaign has taken the folder over."""
        if not self.file.exists():
            raise OSError(
                f"{self.file.parent}: another campaign has taken this folder over, because this "
                "one gave no sign of life for minutes; it stops here."
            )


@contextmanager
def leased(out: Path) -> Iterator[Lease]:
    """Have `out`, which exists, for oneself; leases of the dead are removed.

    Raises
    ------
    OSError
        If another campaign runs there.
    """
    token = uuid.uuid4().hex[:8]
    lease = Lease(out / f"{_NAME}{token}", token)
    done = threading.Event()
    beating = threading.Thread(target=_beat, args=(lease.file, done), daemon=True)
    try:
        # Its own file first, then a look at others: of two that start at once, none overlooks the
        # other. Ages are told by the clock of the file system, which machines share.
        lease.file.write_text(json.dumps(myself()), encoding="utf-8")
        now = lease.file.stat().st_mtime
        for other in out.glob(f"{_NAME}*"):
            if other != lease.file:
                _remove_if_dead(other, now)
        beating.start()
        yield lease
    finally:
        done.set()
        lease.file.unlink(missing_ok=True)


def myself() -> dict[str, Any]:
    """What :func:`is_dead` takes, of the process at hand."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def _started(pid: int) -> float | None:
    """When a process of this machine was started; None if it is gone."""
    from napari_amseg.batch.cluster import cluster_package

    psutil = cluster_package("psutil")  # a process number alone may be another one's by now
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _remove_if_dead(lease: Path, now: float) -> None:
    try:
        age = now - lease.stat().st_mtime
        text = lease.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    try:
        owner = parse_json(text)
        host, pid, dead = owner["host"], int(owner["pid"]), is_dead(owner)
    except (ValueError, LookupError, TypeError):
        host, pid, dead = "an unknown machine", 0, False
    if age > SECONDS_TO_DEATH or dead:
        lease.unlink(missing_ok=True)
        return
    raise OSError(
        f"{lease.parent}: another amseg batch works in this folder (process {pid} on {host}). Wait "
        "for it, stop it, or choose another folder with -o."
    )


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether a process is gone for sure: of one on another machine that is not known.

    Raises
    ------
    ValueError, LookupError, TypeError
        If `owner` is not of :func:`myself`.
    """
    if owner["host"] != socket.gethostname():
        return False
    now, then = _started(int(owner["pid"])), owner["started"]
    return now is None or then is None or abs(now - then) >= 1


def _beat(lease: Path, done: threading.Event) -> None:
    """Touch the lease now and then; it is never made anew."""
    while not done.wait(_SECONDS_BETWEEN_BEATS):
        try:
            os.utime(lease)  # to the clock of the file system, as above
        except FileNotFoundError:
            return  # another campaign took the folder over
        except OSError:
            continue  # a shared file system that is away for a moment
