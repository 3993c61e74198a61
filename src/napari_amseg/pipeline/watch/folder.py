"""Watch a folder: stacks are segmented and measured as they are written."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from napari_amseg.io import OutputFiles
from napari_amseg.models import Bundle
from napari_amseg.pipeline.files import result_names
from napari_amseg.pipeline.watch.events import (
    Remark,
    StackFailed,
    Waiting,
    WatchEvent,
    WatchRequest,
)
from napari_amseg.pipeline.watch.known import name_owners
from napari_amseg.pipeline.watch.leftovers import Leftovers
from napari_amseg.pipeline.watch.scan import FolderScan, Source
from napari_amseg.pipeline.watch.stack import WatchedStack
from napari_amseg.preprocess import FlatField
from napari_amseg.segment import Engine, kept_engine
from napari_amseg.types import Experiment

_SLICE_S = 0.1  # of a wait, between two questions whether to stop
_LONGEST_WAIT_S = 10.0
_SCANS_A_WAIT = 3  # a folder that takes long to look into is looked into less often


def watch(
    request: WatchRequest,
    bundle: Bundle,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[WatchEvent]:
    """Segment and measure every stack in a folder, those that are there and those that come.

    The results of a stack that is complete are those of ``segment_to_files``, byte for byte. One
    that grows is measured as it does (:mod:`.live`), and done again at its end. A stack that fails
    stops no other; it is tried again when it changes.

    Parameters
    ----------
    clock, sleep : the time, in s. stopped : asked often; the watch ends soon after it gives True.

    Yields
    ------
    WatchEvent. Closing the generator drops the stack at hand; no half-written file is left.

    Raises
    ------
    ValueError, OSError, ImportError
        Before any work: if a pixel size, frame rate or scan speed is none, there is no such folder,
        the results would go into it itself, they cannot be written, or the engine is not installed.
    """
    _check(request)
    watcher = _Watcher(request, bundle, engine_of(request, bundle), clock)
    with closing(watcher):
        idle_since = clock()
        while not stopped():
            begin, busy = clock(), False
            with closing(watcher.round()) as events:
                for event in events:
                    yield event
                    busy = busy or not isinstance(event, Remark | StackFailed)
                    if stopped():
                        return
            if busy:
                idle_since = clock()
                continue
            yield Waiting(watcher.unfinished)
            if watcher.unfinished:
                idle_since = clock()
            elif request.until_idle_s is not None and clock() - idle_since >= request.until_idle_s:
                return
            scan_s = clock() - begin
            wait_s = min(max(request.watch.poll, _SCANS_A_WAIT * scan_s), _LONGEST_WAIT_S)
            _wait(wait_s, clock, sleep, stopped)


def engine_of(request: WatchRequest, bundle: Bundle) -> Engine:
    """The one engine for all stacks, the same that finishing them takes."""
    return kept_engine(bundle, request.segment, confidence=request.maps.confidence)


def _check(request: WatchRequest) -> None:
    """Raise what would go wrong later, now."""
    Experiment().updated(**request.known())
    folder, out = request.folder.resolve(), request.out.resolve()
    if not folder.is_dir():
        what = "is a file: give the folder it lies in" if folder.exists() else "there is no folder"
        raise FileNotFoundError(f"{request.folder}: {what}.")
    if folder == out:
        raise ValueError(
            f"{request.out}: results cannot go into the watched folder itself; choose "
            "another, for example a new folder in it."
        )
    with OutputFiles(request.out):  # makes the folder, and tries to write
        pass


def _wait(
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    stopped: Callable[[], bool],
) -> None:
    end = clock() + seconds
    while (left := end - clock()) > 0 and not stopped():
        sleep(min(left, _SLICE_S))


class _Watcher:
    """Every stack of the folder and how far it is."""

    def __init__(
        self, request: WatchRequest, bundle: Bundle, engine: Engine, clock: Callable[[], float]
    ) -> None:
        self._request, self._bundle, self._engine, self._clock = request, bundle, engine, clock
        self._scan = FolderScan(request.folder, _not_stacks(request))
        self._stacks: dict[str, WatchedStack] = {}
        self._leftovers = Leftovers(request.out)
        self._refused: dict[str, str] = {}  # key of a stack and that of the one whose name it has
        self._lost = ""
        self._labels: set[str] = set()  # that were spoken of

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Stems of stacks that are still being written, or not done."""
        return tuple(s.source.stem for s in self._stacks.values() if s.is_open)

    def round(self) -> Generator[WatchEvent]:
        """One look: what has grown is followed, then one complete stack is done."""
        yield from self._look()
        now = self._clock()
        stacks = list(self._stacks.values())
        for stack in stacks:
            if stack.asks(now) and (not stack.has_settled(now) or self._is_as_seen(stack)):
                yield from stack.know(now)
        for stack in stacks:
            yield from stack.follow()
        for stack in stacks:
            if stack.is_complete(now) and self._is_as_seen(stack):
                confidence = self._request.maps.confidence
                stem = stack.source.stem
                names = (*result_names(stem, confidence=confidence), f"{stem}_live.csv")
                self._leftovers.remove(names)
                yield from stack.finish(self._clock)
                return

    def _is_as_seen(self, stack: WatchedStack) -> bool:
        """Whether all files are as they were seen; a look asks for some of them only."""
        if stack.source.unchanged():
            return True
        self._scan.forget(stack.source)
        return False

    def _look(self) -> Generator[WatchEvent]:
        try:
            sources = self._scan.look()
        except OSError as error:  # a network drive that is away for a while
            if not self._lost:
                self._lost = f"{self._request.folder}: cannot be read ({error}); trying again."
                yield Remark("", self._lost)
            return
        if self._lost:
            self._lost = ""
            yield Remark("", f"{self._request.folder}: can be read again.")
        yield from self._left_out()
        now = self._clock()
        for key in self._stacks.keys() - {source.key for source in sources}:
            self._stacks.pop(key).close()
        owners = name_owners(sources, self._stacks.keys(), self._request.out)
        for source in sources:
            owner = owners[source.stem]
            if owner is not source:
                yield from self._refuse(source, owner)
                continue
            self._refused.pop(source.key, None)
            if source.key in self._stacks:
                self._stacks[source.key].update(source, now)
            else:
                self._stacks[source.key] = self._new(source, now)

    def _left_out(self) -> Generator[WatchEvent]:
        """Name what is left out as labels, each once."""
        new = sorted(self._scan.labels - self._labels)
        if new:
            self._labels.update(new)
            yield Remark(
                "",
                f"{', '.join(new)}: left out, as labels by name. Rename what is an X-ray stack.",
            )

    def _new(self, source: Source, now: float) -> WatchedStack:
        return WatchedStack(self._request, self._bundle, self._engine, source, now)

    def _refuse(self, source: Source, owner: Source) -> Generator[WatchEvent]:
        """Two stacks cannot have results of one name; said once."""
        if source.key in self._stacks:  # its name has changed
            self._stacks.pop(source.key).close()
        if self._refused.get(source.key) != owner.key:
            self._refused[source.key] = owner.key
            reason = (
                f"its results would be called {source.stem!r}, as those of {owner.name}: rename "
                "one of the two, or watch their folders one by one."
            )
            yield StackFailed(source.name, source.name, reason)

    def close(self) -> None:
        """Close what is open."""
        for stack in self._stacks.values():
            stack.close()


def _not_stacks(request: WatchRequest) -> set[Path]:
    """The output folder, and the flats and darks of the chain."""
    skip = {request.out.resolve()}
    for step in request.chain.steps:
        if isinstance(step, FlatField):
            skip |= {Path(p).resolve() for p in (step.flat, step.dark, step.flat_after) if p}
    return skip
