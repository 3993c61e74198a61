"""Errors of measured values against the truth: relative ones, and the agreement of two methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# Measures whose errors are told, and the class a benchmark must have for them.
ERRORS = {
    "keyhole_area_px": "keyhole",
    "keyhole_area_um2": "keyhole",
    "keyhole_depth_px": "keyhole",
    "keyhole_depth_um": "keyhole",
    "pore_area_px": "pore",
    "pore_area_um2": "pore",
    "pore_count": "pore",
}
_KEYS = ("experiment", "frame")


def error_columns(
    was: Mapping[str, Any], got: Mapping[str, Any], measures: Sequence[str] = tuple(ERRORS)
) -> dict[str, Any]:
    """Truth, prediction and their difference, ``<measure>_truth``, ``<measure>`` and
    ``<measure>_error``; None where one of them has no value.
    """
    row: dict[str, Any] = {}
    for name in measures:
        row[f"{name}_truth"], row[name] = was[name], got[name]
        known = was[name] is not None and got[name] is not None
        row[f"{name}_error"] = got[name] - was[name] if known else None
    return row


def error_table(predicted_rows: Any, truth_rows: Any) -> pd.DataFrame:
    """Two tables of frames, as of ``_frames.csv``, put side by side.

    predicted_rows, truth_rows : pandas tables, or sequences of rows; with a column ``frame``, and
    ``experiment`` where they hold several. Frames that only one of them has are left out.

    Returns
    -------
    Table with ``frame`` (and ``experiment``), and the columns of :func:`error_columns` for every
    measure that both have.

    Raises
    ------
    ValueError
        If no frame, or no measure, is in both, or a frame is twice in one of them.
    """
    import pandas as pd

    predicted, truth = pd.DataFrame(predicted_rows), pd.DataFrame(truth_rows)
    keys = [k for k in _KEYS if k in predicted and k in truth]
    measures = [m for m in ERRORS if m in predicted and m in truth]
    if "frame" not in keys or not measures:
        raise ValueError(
            "tables of prediction and truth need a column 'frame' and a measure in common, one of "
            f"{', '.join(ERRORS)}."
        )
    for table, what in ((predicted, "prediction"), (truth, "truth")):
        if table.duplicated(keys).any():
            twice = table.loc[table.duplicated(keys), keys].iloc[0].to_dict()
            raise ValueError(f"the {what} has two rows of {twice}.")
    both = predicted[[*keys, *measures]].merge(
        truth[[*keys, *measures]], on=keys, suffixes=("", "_truth")
    )
    if both.empty:
        raise ValueError("prediction and truth have no frame in common.")
    columns: dict[str, Any] = {key: both[key] for key in keys}
    for name in measures:
        got, was = (pd.to_numeric(both[c]) for c in (name, f"{name}_truth"))
        columns |= {f"{name}_truth": was, name: got, f"{name}_error": got - was}
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman's agreement of n pairs (Lancet 327 (1986) 307).

    bias : mean of prediction less truth. sd : its sample standard deviation, NaN of one pair.
    """

    n: int
    bias: float
    sd: float

    @property
    def limits(self) -> tuple[float, float]:
        """The limits of agreement, bias - 1.96 sd and bias + 1.96 sd."""
        return self.bias - 1.96 * self.sd, self.bias + 1.96 * self.sd


def agreement(truth: Any, value: Any) -> Agreement:
    """Bias and spread of pairs of numbers (n,); pairs with a NaN are left out.

    Raises
    ------
    ValueError
        If no pair is left.
    """
    difference = np.asarray(value, np.float64) - np.asarray(truth, np.float64)
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        raise ValueError("no pair of values to compare.")
    sd = float(difference.std(ddof=1)) if difference.size > 1 else float("nan")
    return Agreement(difference.size, float(difference.mean()), sd)


def relative_errors(truth: Any, value: Any) -> NDArray[np.float64]:
    """(value - truth) / truth of each pair (n,); NaN where the truth is 0 or one is unknown."""
    was, got = np.asarray(truth, np.float64), np.asarray(value, np.float64)
    relative = np.full(was.shape, np.nan)
    np.divide(got - was, was, out=relative, where=was != 0)
    return relative
