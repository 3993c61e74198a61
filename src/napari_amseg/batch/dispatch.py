"""Tasks go to the cluster, first those of the first stacks; results come back as events.

There are as many tasks on the way as workers, so that a worker that dies accuses the task it died
of and no other, and stacks are finished one after the other, not all at the end. What Dask itself
does: place tasks, notice that a worker is gone, give its task to another, and give up on a task
that ended too many of them.
"""

from __future__ import annotations

import errno
import heapq
import queue
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from napari_amseg.batch.assemble import Finished
from napari_amseg.batch.events import (
    CampaignEvent,
    ChunkDone,
    StackBegun,
    StackDone,
    StackFailed,
    WorkersGone,
)
from napari_amseg.batch.job import StackJob
from napari_amseg.batch.tasks import Begun, Failed, attempt, begin, compute, join

_SECONDS_BETWEEN_LOOKS = 0.25
_LOST = (OSError, TimeoutError, CancelledError)  # of calls to a scheduler that went away
_JOIN, _COMPUTE, _BEGIN = range(3)  # of a stack's tasks, the first to do comes first


@dataclass(order=True, frozen=True, slots=True)
class Task:
    """A task; sorted by stack, then by what finishes the stack soonest."""

    stack: int
    kind: int
    chunk: int = 0


@dataclass(slots=True)
class _Progress:
    """Where a stack is. left : chunks that are not finished."""

    begun: Begun | None = None
    left: set[int] = field(default_factory=set)


class Dispatcher:
    """Runs the tasks of all stacks on a cluster.

    Parameters
    ----------
    client : of the cluster. jobs : the stacks. token : makes the names of the tasks unique.
    """

    def __init__(self, client: Any, jobs: Sequence[StackJob], token: str) -> None:
        self._client, self._jobs, self._token = client, jobs, token
        self._address = client.scheduler.address
        self._waiting = [Task(i, _BEGIN) for i in range(len(jobs))]
        self._running: dict[Any, Task] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stacks = [_Progress() for _ in jobs]
        self._workers: list[str] = []
        self._looked = 0.0

    def run(self) -> Generator[CampaignEvent]:
        """Do all tasks. Closing the generator cancels those that run.

        Raises
        ------
        OSError
            If the disk is full or the scheduler is lost: it would be the same for every stack.
        """
        gone = False
        try:
            while self._waiting or self._running:
                self._submit()
                if not self._workers and not gone:
                    yield WorkersGone()
                gone = not self._workers
                try:
                    future = self._ended.get(timeout=_SECONDS_BETWEEN_LOOKS)
                except queue.Empty:
                    continue
                if future in self._running:  # not one of a stack that has failed since
                    yield from self._end(future, self._running.pop(future))
        finally:
            with suppress(*_LOST):
                self._client.cancel(list(self._running), force=True)

    def _submit(self) -> None:
        """Give each idle worker a task."""
        now = time.monotonic()
        if now - self._looked > _SECONDS_BETWEEN_LOOKS:
            self._workers, self._looked = list(self._ask(self._client.nthreads)), now
        # Dask places them on idle workers; a task tied to one would stay behind when that dies.
        while self._waiting and len(self._running) < len(self._workers):
            task = heapq.heappop(self._waiting)
            future = self._ask(
                self._client.submit, *self._call(task), key=self._name(task), pure=False
            )
            self._running[future] = task
            future.add_done_callback(self._ended.put)

    def _call(self, task: Task) -> tuple[Any, ...]:
        job, begun = self._jobs[task.stack], self._stacks[task.stack].begun
        if task.kind == _BEGIN:
            return attempt, begin, job
        if task.kind == _COMPUTE:
            return attempt, compute, job, begun, task.chunk
        return attempt, join, job, begun

    def _name(self, task: Task) -> str:
        what = ("join", f"chunk {task.chunk} of", "begin")[task.kind]
        return f"{what} {self._jobs[task.stack].name}-{self._token}"

    def _end(self, future: Any, task: Task) -> Generator[CampaignEvent]:
        """What an ended task leads to."""
        progress, name = self._stacks[task.stack], self._jobs[task.stack].name
        if future.status == "error":
            yield self._fail(task, _reason(task, progress.begun, self._ask(future.exception)))
            return
        if future.status != "finished":
            raise self._gone()
        result = self._ask(future.result)
        if isinstance(result, Failed):
            if result.errno == errno.ENOSPC:
                raise OSError(errno.ENOSPC, "no space left", self._jobs[task.stack].out)
            yield self._fail(task, result.reason)
            return
        if isinstance(result, Finished):
            yield StackDone(name, result)
            return
        if isinstance(result, Begun):
            progress.begun, progress.left = result, set(result.todo)
            for chunk in result.todo:
                heapq.heappush(self._waiting, Task(task.stack, _COMPUTE, chunk))
            n = result.fit.n_chunks
            yield StackBegun(name, n, n - len(result.todo), result.remarks)
        else:
            progress.left.discard(task.chunk)
            yield ChunkDone(name)
        if not progress.left:
            heapq.heappush(self._waiting, Task(task.stack, _JOIN))

    def _ask(self, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """What a call to the cluster gives."""
        try:
            return call(*given, **more)
        except _LOST:
            raise self._gone() from None

    def _gone(self) -> OSError:
        return OSError(
            f"scheduler {self._address} is gone. Finished chunks are kept: when it is there again, "
            "the same command goes on."
        )

    def _fail(self, task: Task, reason: str) -> StackFailed:
        """Drop the other tasks of a stack."""
        self._waiting = [other for other in self._waiting if other.stack != task.stack]
        heapq.heapify(self._waiting)
        others = [future for future, t in self._running.items() if t.stack == task.stack]
        for future in others:
            del self._running[future]
        self._ask(self._client.cancel, others, force=True)
        progress = self._stacks[task.stack]
        fit = progress.begun.fit if progress.begun is not None else None
        done = 0 if fit is None else fit.n_chunks - len(progress.left)
        return StackFailed(self._jobs[task.stack].name, reason, done)


def _reason(task: Task, begun: Begun | None, error: BaseException) -> str:
    """What an error of the cluster itself means."""
    if type(error).__name__ != "KilledWorker":
        return f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
    what = "opening it" if task.kind == _BEGIN else "putting its chunks together"
    if begun is not None and task.kind == _COMPUTE:
        frames = begun.fit.frames(task.chunk)
        what = f"computing frames {frames.start} to {frames.stop - 1}"
    return (
        f"{what} ended one worker after the other: out of memory, or a crash in a library. "
        "Try --chunk-frames or --batch-size smaller, or fewer --workers."
    )
