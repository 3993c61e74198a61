"""``amseg batch``: a campaign of stacks on this machine, a Dask cluster or SLURM."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from napari_amseg.batch.cluster import ClusterSettings
from napari_amseg.batch.events import (
    CampaignEvent,
    CampaignFinished,
    CampaignStarted,
    ChunkDone,
    StackBegun,
    StackDone,
    StackFailed,
    WorkersGone,
)
from napari_amseg.batch.job import BatchSettings, StackJob
from napari_amseg.batch.run import BatchRequest, run_campaign
from napari_amseg.batch.slurm import SlurmSettings, job_script
from napari_amseg.batch.table import CampaignStack, read_stacks
from napari_amseg.batch.tasks import opening_notes
from napari_amseg.cli.arguments import ChainOptions, ModelName, OutFolder, build_chain
from napari_amseg.cli.progress import err, progress, show_notes
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import bundled_models, load_bundle
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.words import counted

_EXIT_SOME_FAILED, _EXIT_CANCELLED = 1, 130


def batch(
    campaign: Annotated[
        Path,
        typer.Argument(
            help="CSV with a row a stack: columns experiment and stack, then pixel_size_um, "
            "frame_rate_hz, flat, dark, crop and process parameters."
        ),
    ],
    out: OutFolder,
    cluster: ClusterSettings,
    slurm: SlurmSettings,
    tasks: BatchSettings,
    preprocessing: ChainOptions,
    segmenting: SegmentSettings,
    maps: MapSettings,
    post: PostSettings,
    measuring: MeasureSettings,
    model: ModelName = "fast",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Redo finished stacks; replace edited labels.")
    ] = False,
) -> None:
    """Segment and measure many stacks; call it again to go on after an interruption.

    Writes OUT/NAME/NAME_labels.tif and the other files of amseg segment for each stack, then
    OUT/campaign.csv, which amseg correlate reads, and OUT/campaign_report.json.

    Example: amseg batch campaign.csv --model fast -o results
    """
    bundle = load_bundle(model)
    stacks, notes = read_stacks(campaign)
    show_notes(notes)
    jobs = [
        StackJob(
            experiment=stack.experiment,
            stack=stack.stack,
            out=str(out.absolute()),
            model=model if model in bundled_models() else str(bundle.folder.absolute()),
            model_sha256=bundle.weights_sha256,
            chain=_chain(stack, preprocessing),
            segment=segmenting,
            maps=maps,
            post=post,
            measure=measuring,
            batch=tasks,
            overwrite=overwrite,
        )
        for stack in stacks
    ]
    if dry_run:
        if not _show_plan(jobs, cluster, slurm):
            raise typer.Exit(_EXIT_SOME_FAILED)
        return
    more = {stack.name: stack.more for stack in stacks}
    request = BatchRequest(campaign, out.absolute(), jobs, more, cluster, slurm)
    show = _Show(on_this_machine=cluster.scheduler is None and not cluster.slurm)
    try:
        with closing(run_campaign(request)) as events:
            for event in events:
                show.show(event)
    except KeyboardInterrupt:
        show.end()
        some = out.is_dir() and any(out.iterdir())
        kept = f"finished chunks are kept in {out}" if some else "nothing was begun yet"
        typer.echo(f"cancelled; {kept}: the same command goes on.", err=True)
        raise typer.Exit(_EXIT_CANCELLED) from None
    finally:
        show.end()
    if show.failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


def _chain(stack: CampaignStack, given: ChainOptions) -> dict[str, Any]:
    """The preprocessing of a stack: what the table says, else what the options say."""
    own = dict(stack.fields) | ({"crop": stack.crop} if stack.crop else {})
    try:
        return build_chain(replace(given, **own)).to_json()  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{stack.where}: {error}") from None


def _show_plan(jobs: list[StackJob], cluster: ClusterSettings, slurm: SlurmSettings) -> bool:
    """What would be run, and the job script; gives whether all stacks can be opened."""
    table = Table("experiment", "frames", "tasks, about", Column("stack", overflow="fold"))
    notes, n_failed = [], 0
    for job in jobs:
        try:
            with job.open() as stack:
                n = len(stack)
                found = opening_notes(job, stack)
        except (ValueError, OSError) as error:
            n_failed += 1
            table.add_row(job.name, "", "", f"would fail: {error}")
        else:
            tasks = -(-n // job.batch.chunk_frames)
            table.add_row(job.name, str(n), str(tasks), _from_here(job.stack))
            notes += [f"{job.name}: {note}" for note in found]
    Console().print(table)
    show_notes(notes)
    if cluster.slurm:
        typer.echo(f"{counted(slurm.jobs, 'job')} would be submitted with this script:\n")
        typer.echo(job_script(slurm))
    if n_failed:
        _say(f"{n_failed} of {counted(len(jobs), 'stack')} would fail.")
    return not n_failed


def _from_here(path: str) -> str:
    """The path from the folder one works in, where it lies in there."""
    here = f"{Path.cwd()}{os.sep}"
    return path.removeprefix(here)


class _Show:
    """A campaign on the terminal: a bar for all chunks and one for each stack at hand."""

    def __init__(self, *, on_this_machine: bool) -> None:
        self._bars, self._on_this_machine = progress(), on_this_machine
        self._stacks: dict[str, Any] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        self.failed = False

    def end(self) -> None:
        """Take the bars away."""
        if self._bars.live.is_started:  # else it prints an empty line
            self._bars.stop()

    def show(self, event: CampaignEvent) -> None:
        """Show one event."""
        if isinstance(event, CampaignStarted):
            _show_cluster(event, on_this_machine=self._on_this_machine)
            self._bars.start()
            self._all = self._bars.add_task("stacks", total=event.n_stacks)
        elif isinstance(event, StackBegun):
            self._stacks[event.name] = self._bars.add_task(
                f"{event.name}, chunks", total=event.chunks, completed=event.finished
            )
            self._told[event.name] = event.remarks
            _say_notes(event.name, event.remarks)
            if event.finished:
                _say(f"{event.name}: {event.finished} of {event.chunks} chunks kept")
        elif isinstance(event, ChunkDone):
            self._bars.advance(self._stacks[event.name])
        elif isinstance(event, StackDone | StackFailed):
            self._end_stack(event)
        elif isinstance(event, WorkersGone):
            _say("waiting for workers ...")
        else:
            self.end()
            _show_end(event)

    def _end_stack(self, event: StackDone | StackFailed) -> None:
        self._bars.advance(self._all)
        if event.name in self._stacks:
            self._bars.remove_task(self._stacks.pop(event.name))
        if isinstance(event, StackFailed):
            self.failed = True
            _say(f"{event.name}: failed: {event.reason}")
        else:
            what = "finished earlier" if event.done.earlier else "done"
            _say(f"{event.name}: {what}, {event.done.frames} frames")
            told = self._told.pop(event.name, ())
            _say_notes(event.name, (note for note in event.done.notes if note not in told))


def _show_cluster(event: CampaignStarted, *, on_this_machine: bool) -> None:
    _say(f"{counted(event.n_stacks, 'stack')} on {event.cluster}")
    if event.dashboard is not None:
        _say(f"dashboard: {event.dashboard}")
    elif not on_this_machine:
        _say(f"scheduler: {event.scheduler} (for a dashboard: pip install bokeh)")


def _show_end(event: CampaignFinished) -> None:
    table = Table("experiment", "", "frames", "chunks", "retries", "seconds", "computed with")
    failed = [outcome for outcome in event.outcomes if isinstance(outcome, StackFailed)]
    for outcome in event.outcomes:
        if isinstance(outcome, StackFailed):
            table.add_row(outcome.name, "failed", "", str(outcome.chunks))
            continue
        done = outcome.done
        numbers = (done.frames, done.chunks, done.retries, f"{done.seconds:.1f}")
        what = "earlier" if done.earlier else "done"
        table.add_row(outcome.name, what, *map(str, numbers), ", ".join(done.engines))
    Console().print(table)
    for path in event.files:
        typer.echo(path)
    if failed:
        _say(f"{len(failed)} of {counted(len(event.outcomes), 'stack')} failed:")
        for outcome in failed:
            _say(f"{outcome.name}: {outcome.reason}")
        _say("Once that is mended, the same command tries them again.")


def _say_notes(name: str, notes: Iterable[str]) -> None:
    for note in notes:
        _say(f"{name}: note: {note}")


def _say(text: str) -> None:
    err.print(text, highlight=False, markup=False, soft_wrap=True)
