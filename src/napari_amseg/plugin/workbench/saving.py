"""Writing a workspace: the record, and what is in no other file. Runs in a thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.annotate.same_images import has_images, image_hashes
from napari_amseg.io import OutputFiles, TiffStackWriter, read_stack, write_json
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import ImageSource, LabelSource
from napari_amseg.plugin.workbench.progress import Pace, Step
from napari_amseg.plugin.workbench.record import (
    SUFFIX,
    ImageRecord,
    LabelsRecord,
    LayerRecord,
    Workspace,
    is_workspace,
    workspace_text,
)
from napari_amseg.provenance import sha256
from napari_amseg.types import Frame, Stack, stack_from_array

_ENDING = "_workspace"
_WRITABLE = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class ImageToSave:
    """An image layer. known : the file of an earlier save, if its stack is in memory only."""

    source: ImageSource
    contrast_limits: tuple[float, float]
    colormap: str
    known: Path | None = None


@dataclass(frozen=True)
class LabelsToSave:
    """A labels layer, (T, Y, X) or (Y, X). known : a file that held these labels once."""

    data: Any
    source: LabelSource
    known: Path | None = None


@dataclass(frozen=True)
class LayerToSave:
    """A layer as it stands in the viewer; `place` is the rest of its record."""

    name: str
    place: dict[str, Any]
    content: ImageToSave | LabelsToSave


@dataclass(frozen=True)
class SaveJob:
    """A click on *Save workspace*. rest : the workspace without its layers.

    own : files that this session wrote or opened: only these may be replaced.
    """

    path: Path
    layers: tuple[LayerToSave, ...]
    rest: Workspace
    own: frozenset[Path] = frozenset()
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Saved:
    """The workspace is on the disk. files : by layer, where what it shows is, if in one file."""

    path: Path
    workspace: Workspace
    files: tuple[Path | None, ...]
    written: frozenset[Path]


def workspace_path(path: Path) -> Path:
    """The name as typed, with our ending."""
    stem = path.name.removesuffix(".json").removesuffix(".amseg")
    return path.absolute().with_name(stem + SUFFIX)


def save_workspace(job: SaveJob) -> Generator[Step | Saved]:
    """Write a workspace, whole or not at all; yields how far it is, then what came of it.

    Raises
    ------
    ValueError
        If something cannot be kept as it is; says which layer.
    OSError
        If it cannot be written, or there is a file of another kind under its name.
    """
    if job.path.exists() and not is_workspace(job.path):
        raise FileExistsError(f"{job.path}: is no workspace of ours; choose another name.")
    with OutputFiles(job.path.parent) as top, ExitStack() as later:
        folder = _Folder(job, later)
        layers, files = [], []
        for layer in job.layers:
            keep = folder.image if isinstance(layer.content, ImageToSave) else folder.labels
            try:
                record, file = yield from keep(layer.name, layer.content)
            except ValueError as error:
                raise ValueError(f"{layer.name}: {error}") from error
            layers.append(LayerRecord(layer.name, **layer.place, **record))
            files.append(file)
        workspace = replace(job.rest, layers=tuple(layers))
        write_json(top.path(job.path.name), workspace_text(workspace, job.path.parent))
    yield Saved(job.path, workspace, tuple(files), frozenset(folder.written))


class _Folder:
    """The folder beside the workspace; made only when something must be written.

    What is written appears with the rest of the workspace, when `later` is closed.
    """

    def __init__(self, job: SaveJob, later: ExitStack) -> None:
        self._where = job.path.with_name(job.path.name.removesuffix(SUFFIX) + _ENDING)
        self._own, self._later = job.own, later
        self._known = Counter(layer.content.known for layer in job.layers)
        self._pace = Pace(job.cancel)
        self._files: OutputFiles | None = None
        self._taken: set[str] = set()
        self.written: list[Path] = []

    def image(self, name: str, image: ImageToSave) -> _Kept:
        """An image layer as a record, its stack written if it is in memory only."""
        stack, file = image.source.stack, image.known
        address = stack.address
        hashes = image_hashes(stack)
        if not address:
            if file is None or not _has_images(file, hashes):
                file, _ = yield from self._write(name, "", stack, file)
            address = (str(file),)
        record = ImageRecord(
            tuple(str(a) for a in address),
            stack.shape,
            str(stack.dtype),
            hashes,
            image.contrast_limits,
            image.colormap,
            stack.experiment,
            image.source.chain,
        )
        return {"image": record}, file

    def labels(self, name: str, labels: LabelsToSave) -> _Kept:
        """A labels layer as a record, written unless a file holds these very labels."""
        source = labels.source
        stack = stack_from_array(labels.data, experiment=source.experiment)
        file, digest = labels.known, None
        if file is not None and not self._is_of_another_workspace(file):
            digest = yield from self._same_labels(file, stack)
        if file is None or digest is None:
            file, digest = yield from self._write(name, "labels", stack, labels.known)
        confirmed: tuple[Path | None, str | None] = None, None
        if source.confirmed is not None:
            stack_of_person = replace(source.confirmed, experiment=source.experiment)
            confirmed = yield from self._write(name, "confirmed_labels", stack_of_person, None)
        record = LabelsRecord(
            str(file),
            digest,
            stack.shape,
            labels.data.ndim,
            source.experiment,
            source.scheme,
            source.run,
            None if confirmed[0] is None else str(confirmed[0]),
            confirmed[1],
        )
        return {"labels": record}, file

    def _same_labels(self, file: Path, stack: Stack) -> Generator[Step, None, Any]:
        """SHA-256 of a file if it holds these labels; None if it does not, or is gone."""
        try:
            with read_stack(file) as other:
                if other.shape != stack.shape or other.dtype != np.uint8:
                    return None
                for t in range(len(stack)):
                    if not np.array_equal(other.read(t), stack.read(t)):
                        return None
                    yield from self._pace.told(t, len(stack))
            return sha256(file)
        except (OSError, ValueError):
            return None

    def _write(
        self, name: str, what: str, stack: Stack, before: Path | None
    ) -> Generator[Step, None, tuple[Path, str]]:
        """Write a stack frame by frame; its final path, and the hash of its bytes.

        what : kind of labels; empty for images. before : where the layer was at the last save.
        """
        labels = bool(what)
        dtype = np.dtype(np.uint8) if labels else stack.dtype
        if dtype.name not in _WRITABLE:
            raise ValueError(
                f"its frames are {dtype} and in memory only; kept are {', '.join(_WRITABLE)}. "
                "Save it to a file and open that."
            )
        if self._files is None:
            self._files = self._later.enter_context(OutputFiles(self._where))
        final = self._free_path(name, what, before)
        part = self._files.path(final.name)
        with TiffStackWriter(part, stack.shape, dtype, stack.experiment, labels=labels) as writer:
            for t in range(len(stack)):
                frame = stack.read(t)
                writer.append(_codes(frame, t) if labels else np.ascontiguousarray(frame))
                yield from self._pace.told(t, len(stack))
        self.written.append(final)
        return final, sha256(part)

    def _is_of_another_workspace(self, file: Path) -> bool:
        """Its next save may replace the file."""
        return file.parent.name.endswith(_ENDING) and file.parent != self._where

    def _free_path(self, name: str, what: str, before: Path | None) -> Path:
        """A name nobody has: what is not of this session, or is another layer's, stays."""
        stem = safe_stem(name)
        if what:
            stem = stem if what == "labels" and stem.endswith("_labels") else f"{stem}_{what}"
        for number in range(1, 10_000):
            file = f"{stem}.tif" if number == 1 else f"{number}_{stem}.tif"
            path = self._where / file
            others = self._known[path] - (path == before)
            is_free = not path.exists() or (path in self._own and not others)
            if is_free and file.casefold() not in self._taken:
                self._taken.add(file.casefold())
                return path
        raise OSError(f"{self._where}: holds too many files called {stem}.")


_Kept = Generator[Step, None, tuple[dict[str, Any], Path | None]]


def _codes(frame: Frame, t: int) -> Frame:
    if frame.dtype != np.uint8 and frame.size and not 0 <= frame.min() <= frame.max() <= 255:
        raise ValueError(f"frame {t} holds codes that are not 0 to 255, so it cannot be kept.")
    return np.array(frame, np.uint8)  # a copy: it may be painted on meanwhile


def _has_images(file: Path, hashes: dict[int, str]) -> bool:
    try:
        with read_stack(file) as stack:
            return has_images(stack, hashes)
    except (OSError, ValueError):
        return False
