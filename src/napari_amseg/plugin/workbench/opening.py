"""Opening a workspace: its layers read and checked, in a thread; what is missing is named."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.same_images import has_images
from napari_amseg.io import read_stack
from napari_amseg.io.system_errors import error_words
from napari_amseg.models import Bundle
from napari_amseg.plugin.files import empty_labels
from napari_amseg.plugin.form_records.model import bundle_of
from napari_amseg.plugin.layers import (
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)
from napari_amseg.plugin.workbench.folder import Held
from napari_amseg.plugin.workbench.paths import check_complete
from napari_amseg.plugin.workbench.progress import Pace, Step
from napari_amseg.plugin.workbench.record import (
    ImageRecord,
    LabelsRecord,
    LayerRecord,
    Workspace,
    read_workspace,
)
from napari_amseg.plugin.workbench.same_files import look_touched
from napari_amseg.provenance import sha256
from napari_amseg.types import Stack, stack_from_array


@dataclass(frozen=True)
class OpenedLayer:
    """A layer to add. held : files with its labels. remark : what is not as it was, if anything."""

    data: LayerData
    held: Held | None
    is_annotation: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Opened:
    """Everything of a workspace that could be opened.

    own : SHA-256 of its files of labels, and of the workspace. problems : in words, what could not
    be opened, or is not as it was.
    """

    path: Path
    own: Mapping[Path, str]
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
    own = {path: sha256(path)}  # before it is read: what another window writes now is not ours
    workspace, pace = read_workspace(path), Pace(cancel)
    layers: list[OpenedLayer] = []
    problems = []
    for record in workspace.layers:
        try:
            layers.append((yield from _layer(record, pace)))
            own |= _hashes(record)
            if layers[-1].remark:
                problems.append(f"Layer {record.name}: {layers[-1].remark}")
        except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
            problems.append(f"Layer {record.name}: {error_words(error)}")
    model = None
    if workspace.model is not None:
        try:
            check_complete({"folder": workspace.model.folder})
            model = bundle_of(workspace.model)
        except (OSError, ValueError) as error:
            problems.append(f"Model {workspace.model.name}: {error_words(error)}")
    yield Opened(path, own, workspace, tuple(layers), model, tuple(problems))


def _layer(record: LayerRecord, pace: Pace) -> Generator[Step, None, OpenedLayer]:
    remark, held = "", None
    if record.image is not None:
        (data, options, kind), remark = _image(record.image, record.name)
    else:
        assert record.labels is not None
        data, options, kind = yield from _labels(record.labels, record.name, pace)
        held = _held(record.labels)
    n = data.ndim
    options |= {
        "scale": record.scale[-n:],
        "translate": record.translate[-n:],
        "units": ("pixel", record.unit, record.unit)[-n:],
        "axis_labels": ("frame", "y", "x")[-n:],
        "visible": record.visible,
        "opacity": record.opacity,
    }
    is_annotation = held is not None and held.confirmed is not None
    return OpenedLayer((data, options, kind), held, is_annotation, remark)


def _held(record: LabelsRecord) -> Held:
    confirmed = record.confirmed_file
    return Held(Path(record.file), None if confirmed is None else Path(confirmed))


def _hashes(record: LayerRecord) -> dict[Path, str]:
    labels = record.labels
    if labels is None:
        return {}
    found = {labels.file: labels.sha256, labels.confirmed_file: labels.confirmed_sha256}
    return {Path(file): digest for file, digest in found.items() if file and digest}


def _image(record: ImageRecord, name: str) -> tuple[LayerData, str]:
    """The layer, and what is not as it was."""
    check_complete({"address": list(record.address), "chain": record.chain.to_json()})
    address = record.address
    stack = read_stack(address)
    if (stack.shape, str(stack.dtype)) != (record.shape, record.dtype) or not has_images(
        stack, record.hashes
    ):
        stack.close()
        raise ValueError(
            f"{address[0]} now holds other images than when the workspace was saved: it was not "
            "opened. Put the old file back, or load this one with Load stack."
        )
    source = ImageSource(replace(stack, experiment=record.experiment), record.chain)
    data, options, kind = image_layer(source, name, limits=record.contrast_limits)
    remarks = []
    if look_touched(stack.files, record.size_bytes, record.modified_s):
        remarks.append(
            f"{address[0]} was written or copied since the workspace was saved. Frames "
            f"{', '.join(map(str, record.hashes))} are as they were; the others were not compared."
        )
    if not _is_known(record.colormap):
        remarks.append(f"its colours {record.colormap[:40]!r} are unknown here: it is gray.")
    options["colormap"] = record.colormap if _is_known(record.colormap) else "gray"
    return (data, options, kind), " ".join(remarks)


def _is_known(colormap: str) -> bool:
    from napari.utils.colormaps.colormap_utils import ensure_colormap

    try:
        ensure_colormap(colormap)
    except Exception:  # whatever napari makes of a name it does not know
        return False
    return True


def _labels(record: LabelsRecord, name: str, pace: Pace) -> Generator[Step, None, LayerData]:
    check_complete({"files": [record.file, record.confirmed_file or record.file]})
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


def _read(stack: Stack, pace: Pace) -> Generator[Step, None, NDArray[np.uint8]]:
    with stack:
        data = empty_labels(stack.shape)
        for t in range(len(stack)):
            data[t] = stack.read(t)
            yield from pace.told(t, len(stack))
    return data


def _checked_labels(file: str, digest: str | None, shape: tuple[int, int, int]) -> Stack:
    """The labels in a file, if it is the one that was saved."""
    if not Path(file).is_file():
        raise FileNotFoundError(
            f"{file}: there is no such file. Put it back, or "
            "open the labels from where they are now."
        )
    if sha256(file) != digest:
        raise ValueError(
            f"{file} was changed since the workspace was saved: it was not opened. Open it "
            "yourself if these are the labels you want."
        )
    stack = read_stack(file)
    if stack.shape != shape or stack.dtype != np.uint8:
        stack.close()
        raise ValueError(
            f"{file} holds {stack.shape} {stack.dtype}, {shape} uint8 is expected: "
            "it was not opened. Open it yourself if these are the labels you want."
        )
    return stack
