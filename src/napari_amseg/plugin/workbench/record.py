"""The workspace file: layers, forms and docks as plain JSON, checked on reading."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.plugin.form_records.model import ModelRecord
from napari_amseg.plugin.form_records.records import Forms
from napari_amseg.plugin.form_records.typed import from_plain, to_plain
from napari_amseg.plugin.workbench.paths import absolute, relative
from napari_amseg.preprocess import Chain
from napari_amseg.types import Experiment

FORMAT, FORMAT_VERSION = "napari-amseg workspace", 1
SUFFIX = ".amseg.json"
_LEAST, _MOST = 1e-9, 1e12  # napari's views break down far beyond
_MOST_BYTES = 2**26  # 20 000 files named one by one take 3 MB


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image layer. address : for `read_stack`. hashes : SHA-256 of a few frames as read.

    shape, dtype : of the stack before its chain. chain : what was done to it, statistics written
    in. experiment : what is known of the measurement, be it from the file or from the user.
    size_bytes, modified_s : of its files together, and when one was written last, in seconds since
    1970; 0 where that is unknown.
    """

    address: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: str
    hashes: Mapping[int, str]
    contrast_limits: tuple[float, float]
    colormap: str = "gray"
    experiment: Experiment = field(default_factory=Experiment)
    chain: Chain = field(default_factory=Chain)
    size_bytes: int = 0
    modified_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.address:
            raise ValueError("it names no file.")


@dataclass(frozen=True, slots=True)
class LabelsRecord:
    """A labels layer. file, sha256 : where its labels are. n_axes : 2 if it is a single image.

    run : what made the labels, for run records. confirmed_file, confirmed_sha256 : of an
    annotation, the labels a person stands for.
    """

    file: str
    sha256: str
    shape: tuple[int, int, int]
    n_axes: int = 3
    experiment: Experiment = field(default_factory=Experiment)
    scheme: LabelScheme = DEFAULT_SCHEME
    run: Mapping[str, Any] = field(default_factory=dict)
    confirmed_file: str | None = None
    confirmed_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.n_axes not in (2, 3):
            raise ValueError(f"it has {self.n_axes} axes: labels have 2 or 3.")


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """A layer and where it lies; either `image` or `labels` says what it shows.

    scale, translate : of the axes frame, row, column. unit : of rows and columns.
    """

    name: str
    scale: tuple[float, float, float]
    translate: tuple[float, float, float]
    unit: str = "pixel"
    visible: bool = True
    opacity: float = 1.0
    image: ImageRecord | None = None
    labels: LabelsRecord | None = None

    def __post_init__(self) -> None:
        if (self.image is None) == (self.labels is None):
            raise ValueError("a layer is either an image or labels.")
        if not all(_LEAST <= abs(value) <= _MOST for value in self.scale):
            raise ValueError(f"its scale is {self.scale}: {_LEAST:g} to {_MOST:g} can be shown.")
        if not all(abs(value) <= _MOST for value in self.translate):
            raise ValueError(f"it lies at {self.translate}: {_MOST:g} is the farthest.")
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"its opacity is {self.opacity:g}: it must be 0 to 1.")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What *Save workspace* keeps, all paths complete. docks : those open; the last was in front.

    made_by : version of the program, for people.
    """

    layers: tuple[LayerRecord, ...] = ()
    model: ModelRecord | None = None
    forms: Forms = field(default_factory=Forms)
    frame: int = 0
    docks: tuple[str, ...] = ()
    made_by: str = ""


def workspace_text(workspace: Workspace, base: Path) -> dict[str, Any]:
    """The record as it is written to a file in folder `base`."""
    head = {"format": FORMAT, "format_version": FORMAT_VERSION}
    made_by = f"napari-amseg {version('napari-amseg')}"
    return {**head, **relative(_for_json(to_plain(workspace)), base), "made_by": made_by}


def read_workspace(path: Path) -> Workspace:
    """Read and check a workspace file; opens none of the files it names.

    Raises
    ------
    ValueError
        If it is no workspace, of a newer format, or holds what it must not.
    OSError
        If it cannot be read.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(
            f"{path.name} is no workspace: it holds {size / 1e6:,.0f} MB. Choose the .amseg.json "
            "file."
        )
    try:
        record = json.loads(path.read_bytes(), parse_constant=_refuse)
        return _workspace(record, path.absolute().parent)
    except (ValueError, RecursionError) as error:
        what = "nested too deeply." if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"{path.name}: not a readable workspace: {what}") from None


def format_version_of(path: Path) -> int | None:
    """The format version of a workspace file; None if it is another file."""
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return None
    written = record.get("format_version")
    return written if isinstance(written, int) else FORMAT_VERSION + 1


def _workspace(record: Any, base: Path) -> Workspace:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError(f"it does not say {FORMAT!r}.")
    written = record.get("format_version")
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise ValueError(f"format version {str(written)[:20]!r} is none.")
    if written > FORMAT_VERSION:
        raise ValueError(
            f"it has format {written}, this version reads up to {FORMAT_VERSION}: update "
            "napari-amseg."
        )
    entries = {k: v for k, v in record.items() if k not in ("format", "format_version")}
    workspace: Workspace = from_plain(Workspace, absolute(entries, base), "workspace")
    return workspace


def _for_json(value: Any) -> Any:
    """Numbers of numpy as those of Python; what is none, as a mean of nothing, as null."""
    if isinstance(value, dict):
        return {key: _for_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_for_json(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return _for_json(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number.")
