"""What workers do: look at a stack, compute a chunk of it, put the chunks together."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from napari_amseg.batch.assemble import Finished, assemble, finished
from napari_amseg.batch.chunks import ChunkFolder, ChunkRecord, StackFit, chunks_name
from napari_amseg.batch.job import Keys, StackJob, chunks_keys, results_keys
from napari_amseg.batch.opened import alone, close, opened
from napari_amseg.measure.scales import lacking
from napari_amseg.models import Bundle
from napari_amseg.pipeline.earlier_results import protect_earlier_results
from napari_amseg.pipeline.prepare import prepare
from napari_amseg.pipeline.stack import frame_results
from napari_amseg.preprocess import Chain, unused_flats
from napari_amseg.segment import Engine, frames_a_call, kept_engine
from napari_amseg.types import Experiment, Stack

Answer = TypeVar("Answer")


class Stopped(Exception):  # noqa: N818 (no error: somebody pressed Ctrl-C)
    """The campaign was stopped; what was begun here is dropped."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a task failed, in words; errno : of the system's error, if it was one."""

    reason: str
    errno: int | None = None


def attempt(task: Callable[..., Answer], *given: Any) -> Answer | Failed:
    """Do a task; an error comes back as words, because not every error survives the way to another
    process, and a campaign would wait for it for ever.
    """
    try:
        return task(*given)
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError):
            words = "out of memory. Use a smaller --batch-size or --tile-px, or fewer --workers."
        elif not isinstance(error, ValueError | OSError | ImportError):
            words = f"unexpected {type(error).__name__}: {words}"
        return Failed(words, getattr(error, "errno", None))


@dataclass(frozen=True, slots=True)
class Begun:
    """A stack looked at.

    Attributes
    ----------
    keys : of its results. chunks : name of their folder. fit : what all chunks share.
    todo : chunks that are not finished. remarks : worth telling at once.
    """

    keys: Keys
    chunks: str
    fit: StackFit
    todo: tuple[int, ...]
    remarks: tuple[str, ...] = ()


def begin(job: StackJob) -> Begun | Finished:
    """Open a stack, take its statistics and see what is done already.

    Raises
    ------
    ValueError, OSError, ImportError
        If it cannot be read, does not fit its preprocessing, or its results may not be replaced.
    """
    with job.open() as stack:
        job.measure.require_frames(len(stack))
        keys = results_keys(job, stack.files)
        done = None if job.overwrite else finished(job, keys, stack.experiment)
        if done is not None:
            return _with_notes(done, _lacking(stack))  # its record has the others
        if not job.overwrite:
            protect_earlier_results(job.request(stack))
        chunks = chunks_name(job.folder, chunks_keys(job, keys))
        folder = ChunkFolder(job.folder, chunks)
        folder.clear_others()
        fit = folder.read_fit()
        if fit is None:
            told = opening_notes(job, stack)
            fit = _fit(job, stack)
            folder.write_fit(fit)
        else:  # by whoever began it, who may have typed its paths in another way
            told = (*_lacking(stack), *fit.notes)
            fit = replace(fit, address=stack.address)
    return Begun(keys, chunks, fit, folder.missing(fit.n_chunks), told)


def compute(job: StackJob, begun: Begun, chunk: int) -> ChunkRecord:
    """Segment and measure the frames of a chunk and write them.

    Raises
    ------
    Stopped
        If the lease of the campaign is gone.
    ValueError, OSError
        If frames cannot be read, or the results not be written.
    """
    folder, fit, start = ChunkFolder(job.folder, begun.chunks), begun.fit, time.perf_counter()
    retries = folder.discard_tries(chunk)
    frames, confidence = fit.frames(chunk), job.maps.confidence
    shape = (len(frames), *fit.shape[1:])
    with alone(), folder.writer(chunk, shape, confidence=confidence) as writer:
        bundle = job.bundle()
        engine = _engine(job, bundle)
        results = frame_results(
            opened(begun.chunks, lambda: _ready(job, fit)),
            engine,
            bundle.card.scheme,
            Experiment.from_json(fit.experiment),
            settings=job.segment,
            post=job.post,
            measure=job.measure,
            order=frames,
        )
        with closing(results):
            for result in results:
                _require_lease(job)
                writer.append(result)
        seconds = round(time.perf_counter() - start, 3)
        record = ChunkRecord(engine.name, engine.device, socket.gethostname(), seconds, retries)
        writer.finish(record)
    return record


def join(job: StackJob, begun: Begun) -> Finished:
    """Put the finished chunks of a stack together and remove them.

    Raises
    ------
    ValueError
        If the stack has changed since it was begun.
    OSError
        If the results cannot be written or may not be replaced.
    """
    close(begun.chunks)
    with job.open(begun.fit.address) as stack:
        if results_keys(job, stack.files).spelled != begun.keys.spelled:
            raise ValueError(
                f"{job.stack}: changed while it was segmented. Run the campaign again when the "
                "stack is complete."
            )
        request = job.request(stack)
        if not job.overwrite:
            protect_earlier_results(request)
        folder = ChunkFolder(job.folder, begun.chunks)
        done = assemble(request, job.bundle(), begun.fit, folder, begun.keys)
    folder.remove()
    return _with_notes(done, begun.remarks)


def opening_notes(job: StackJob, stack: Stack) -> tuple[str, ...]:
    """What must be known of a stack before it is segmented: what its numbers will lack, what its
    reader found, flats that were forgotten.
    """
    unused = unused_flats(stack, Chain.from_json(job.chain))
    return (*_lacking(stack), *stack.notes, *unused)


def _lacking(stack: Stack) -> tuple[str, ...]:
    return tuple(
        f"{name} is said neither by the table nor by the file: {lost}."
        for name, lost in lacking(stack.experiment).items()
    )


def _with_notes(done: Finished, told: tuple[str, ...]) -> Finished:
    """With these notes and those of the run record, none twice."""
    return replace(done, notes=tuple(dict.fromkeys((*told, *done.notes))))


def _fit(job: StackJob, stack: Stack) -> StackFit:
    bundle = job.bundle()
    prepared = prepare(stack, Chain.from_json(job.chain), bundle)
    ready = prepared.stack
    with alone():
        engine = _engine(job, bundle)
    call = frames_a_call(ready.frame_shape, engine, job.segment)
    return StackFit(
        address=stack.address,
        shape=ready.shape,
        notes=ready.notes,
        experiment=stack.experiment.to_json(),
        chain=prepared.chain.to_json(),
        model=prepared.model,
        chunk_frames=-(-job.batch.chunk_frames // call) * call,
    )


def _ready(job: StackJob, fit: StackFit) -> Stack:
    """The stack in the model's input range, by the statistics taken before."""
    stack = job.open(fit.address)
    for chain in (fit.chain, fit.model["input"]):
        stack = Chain.from_json(chain).apply(stack)
    if stack.shape != fit.shape:
        raise ValueError(
            f"{job.stack}: has shape {stack.shape} after preprocessing, {fit.shape} was expected. "
            "Does this worker see the same files?"
        )
    return stack


def _engine(job: StackJob, bundle: Bundle) -> Engine:
    """The engine this worker keeps."""
    return kept_engine(bundle, job.segment, confidence=job.maps.confidence)


def _require_lease(job: StackJob) -> None:
    if job.lease is not None and not Path(job.lease).exists():
        raise Stopped("the campaign was stopped.")
