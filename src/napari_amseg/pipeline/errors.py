"""How far the numbers of one label stack lie from those of its ground truth."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

import numpy as np

from napari_amseg.io import OutputFiles, write_table
from napari_amseg.measure import MeasureSettings, measure_frame
from napari_amseg.measure.errors import ERRORS, error_columns
from napari_amseg.pipeline.stack import label_codes
from napari_amseg.scores import Confusion
from napari_amseg.types import Stack


def require_same_shape(labels: Stack, truth: Stack) -> None:
    """Refuse a truth that is not of the very same frames.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if labels.shape != truth.shape:
        raise ValueError(
            f"the truth has shape {truth.shape} (frames, rows, columns), the labels have "
            f"{labels.shape}: give the truth of the same frames, cropped in the same way."
        )


def error_rows(
    labels: Stack,
    truth: Stack,
    pixels: Confusion,
    *,
    settings: MeasureSettings | None = None,
) -> Generator[dict[str, Any]]:
    """One row a frame: truth, measured value and error of keyhole area, depth and pores.

    labels, truth : label stacks (T, Y, X) of one shape. Where the truth is unlabelled, the labels
    are not measured either. Frames without any truth are left out. pixels : counts those of the
    frames as they come; its scheme says what the codes mean.
    """
    scheme = pixels.scheme
    for t in range(len(labels)):
        was = label_codes(truth.read(t), t, scheme, what="truth")
        got = label_codes(labels.read(t), t, scheme)
        if not was.any():
            continue
        pixels.add(was, got)
        known = np.where(was == 0, 0, got)
        true_row, row = (
            measure_frame(
                image,
                frame=t,
                scheme=scheme,
                experiment=labels.experiment,
                settings=settings,
            ).row
            for image in (was, known)
        )
        names = [name for name, role in ERRORS.items() if scheme.code_of(role) is not None]
        yield {"frame": t} | error_columns(true_row, row, names)


def write_errors(rows: Iterable[dict[str, Any]], files: OutputFiles, stem: str) -> dict[str, Any]:
    """Write ``<stem>_errors.csv`` and ``<stem>_errors.png``; gives their :func:`error_summary`.

    Raises
    ------
    ValueError
        If there is no row: no frame of the truth is labelled.
    """
    import pandas as pd

    from napari_amseg.report.errors import errors_figure

    found = list(rows)
    if not found:
        raise ValueError("no frame of the truth is labelled: there is nothing to compare with.")
    table = pd.DataFrame(found)
    write_table(files.path(f"{stem}_errors.csv"), table)
    errors_figure(table, files.path(f"{stem}_errors.png"), title=stem)
    return error_summary(found)


def error_summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean, standard deviation, mean absolute and mean relative error of every measure, over the
    frames where truth and prediction both have a value; the relative one where the truth is not 0.
    An area that is 0 in both says nothing of how well areas are measured and is left out.
    """
    import pandas as pd

    summary = {}
    for name in ERRORS:
        pairs = [
            (row[f"{name}_error"], row[f"{name}_truth"])
            for row in rows
            if not pd.isna(row.get(f"{name}_error"))
            and not ("area" in name and row[f"{name}_error"] == row[f"{name}_truth"] == 0)
        ]
        if not pairs:
            continue
        errors, truths = np.array(pairs, np.float64).T
        relative = np.abs(errors[truths != 0] / truths[truths != 0])
        summary[name] = {
            "n": len(errors),
            "mean": float(errors.mean()),
            "std": float(errors.std()),
            "mean_absolute": float(np.abs(errors).mean()),
            "mean_relative": float(relative.mean()) if relative.size else None,
        }
    return summary
