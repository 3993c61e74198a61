"""``amseg train``: a benchmark folder in, a model bundle out."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_amseg.cli.arguments import BenchmarkFolder, SplitName
from napari_amseg.cli.interrupt import interruptible
from napari_amseg.cli.progress import err, progress, show_notes
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.models import ARCHITECTURES
from napari_amseg.train import (
    EpochDone,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainRequest,
    TrainSettings,
    TrainStarted,
)


def train(
    benchmark: BenchmarkFolder,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the model bundle.")],
    training: TrainSettings,
    augmentation: AugmentSettings,
    arch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Network: {', '.join(ARCHITECTURES)}. [amsegnet]"),
    ] = None,
    filters: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Width of the network; the paper's if left out."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Start from this model (name or folder), not afresh."),
    ] = None,
    freeze_encoder: Annotated[
        bool, typer.Option("--freeze-encoder", help="Keep the encoder of --init as it is.")
    ] = False,
    split: SplitName = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in the output folder.")
    ] = False,
) -> None:
    """Train a network on a benchmark folder.

    The output folder holds the best epoch as a model at any time, the last one as a checkpoint,
    training.csv and training.png. Example: amseg train benchmark --arch amsegnet -o mymodel
    """
    from napari_amseg.pipeline.train import train as run

    request = TrainRequest(
        benchmark=benchmark,
        folder=out,
        split=split,
        architecture=arch,
        arguments={} if filters is None else {"filters": filters},
        init=init,
        freeze_encoder=freeze_encoder,
        settings=training,
        augment=augmentation,
        resume=resume,
    )
    kept = f"the best and the last epoch are in {out}; go on with --resume."
    interruptible(lambda cancelled: run(request, cancelled=cancelled), Report().show, kept)


class Report:
    """A training on the terminal: a bar over all steps, a line an epoch."""

    def __init__(self) -> None:
        self._started: TrainStarted | None = None

    def show(self, events: Any) -> None:
        """Show events until the last."""
        first = next(events, None)  # no bar where there is nothing but an error
        if first is None:
            return
        with progress() as bar:
            task = bar.add_task("training", total=None)
            for event in chain((first,), events):
                self._show(event, bar, task)

    def _show(self, event: TrainEvent, bar: Any, task: Any) -> None:
        if isinstance(event, TrainStarted):
            self._started = event
            bar.update(task, total=event.epochs * event.steps)
            err.print(
                f"{event.network}: {event.n_parameters:,} trainable parameters, {event.device}, "
                f"{event.precision}; {event.n_train} training and {event.n_validation} validation "
                f"images, {event.steps} steps an epoch of {event.shape[0]}x{event.shape[1]} pixels",
                highlight=False,
            )
            show_notes(event.notes)
            if event.epochs_done:
                err.print(f"going on after epoch {event.epochs_done}", highlight=False)
        elif isinstance(event, StepDone):
            done = (event.epoch - 1) * event.steps + event.step
            bar.update(task, completed=done, description=f"epoch {event.epoch}")
        elif isinstance(event, EpochDone):
            err.print(_line(event, self._started), highlight=False)
        else:
            self._end(event)

    def _end(self, event: TrainFinished) -> None:
        why = f" ({event.stopped})" if event.stopped else ""
        best = f"; the model is that of epoch {event.best_epoch}" if event.best_epoch else ""
        typer.echo(f"{event.epochs_done} epochs in {event.seconds:.0f} s{why}{best}")


def _line(event: EpochDone, started: TrainStarted | None) -> str:
    row = event.row
    epochs = started.epochs if started else 0
    prefix = "validation_" if "validation_mean_iou" in row else ""
    names = started.classes if started else ()
    classes = ", ".join(
        f"{name} {row[f'{prefix}iou_{name}']:.3f}"
        for name in names
        if row[f"{prefix}iou_{name}"] is not None
    )
    loss = f"loss {row['loss']:.4f}"
    if prefix:
        loss += f", validation {row['validation_loss']:.4f}"
    iou = row[f"{prefix}mean_iou"]
    mean = "" if iou is None else f"  IoU mean {iou:.3f} ({classes})"
    return f"epoch {row['epoch']}/{epochs}  {loss}{mean}{'  best' if event.is_best else ''}"
