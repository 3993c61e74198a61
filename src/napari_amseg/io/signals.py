"""Signals recorded beside the frames: a CSV file with times and values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0}
_SPELLINGS = {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "usec": "us"}
_TIME_NAMES = ("time", "t", "zeit", "timestamp", "elapsed", "elapsed time")
_UNIT_SUFFIXES = {"um2": "µm²", "um3": "µm³", "um": "µm", "mm": "mm", "px": "px", "deg": "°",
                  "s": "s", "ms": "ms", "us": "us", "ns": "ns", "hz": "Hz", "w": "W", "v": "V",
                  "mv": "mV", "a": "A", "k": "K"}  # fmt: skip
_BRACKETS = re.compile(r"^(?P<name>.*?)\s*[\[({/]\s*(?P<unit>[^\])}]*?)\s*[\])}]?$")


@dataclass(frozen=True, slots=True)
class Signal:
    """A measured quantity over time.

    time_s : float64 (n,), rising, the offset added. values : float64 (n,), NaN for empty cells.
    unit : of the values, empty if the file does not tell.
    """

    name: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is written: the lines before the first row, and what splits its cells."""

    encoding: str
    separator: str
    decimal: str
    columns: tuple[str, ...]
    n_before: int


def read_signal(
    path: str | os.PathLike[str],
    *,
    time_column: str | None = None,
    value_column: str | None = None,
    time_unit: str | None = None,
    offset_s: float = 0.0,
) -> Signal:
    """Read a signal from a CSV file: photodiode, laser power, acoustic emission, or a series.

    Cells are split by comma, semicolon or tab; with the latter two, numbers may have a decimal
    comma. Lines that start with # are left out. Columns may name their unit, as ``time (ms)``,
    ``Power [W]`` or ``depth_um``.

    Parameters
    ----------
    time_column, value_column : names in the header; found if there is only one way.
    time_unit : s, ms, us, ns or min; None: as the header says, seconds if it says nothing.
    offset_s : added to all times, to bring them to the clock of the frames.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If columns are missing or ambiguous, a cell is no number, times do not rise, or there are
        fewer than two rows; the message names file, line and remedy.
    """
    path = Path(path)
    if not np.isfinite(offset_s):
        raise ValueError(f"offset_s is {offset_s}: it must be a finite number of seconds.")
    layout = _layout(path)
    time_at = _time_column(path, layout.columns, time_column)
    value_at = _value_column(path, layout.columns, value_column, time_at)
    factor = _seconds(path, layout.columns[time_at], time_unit)
    times, values = _numbers(path, layout, (time_at, value_at))
    if times.size < 2:
        raise ValueError(f"{path}: {times.size} rows of numbers; a signal needs at least 2.")
    _check_times(path, layout, times)
    name, unit = split_unit(layout.columns[value_at])
    return Signal(name, times * factor + offset_s, values, unit)


