"""The compute process: does all network work, so that the process that draws loads no backend.

Started as ``python -m napari_amseg.pipeline.compute`` by :class:`.supervise.ComputeProcess`; it
ends when its connection closes, so it never outlives the viewer.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Client, Connection

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io import read_stack
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline.explain import explain_answer
from napari_amseg.pipeline.jobs import (
    Answer,
    Cancel,
    Doing,
    ExplainJob,
    Failed,
    Finished,
    FrameDone,
    Glimpse,
    ListLayers,
    Prepare,
    Prepared,
    Request,
    SegmentJob,
    Started,
    WatchJob,
)
from napari_amseg.pipeline.prepare import prepare
from napari_amseg.pipeline.stack import FrameResult, corrected, frame_results
from napari_amseg.pipeline.train import train
from napari_amseg.pipeline.watch.job import watch_answers
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import StageClock
from napari_amseg.segment import (
    Engine,
    SegmentSettings,
    frames_a_call,
    kept_engine,
    predict_frames,
    shared_engine,
)
from napari_amseg.train import TrainRequest
from napari_amseg.types import Stack, stack_from_array

_EXPECTED = (ValueError, OSError, ImportError)
_NICENESS = 5


def main() -> None:
    """Connect to the process that started this one and serve it until it hangs up."""
    _give_way()
    line = sys.stdin.readline()
    _release_stdin()
    hello = json.loads(line)
    with Client(hello["address"], authkey=bytes.fromhex(hello["authkey"])) as connection:
        try:
            serve(connection)
        except (EOFError, ConnectionError):
            return


def _give_way() -> None:
    """All cores may be in use here: the process that draws goes first, so that it never stutters.

    On Windows it is started with the lower priority.
    """
    if hasattr(os, "nice"):
        os.nice(_NICENESS)


def _release_stdin() -> None:
    """Nothing here may wait on, or inherit, the pipe to the parent."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def serve(connection: Connection) -> None:
    """Answer requests in turn; raises EOFError when the other side closes."""
    while True:
        request = connection.recv()
        if isinstance(request, Cancel):  # came after its job had ended
            continue
        try:
            for answer in answers(request, cancelled=lambda: _cancel_came(connection)):
                connection.send(answer)
        except _EXPECTED as error:
            if isinstance(error, ConnectionError):
                raise
            connection.send(Failed(str(error), traceback.format_exc()))
        except Exception as error:  # a bug, or a backend's own error type: the viewer must hear
            kind = type(error).__name__
            connection.send(Failed(f"{kind}: {error}", traceback.format_exc()))


def _cancel_came(connection: Connection) -> bool:
    return connection.poll() and isinstance(connection.recv(), Cancel)


def answers(request: Request, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Answer]:
    """What the compute process sends back for a request."""
    if isinstance(request, Prepare):
        engine = shared_engine(
            load_bundle(request.bundle),
            request.engine,
            precision=request.precision,
            confidence=request.confidence,
        )
        if request.frame_shape is not None:
            _try_on(engine, request.frame_shape)
        yield Prepared(engine.name, engine.device)
    elif isinstance(request, ListLayers | ExplainJob):
        yield explain_answer(request)
    elif isinstance(request, TrainRequest):
        yield from train(request, cancelled=cancelled)
    elif isinstance(request, WatchJob):
        yield from watch_answers(request, cancelled)
    else:
        yield from segment(request, cancelled)


def segment(job: SegmentJob, cancelled: Callable[[], bool]) -> Generator[Answer]:
    """Do a job; labels go into ``job.out``, confidence into ``job.confidence`` if that is given.

    Raises
    ------
    ValueError, OSError, ImportError
        As reading, preprocessing and loading the model do.
    """
    clock = StageClock()
    bundle = load_bundle(job.bundle)
    yield Doing("opening the stack")
    with _open(job) as stack:
        yield Doing("sampling its grey values")
        with clock.stage("preprocess_fit"):
            prepared = prepare(stack, Chain.from_json(job.chain), bundle)
            ready = prepared.stack
        yield Doing("loading the model")
        with clock.stage("load_model"):
            engine = kept_engine(bundle, job.settings, confidence=job.confidence is not None)
        out = _shared_file(job.out, ready)
        confidence = None if job.confidence is None else _shared_file(job.confidence, ready)
        if cancelled():
            yield Finished(cancelled=True)
            return
        yield Started(engine.name, engine.device, ready.notes)
        stopped = False
        with clock.stage("frames"):
            a_call = frames_a_call(ready.frame_shape, engine, job.settings)
            parts = job_parts(job.order, len(ready), a_call)
            if tuple(parts[0][:1]) != job.order[:1]:
                yield _glimpse(job, ready, engine, bundle, out)
            results = frame_results(
                ready,
                engine,
                bundle.card.scheme,
                job.experiment,
                settings=job.settings,
                post=job.post,
                measure=job.measure,
                parts=parts,
            )
            for result in results:
                yield _kept(result, out, confidence)
                stopped = cancelled()
                if stopped:
                    break
            results.close()
    yield Finished(stopped, clock.to_json(), prepared.chain.to_json(), prepared.model)


def job_parts(
    order: Sequence[int], n_frames: int, frames_a_call: int
) -> tuple[Sequence[int], Sequence[int]]:
    """The frames of a job in two parts, of which no model call holds frames of both.

    The first is the frame that somebody looks at. Numbers may depend on what else is in a call: if
    a call takes several frames and the job is the whole stack, the first part begins instead with
    the call that holds this frame when a stack is done in turn, as ``amseg segment`` does it.
    """
    if frames_a_call == 1 or sorted(order) != list(range(n_frames)):
        return order[:1], order[1:]
    begin = order[0] - order[0] % frames_a_call
    return range(begin, n_frames), range(begin)


def _glimpse(
    job: SegmentJob, ready: Stack, engine: Engine, bundle: Bundle, out: NDArray[np.uint8]
) -> Glimpse:
    """The frame that somebody looks at, done alone so that it comes at once."""
    alone = predict_frames(ready, engine, job.settings, order=job.order[:1])
    for found in corrected(alone, bundle.card.scheme, job.post):
        out[found.frame] = found.labels
    return Glimpse(job.order[0])


def _open(job: SegmentJob) -> Stack:
    if job.array is not None:
        return stack_from_array(np.load(job.array, mmap_mode="r"), experiment=job.experiment)
    return read_stack(job.files)


def _shared_file(path: str, ready: Stack) -> NDArray[np.uint8]:
    out: NDArray[np.uint8] = np.lib.format.open_memmap(path, mode="r+")
    if out.shape != ready.shape:
        raise ValueError(
            f"the stack has shape {ready.shape} after preprocessing, {out.shape} was expected: "
            "have its files changed since it was opened?"
        )
    return out


def _kept(
    result: FrameResult, out: NDArray[np.uint8], confidence: NDArray[np.uint8] | None
) -> FrameDone:
    out[result.frame] = result.labels
    if confidence is not None and result.confidence is not None:
        confidence[result.frame] = result.confidence
    return FrameDone(result.frame, result.row, result.pores)


def _try_on(engine: Engine, frame_shape: tuple[int, int]) -> None:
    """One empty frame, so that the graph of a single frame is compiled before it is needed."""
    blank = stack_from_array(np.zeros((1, *frame_shape), np.float32))
    for _ in predict_frames(blank, engine, SegmentSettings()):
        pass


if __name__ == "__main__":
    main()
