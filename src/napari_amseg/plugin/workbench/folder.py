"""The folder beside a workspace: labels and images that are in no other file."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.annotate.same_images import has_images, image_hashes
from napari_amseg.io import OutputFiles, TiffStackWriter, read_stack
from napari_amseg.io.system_errors import error_words
from napari_amseg.plugin.files import as_uint8, safe_stem
from napari_amseg.plugin.layers import ImageSource, LabelSource
from napari_amseg.plugin.workbench.progress import Pace, Step
from napari_amseg.plugin.workbench.record import SUFFIX, ImageRecord, LabelsRecord
from napari_amseg.plugin.workbench.same_files import size_and_time
from napari_amseg.provenance import sha256
from napari_amseg.types import Frame, Stack, stack_from_array

_ENDING = "_workspace"
_WRITABLE = ("uint8", "uint16", "float32")
_TOKEN = re.compile(r"_[0-9a-f]{8}(?=_(confirmed_)?labels\.tif$)")
_TRIES, _PAUSE_S = 50, 0.02


@dataclass(frozen=True)
class Held:
    """Files of a layer: its labels or images; of an annotation, what a person stands for."""

    file: Path
    confirmed: Path | None = None


@dataclass(frozen=True)
class ImageToSave:
    """An image layer. known : of an earlier save, if its stack is in memory only."""

    source: ImageSource
    contrast_limits: tuple[float, float]
    colormap: str
    known: Held | None = None


@dataclass(frozen=True)
class LabelsToSave:
    """A labels layer, (T, Y, X) or (Y, X). known : files that held these labels once."""

    data: Any
    source: LabelSource
    known: Held | None = None


class Folder:
    """Made only when something must be written; what is written appears when `later` is closed.

    Every file has a name that no other ever had, so that none is replaced.

    written : SHA-256 by path. outdated : files whose labels are in a new one now.
    """

    def __init__(self, workspace: Path, pace: Pace, later: ExitStack) -> None:
        self.where = workspace.with_name(workspace.name.removesuffix(SUFFIX) + _ENDING)
        self._pace, self._later = pace, later
        self.written: dict[Path, str] = {}
        self.outdated: list[Path] = []

    def image(self, name: str, image: ImageToSave) -> Generator[Step, None, _Kept]:
        """An image layer as a record, its stack written if it is in memory only."""
        stack, held = image.source.stack, image.known
        hashes = _image_hashes(stack)
        if not stack.address and not (held is not None and self._has_images(held.file, hashes)):
            held = yield from self._write_image(name, stack)
        address = stack.address if held is None or stack.address else (held.file,)
        record = ImageRecord(
            tuple(str(a) for a in address),
            stack.shape,
            str(stack.dtype),
            hashes,
            image.contrast_limits,
            image.colormap,
            stack.experiment,
            image.source.chain,
            *size_and_time(stack.files),
        )
        return {"image": record}, held

    def labels(self, name: str, labels: LabelsToSave) -> Generator[Step, None, _Kept]:
        """A labels layer as a record, written unless files hold these very labels."""
        source, before = labels.source, labels.known
        stacks = [stack_from_array(labels.data, experiment=source.experiment)]
        if source.confirmed is not None:
            stacks.append(replace(source.confirmed, experiment=source.experiment))
        known = [] if before is None else [before.file, before.confirmed][: len(stacks)]
        there = [file for file in known if file is not None]
        files: dict[Path, str] | None = None
        if len(there) == len(stacks) and not any(map(self._is_of_another_workspace, there)):
            files = yield from self._same_labels(there, stacks)
        if files is None:
            files = yield from self._write_labels(name, stacks)
            self.outdated += there
        paths, digests = list(files), list(files.values())
        record = LabelsRecord(
            str(paths[0]),
            digests[0],
            stacks[0].shape,
            labels.data.ndim,
            source.experiment,
            source.scheme,
            source.run,
            *((str(paths[1]), digests[1]) if paths[1:] else (None, None)),
        )
        return {"labels": record}, Held(*paths)

    def undo(self, *, made: bool) -> None:
        """Remove what was written: no workspace names it. made : the folder was not there."""
        for file in self.written:
            file.unlink(missing_ok=True)
        if made:
            with suppress(OSError):  # there is none, or others have put something there
                self.where.rmdir()

    def _same_labels(
        self, files: Sequence[Path], stacks: Sequence[Stack]
    ) -> Generator[Step, None, dict[Path, str] | None]:
        """SHA-256 of files that hold these labels; None if they do not, or are gone."""
        with ExitStack() as opened:
            try:
                others = [opened.enter_context(read_stack(file)) for file in files]
                if any(o.dtype != np.uint8 or o.shape != stacks[0].shape for o in others):
                    return None
                for t in range(len(stacks[0])):
                    frames = _at_one_time(stacks, t)
                    if not all(map(np.array_equal, frames, [other.read(t) for other in others])):
                        return None
                    yield from self._pace.told(t, len(stacks[0]))
                return {file: sha256(file) for file in files}
            except (OSError, ValueError):
                return None

    def _write_labels(
        self, name: str, stacks: Sequence[Stack]
    ) -> Generator[Step, None, dict[Path, str]]:
        stem = f"{safe_stem(name).removesuffix('_labels')}_{_new_token()}"
        names = [f"{stem}_labels.tif", f"{stem}_confirmed_labels.tif"][: len(stacks)]

        def frames(t: int) -> list[Frame]:
            return [as_uint8(frame, t) for frame in _at_one_time(stacks, t)]

        return (yield from self._write(names, stacks[0], frames, np.dtype(np.uint8)))

    def _write_image(self, name: str, stack: Stack) -> Generator[Step, None, Held]:
        if stack.dtype.name not in _WRITABLE:
            raise ValueError(
                f"its frames are {stack.dtype} and in memory only; kept are "
                f"{', '.join(_WRITABLE)}. Save it to a file and open that."
            )
        names = [f"{safe_stem(name)}_{_new_token()}.tif"]
        files = yield from self._write(names, stack, lambda t: [_copy(stack, t)], None)
        return Held(*files)

    def _write(
        self,
        names: Sequence[str],
        like: Stack,
        frames: Callable[[int], list[Frame]],
        labels: np.dtype[Any] | None,
    ) -> Generator[Step, None, dict[Path, str]]:
        """Write files frame by frame; SHA-256 by final path. labels : their dtype, if they are."""
        with ExitStack() as mine:
            output = mine.enter_context(OutputFiles(self.where))
            parts = {self.where / name: output.path(name) for name in names}
            with ExitStack() as opened:
                writers = [
                    opened.enter_context(
                        TiffStackWriter(
                            part,
                            like.shape,
                            labels or like.dtype,
                            like.experiment,
                            labels=labels is not None,
                        )
                    )
                    for part in parts.values()
                ]
                for t in range(len(like)):
                    for writer, frame in zip(writers, frames(t), strict=True):
                        writer.append(frame)
                    yield from self._pace.told(t, len(like))
            self._later.push(mine.pop_all())
        files = {final: sha256(part) for final, part in parts.items()}
        self.written |= files
        return files

    def _is_of_another_workspace(self, file: Path) -> bool:
        """That one may delete the file, or be moved with it."""
        return file.parent.name.endswith(_ENDING) and file.parent != self.where

    def _has_images(self, file: Path, hashes: dict[int, str]) -> bool:
        if self._is_of_another_workspace(file):
            return False
        try:
            with read_stack(file) as stack:
                return has_images(stack, hashes)
        except (OSError, ValueError):
            return False


_Kept = tuple[dict[str, Any], Held | None]


def token_of(file: Path) -> str:
    """What tells a labels file of ours from all others, whatever folder it is in; empty if none."""
    found = _TOKEN.search(file.name)
    return found[0] if found else ""


def _new_token() -> str:
    return uuid.uuid4().hex[:8]


def _image_hashes(stack: Stack) -> dict[int, str]:
    try:
        return image_hashes(stack)
    except OSError as error:
        raise ValueError(error_words(error)) from error


def _at_one_time(stacks: Sequence[Stack], t: int) -> list[Frame]:
    """Frame `t` of labels, and of what is confirmed of them, though somebody paints.

    Raises
    ------
    BlockingIOError
        If they change all the time.
    """
    for _ in range(_TRIES):
        frames = [_copy(stack, t) for stack in stacks]
        if all(np.array_equal(f, s.read(t)) for f, s in zip(frames, stacks, strict=True)):
            return frames
        time.sleep(_PAUSE_S)
    raise BlockingIOError(f"frame {t} changes all the time: save the workspace when that is over.")


def _copy(stack: Stack, t: int) -> Frame:
    try:
        return np.array(stack.read(t))
    except OSError as error:  # a file of the layer, not of the workspace
        raise ValueError(error_words(error)) from error
