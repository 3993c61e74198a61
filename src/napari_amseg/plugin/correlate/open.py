"""Opening an experiment of a campaign: its stack and its labels, as lazy layers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.pipeline.campaign import CampaignRow
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.layers import KEY, LabelSource, LayerData, labels_layer


def layers_of(row: CampaignRow) -> tuple[list[LayerData], list[str]]:
    """The layers of an experiment, and what could not be opened.

    Read in a thread: labels are loaded into memory, frames of the stack only when shown.
    """
    layers: list[LayerData] = []
    problems = []
    for what, path, read in (
        ("stack", row.stack, _stack_layer),
        ("labels", row.labels, _labels_layer),
    ):
        if not path:
            problems.append(f"{row.name}: the campaign names no {what}.")
            continue
        try:
            layers.append(read(path, row))
        except (ValueError, OSError) as error:
            problems.append(f"{row.name}, {what}: {error}")
    return layers, problems


def _stack_layer(path: str, row: CampaignRow) -> LayerData:
    stack = read_stack(path)
    known = stack.experiment.updated(**row.experiment.to_json())
    return stack_layer(replace(stack, experiment=known), Path(path))


def _labels_layer(path: str, row: CampaignRow) -> LayerData:
    data, options, kind = _stack_layer(path, row)
    if not np.issubdtype(data.dtype, np.integer):
        raise ValueError(
            f"{path}: holds {data.dtype}, labels are integer codes. Name the "
            "label stack in the campaign table."
        )
    known: Any = options["metadata"][KEY]
    if kind != "labels":  # a label file that is not called one
        stack: Any = read_stack(path)
        data = stack.to_dask()
    return labels_layer(data, options["name"], LabelSource(known.experiment, _scheme(row)))


def _scheme(row: CampaignRow) -> LabelScheme:
    """The codes that were measured, as the run record beside the summary tells them."""
    name = row.summary_file.name.removesuffix("_summary.json") + "_run.json"
    path = row.summary_file.with_name(name)
    if not path.is_file():
        return DEFAULT_SCHEME
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        scheme = record.get("label_scheme")
        return DEFAULT_SCHEME if scheme is None else LabelScheme.from_json(scheme)
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{path}: its label scheme cannot be read ({error}). "
            "Segment or quantify that stack again."
        ) from None
