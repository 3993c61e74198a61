"""Who works on something: a person, and the process in which they do."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

_SAME_START_S = 2.0  # process start times are rounded differently from one call to the next


@dataclass(frozen=True, slots=True)
class Owner:
    """A process and the person at it.

    annotator : the person. host, pid : computer and number of the process; no number once it has
    let go of the work. started_s : when the process began, seconds since 1970; None if unknown. It
    tells a living process from another one that was given the same number later.
    """

    annotator: str
    host: str
    pid: int | None
    started_s: float | None = None

    @classmethod
    def here(cls, annotator: str = "") -> Owner:
        """The owner that this process is; the person is the user of the system unless named."""
        pid = os.getpid()
        return cls(annotator or user_name(), socket.gethostname(), pid, _started_s(pid))

    @property
    def is_here(self) -> bool:
        """Whether it is this very process."""
        return self.host == socket.gethostname() and self.pid == os.getpid() and self.alive is True

    @property
    def alive(self) -> bool | None:
        """Whether it still works; None if that cannot be known, as on another computer."""
        if self.pid is None:
            return False
        if self.host != socket.gethostname():
            return None
        exists = _exists(self.pid)
        started_s = _started_s(self.pid)
        if exists and started_s is not None and self.started_s is not None:
            return abs(started_s - self.started_s) < _SAME_START_S
        return exists

    def to_json(self) -> dict[str, Any]:
        """Plain record."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Owner:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        pid, started_s = record["pid"], record["started_s"]
        return cls(
            str(record["annotator"]),
            str(record["host"]),
            None if pid is None else int(pid),
            None if started_s is None else float(started_s),
        )


def user_name() -> str:
    """Name of the user of this system, or "unknown"."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a user
        return "unknown"


def utc_now() -> str:
    """The time as it is written to records: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def local_time(stamp: str) -> str:
    """A time of a record on the clock of this place, to the minute; what is no time stays."""
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return stamp


def utc_stamp() -> str:
    """The time as part of a file name: ``20240311T094500123456Z``, in order as text."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _exists(pid: int) -> bool | None:
    try:
        import psutil
    except ImportError:
        return _exists_posix(pid)
    try:
        # a process that was killed and not yet waited for is a zombie: it works on nothing
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return None


def _exists_posix(pid: int) -> bool | None:
    if os.name != "posix":
        return None  # elsewhere os.kill ends the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # there, but not ours
    return True


def _started_s(pid: int) -> float | None:
    try:
        import psutil
    except ImportError:
        return None
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
