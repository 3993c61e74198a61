"""Tables of experiments as people write them: separators, encodings, errors by line and column."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from napari_amseg.io.records import not_utf8
from napari_amseg.types import Experiment

PARAMETERS = tuple(f.name for f in fields(Experiment) if f.name not in ("experiment", "source"))
_NUMBERS = ("laser_power_w", "scan_speed_mm_s", "pixel_size_um", "frame_rate_hz")
_YES, _NO = ("yes", "y", "true", "1", "with"), ("no", "n", "false", "0", "without")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True, slots=True)
class TableLine:
    """One row: where it stands, for messages, and its cells by column, without outer spaces."""

    where: str
    cells: dict[str, str]

    def known(self, names: Iterable[str]) -> dict[str, str | float]:
        """The cells of these columns that are filled, numbers where numbers belong.

        Raises
        ------
        ValueError
            If a number is expected and something else stands there.
        """
        found = {name: self.cells[name] for name in names if self.cells.get(name)}
        return {k: self.number(k) if k in _NUMBERS else text for k, text in found.items()}

    def number(self, column: str) -> float:
        """The number in a cell."""
        text = self.cells[column]
        try:
            return float(text)
        except ValueError:
            raise ValueError(
                f"{self.where}: {column} is {text!r}, expected a number such as 4.3."
            ) from None

    def yes_or_no(self, column: str) -> bool | None:
        """What a cell says; None where it is empty or there is no such column."""
        word = self.cells.get(column, "")
        if word and word.lower() not in (*_YES, *_NO):
            raise ValueError(f"{self.where}: {column} is {word!r}, expected yes or no.")
        return word.lower() in _YES if word else None


def read_lines(path: Path, needed: Sequence[str]) -> list[TableLine]:
    """The rows of a CSV table whose columns are separated by commas, semicolons or tabs.

    Parameters
    ----------
    path : UTF-8, with or without a byte order mark. needed : columns that must be there and filled;
        the first holds names, each of which stands there once.

    Raises
    ------
    ValueError
        Naming the file, the line and the column that is wrong.
    OSError
        If it cannot be read.
    """
    lines: dict[str, TableLine] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # Excel writes the mark
            separator = _separator(path, file.readline(), needed)
            file.seek(0)
            table = csv.DictReader(file, delimiter=separator, strict=True)
            names = [(name or "").strip() for name in table.fieldnames or ()]
            _check_columns(path, names, needed)
            for cells in table:
                where = f"{path}, line {table.line_num}"
                if None in cells or None in cells.values():
                    raise ValueError(_wrong_length(where, cells, separator))
                line = TableLine(where, {(k or "").strip(): v.strip() for k, v in cells.items()})
                _check_filled(line, needed, lines)
                lines[line.cells[needed[0]]] = line
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not a readable table ({not_utf8(error)}). Save it as UTF-8 CSV."
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable table ({error}). Save it as UTF-8 CSV.") from None
    return list(lines.values())


def _separator(path: Path, heading: str, needed: Sequence[str]) -> str:
    """What separates the columns, judged by the heading."""
    for separator in _SEPARATORS:
        if set(needed) <= {cell.strip().strip('"') for cell in heading.split(separator)}:
            return separator
    if heading.strip() and max(heading.count(s) for s in _SEPARATORS) == 0:
        raise ValueError(
            f"{path}, line 1: {heading.strip()[:60]!r} is not a heading with columns separated by "
            f"{', '.join(_SEPARATORS.values())}."
        )
    return max(_SEPARATORS, key=heading.count)


def _wrong_length(where: str, cells: Mapping[Any, Any], separator: str) -> str:
    """What is wrong with a line that is longer or shorter than the heading."""
    n = len(cells) - (None in cells)
    found = sum(cell is not None for name, cell in cells.items() if name is not None)
    found += len(cells.get(None, ()))
    return (
        f"{where}: expected {n} cells, as the heading has, found {found}. Cells are separated by "
        f"{_SEPARATORS[separator]}: one that holds such a sign itself needs quotes."
    )


def _check_columns(path: Path, names: list[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in names]
    if missing:
        lack = "column {} is" if len(missing) == 1 else "columns {} are"
        raise ValueError(
            f"{path}: {lack.format(' and '.join(missing))} missing; found are "
            f"{', '.join(names) or 'none'}. The first line names the columns."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: column {', '.join(twice)} stands there more than once.")


def _check_filled(line: TableLine, needed: Sequence[str], above: Iterable[str]) -> None:
    for name in needed:
        if not line.cells[name]:
            raise ValueError(f"{line.where}: {name} is empty.")
    if (name := line.cells[needed[0]]) in above:
        raise ValueError(f"{line.where}: {needed[0]} {name!r} has two rows.")
