"""``annotation/<experiment>.csv``: how far the labels of each frame are, and who made them.

A label image without a row, such as one added by ``amseg dataset add``, counts as complete.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from napari_amseg.dataset.benchmark import Benchmark, FrameId
from napari_amseg.dataset.names import first_few, natural_key
from napari_amseg.io import OutputFiles, TableWriter
from napari_amseg.io.records import not_utf8

STATUSES = ("untouched", "suggested", "in progress", "complete")
COMPLETE = "complete"
ANNOTATION = "annotation"


@dataclass(frozen=True, slots=True)
class FrameStatus:
    """One row: a frame as it was last saved.

    frame : its name. status : one of `STATUSES`. annotator : who saved it. saved : when, ISO 8601
    in UTC. labelled_share : of its pixels, 0 to 1; None where the table does not say.
    """

    frame: str
    status: str
    annotator: str = ""
    saved: str = ""
    labelled_share: float | None = None


_COLUMNS = tuple(f.name for f in fields(FrameStatus))


def status_path(folder: Path, experiment: str) -> Path:
    """Where the statuses of an experiment are, in a benchmark folder."""
    return folder / ANNOTATION / f"{experiment}.csv"


def by_hand_path(folder: Path, experiment: str, frame: str) -> Path:
    """Where the pixels are that a person painted in a frame that is not complete, 0 or 255."""
    return folder / ANNOTATION / "by_hand" / experiment / f"{frame}.tif"


def lock_path(folder: Path, experiment: str) -> Path:
    """The file that tells who saves into an experiment."""
    return folder / ANNOTATION / f"{experiment}.lock"


def read_statuses(path: Path) -> dict[str, FrameStatus]:
    """Rows by the name of their frame; empty if there is no such file.

    Raises
    ------
    ValueError
        Naming the line that is wrong.
    """
    found: dict[str, FrameStatus] = {}
    if not path.exists():
        return found
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # Excel writes the mark
            rows = csv.DictReader(file, strict=True)
            if tuple(rows.fieldnames or ()) != _COLUMNS:
                raise ValueError(f"{path}: expected the columns {', '.join(_COLUMNS)}.")
            for row in rows:
                status = _status(f"{path}, line {rows.line_num}", row)
                found[status.frame] = status
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not a readable table ({not_utf8(error)}). Save it as UTF-8 CSV."
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable table ({error}). Save it as UTF-8 CSV.") from None
    return found


def write_statuses(path: Path, rows: Iterable[FrameStatus]) -> None:
    """Write the table whole, frames in natural order."""
    with (
        OutputFiles(path.parent) as files,
        TableWriter(files.path(path.name), _COLUMNS) as table,
    ):
        for row in sorted(rows, key=lambda row: natural_key(row.frame)):
            table.append(asdict(row))


def update_statuses(path: Path, changed: Mapping[str, FrameStatus | None]) -> None:
    """Replace rows of a table, or remove those that are None; nothing is written for nothing."""
    if not changed:
        return
    rows = {**read_statuses(path), **changed}
    write_statuses(path, [row for row in rows.values() if row is not None])


def incomplete_frames(benchmark: Benchmark) -> dict[FrameId, str]:
    """The frames of a benchmark that are not complete, with their status.

    Raises
    ------
    ValueError
        If a table of statuses cannot be read.
    """
    experiments = dict.fromkeys(frame.experiment for frame in benchmark.frames)
    tables = {name: read_statuses(status_path(benchmark.folder, name)) for name in experiments}
    told = ((f, tables[f.experiment].get(f.frame)) for f in benchmark.frames)
    return {f: row.status for f, row in told if row is not None and row.status != COMPLETE}


def without_incomplete(benchmark: Benchmark) -> tuple[Benchmark, tuple[str, ...]]:
    """The benchmark with its complete frames only, and a note on those left out, if any.

    Scores against ground truth that is half done would be wrong numbers.
    """
    incomplete = incomplete_frames(benchmark)
    frames = tuple(frame for frame in benchmark.frames if frame not in incomplete)
    note = f"left out: {told_incomplete(incomplete)}" if incomplete else ""
    return replace(benchmark, frames=frames), (note,) if note else ()


def told_incomplete(incomplete: Mapping[FrameId, str]) -> str:
    """Incomplete frames in words, by status: ``3 frames in progress (run/0001, ...)``."""
    by_status: dict[str, list[FrameId]] = defaultdict(list)
    for frame, status in incomplete.items():
        by_status[status].append(frame)
    return "; ".join(
        f"{len(frames)} frames {status} ({first_few(frames)})"
        for status, frames in by_status.items()
    )


def _status(where: str, row: Mapping[str, str | None]) -> FrameStatus:
    if None in row.values() or None in row or not row["frame"]:
        raise ValueError(f"{where}: expected {len(_COLUMNS)} cells, the first with a frame.")
    cells = {column: text or "" for column, text in row.items()}
    if cells["status"] not in STATUSES:
        raise ValueError(
            f"{where}: status is {cells['status']!r}, expected one of {', '.join(STATUSES)}."
        )
    share = cells.pop("labelled_share")
    try:
        return FrameStatus(**cells, labelled_share=float(share) if share else None)
    except ValueError:
        raise ValueError(f"{where}: labelled_share is {share!r}, expected a number.") from None
