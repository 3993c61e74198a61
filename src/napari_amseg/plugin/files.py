"""Reading stacks into layers and writing labels, for napari's own open and save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io import OutputFiles, TiffStackWriter, can_read, read_stack
from napari_amseg.io.address import SEPARATOR, split_address
from napari_amseg.io.system_errors import error_words
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    LayerData,
    image_layer,
    labels_layer,
)
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.types import Experiment, Stack, stack_from_array

_IN_MEMORY_BYTES = 2**26  # larger label stacks lie in temporary files
_LONGEST_STEM_BYTES = 120  # file systems allow 255, some less, and endings follow

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
    try:
        stack = read_stack(path)
    except OSError as error:  # napari shows an error as it is
        raise type(error)(error_words(error)) from error
    return [stack_layer(stack, Path(first))]


def stack_layer(stack: Stack, path: Path) -> LayerData:
    """The layer that shows a stack that came from `path`."""
    file, inside = split_address(path)
    name = file.stem if file.suffix else file.name
    if inside:
        name += f" {inside.strip('/').replace(SEPARATOR, ' ')}"  # in full: cam1/data and cam2/data
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


def empty_labels(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Room for labels that can be painted on, (T, Y, X); in a temporary file if they are many.

    Raises
    ------
    OSError
        If there is no temporary space for them.
    """
    if int(np.prod(shape, dtype=np.int64)) > _IN_MEMORY_BYTES:
        labels: NDArray[np.uint8] = scratch_array(shape, np.uint8, what="labels")[1]
        return labels
    return np.zeros(shape, np.uint8)


def _label_array(stack: Stack) -> NDArray[np.uint8]:
    labels = empty_labels(stack.shape)
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
                writer.append(as_uint8(frame, t))
    return [path]


def as_uint8(frame: np.ndarray, t: int) -> np.ndarray:
    """Label codes of frame `t` as uint8; raises ValueError if they do not fit."""
    if frame.dtype != np.uint8 and frame.size and not 0 <= frame.min() <= frame.max() <= 255:
        raise ValueError(
            f"frame {t} holds label codes {frame.min()} to {frame.max()}: label stacks are uint8, "
            "0 to 255. Give the classes smaller codes."
        )
    return np.ascontiguousarray(frame, np.uint8)


def safe_stem(name: str) -> str:
    """A layer's name as the beginning of file names, without what file systems refuse.

    Long ones are cut.
    """
    stem = "".join("_" if c in '<>:"/\\|?*' or ord(c) < 32 else c for c in name).strip(" .")
    short = stem.encode(errors="ignore")[:_LONGEST_STEM_BYTES].decode(errors="ignore")
    return short.rstrip(" .").replace(" ", "_") or "stack"
