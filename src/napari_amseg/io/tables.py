"""CSV tables written row by row, so that a table never stands whole in memory."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class TableWriter:
    """A CSV file with fixed columns; None and NaN become empty cells.

    Parameters
    ----------
    path : the file. columns : header, in order; a row may leave columns out.
    goes_on : whether rows are added to a table of these columns that is there.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, goes_on: bool = False) -> None:
        mode = "a" if goes_on else "w"
        self._file = open(path, mode, newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._columns = tuple(columns)
        if not goes_on:
            self._writer.writerow(self._columns)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row."""
        self._writer.writerow([_cell(row.get(column)) for column in self._columns])

    def flush(self) -> None:
        """Hand the rows to the system; after every row, a reader never sees a part of one."""
        self._file.flush()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._file.close()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a pandas table as CSV in the same form: nine digits, missing values as empty cells."""
    table.to_csv(path, index=False, float_format="%.9g", lineterminator="\n", encoding="utf-8")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return str(value)
