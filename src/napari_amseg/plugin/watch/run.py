"""One watch: its records as they come from the compute process, and what they add up to."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator
from typing import Any

from napari_amseg.pipeline.jobs import Answer, Doing, Failed, Finished, Started, WatchJob
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.pipeline.watch.events import (
    Remark,
    StackDone,
    StackFailed,
    StackFound,
    StackKnown,
    Waiting,
    WatchedFrame,
)
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.tasks import follow
from napari_amseg.words import counted

_BATCH_S = 0.1
_RATE_OVER_S = 3.0
_REMARKS = 4


def run_watch(
    job: WatchJob, process: ComputeProcess, cancel: threading.Event
) -> Generator[list[Answer]]:
    """Records of a watch, in lists at most every tenth of a second: the GUI draws no faster."""
    waiting: list[Answer] = []
    last = time.monotonic()
    try:
        for record in process.run(job, cancel):
            waiting.append(record)
            if not isinstance(record, WatchedFrame) or time.monotonic() - last > _BATCH_S:
                yield waiting
                waiting, last = [], time.monotonic()
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        waiting.append(Failed(str(error) or type(error).__name__))
    finally:
        process.close()  # it would keep its memory, on a GPU most of that
    yield waiting


class WatchRun:
    """Follows the compute process and keeps the rows of the stack at hand.

    Attributes
    ----------
    results : rows of the stack at hand, None before the first. picture : the newest frame with its
    labels, None once it was taken by :meth:`take_picture`. stacks : what became of each, by stem.
    """

    def __init__(self, job: WatchJob, process: ComputeProcess) -> None:
        self.job, self._process = job, process
        self.cancel = cancel_event()
        self.ended, self.error, self.device = False, "", ""
        self.results: Results | None = None
        self.newest: WatchedFrame | None = None
        self.stacks: dict[str, StackDone | StackKnown | StackFailed] = {}
        self.fresh = False
        self._remarks: deque[str] = deque(maxlen=_REMARKS)
        self._doing = "starting"
        self._waiting: Waiting | None = None
        self._picture: WatchedFrame | None = None
        self._times: deque[float] = deque()
        self._worker: Any = None

    def start(self) -> None:
        """Begin, in a thread that supervises the compute process."""
        self._worker = follow(
            run_watch, self.job, self._process, self.cancel, take=self._take, ended=self._on_end
        )

    @property
    def remark(self) -> str:
        """The last few remarks, one a line."""
        return "\n".join(self._remarks)

    def take_picture(self) -> WatchedFrame | None:
        """The newest frame that came with its pixels, once."""
        picture, self._picture = self._picture, None
        return picture

    def _take(self, records: list[Answer]) -> None:
        """Records came: keep them; drawing waits for a timer, which resets `fresh`."""
        for record in records:
            if isinstance(record, WatchedFrame):
                self._add(record)
            elif isinstance(record, StackFound):
                self._begin()
            elif isinstance(record, StackDone | StackKnown | StackFailed):
                self.stacks[record.stem] = record
            elif isinstance(record, Remark):
                text = f"{record.stem}: {record.text}" if record.stem else record.text
                self._remarks.append(text)
            elif isinstance(record, Started):
                self.device = record.device
            elif isinstance(record, Doing):
                self._doing = record.what
            elif isinstance(record, Failed):
                self.error = record.message
            self._waiting = record if isinstance(record, Waiting) else None
            self.fresh |= not isinstance(record, Waiting | Finished)

    def _begin(self) -> None:
        self.results, self.newest = None, None

    def _add(self, frame: WatchedFrame) -> None:
        newest = self.newest
        same = newest is not None and newest.stem == frame.stem and newest.frame < frame.frame
        if self.results is None or not same:
            self.results = Results(frame.n_frames, frame.experiment, self.job.request.measure)
        self.results.n_frames = max(self.results.n_frames, frame.n_frames)
        self.results.add(frame.frame, frame.row, frame.pores)
        self.newest = frame
        if frame.image is not None:
            self._picture = frame
        self._times.append(time.monotonic())

    def _on_end(self) -> None:
        self.ended, self.fresh = True, True

    def frames_a_second(self, now: float) -> float:
        """Frames that came lately."""
        while self._times and self._times[0] < now - _RATE_OVER_S:
            self._times.popleft()
        return len(self._times) / _RATE_OVER_S

    def text(self, now: float) -> str:
        """What goes on, in words."""
        if self.error:
            return self.error
        if self.ended:
            return f"Stopped: {self._counted()}."
        if not self.device:
            return f"{self._doing}…"
        if self._waiting is not None or self.newest is None:
            names = ", ".join(self._waiting.unfinished[:2]) if self._waiting is not None else ""
            return f"Waiting for {names} to be complete." if names else "Waiting for new stacks."
        rate = f"{self.frames_a_second(now):.0f} frames/s"
        return f"{self.newest.stem}: {self._far(self.newest)}, {rate}"

    def _far(self, frame: WatchedFrame) -> str:
        if not frame.provisional:
            return f"complete, frame {frame.frame + 1} of {frame.n_frames}"
        behind = frame.n_frames - frame.frame - 1
        lag = f"{counted(behind, 'frame')} behind the camera"
        return f"frame {frame.frame + 1}, {lag if behind else 'with the camera'}"

    def _counted(self) -> str:
        failed = sum(isinstance(s, StackFailed) for s in self.stacks.values())
        done = len(self.stacks) - failed
        return f"{counted(done, 'stack')} done" + (f", {failed} failed" if failed else "")
