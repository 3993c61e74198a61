"""What the *Train* widget runs in its thread: from layers or a benchmark to a trained model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset import FrameId, open_benchmark
from napari_amseg.labels import LabelScheme
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline.jobs import Answer, Failed, Finished
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import image_limits
from napari_amseg.plugin.scratch import scratch_folder
from napari_amseg.plugin.tasks import CancelledEarlyError, CancelledTrack
from napari_amseg.plugin.theme import rgb
from napari_amseg.plugin.train.source import LayerPair, write_benchmark
from napari_amseg.train import EpochDone, TrainRequest, TrainStarted

Picture = NDArray[np.uint8]
_OPACITY = 0.45


@dataclass(frozen=True)
class TrainJob:
    """A click on *Train*.

    source : layers, or the folder of a benchmark. request : its `benchmark` and `preview` are
    filled in here. waiting : another job has the compute process.
    """

    source: LayerPair | Path
    request: TrainRequest
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Began:
    """Steps follow.

    scheme : of the classes. truth : the validation frame under its true labels, uint8 (Y, X, 3),
    or None. notes : remarks.
    """

    started: TrainStarted
    scheme: LabelScheme
    truth: Picture | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch's row, and the validation frame under what the network makes of it now."""

    done: EpochDone
    prediction: Picture | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the folder in the end: a model that opens, or None."""

    bundle: Bundle | None


Record = Answer | Began | Epoch | Kept


def run_train_job(
    job: TrainJob,
    process: ComputeProcess,
    cancel: threading.Event,
    tell: Callable[[str], None],
) -> Generator[Record]:
    """Records of a training as they come; the last is a Kept, before it a last answer.

    tell : gets a line on what happens before the training begins. Never raises.
    """
    trained = False
    try:
        with scratch_folder() as folder:
            for record in _records(job, process, cancel, tell, Path(folder)):
                trained |= isinstance(record, Epoch)
                trained |= isinstance(record, Began) and record.started.epochs_done > 0
                yield record
    except CancelledEarlyError:
        yield Finished(cancelled=True)
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield Failed(str(error) or type(error).__name__)
    yield Kept(_opened(job.request.folder) if trained else None)


def _records(
    job: TrainJob,
    process: ComputeProcess,
    cancel: threading.Event,
    tell: Callable[[str], None],
    folder: Path,
) -> Generator[Record]:
    notes: tuple[str, ...] = ()
    request = replace(job.request, preview=folder / "preview.npy")
    if isinstance(job.source, LayerPair):
        benchmark = folder / safe_stem(job.source.name)
        track, scheme = CancelledTrack(cancel, tell), _scheme_of(request)
        split, notes = write_benchmark(job.source, benchmark, track, scheme)
        request = replace(request, benchmark=benchmark, split=None if request.resume else split)
    tell("waiting for another job to end…" if job.waiting else "loading the network…")
    preview: _Preview | None = None
    for answer in process.run(request, cancel):
        if isinstance(answer, TrainStarted):
            scheme = open_benchmark(request.benchmark).scheme
            preview = _Preview.of(request, answer.preview_frame)
            truth = None if preview is None else preview.truth()
            yield Began(answer, scheme, truth, (*notes, *answer.notes))
        elif isinstance(answer, EpochDone):
            yield Epoch(answer, None if preview is None else preview.prediction())
        else:
            yield answer


def _scheme_of(request: TrainRequest) -> LabelScheme | None:
    """Classes of the model that is trained further, if one is."""
    if request.resume:  # one that was killed in its first epoch has left no model
        kept = _opened(request.folder)
        return None if kept is None else kept.card.scheme
    return None if request.init is None else load_bundle(request.init).card.scheme


@dataclass(frozen=True)
class _Preview:
    """The validation frame that is shown."""

    path: Path
    image: Picture
    labels: NDArray[np.uint8]
    scheme: LabelScheme

    @classmethod
    def of(cls, request: TrainRequest, frame: FrameId | None) -> _Preview | None:
        if frame is None or request.preview is None:
            return None
        benchmark = open_benchmark(request.benchmark)
        image = benchmark.image(frame)
        low, high = image_limits(image)
        grey = np.clip((image.astype(np.float32) - low) / (high - low) * 255, 0, 255)
        return cls(
            request.preview, grey.astype(np.uint8), benchmark.labels(frame), benchmark.scheme
        )

    def truth(self) -> Picture:
        return painted(self.image, self.labels, self.scheme)

    def prediction(self) -> Picture | None:
        try:
            return painted(self.image, np.load(self.path), self.scheme)
        except FileNotFoundError:  # the epoch was the last of a training that is being ended
            return None


def painted(image: Picture, labels: NDArray[np.uint8], scheme: LabelScheme) -> Picture:
    """A grey image, uint8 (Y, X), under the colours of its labels, uint8 (Y, X, 3).

    Unlabelled pixels stay grey.
    """
    colors = np.zeros((256, 3), np.float32)
    share = np.zeros((256, 1), np.float32)
    for c in scheme.classes:
        colors[c.code], share[c.code] = rgb(c.color), _OPACITY
    mixed = (1 - share[labels]) * image[..., np.newaxis] + (share * colors)[labels]
    return mixed.astype(np.uint8)


def _opened(folder: Path) -> Bundle | None:
    try:
        return load_bundle(folder)
    except (ValueError, OSError):
        return None
