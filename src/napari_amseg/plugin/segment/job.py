"""What the *Segment* widget runs in its thread: from an image layer's source to records."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure import MeasureSettings
from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import (
    Answer,
    Doing,
    Failed,
    Finished,
    FrameDone,
    SegmentJob,
    Started,
)
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.layers import ImageSource
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.segment import PostSettings, SegmentSettings
from napari_amseg.types import Stack

_BATCH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Copied:
    """So many frames of a stack in memory are in the file from which the other process reads."""

    n_frames: int


@dataclass(frozen=True)
class LayerJob:
    """A click on *Segment*.

    source : what to segment. order : the frames to do, the one looked at first. labels,
    labels_path : the shared uint8 array (T, Y, X) and its file. confidence, confidence_path : the
    same for that map, or None.
    """

    source: ImageSource
    bundle: Bundle
    order: tuple[int, ...]
    labels: NDArray[np.uint8]
    labels_path: Path
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    post: PostSettings = field(default_factory=PostSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    confidence: NDArray[np.uint8] | None = None
    confidence_path: Path | None = None


Record = Answer | Copied


def frame_order(n_frames: int, first: int) -> tuple[int, ...]:
    """The frame looked at, those after it, then those before it."""
    return (*range(first, n_frames), *range(first))


def run_layer_job(
    job: LayerJob, process: ComputeProcess, cancel: threading.Event
) -> Generator[list[Record]]:
    """Records of a job, in lists at most every tenth of a second: the GUI draws no faster."""
    yield from batched(_records(job, process, cancel))


def _records(job: LayerJob, process: ComputeProcess, cancel: threading.Event) -> Generator[Record]:
    stack, copy = job.source.stack, None
    try:
        if not stack.files:
            path, copy = scratch_array(stack.shape, stack.dtype, what="frames in memory")
            for record in _copied(stack, copy, cancel):
                yield record
                if isinstance(record, Finished):
                    return
        request = SegmentJob(
            files=stack.address,
            array=None if stack.files else str(path),
            experiment=stack.experiment,
            chain=job.source.chain.to_json(),
            bundle=str(job.bundle.folder),
            order=job.order,
            out=str(job.labels_path),
            confidence=None if job.confidence_path is None else str(job.confidence_path),
            settings=job.settings,
            post=job.post,
            measure=job.measure,
        )
        yield from process.run(request, cancel)
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield Failed(str(error) or type(error).__name__)
    finally:
        del copy


def _copied(
    stack: Stack, copy: NDArray[Any], cancel: threading.Event
) -> Generator[Copied | Finished]:
    for t in range(len(stack)):
        if cancel.is_set():
            yield Finished(cancelled=True)
            return
        copy[t] = stack.read(t)
        yield Copied(t + 1)


def batched(records: Iterable[Record]) -> Generator[list[Record]]:
    """Records in lists; the first frame and whatever ends or starts a job does not wait."""
    waiting: list[Record] = []
    last, first_frame = time.monotonic(), True
    for record in records:
        waiting.append(record)
        urgent = not isinstance(record, FrameDone | Copied)
        if isinstance(record, FrameDone) and first_frame:
            urgent, first_frame = True, False
        if urgent or time.monotonic() - last > _BATCH_SECONDS:
            yield waiting
            waiting, last = [], time.monotonic()
    if waiting:
        yield waiting


@dataclass
class Progress:
    """Counts the frames of a job and tells in words how far it is."""

    n_frames: int
    done: int = 0
    copied: int = 0
    device: str = ""
    doing: str = "starting"
    _since: float | None = None

    def count(self, records: Iterable[Record], now: float) -> None:
        """Take in records that arrived at `now` (s)."""
        for record in records:
            if isinstance(record, Copied):
                self.copied = record.n_frames
            elif isinstance(record, Doing):
                self.doing = record.what
            elif isinstance(record, Started):
                self.device = record.device
            elif isinstance(record, FrameDone):
                self.done += 1
                if self.done == 1:
                    self._since = now  # the first frame's time is mostly set-up

    def step(self) -> tuple[int, int]:
        """Value and range of a progress bar: (0, 0) while there is nothing to count."""
        if self.done:
            return self.done, self.n_frames
        if 0 < self.copied < self.n_frames:
            return self.copied, self.n_frames
        return 0, 0

    def frames_a_second(self, now: float) -> float | None:
        """From the frames so far; None while there are too few."""
        if self._since is None or self.done < 2 or now <= self._since:
            return None
        return (self.done - 1) / (now - self._since)

    def seconds_left(self, now: float) -> float | None:
        """Estimate from the frames so far; None while there are too few."""
        rate = self.frames_a_second(now)
        return None if rate is None else (self.n_frames - self.done) / rate

    def text(self, now: float) -> str:
        """For the progress bar."""
        if not self.device:
            if 0 < self.copied < self.n_frames:
                return f"copying frame {self.copied} of {self.n_frames}"
            return f"{self.doing}…"
        left = self.seconds_left(now)
        tail = "" if left is None else f", {in_words(left)} left"
        return f"{self.done} of {self.n_frames} frames{tail}"

    def rate_text(self, now: float) -> str:
        """How fast it goes; empty while that is unknown."""
        rate = self.frames_a_second(now)
        if rate is None:
            return ""
        return f"{rate:.0f} frames/s" if rate >= 10 else f"{rate:.1f} frames/s"


def in_words(seconds: float) -> str:
    """A duration for people: ``45 s``, ``12 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
