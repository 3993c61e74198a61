"""Opening a workspace: its layers read and checked, in a thread; what is missing is named."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.annotate.same_images import has_images
from napari_amseg.io import read_stack
from napari_amseg.models import Bundle
from napari_amseg.plugin.layers import (
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)
from napari_amseg.plugin.workbench.forms import bundle_of
from napari_amseg.plugin.workbench.progress import Pace, Step
from napari_amseg.plugin.workbench.record import (
    ImageRecord,
    LabelsRecord,
    LayerRecord,
    Workspace,
    read_workspace,
)
from napari_amseg.provenance import sha256
from napari_amseg.types import Stack, stack_from_array

_MOST_LABEL_BYTES = 2**31  # beyond, labels stay on the disk and cannot be painted on


@dataclass(frozen=True)
class OpenedLayer:
    """A layer to add. file : holds its labels."""

    data: LayerData
    file: Path | None
    is_annotation: bool = False


@dataclass(frozen=True)
class Opened:
    """Everything of a workspace that could be opened. problems : in words, what could not."""

    path: Path
    workspace: Workspace
    layers: tuple[OpenedLayer, ...]
    model: Bundle | None
    problems: tuple[str, ...]


def open_workspace(path: Path, cancel: threading.Event) -> Generator[Step | Opened]:
    """Read a workspace; yields how far it is, then what it holds.

    Raises
    ------
    ValueError, OSError
        If the workspace itself cannot be read.
    """
    path = path.absolute()
    workspace, pace = read_workspace(path), Pace(cancel)
    layers, problems = [], []
    for record in workspace.layers:
        try:
            layers.append((yield from _layer(record, pace)))
        except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
            problems.append(f"Layer {record.name}: {error}")
    model = None
    if workspace.model is not None:
        try:
            model = bundle_of(workspace.model)
        except (OSError, ValueError) as error:
            problems.append(f"Model {workspace.model.name}: {error}")
    yield Opened(path, workspace, tuple(layers), model, tuple(problems))


def _layer(record: LayerRecord, pace: Pace) -> Generator[Step, None, OpenedLayer]:
    if record.image is not None:
        data, options, kind = _image(record.image, record.name)
        file = None
    else:
        assert record.labels is not None
        data, options, kind = yield from _labels(record.labels, record.name, pace)
        file = Path(record.labels.file)
    n = data.ndim
    options |= {
        "scale": record.scale[-n:],
        "translate": record.translate[-n:],
        "units": ("pixel", record.unit, record.unit)[-n:],
        "axis_labels": ("frame", "y", "x")[-n:],
        "visible": record.visible,
        "opacity": record.opacity,
    }
    is_annotation = record.labels is not None and record.labels.confirmed_file is not None
    return OpenedLayer((data, options, kind), file, is_annotation)


def _image(record: ImageRecord, name: str) -> LayerData:
    address = list(record.address)
    stack = read_stack(address if len(address) > 1 else address[0])
    if (stack.shape, str(stack.dtype)) != (record.shape, record.dtype) or not has_images(
        stack, record.hashes
    ):
        stack.close()
        raise ValueError(
            f"{address[0]} now holds other images than when the workspace was saved: it was not "
            "opened. Put the old file back, or load this one with Load stack."
        )
    source = ImageSource(replace(stack, experiment=record.experiment), record.chain)
    data, options, kind = image_layer(source, name)
    return data, options | _display(record), kind


def _display(record: ImageRecord) -> dict[str, Any]:
    return {"contrast_limits": record.contrast_limits, "colormap": record.colormap}


def _labels(record: LabelsRecord, name: str, pace: Pace) -> Generator[Step, None, LayerData]:
    stack = _checked_labels(record.file, record.sha256, record.shape)
    confirmed = None
    if record.confirmed_file is not None:
        of_person = _checked_labels(record.confirmed_file, record.confirmed_sha256, record.shape)
        confirmed = stack_from_array((yield from _read(of_person, pace)))
    source = LabelSource(
        record.experiment, record.scheme, run=dict(record.run), confirmed=confirmed
    )
    data = yield from _read(stack, pace)
    return labels_layer(data[0] if record.n_axes == 2 else data, name, source)


def _read(stack: Stack, pace: Pace) -> Generator[Step, None, Any]:
    """Labels in memory, so that they can be painted on; lazy if there are too many."""
    if int(np.prod(stack.shape, dtype=np.int64)) > _MOST_LABEL_BYTES:
        return stack.to_dask()
    data = np.empty(stack.shape, np.uint8)
    with stack:
        for t in range(len(stack)):
            data[t] = stack.read(t)
            yield from pace.told(t, len(stack))
    return data


def _checked_labels(file: str, digest: str | None, shape: tuple[int, int, int]) -> Stack:
    """The labels in a file, if it is the one that was saved."""
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file}: there is no such file.")
    if sha256(file) != digest:
        raise ValueError(
            f"{file} was changed since the workspace was saved: it was not opened. Open it "
            "yourself if these are the labels you want."
        )
    stack = read_stack(file)
    if stack.shape != shape or stack.dtype != np.uint8:
        stack.close()
        raise ValueError(f"{file} holds {stack.shape} {stack.dtype}, {shape} uint8 is expected.")
    return stack
