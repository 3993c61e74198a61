"""``amseg compare``: several networks, each trained and tested several times on one split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_amseg.cli.arguments import BenchmarkFolder, OutFolder, SplitName
from napari_amseg.cli.interrupt import interruptible
from napari_amseg.cli.progress import err, show_notes
from napari_amseg.cli.train import Report
from napari_amseg.compare import (
    CompareEvent,
    CompareFinished,
    CompareRequest,
    CompareSettings,
    CompareStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    ScoringStarted,
)
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.models import ARCHITECTURES
from napari_amseg.train import TrainEvent, TrainFinished

_EXIT_SOME_FAILED = 1


def compare(
    benchmark: BenchmarkFolder,
    out: OutFolder,
    comparison: CompareSettings,
    augmentation: AugmentSettings,
    arch: Annotated[
        str, typer.Option(metavar="A,B,...", help=f"Networks: {', '.join(ARCHITECTURES)}.")
    ],
    filters: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Width of all networks; the paper's if left out."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Train its network from this model, too (name or folder)."
        ),
    ] = None,
    split: SplitName = None,
) -> None:
    """Train and test networks several times on one split: the table and figures of the paper.

    Call it again to go on after an interruption, or with more networks or repeats; what is
    finished is kept. Example: amseg compare benchmark --arch amsegnet,unet --repeats 5 -o compared
    """
    from napari_amseg.compare.run import compare as run

    request = CompareRequest(
        benchmark=benchmark,
        folder=out,
        architectures=tuple(name.strip() for name in arch.split(",") if name.strip()),
        filters=filters,
        init=init,
        split=split,
        settings=comparison,
        augment=augmentation,
    )
    kept = f"finished repeats are in {out}; the same command goes on."
    failed = interruptible(
        lambda cancelled: run(request, cancelled=cancelled),
        lambda events: _Show(events).show(),
        kept,
    )
    if failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


class _Show:
    """A comparison on the terminal: each training as ``amseg train`` shows it, then the table."""

    def __init__(self, events: Iterator[CompareEvent]) -> None:
        self._events = events

    def show(self) -> tuple[RunFailed, ...]:
        """Show events until the last; returns what failed."""
        failed: tuple[RunFailed, ...] = ()
        for event in self._events:
            if isinstance(event, CompareStarted):
                show_notes(event.notes)
                if event.finished:
                    done = f"{event.finished} of {event.total} runs are finished already"
                    err.print(done, highlight=False)
            elif isinstance(event, RunStarted):
                what = f"run {event.number} of {event.total}: {event.network}, seed {event.seed}"
                err.print(f"[bold]{what}[/bold]", highlight=False)
                Report().show(self._training())
            elif isinstance(event, ScoringStarted):
                err.print(f"segmenting {event.n_frames} test images", highlight=False)
            elif isinstance(event, RunFailed):
                _show_failure(event, with_details=True)
            elif isinstance(event, RunFinished):
                scores = event.result["scores"]
                err.print(f"test mean IoU {scores['mean_iou']:.4f}", highlight=False)
            elif isinstance(event, CompareFinished):
                _show_end(event)
                failed = event.failed
        return failed

    def _training(self) -> Iterator[TrainEvent]:
        """The events of the training at hand."""
        for event in self._events:
            if isinstance(event, RunFailed):
                _show_failure(event, with_details=True)
                return
            yield event  # type: ignore[misc]
            if isinstance(event, TrainFinished):
                return


def _show_failure(event: RunFailed, *, with_details: bool = False) -> None:
    if with_details and event.details:
        err.print(event.details, highlight=False, markup=False)
    text = f"failed: {event.network}, seed {event.seed}: {event.message}"
    err.print(text, highlight=False, markup=False)


def _show_end(event: CompareFinished) -> None:
    from napari_amseg.compare.table import text_table

    if event.table:
        names, *measures = zip(*text_table(event.table), strict=True)  # a row a measure is narrower
        table = Table()
        table.add_column(names[0], min_width=12)
        for name in names[1:]:
            table.add_column(name, overflow="fold")
        for measure in measures:
            table.add_row(*measure)
        Console().print(table)
    for path in event.files:
        typer.echo(path)
    if event.failed:
        err.print(f"{len(event.failed)} runs failed:", highlight=False)
        for failure in event.failed:
            _show_failure(failure)
        err.print("The same command tries them again.", highlight=False)
