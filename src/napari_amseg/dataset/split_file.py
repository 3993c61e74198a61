"""A split, and its file ``splits/<name>.csv`` with the rule and the seed in the first line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from napari_amseg.dataset.annotation_status import incomplete_frames, told_incomplete
from napari_amseg.dataset.benchmark import SUBSETS, Benchmark, FrameId
from napari_amseg.dataset.names import check_name, first_few, natural_key
from napari_amseg.io import OutputFiles
from napari_amseg.io.records import not_utf8, parse_json

_COLUMNS = ("experiment", "frame", "subset")


@dataclass(frozen=True)
class Split:
    """Every frame in one of `SUBSETS`.

    Attributes
    ----------
    name : what its file is called. rule : how it was made: random, grouped, listed.
    seed : of the random choice; None where there was none.
    subset_of : subset of each frame, in the order of the benchmark.
    record : what else the rule was given: ``parts``, or patterns of ``validation`` and ``test``.
    notes : remarks worth showing, such as frames that are in no subset.
    """

    name: str
    rule: str
    seed: int | None
    subset_of: Mapping[FrameId, str]
    record: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, subset: str) -> tuple[FrameId, ...]:
        """The frames of a subset, in the order of the benchmark."""
        if subset not in SUBSETS:
            raise ValueError(f"subset is {subset!r}: choose one of {', '.join(SUBSETS)}.")
        return tuple(frame for frame, its in self.subset_of.items() if its == subset)


def save_split(benchmark: Benchmark, split: Split, *, overwrite: bool = False) -> Path:
    """Write a split into the benchmark; returns the path of its file.

    Raises
    ------
    FileExistsError
        If there is one of that name and `overwrite` is not set.
    ValueError
        If the name cannot be that of a file.
    """
    check_name(split.name, "split name")
    path = _path(benchmark, split.name)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; choose another --name, or --overwrite.")
    header = {"rule": split.rule, "seed": split.seed, **split.record}
    with (
        OutputFiles(path.parent) as files,
        open(files.path(path.name), "w", newline="", encoding="utf-8") as file,
    ):
        file.write(f"# {json.dumps(header, ensure_ascii=False)}\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows((f.experiment, f.frame, its) for f, its in split.subset_of.items())
    return path


def load_split(benchmark: Benchmark, name: str) -> Split:
    """Read a split of the benchmark.

    Frames that were added after it was made are in no subset, and noted; so are those whose
    annotation is not complete now, unless it was made with them.

    Raises
    ------
    FileNotFoundError
        If there is none of that name; names those there are.
    ValueError
        If the file cannot be read, or lists frames that are gone.
    """
    path = _path(benchmark, name)
    if name not in split_names(benchmark):
        raise FileNotFoundError(
            f"{benchmark.folder}: no split {name!r}; there are "
            f"{', '.join(split_names(benchmark)) or 'none'}. Make one with amseg dataset split."
        )
    header, listed = read_split_file(path)
    present = set(benchmark.frames)
    gone = [frame for frame in listed if frame not in present]
    if gone:
        raise ValueError(
            f"{path}: {len(gone)} of its {len(listed)} frames are not in the benchmark any more "
            f"({first_few(gone)}). Split again: amseg dataset split --overwrite."
        )
    incomplete = incomplete_frames(benchmark)
    new = [f for f in benchmark.frames if f not in listed and f not in incomplete]
    half_done = {f: status for f, status in incomplete.items() if f in listed}
    notes = []
    if new:
        notes.append(f"split {name}: {len(new)} newer frames are in no subset ({first_few(new)})")
    if half_done:
        if header.get("incomplete"):
            notes.append(f"split {name}: has {told_incomplete(half_done)}: scores will change")
        else:
            notes.append(f"split {name}: left out: {told_incomplete(half_done)}")
            listed = {frame: its for frame, its in listed.items() if frame not in half_done}
    return Split(
        name,
        str(header.pop("rule", "unknown")),
        header.pop("seed", None),
        {frame: listed[frame] for frame in benchmark.frames if frame in listed},
        header,
        tuple(notes),
    )


def only_split(benchmark: Benchmark) -> str:
    """The name of the benchmark's one split.

    Raises
    ------
    ValueError
        If it has none, or several.
    """
    names = split_names(benchmark)
    if not names:
        raise ValueError(f"{benchmark.folder}: has no split; make one with 'amseg dataset split'.")
    if len(names) > 1:
        raise ValueError(
            f"{benchmark.folder}: has the splits {', '.join(names)}: choose one with --split."
        )
    return names[0]


def split_names(benchmark: Benchmark) -> tuple[str, ...]:
    """The splits of a benchmark, in natural order."""
    found = (benchmark.folder / "splits").glob("*.csv")
    return tuple(sorted((p.stem for p in found if p.name[0] != "."), key=natural_key))


def read_split_file(path: Path) -> tuple[dict[str, Any], dict[FrameId, str]]:
    """The header record and the subset of every frame listed.

    Raises
    ------
    ValueError
        Naming the line that is wrong.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = _header(path, file)
            listed: dict[FrameId, str] = {}
            for line, (experiment, frame, subset) in _rows(path, file):
                if subset not in SUBSETS:
                    raise ValueError(
                        f"{path}, line {line}: subset is {subset!r}, expected one of "
                        f"{', '.join(SUBSETS)}."
                    )
                if FrameId(experiment, frame) in listed:
                    raise ValueError(f"{path}, line {line}: {experiment}/{frame} is listed twice.")
                listed[FrameId(experiment, frame)] = subset
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not a readable table ({not_utf8(error)}). Save it as UTF-8 CSV."
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable table ({error}). Split again.") from None
    return header, listed


def _header(path: Path, file: TextIO) -> dict[str, Any]:
    first = file.readline()
    try:
        record = parse_json(first[1:]) if first.startswith("#") else None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ValueError(
            f'{path}, line 1: expected "# " and a record such as {{"rule": "random", "seed": 0}}.'
        )
    return record


def _rows(path: Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of three cells, after the column names."""
    rows = csv.reader(file, strict=True)
    for row in rows:
        line = rows.line_num + 1
        if rows.line_num == 1:
            if tuple(row) != _COLUMNS:
                raise ValueError(
                    f"{path}, line {line}: expected the columns {', '.join(_COLUMNS)}."
                )
        elif len(row) == len(_COLUMNS):
            yield line, row
        elif row:
            raise ValueError(f"{path}, line {line}: expected {len(_COLUMNS)} cells.")


def _path(benchmark: Benchmark, name: str) -> Path:
    return benchmark.folder / "splits" / f"{name}.csv"
