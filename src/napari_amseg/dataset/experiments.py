"""``experiments.csv``: one row an experiment, what is known about it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import fields
from math import isclose
from pathlib import Path

from napari_amseg.io import TableWriter
from napari_amseg.io.records import not_utf8
from napari_amseg.types import Experiment

EXPERIMENT_COLUMNS = tuple(f.name for f in fields(Experiment))
_NUMBERS = ("laser_power_w", "scan_speed_mm_s", "pixel_size_um", "frame_rate_hz")


def read_experiments(path: Path) -> dict[str, Experiment]:
    """Experiments by name; empty if there is no such file.

    Raises
    ------
    ValueError
        Naming the line and the column that is wrong.
    """
    if not path.exists():
        return {}
    found: dict[str, Experiment] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # Excel writes the mark
            rows = csv.DictReader(file, strict=True)
            _check_columns(path, rows.fieldnames or ())
            for row in rows:
                experiment = _experiment(path, rows.line_num, row)
                name = experiment.experiment or ""
                if name in found:
                    raise ValueError(f"{path}, line {rows.line_num}: {name!r} has two rows.")
                found[name] = experiment
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not a readable table ({not_utf8(error)}). Save it as UTF-8 CSV."
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable table ({error}). Save it as UTF-8 CSV.") from None
    return found


def write_experiments(path: Path, experiments: Iterable[Experiment]) -> None:
    """Write the table; unknown values are empty cells."""
    with TableWriter(path, EXPERIMENT_COLUMNS) as table:
        for experiment in experiments:
            table.append(experiment.to_json())


def merged(known: Experiment, given: Experiment) -> Experiment:
    """`known` with what `given` adds.

    Raises
    ------
    ValueError
        If they contradict each other; names the column and both values.
    """
    for column in EXPERIMENT_COLUMNS:
        old, new = getattr(known, column), getattr(given, column)
        if old is None or new is None or old == new:
            continue
        if column in _NUMBERS and isclose(old, new, rel_tol=1e-6):
            continue
        raise ValueError(
            f"experiment {known.experiment!r}: {column} is {new!r}, but the benchmark says "
            f"{old!r}. Correct experiments.csv if that is wrong, or name this experiment otherwise."
        )
    return given.updated(**known.to_json())


def _check_columns(path: Path, found: Iterable[str]) -> None:
    missing = [c for c in EXPERIMENT_COLUMNS if c not in found]
    strange = [c for c in found if c not in EXPERIMENT_COLUMNS]
    if missing or strange:
        raise ValueError(
            f"{path}: the columns are {', '.join(found) or 'missing'}; expected are "
            f"{', '.join(EXPERIMENT_COLUMNS)}, separated by commas."
        )


def _experiment(path: Path, line: int, row: dict[str, str | None]) -> Experiment:
    where = f"{path}, line {line}"
    if None in row.values() or None in row:
        raise ValueError(f"{where}: expected {len(EXPERIMENT_COLUMNS)} cells.")
    cells = {column: (text or "").strip() for column, text in row.items()}
    if not cells["experiment"]:
        raise ValueError(f"{where}: the experiment has no name.")
    values: dict[str, str | float] = {}
    for column, text in cells.items():
        if text:
            values[column] = _number(where, column, text) if column in _NUMBERS else text
    try:
        return Experiment(**values)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _number(where: str, column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{where}: {column} is {text!r}, expected a number such as 4.3.") from None
