"""What a campaign leaves: the table for *Correlate*, and a report of every stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_amseg.batch.events import StackDone, StackFailed
from napari_amseg.batch.job import StackJob
from napari_amseg.batch.table import REPORT, TABLE
from napari_amseg.io import OutputFiles, TableWriter, write_json
from napari_amseg.io.records import read_json
from napari_amseg.pipeline.campaign_table import PARAMETERS
from napari_amseg.provenance import sha256, versions

_FIRST = ("experiment", "summary", "pores", "stack", "labels", *PARAMETERS, "source")


def require_own_files(out: Path, campaign: Path) -> None:
    """Refuse a folder whose ``campaign.csv`` is the campaign itself, or that or whose report was
    not written here.

    Raises
    ------
    FileExistsError
        Saying what to do.
    """
    path = out / TABLE
    if (out / REPORT).exists() and not _written(out):
        raise FileExistsError(
            f"{out / REPORT}: was not written by amseg batch. Rename it, or choose another folder "
            "with -o."
        )
    if not path.exists():
        return
    if path.resolve() == campaign.resolve():
        raise FileExistsError(
            f"{path}: would be replaced by the table of results; choose another folder with -o."
        )
    if {"name": TABLE, "sha256": sha256(path)} not in _written(out):
        raise FileExistsError(
            f"{path}: was not written by amseg batch, or was edited since. Rename it, or choose "
            "another folder with -o."
        )


def _written(out: Path) -> list[Any]:
    """The tables that the report names: that beside it and the one this replaced, which is there
    still if the machine stopped between the two. Empty if there is no report of ours.
    """
    try:
        report = read_json(out / REPORT)
        return [*report["outputs"], *report.get("replaced", ())] if report["stacks"] else []
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def write_reports(
    out: Path,
    jobs: Sequence[StackJob],
    more: Mapping[str, Mapping[str, str]],
    outcomes: Iterable[StackDone | StackFailed],
    record: Mapping[str, Any],
) -> tuple[Path, ...]:
    """Write both files; gives their paths.

    more : by experiment, what the campaign's table says beside what is known to this program.
    record : entries of the report. The table holds the stacks that have results.
    """
    found = {outcome.name: outcome for outcome in outcomes}
    with OutputFiles(out) as files:
        rows = [
            _cells(out, job) | dict(more[job.name])
            for job in jobs
            if isinstance(found.get(job.name), StackDone)
        ]
        other = dict.fromkeys(name for row in rows for name in row if name not in _FIRST)
        last = files.path(REPORT)  # renamed first: it knows the old table and the new one
        path, before = files.path(TABLE), out / TABLE
        with TableWriter(path, (*_FIRST, *other)) as table:
            for row in rows:
                table.append(row)
        report = {
            "format_version": 1,
            **record,
            "versions": versions(),
            "stacks": [_entry(job, found[job.name]) for job in jobs],
            "outputs": [{"name": TABLE, "sha256": sha256(path)}],
            "replaced": [{"name": TABLE, "sha256": sha256(before)}] if before.exists() else [],
        }
        write_json(last, report)
    return out / TABLE, out / REPORT


def _cells(out: Path, job: StackJob) -> dict[str, Any]:
    """The row of a finished stack; paths of results are relative to the table."""
    stem = job.folder.relative_to(out) / job.name
    run = json.loads((out / f"{stem}_run.json").read_text(encoding="utf-8"))
    summary = json.loads((out / f"{stem}_summary.json").read_text(encoding="utf-8"))
    return {
        **{k: v for k, v in run["experiment"].items() if v is not None},
        "experiment": job.name,
        "summary": f"{stem.as_posix()}_summary.json",
        "labels": f"{stem.as_posix()}_labels.tif",
        "pores": "yes" if summary["pore_count_total"] else "no",
        "stack": job.stack,
    }


def _entry(job: StackJob, outcome: StackDone | StackFailed) -> dict[str, Any]:
    told = {"experiment": job.name, "stack": job.stack}
    if isinstance(outcome, StackFailed):
        kept = {"chunks_kept": outcome.chunks}
        return {**told, "status": "failed", "reason": outcome.reason, **kept}
    known = asdict(outcome.done)
    del known["key"], known["spelled"]
    return {**told, "status": "done", **known}