def signal_columns(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of the columns of a CSV file, in order.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or is no table.
    """
    return _layout(Path(path)).columns


def split_unit(header: str) -> tuple[str, str]:
    """Name and unit of a column: ``Power [W]`` is Power in W, ``depth_um`` is depth in µm."""
    header = header.strip()
    if (found := _BRACKETS.match(header)) and found["name"]:
        return found["name"], found["unit"]
    name, _, suffix = header.rpartition("_")
    if name and (unit := _UNIT_SUFFIXES.get(suffix.lower())):
        return name.replace("_", " "), unit
    return header.replace("_", " "), ""


def _layout(path: Path) -> _Layout:
    encoding = _encoding(path)
    first: list[tuple[int, str]] = []
    for number, line in _rows(path, encoding):
        first.append((number, line))
        if len(first) == 2:
            break
    if not first:
        raise ValueError(f"{path}: is empty; choose a CSV file with a time and a value column.")
    (number, header), sample = first[0], first[-1][1]
    separator = next((s for s in (";", "\t", ",") if s in header), None)
    if separator is None:
        raise ValueError(
            f"{path}, line {number}: {_shown(header)} has a single column; columns of time and "
            "value, split by comma, semicolon or tab, are needed."
        )
    decimal = "," if separator != "," and re.search(r"\d,\d", sample) else "."
    names = [cell.strip().strip("\"'") for cell in header.split(separator)]
    if all(_is_number(name.replace(decimal, ".")) for name in names):  # no header
        named = tuple(f"column {i}" for i in range(1, len(names) + 1))
        return _Layout(encoding, separator, decimal, named, number - 1)
    return _Layout(encoding, separator, decimal, tuple(names), number)


def _encoding(path: Path) -> str:
    """UTF-8, or what Windows writes: µ is not the same byte in both."""
    with open(path, "rb") as file:
        head = file.read(2**16)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in head:
        raise ValueError(f"{path}: is a binary file; export the signal as CSV text.")
    try:
        head.rpartition(b"\n")[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _rows(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines with content and their numbers, from 1."""
    with open(path, encoding=encoding, errors="replace", newline=None) as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield number, line.rstrip("\n")


def _time_column(path: Path, columns: Sequence[str], wanted: str | None) -> int:
    if wanted is not None:
        return _index(path, columns, wanted)
    if columns[0] == "column 1":  # no header: by custom the time comes first
        return 0
    times = [i for i, c in enumerate(columns) if split_unit(c)[0].lower() in _TIME_NAMES]
    if len(times) != 1:
        raise ValueError(
            f"{path}: {len(times) or 'no'} columns are named like a time; say which it is, one of "
            f"{_listed(columns)}."
        )
    return times[0]


def _value_column(path: Path, columns: Sequence[str], wanted: str | None, time_at: int) -> int:
    if wanted is not None:
        return _index(path, columns, wanted)
    others = [i for i, name in enumerate(columns) if i != time_at and name]
    if len(others) != 1:
        raise ValueError(
            f"{path}: {len(others) or 'no'} columns beside the time; say which one holds the "
            f"values, of {_listed(columns)}."
        )
    return others[0]


def _index(path: Path, columns: Sequence[str], wanted: str) -> int:
    """Where a column is: by its header, or by its name without the unit."""
    exact = [i for i, name in enumerate(columns) if name == wanted]
    plain = [i for i, name in enumerate(columns) if split_unit(name)[0].lower() == wanted.lower()]
    found = exact or plain
    if len(found) != 1:
        raise ValueError(f"{path}: has no column {wanted!r}; it has {_listed(columns)}.")
    return found[0]


def _seconds(path: Path, header: str, given: str | None) -> float:
    """Seconds in the unit of the times."""
    unit = (split_unit(header)[1] or "s") if given is None else given
    plain = unit.strip().lower().replace("µ", "u").replace("μ", "u")
    plain = _SPELLINGS.get(plain, plain)
    if plain not in TIME_UNITS:
        raise ValueError(
            f"{path}: time in {unit!r} is not understood; give one of {', '.join(TIME_UNITS)}."
        )
    return TIME_UNITS[plain]


def _numbers(
    path: Path, layout: _Layout, columns: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = _read(path, layout, columns)
    times, values = (_column(path, layout, table[at], at) for at in columns)
    if missing := np.flatnonzero(np.isnan(times)).tolist():
        line = _line(path, layout, missing[0])
        raise ValueError(f"{path}, line {line}: the time is empty; delete the row or fill it in.")
    return times, values


def _read(path: Path, layout: _Layout, columns: tuple[int, int]) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            path,
            sep=layout.separator,
            decimal=layout.decimal,
            header=None,
            names=list(range(len(layout.columns))),
            index_col=False,
            usecols=sorted(set(columns)),
            skiprows=layout.n_before,
            comment="#",
            encoding=layout.encoding,
            encoding_errors="replace",
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        return pd.DataFrame({at: np.empty(0) for at in columns})
    except pd.errors.ParserError as error:
        raise ValueError(f"{path}: is no table ({' '.join(str(error).split())}).") from None


def _column(path: Path, layout: _Layout, cells: Any, at: int) -> NDArray[np.float64]:
    """A column as float64; infinite values count as missing."""
    import pandas as pd

    try:
        numbers = pd.to_numeric(cells, errors="coerce")
    except OverflowError:  # a whole number of hundreds of digits
        numbers = cells.map(lambda cell: float(str(cell)) if _is_number(str(cell)) else np.nan)
    bad = np.flatnonzero(numbers.isna().to_numpy() & cells.notna().to_numpy())
    if bad.size:
        line, cell = _line(path, layout, int(bad[0])), _shown(str(cells.iloc[bad[0]]))
        raise ValueError(
            f"{path}, line {line}: {layout.columns[at]} is {cell}, not a number; correct it, or "
            "start the line with # to leave it out."
        )
    found = numbers.to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _check_times(path: Path, layout: _Layout, times: NDArray[np.float64]) -> None:
    back = np.flatnonzero(np.diff(times) <= 0)
    if back.size:
        at = int(back[0]) + 1
        raise ValueError(
            f"{path}, line {_line(path, layout, at)}: time {times[at]:.12g} follows "
            f"{times[at - 1]:.12g}; times must rise. Sort the rows, or write times in full."
        )


def _line(path: Path, layout: _Layout, row: int) -> int:
    """The line in the file of a row of numbers, from 1."""
    lines = (number for number, _ in _rows(path, layout.encoding) if number > layout.n_before)
    return next(number for i, number in enumerate(lines) if i == row)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(repr(c) for c in columns if c)


def _shown(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else text[:most] + "...")
