"""Opening an experiment of a campaign: its stack and its labels, as lazy layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io import read_stack
from napari_amseg.pipeline.campaign import CampaignRow
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.layers import LabelSource, LayerData, labels_layer


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
    if kind == "labels":
        return data, options, kind
    if not np.issubdtype(data.dtype, np.integer):  # a label file that is not called one
        raise ValueError(f"{path}: holds {data.dtype}, labels are integer codes.")
    stack: Any = read_stack(path)
    return labels_layer(stack.to_dask(), options["name"], LabelSource(row.experiment))
