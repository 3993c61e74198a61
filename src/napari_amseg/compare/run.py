"""The comparison itself: run after run, none of them twice."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any

from napari_amseg.compare.events import (
    CompareEvent,
    CompareFinished,
    CompareStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    ScoringStarted,
)
from napari_amseg.compare.plan import CompareRequest, Plan, Run, read_plan
from napari_amseg.compare.prepare import make_plan, require_same_init
from napari_amseg.compare.results import RESULT, read_result
from napari_amseg.compare.score import Stopped, score_bundle
from napari_amseg.compare.table import write_report, write_tables
from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.io import OutputFiles, write_json
from napari_amseg.models import load_bundle
from napari_amseg.models.backend import keras
from napari_amseg.models.bundle import CARD, CHECKPOINT, WEIGHTS
from napari_amseg.pipeline.train import train
from napari_amseg.provenance import run_record
from napari_amseg.train import TrainFinished, TrainStarted
from napari_amseg.train.checkpoint import remove_leftovers

Cancelled = Callable[[], bool]


def compare(
    request: CompareRequest, *, cancelled: Cancelled = lambda: False
) -> Generator[CompareEvent]:
    """Train and test networks; the tables in the folder hold the finished repeats at any time.

    Yields
    ------
    CompareStarted; for every repeat that has no result yet RunStarted, the events of its training,
    ScoringStarted and RunFinished, or RunFailed; last CompareFinished, unless it was cancelled.

    Raises
    ------
    ValueError
        If something does not fit together, or differs from an earlier call; before any training.
    OSError
        If a file cannot be read or written; what is finished stays.
    """
    earlier = read_plan(request.folder)
    plan, notes = make_plan(request)
    if earlier is not None:
        plan = earlier.grown(plan, request.folder)
    runs = plan.runs(request.folder)
    todo = [run for run in runs if read_result(run.folder) is None]
    require_same_init(plan, todo)
    plan.write(request.folder)
    for run in set(runs) - set(todo):  # killed between the result and this
        (run.folder / CHECKPOINT).unlink(missing_ok=True)
    done = len(runs) - len(todo)
    yield CompareStarted(done, len(runs), notes)
    failed: list[RunFailed] = []
    outcome: RunFinished | RunFailed | None
    for number, run in enumerate(todo, done + 1):
        yield RunStarted(run.network, run.seed, number, len(runs))
        try:
            outcome = yield from _run(plan, run, cancelled)
        except OSError:  # a full disk: it would be the same for the others
            raise
        except Exception as error:  # a network too large for the memory must not stop the others
            failed.append(outcome := _failure(run, error))
        if outcome is None:
            return
        write_tables(request.folder, plan)
        yield outcome
        keras.utils.clear_session()
        gc.collect()
    yield CompareFinished(*write_report(request.folder, plan), tuple(failed))


def _run(
    plan: Plan, run: Run, cancelled: Cancelled
) -> Generator[CompareEvent, None, RunFinished | None]:
    """Train and test one repeat, then delete its checkpoint; None if cancelled."""
    checkpoint = run.folder / CHECKPOINT
    remove_leftovers(run.folder)
    if not checkpoint.is_file():  # perhaps killed in its first epoch, before the first checkpoint
        for name in (CARD, WEIGHTS):
            (run.folder / name).unlink(missing_ok=True)
    started = finished = None
    training = plan.training(run, resume=checkpoint.is_file())
    with closing(train(training, cancelled=cancelled)) as events:
        for event in events:
            if isinstance(event, TrainStarted):
                started = event
            elif isinstance(event, TrainFinished):
                finished = event
            yield event
    if started is None or finished is None or finished.stopped == "cancelled":
        return None
    benchmark = open_benchmark(plan.benchmark)
    split = load_split(benchmark, plan.split)
    frames = split.of("test")
    yield ScoringStarted(len(frames))
    bundle, settings = load_bundle(run.folder), plan.settings.segmenting
    try:
        tested = score_bundle(bundle, benchmark, split, settings, cancelled=cancelled)
    except Stopped:
        return None
    record = _record(run, bundle.card.training, started, finished)
    record |= {"split": plan.split, "n_test": len(frames), **tested}
    record["model"] |= {
        "architecture": bundle.card.architecture,
        "arguments": dict(bundle.card.arguments),
        "sha256": bundle.weights_sha256,
    }
    with OutputFiles(run.folder) as files:
        write_json(files.path(RESULT), record)
    checkpoint.unlink(missing_ok=True)
    return RunFinished(record)


def _record(
    run: Run, training: Mapping[str, Any], started: TrainStarted, finished: TrainFinished
) -> dict[str, Any]:
    return run_record(
        inputs=[],
        settings=training["settings"],
        model={
            "trainable_parameters": started.n_parameters,
            "started_from": training["started_from"],
        },
        network=run.network,
        seed=run.seed,
        device=training["device"],
        precision=training["settings"]["precision"],
        training={
            "seconds": finished.seconds,
            "epochs": finished.epochs_done,
            "best_epoch": finished.best_epoch,
            "stopped": finished.stopped,
            "batch_size": training["settings"]["batch_size"],
            "shape": list(started.shape),
        },
    )


def _failure(run: Run, error: Exception) -> RunFailed:
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ValueError):
        return RunFailed(run.network, run.seed, words)
    details = "".join(traceback.format_exception(error))
    return RunFailed(run.network, run.seed, f"unexpected {type(error).__name__}: {words}", details)
