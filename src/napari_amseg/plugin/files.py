"""Reading stacks into layers and writing labels, for napari's own open and save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from napari_amseg.io import OutputFiles, TiffStackWriter, can_read, read_stack
from napari_amseg.io.address import SEPARATOR, split_address
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)
from napari_amseg.types import Experiment, Stack, stack_from_array

_MOST_LABEL_BYTES = 2**31

Reader = Callable[[str | list[str]], list[LayerData]]


def get_reader(path: str | list[str]) -> Reader | None:
    """The reader for stacks of every kind, judged by name only."""
    paths = path if isinstance(path, list) else [path]
    return read_layers if all(can_read(p) for p in paths) else None


def read_layers(path: str | list[str]) -> list[LayerData]:
    """One lazy image layer, or a labels layer for ``*_labels.tif``.

    Raises
    ------
    ValueError, FileNotFoundError
        If it is no readable stack; the message says why.
    """
    first = path if isinstance(path, str) else path[0]
    stack = read_stack(path if isinstance(path, str) or len(path) > 1 else path[0])
    return [stack_layer(stack, Path(first))]


def stack_layer(stack: Stack, path: Path) -> LayerData:
    """The layer that shows a stack that came from `path`."""
    file, inside = split_address(path)
    name = file.stem if file.suffix else file.name
    if inside:
        name += f" {PurePosixPath(inside).name.split(SEPARATOR)[-1]}"
    if is_label_file(path) and stack.dtype == np.uint8:
        return labels_layer(
            _label_array(stack), name, LabelSource(stack.experiment, address=stack.address)
        )
    return image_layer(ImageSource(stack), name)


def is_label_file(path: Path) -> bool:
    """Whether a file is called as label stacks are: ``labels.tif`` or ``<stem>_labels.tif``."""
    return path.suffix.lower() in (".tif", ".tiff") and (
        path.stem == "labels" or path.stem.endswith("_labels")
    )


def _label_array(stack: Stack) -> Any:
    """Labels in memory, so that they can be painted on; lazy beyond 2 GiB."""
    if int(np.prod(stack.shape, dtype=np.int64)) > _MOST_LABEL_BYTES:
        return stack.to_dask()
    labels = np.empty(stack.shape, np.uint8)
    for t in range(len(stack)):
        labels[t] = stack.read(t)
    return labels


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a labels layer as uint8 TIFF, pixel size and frame interval in its tags.

    Raises
    ------
    ValueError
        If the codes do not fit uint8 or the layer is not (T, Y, X) or (Y, X).
    OSError
        If it cannot be written; an existing file is then left as it was.
    """
    target = Path(path)
    source = (meta.get("metadata") or {}).get(KEY)
    experiment = source.experiment if isinstance(source, LabelSource) else Experiment()
    stack = stack_from_array(data)
    with OutputFiles(target.parent) as files:
        part = files.path(target.name)
        with TiffStackWriter(part, stack.shape, np.uint8, experiment, labels=True) as writer:
            for t, frame in enumerate(stack):
                writer.append(_as_uint8(frame, t))
    return [path]


def _as_uint8(frame: np.ndarray, t: int) -> np.ndarray:
    if frame.dtype != np.uint8 and frame.size and not 0 <= frame.min() <= frame.max() <= 255:
        raise ValueError(
            f"frame {t} holds label codes up to {frame.max()}: label stacks are uint8, 0 to 255."
        )
    return np.ascontiguousarray(frame, np.uint8)


def safe_stem(name: str) -> str:
    """A layer's name as the beginning of file names, without what file systems refuse."""
    stem = "".join("_" if c in '<>:"/\\|?*' or ord(c) < 32 else c for c in name).strip(" .")
    return stem.replace(" ", "_") or "stack"
