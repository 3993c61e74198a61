"""Writing a workspace: the record, and what is in no other file. Runs in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_amseg.io import OutputFiles, write_json
from napari_amseg.plugin.workbench.folder import Folder, Held, ImageToSave, LabelsToSave
from napari_amseg.plugin.workbench.outdated import delete_outdated
from napari_amseg.plugin.workbench.progress import Pace, Step
from napari_amseg.plugin.workbench.record import (
    FORMAT_VERSION,
    SUFFIX,
    LabelsRecord,
    LayerRecord,
    Workspace,
    format_version_of,
    read_workspace,
    workspace_text,
)
from napari_amseg.provenance import sha256


@dataclass(frozen=True)
class LayerToSave:
    """A layer as it stands in the viewer; `place` is the rest of its record."""

    name: str
    place: dict[str, Any]
    content: ImageToSave | LabelsToSave


@dataclass(frozen=True)
class SaveJob:
    """A click on *Save workspace*. rest : the workspace without its layers.

    own : SHA-256 of the files that this session wrote or opened, the workspace among them.
    may_replace : the person wants another workspace of that name replaced.
    """

    path: Path
    layers: tuple[LayerToSave, ...]
    rest: Workspace
    own: Mapping[Path, str] = field(default_factory=dict)
    may_replace: bool = False
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Saved:
    """The workspace is on the disk.

    files : by layer, where what it shows is, if that is in files of its own. written : SHA-256 by
    path. left_out : layers that could not be kept, and why.
    """

    path: Path
    workspace: Workspace
    files: tuple[Held | None, ...]
    written: Mapping[Path, str]
    left_out: tuple[str, ...] = ()


def workspace_path(path: Path) -> Path:
    """The name as typed, with our ending."""
    stem = path.name.removesuffix(".json").removesuffix(".amseg")
    return path.absolute().with_name(stem + SUFFIX)


def save_workspace(job: SaveJob) -> Generator[Step | Saved]:
    """Write a workspace, whole or not at all; yields how far it is, then what came of it.

    New files appear first, then the workspace that names them takes the place of the old one, in
    one step; only then are outdated files deleted. So there is a whole workspace at any time.

    Raises
    ------
    ValueError
        If it could not be read again.
    OSError
        If it cannot be written, there is another file under its name, or labels change all the
        time.
    """
    _check_free(job)
    with ExitStack() as undo:
        with OutputFiles(job.path.parent) as top, ExitStack() as later:
            folder = Folder(job.path, Pace(job.cancel), later)
            made = not folder.where.exists()
            part = top.path(job.path.name)
            undo.callback(lambda: _undo(folder, job.path, digest, made=made))
            digest = ""
            layers, files, left_out = yield from _layers(job, folder)
            workspace = replace(job.rest, layers=layers)
            write_json(part, workspace_text(workspace, job.path.parent))
            read_workspace(part)  # a workspace that cannot be opened is none
            digest = sha256(part)
            _check_free(job)  # it took its time
        undo.pop_all()
    delete_outdated(folder.outdated, job.own, job.path)
    written = folder.written | {job.path: digest}
    yield Saved(job.path, workspace, files, written, left_out)


_NONE = LabelsRecord("", "", (1, 1, 1))
_Kept = tuple[tuple[LayerRecord, ...], tuple[Held | None, ...], tuple[str, ...]]


def _layers(job: SaveJob, folder: Folder) -> Generator[Step, None, _Kept]:
    """The layers as records, their files, and those that cannot be kept, with the reason."""
    layers: list[LayerRecord] = []
    files: list[Held | None] = []
    left_out = []
    for layer in job.layers:
        content = layer.content
        try:
            empty = LayerRecord(layer.name, **layer.place, labels=_NONE)  # before it is written
            if isinstance(content, ImageToSave):
                record, file = yield from folder.image(layer.name, content)
            else:
                record, file = yield from folder.labels(layer.name, content)
            layers.append(replace(empty, **({"labels": None} | record)))
        except ValueError as error:
            left_out.append(f"{layer.name} is left out: {error}")
            if content.known is not None:
                left_out[-1] += f" As it was before, it is in {content.known.file}."
            file = None
        files.append(file)
    return tuple(layers), tuple(files), tuple(left_out)


def _undo(folder: Folder, path: Path, digest: str, *, made: bool) -> None:
    """Remove new files, unless the workspace that names them is there in spite of an error."""
    if not (digest and path.exists() and sha256(path) == digest):
        folder.undo(made=made)


def _check_free(job: SaveJob) -> None:
    """Check that there is no file under the name, or the workspace that is open as it was."""
    if not job.path.exists():
        return
    written = format_version_of(job.path)
    if written is None:
        raise FileExistsError(f"{job.path}: is no workspace of ours; choose another name.")
    if written > FORMAT_VERSION:
        raise FileExistsError(
            f"{job.path}: was written by a newer version; choose another name, or update "
            "napari-amseg."
        )
    if not job.may_replace and job.own.get(job.path) != sha256(job.path):
        raise FileExistsError(
            f"{job.path}: is another workspace than the one that is open, or was saved from "
            "another window since. Open it, or choose another name."
        )
