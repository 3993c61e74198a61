"""Layers as inputs of a command: the file a layer came from, or one that is to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.io import read_stack
from napari_amseg.labels import LabelScheme
from napari_amseg.pipeline.command_parts import stack_word
from napari_amseg.plugin.command.plan import Writer, require_stated
from napari_amseg.plugin.files import safe_stem, write_labels
from napari_amseg.plugin.layers import KEY, LabelSource, label_source
from napari_amseg.types import Experiment, Stack, stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True)
class LabelsInput:
    """The labels of a layer.

    stack : with the address of its file, which is closed, if that holds just these labels.
    file_name : of the file to be written, else None. needs : as in :class:`.Plan`.
    """

    stack: Stack
    scheme: LabelScheme
    file_name: str | None = None
    needs: Mapping[str, Writer] = field(default_factory=dict)

    def at(self, folder: Path) -> Stack:
        """The stack, with the address of the file that was or will be written to `folder`."""
        if self.file_name is None:
            return self.stack
        return replace(self.stack, files=(str(folder / self.file_name),))


def labels_input(layer: Layer, experiment: Experiment | None = None) -> LabelsInput:
    """The labels of a layer, compared with the file they were opened from; call in a thread.

    experiment : what is known of the measurement; what the layer knows if not given.

    Raises
    ------
    ValueError
        If codes do not fit a label stack, or see :func:`.require_stated`.
    """
    known = label_source(layer)
    stack = stack_from_array(layer.data, experiment=experiment or known.experiment)
    opened = _opened(known, layer)
    if opened is not None:
        with opened:
            if _same(opened, stack):
                require_stated(stack, opened)
                there = replace(
                    opened, experiment=stack.experiment, opened_as=(stack_word(opened),)
                )
                return LabelsInput(there, known.scheme)
    name = f"{safe_stem(layer.name.removesuffix(' labels').removesuffix('_labels'))}_labels.tif"
    data, source = layer.data, replace(known, experiment=stack.experiment)
    return LabelsInput(
        stack, known.scheme, name, {name: lambda path: _write(path, data, stack, source)}
    )


def _opened(known: LabelSource, layer: Layer) -> Stack | None:
    address = known.address or ((str(layer.source.path),) if layer.source.path else ())
    if not address:
        return None
    try:
        return read_stack(address)
    except (ValueError, OSError):
        return None


def _same(one: Stack, other: Stack) -> bool:
    return one.shape == other.shape and all(
        np.array_equal(one.read(t), other.read(t)) for t in range(len(one))
    )


def _write(path: Path, data: Any, stack: Stack, source: LabelSource) -> None:
    """Write labels, unless the file is there and holds just these."""
    if path.exists():
        with read_stack(path) as there:
            if not _same(there, stack):
                raise FileExistsError(
                    f"{path}: exists and holds other labels; choose another place."
                )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(str(path), data, {"metadata": {KEY: source}})
