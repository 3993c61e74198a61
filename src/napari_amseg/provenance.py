"""What made a result: hashes, versions, times. Enough to make it again."""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any

_RECORDED = ("napari-amseg", "numpy", "scipy", "scikit-image", "scikit-learn",
             "laptrack", "tifffile", "keras", "tensorflow",
             "torch", "jax", "openvino")  # fmt: skip

_SETTLED_S = 3.0  # beyond the steps in which any file system counts time
_MOST_HASHES = 1000
_known_hashes: dict[tuple[str, int, int, int], str] = {}


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: str | Path) -> str:
    """As :func:`sha256`, read again only where size or time of the file have changed since.

    A file changed within the last seconds is read every time: another change might not show in
    its time.
    """
    before = os.stat(path)
    key = (os.path.realpath(path), before.st_size, before.st_mtime_ns, before.st_ctime_ns)
    known = _known_hashes.get(key)
    if known is not None:
        return known
    found, after = sha256(path), os.stat(path)
    is_same = (after.st_size, after.st_mtime_ns, after.st_ctime_ns) == key[1:]
    if is_same and time.time() - max(after.st_mtime, after.st_ctime) > _SETTLED_S:
        while len(_known_hashes) >= _MOST_HASHES:
            _known_hashes.pop(next(iter(_known_hashes)), None)
        _known_hashes[key] = found
    return found


class InputHashes:
    """Name and SHA-256 of input files, computed in the background while the work runs.

    A context manager; leaving it stops the hashing, so that a cancel never waits for it.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self._paths = [Path(p) for p in paths]
        self._found: list[dict[str, str]] = []
        self._error: OSError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> InputHashes:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def records(self) -> list[dict[str, str]]:
        """``{"name", "sha256"}`` of every file, in order; waits for the last one."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def _run(self) -> None:
        try:
            for path in self._paths:
                digest = hashlib.sha256()
                with open(path, "rb") as file:
                    while piece := file.read(2**20):
                        if self._stop.is_set():
                            return
                        digest.update(piece)
                self._found.append({"name": path.name, "sha256": digest.hexdigest()})
        except OSError as error:
            self._error = error


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that can change a number."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class StageClock:
    """Seconds spent in each named stage of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def to_json(self) -> dict[str, float]:
        """Seconds by stage, to the millisecond."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


def run_record(
    *,
    inputs: list[dict[str, str]],
    settings: Mapping[str, Any],
    chain: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    engine: Mapping[str, Any] | None = None,
    clock: StageClock | None = None,
    notes: Iterable[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """The content of ``<stem>_run.json``."""
    return {
        "format_version": 1,
        "inputs": inputs,
        "settings": dict(settings),
        "preprocessing": chain,
        "model": model,
        "engine": engine,
        "versions": versions(),
        "seconds": clock.to_json() if clock else {},
        "notes": list(notes),
        **more,
    }
