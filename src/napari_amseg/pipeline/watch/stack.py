"""One stack of a watched folder, from its first bytes to its results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace

from napari_amseg.io import read_stack
from napari_amseg.io.growing import OverwrittenError
from napari_amseg.models import Bundle
from napari_amseg.pipeline.earlier_results import protect_earlier_results
from napari_amseg.pipeline.run import RunRequest, written_frames
from napari_amseg.pipeline.watch.events import (
    FrameMeasured,
    Remark,
    StackDone,
    StackFailed,
    StackFound,
    WatchEvent,
    WatchRequest,
)
from napari_amseg.pipeline.watch.known import known_results
from napari_amseg.pipeline.watch.live import Follower, LateImagesError, LiveTable, measured
from napari_amseg.pipeline.watch.scan import Source
from napari_amseg.segment import Engine

_REMEDY = "Choose another folder for the results, or move that file away."


class WatchedStack:
    """How far a stack is: growing, complete, done, or failed as it is on disk now.

    source : as it was seen last. now : the time, in s.
    """

    def __init__(
        self, request: WatchRequest, bundle: Bundle, engine: Engine, source: Source, now: float
    ) -> None:
        self.source = source
        self._request, self._bundle, self._engine = request, bundle, engine
        self._changed_at = now
        self._follows = False  # was seen to change, and can be measured meanwhile
        self._said: set[str] = set()  # remarks, each made once
        self._ended = False  # done, known or failed, as it is now
        self._asked: set[bool] = set()  # whether it has results: before, and after it has settled
        self._follower: Follower | None = None
        self._live: LiveTable | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something to do, now or when it has settled."""
        return not self._ended

    def update(self, source: Source, now: float) -> None:
        """Take in how its files are now."""
        if source.seen == self.source.seen:
            self.source = source
            return
        anew = source.state()["bytes"] < self.source.state()["bytes"]
        if anew or self._ended:
            self._forget()
        if anew or self._ended or self._follower is None:
            self._follows = True
        self.source, self._changed_at = source, now
        self._ended, self._asked = False, set()

    def is_complete(self, now: float) -> bool:
        """Whether it has settled and is not done."""
        return self.is_open and self.has_settled(now)

    def has_settled(self, now: float) -> bool:
        """Whether its files have not changed for long enough."""
        return now - self._changed_at >= self._request.watch.settle

    def asks(self, now: float) -> bool:
        """Whether :meth:`know` would look for its results."""
        return not self._ended and self.has_settled(now) not in self._asked

    def know(self, now: float) -> Generator[WatchEvent]:
        """See whether it has its results from an earlier run."""
        settled = self.has_settled(now)
        if not self.asks(now):
            return
        self._asked.add(settled)
        found = known_results(self._request, self._bundle, self.source, settled=settled)
        if found is not None:
            self._ended = True
            yield found

    def follow(self) -> Generator[WatchEvent]:
        """Measure what has become whole, while it grows."""
        if self._ended or not self._follows:
            return
        if self._follower is None:
            self._follower = Follower(self._request, self._bundle, self._engine)
        limits = f"first {self._request.watch.first_frames}"
        try:
            with closing(self._follower.results(self.source)) as results:
                for result in results:
                    if self._live is None:
                        yield StackFound(self.source.stem, self.source.name, growing=True)
                    yield from self._add_live(result, limits)
                    yield result
        except OverwrittenError:
            self._forget()
            yield Remark(self.source.stem, "another stack was written over it: it is begun anew")
        except (ValueError, OSError) as error:
            self._follows = False
            if isinstance(error, LateImagesError):
                self._drop_live()
            yield Remark(
                self.source.stem, f"is not followed while it grows, only at its end: {error}"
            )

    def finish(self, clock: Callable[[], float]) -> Generator[WatchEvent]:
        """Do all of it, as ``amseg segment`` does."""
        source, begin = self.source, clock()
        self._ended = True  # whatever comes of it, until it changes
        yield StackFound(source.stem, source.name, growing=False)
        try:
            done = yield from self._results(begin, clock)
        except Exception as error:  # a bug, too, stops no other stack
            expected = isinstance(error, ValueError | OSError)
            reason = str(error) if expected else f"{type(error).__name__}: {error}"
            reason += self._kept_live()
            self._forget()
            yield StackFailed(source.stem, source.name, reason)
            return
        if done is None:
            self._ended, self._changed_at = False, clock()
            self._forget()
            yield Remark(source.stem, "changed while it was segmented: it is not complete yet")
            return
        if self._live is not None:
            self._live.remove()
            self._live = None
        self._forget()
        yield done

    def _results(
        self, begin: float, clock: Callable[[], float]
    ) -> Generator[WatchEvent, None, StackDone | None]:
        """The frames; at their end what was done, or None if the files have changed meanwhile."""
        source, out = self.source, self._request.out
        with read_stack(source.files) as opened:
            stack = replace(opened, experiment=opened.experiment.updated(**self._request.known()))
            request = RunRequest(
                stack=stack,
                folder=out,
                stem=source.stem,
                chain=self._request.chain,
                segment=self._request.segment,
                maps=self._request.maps,
                post=self._request.post,
                measure=self._request.measure,
            )
            yield from self._remarks(stack.notes)
            protect_earlier_results(request, remedy=_REMEDY)
            frames = written_frames(
                replace(request, overwrite=True), self._bundle, more={"watched": source.state()}
            )
            with closing(frames):
                for _ in range(len(stack)):
                    event = measured(source.stem, next(frames), stack, provisional=False)
                    yield from self._add_live(event, "all")
                    yield event
                if not source.unchanged():
                    return None
                try:
                    next(frames)
                except StopIteration as end:
                    record = end.value
            yield from self._remarks(record["notes"])
            return StackDone(source.stem, len(stack), clock() - begin, record, stack.files)

    def _add_live(self, event: FrameMeasured, limits: str) -> Generator[WatchEvent]:
        """Write the live row of a frame; the first begins the table."""
        if self._live is None:
            stem = self.source.stem
            self._live = LiveTable(self._request.out, stem)
            name = self._live.path.name
            if name != f"{stem}_live.csv":
                yield from self._remarks([f"{stem}_live.csv is no live table: rows go to {name}"])
        self._live.append(event, limits)

    def _remarks(self, notes: Iterable[str]) -> Generator[WatchEvent]:
        for note in notes:
            if note not in self._said:
                self._said.add(note)
                yield Remark(self.source.stem, note)

    def _kept_live(self) -> str:
        """Keep the live table of a stack that grew, now or before; says where it is."""
        live = self._live
        if live is None or (self._follower is None and not live.replaces):
            return ""
        self.close()
        return f" Its live rows are kept in {live.path}."

    def _forget(self) -> None:
        """Follow it from its beginning, if it grows again."""
        self._follower = None
        self._drop_live()

    def _drop_live(self) -> None:
        if self._live is not None:
            self._live.discard()
            self._live = None

    def close(self) -> None:
        """Close its live table; it stays."""
        if self._live is not None:
            self._live.close()
            self._live = None
