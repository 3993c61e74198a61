"""Chunks on disk: the labels and rows of some frames, which appear whole or not at all.

They lie in ``OUT/NAME/.chunks/KEYS/``: ``fit.json`` with what all chunks share, then for each chunk
``00003_labels.tif`` (and ``_confidence.tif``) and ``00003.json``, which comes last and says that
the chunk is finished. Other keys, so other inputs, settings, model or program, are another folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tifffile

from napari_amseg.io import OutputFiles, TiffStackWriter, write_json
from napari_amseg.io.records import read_json
from napari_amseg.pipeline.stack import FrameResult
from napari_amseg.types import Experiment

CHUNKS, _FIT = ".chunks", "fit.json"


@dataclass(frozen=True, slots=True)
class StackFit:
    """What is found out once a stack and then used by all its chunks.

    Attributes
    ----------
    address : of the stack, for ``read_stack``. shape : (T, Y, X) after preprocessing.
    notes : remarks. experiment : with what the files say, as JSON.
    chain, model : preprocessing with its statistics and the record of the model, as
        :class:`~napari_amseg.pipeline.prepare.Prepared` has them.
    chunk_frames : frames a chunk; a multiple of the frames a model call.
    """

    address: tuple[str, ...]
    shape: tuple[int, int, int]
    notes: tuple[str, ...]
    experiment: dict[str, Any]
    chain: dict[str, Any]
    model: dict[str, Any]
    chunk_frames: int

    @property
    def n_chunks(self) -> int:
        """How many chunks the stack has."""
        return -(-self.shape[0] // self.chunk_frames)

    def frames(self, chunk: int) -> range:
        """The frames of a chunk."""
        start = chunk * self.chunk_frames
        return range(start, min(start + self.chunk_frames, self.shape[0]))


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """Who computed a chunk, in how many seconds. retries : tries cut short by a lost worker."""

    engine: str
    device: str
    host: str
    seconds: float
    retries: int


def chunks_name(stack_folder: Path, keys: Sequence[str]) -> str:
    """The folder of chunks that has one of these keys in its name, the first first; if there is
    none, the name of a new one: all of them.
    """
    try:
        there = [folder.name for folder in (stack_folder / CHUNKS).iterdir()]
    except OSError:  # no chunk yet
        there = []
    found = (name for key in keys for name in there if key in name.split("-"))
    return next(found, "-".join(keys))


class ChunkFolder:
    """The chunks of one stack that belong together; name : as :func:`chunks_name` gives it."""

    def __init__(self, stack_folder: Path, name: str) -> None:
        self.folder = stack_folder / CHUNKS / name

    def clear_others(self) -> None:
        """Remove other chunks and what half-written chunks have left."""
        if self.folder.parent.is_dir():
            for other in self.folder.parent.iterdir():
                if other != self.folder:
                    shutil.rmtree(other, ignore_errors=True)
        for part in self.folder.glob(".*.part"):
            part.unlink(missing_ok=True)

    def read_fit(self) -> StackFit | None:
        """What is known of the stack; None if it is not known yet, or cannot be read."""
        try:
            record = read_json(self.folder / _FIT)
            lists = {name: tuple(record[name]) for name in ("address", "shape", "notes")}
            return StackFit(**{**record, **lists})
        except (OSError, ValueError, LookupError, TypeError):
            return None  # also where a crash of the machine has left it empty

    def write_fit(self, fit: StackFit) -> None:
        """Keep what is known of the stack."""
        with OutputFiles(self.folder) as files:
            write_json(files.path(_FIT), asdict(fit))

    def missing(self, n_chunks: int) -> tuple[int, ...]:
        """The chunks that are not finished."""
        return tuple(i for i in range(n_chunks) if not _is_whole(self.folder / f"{i:05d}.json"))

    def discard_tries(self, chunk: int) -> int:
        """Remove what lost workers left of a chunk; gives how many there were."""
        left = list(self.folder.glob(f".{chunk:05d}*.part"))
        for part in left:
            part.unlink(missing_ok=True)
        return len({part.name.rsplit(".", 2)[1] for part in left})

    def writer(self, chunk: int, shape: tuple[int, int, int], *, confidence: bool) -> ChunkWriter:
        """Write a chunk. shape : (frames, Y, X) of it."""
        return ChunkWriter(self.folder, f"{chunk:05d}", shape, confidence=confidence)

    def record(self, chunk: int) -> ChunkRecord:
        """Who computed a finished chunk."""
        return ChunkRecord(**self._content(chunk)["record"])

    def packed(self, chunk: int) -> Iterator[tuple[Any, ...]]:
        """Row, pores' rows and maps of each frame of a finished chunk, in order; the maps as
        :meth:`TiffStackWriter.encode` gave them: packed once, they are copied.
        """
        content = self._content(chunk)
        with ExitStack() as opened:
            maps = [
                opened.enter_context(closing(_pages(path)))
                for kind in ("labels", "confidence")
                if (path := self.folder / f"{chunk:05d}_{kind}.tif").exists()
            ]
            for (row, pores), *pages in zip(content["rows"], *maps, strict=True):
                yield row, pores, *pages

    def remove(self) -> None:
        """Remove all chunks of the stack."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _content(self, chunk: int) -> dict[str, Any]:
        text = (self.folder / f"{chunk:05d}.json").read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        return content


class ChunkWriter:
    """Labels and rows of a chunk, frame by frame; nothing appears unless its block ends well."""

    def __init__(
        self, folder: Path, stem: str, shape: tuple[int, int, int], *, confidence: bool
    ) -> None:
        self._files, self._stem, self._shape = OutputFiles(folder), stem, shape
        self._kinds = ("labels", "confidence") if confidence else ("labels",)
        self._rows: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self._open = ExitStack()

    def append(self, result: FrameResult) -> None:
        """Write one frame; frames come in order."""
        for kind, writer in zip(self._kinds, self._writers, strict=True):
            writer.append(getattr(result, kind))
        self._rows.append((result.row, result.pores))

    def finish(self, record: ChunkRecord) -> None:
        """Write the rows and say who computed them, after the last frame."""
        self._maps.close()
        content = {"record": asdict(record), "rows": self._rows}
        path = self._files.path(f"{self._stem}.json")
        path.write_text(json.dumps(content, default=_plain), encoding="utf-8")

    def __enter__(self) -> ChunkWriter:
        with ExitStack() as opened:
            opened.enter_context(self._files)
            self._maps = opened.enter_context(ExitStack())
            self._writers = [
                self._maps.enter_context(
                    TiffStackWriter(
                        self._files.path(f"{self._stem}_{kind}.tif"),
                        self._shape,
                        "uint8",
                        Experiment(),
                        labels=kind == "labels",
                    )
                )
                for kind in self._kinds
            ]
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)


def _pages(path: Path) -> Generator[bytes]:
    """The pages of a stack as they lie in the file, one strip each."""
    with tifffile.TiffFile(path) as tif:
        for page in tif.pages:
            (start,), (size,) = page.dataoffsets, page.databytecounts
            tif.filehandle.seek(start)
            yield tif.filehandle.read(size)


def _is_whole(path: Path) -> bool:
    """Whether a JSON file is there to its end; a crash of the machine may leave it empty."""
    try:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"}"
    except OSError:
        return False


def _plain(value: Any) -> Any:
    """NumPy numbers as Python's; every float64 survives JSON as it is."""
    return value.item()
