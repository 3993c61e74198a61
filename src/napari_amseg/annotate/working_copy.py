"""The work of one annotation session, kept on this computer until it is saved or thrown away.

A folder with ``session.json`` and, for each frame that was touched, ``frames/<number>.tif``: labels
and by-hand pixels as two pages of one file, status and base in its description. One file replaced
whole is one consistent frame, whatever is killed when, and any TIFF reader can rescue it.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import Owner, utc_now, utc_stamp
from napari_amseg.io import OutputFiles, write_json
from napari_amseg.io.records import parse_json, read_json
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Experiment

SESSION, FRAMES = "session.json", "frames"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is annotated, how it is shown, and by whom.

    files : of the stack. shape : (T, Y, X) as it is annotated. dtype : of its images.
    scheme : what the codes mean. experiment : what is known of the measurement.
    chain : preprocessing, as JSON; None for none. benchmark : folder that it is saved to, if any.
    frame_names : of all frames in the benchmark; None for zero-padded numbers.
    image_sha256 : hashes of a few frames of the files, before preprocessing, by their number.
    owner : who works on it. created : when it began, ISO 8601 UTC; filled in by `create`.
    """

    files: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: str
    scheme: LabelScheme
    experiment: Experiment
    owner: Owner
    chain: Mapping[str, Any] | None = None
    benchmark: str | None = None
    frame_names: tuple[str, ...] | None = None
    created: str = ""
    image_sha256: Mapping[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as in ``session.json``."""
        return {
            "format_version": FORMAT_VERSION,
            "files": list(self.files),
            "shape": list(self.shape),
            "dtype": self.dtype,
            "label_scheme": self.scheme.to_json(),
            "experiment": self.experiment.to_json(),
            "owner": self.owner.to_json(),
            "preprocessing": self.chain,
            "benchmark": self.benchmark,
            "frame_names": None if self.frame_names is None else list(self.frame_names),
            "created": self.created,
            "image_sha256": {str(t): sha256 for t, sha256 in self.image_sha256.items()},
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SessionRecord:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        version = record["format_version"]
        if version != FORMAT_VERSION:
            raise ValueError(f"format version {version!r}, this program knows {FORMAT_VERSION}")
        names = record["frame_names"]
        n_frames, rows, columns = (int(n) for n in record["shape"])
        return cls(
            files=tuple(map(str, record["files"])),
            shape=(n_frames, rows, columns),
            dtype=str(record["dtype"]),
            scheme=LabelScheme.from_json(record["label_scheme"]),
            experiment=Experiment.from_json(record["experiment"]),
            owner=Owner.from_json(record["owner"]),
            chain=record["preprocessing"],
            benchmark=record["benchmark"],
            frame_names=None if names is None else tuple(map(str, names)),
            created=str(record["created"]),
            # records of earlier versions have none
            image_sha256={int(t): str(s) for t, s in record.get("image_sha256", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class FrameWork:
    """One frame under work.

    labels : uint8 (Y, X). by_hand : bool (Y, X). status : how far it is.
    base_sha256 : of the benchmark's label file as it was loaded or last saved; None without one.
    unsaved : whether it differs from that file.
    """

    labels: NDArray[np.uint8]
    by_hand: NDArray[np.bool_]
    status: Status
    base_sha256: str | None = None
    unsaved: bool = True


class WorkingCopy:
    """A session's folder, open. Frames may be written from another thread than the record."""

    def __init__(self, folder: Path, record: SessionRecord) -> None:
        self.folder, self.record = folder, record

    @classmethod
    def create(cls, root: Path, record: SessionRecord) -> WorkingCopy:
        """Begin one below `root`. OSError if the folder cannot be written to."""
        copy = cls(_new_folder(root), replace(record, created=record.created or utc_now()))
        copy.update(copy.record)
        (copy.folder / FRAMES).mkdir(exist_ok=True)
        return copy

    @classmethod
    def open(cls, folder: Path) -> WorkingCopy:
        """Look at one; nothing is changed, but left-overs of a process that died are removed.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or its ``session.json`` cannot be read.
        """
        path = folder / SESSION
        try:
            record = SessionRecord.from_json(read_json(path))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path}: not the record of an annotation ({error}). The frames beside it are "
                "TIFF files: labels first, by-hand pixels second."
            ) from error
        if record.owner.alive is False:
            for part in (*folder.glob(".*.part"), *(folder / FRAMES).glob(".*.part")):
                part.unlink(missing_ok=True)
        return cls(folder, record)

    @classmethod
    def claim(cls, folder: Path, annotator: str = "") -> WorkingCopy:
        """Make this process the owner of one whose own is gone, to work on.

        The folder gets a new name, so that of two processes only one succeeds.

        Raises
        ------
        PermissionError
            If its owner is at work.
        FileNotFoundError
            If it is gone: another process took it.
        """
        record = cls.open(folder).record
        if record.owner.alive and not record.owner.is_here:
            raise PermissionError(
                f"{folder.name}: {record.owner.annotator} works on it in another window (process "
                f"{record.owner.pid}). Close that first."
            )
        copy = cls(folder.rename(_new_folder(folder.parent)), record)
        copy.update(replace(record, owner=Owner.here(annotator or record.owner.annotator)))
        return copy

    def release(self) -> None:
        """Work on it no more, so that it can be claimed. OSError if the record cannot be written.

        One without any frame is of no use and goes.
        """
        if self.frames():
            self.update(replace(self.record, owner=replace(self.record.owner, pid=None)))
        else:
            self.discard()

    def update(self, record: SessionRecord) -> None:
        """Replace the record."""
        with OutputFiles(self.folder) as files:
            write_json(files.path(SESSION), record.to_json())
        self.record = record

    def frames(self) -> tuple[int, ...]:
        """The frames that were written, in order."""
        return written_frames(self.folder)

    def write_frame(self, t: int, work: FrameWork) -> None:
        """Replace the file of a frame, whole. OSError if it cannot be written.

        The folder is not made again: where somebody removed it, that must be told.
        """
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder}: the folder of this annotation is gone.")
        state = {
            "status": work.status.words,
            "base_sha256": work.base_sha256,
            "unsaved": work.unsaved,
        }
        path = _frame_path(self.folder, t)
        with (
            OutputFiles(path.parent) as files,
            tifffile.TiffWriter(files.path(path.name)) as writer,
        ):
            _append(writer, np.asarray(work.labels, np.uint8), json.dumps(state))
            _append(writer, np.where(work.by_hand, np.uint8(255), np.uint8(0)), None)

    def read_frame(self, t: int) -> FrameWork:
        """A frame as it was last written.

        Raises
        ------
        FileNotFoundError, ValueError
            If it is not there, or cannot be read; names the file.
        """
        path = _frame_path(self.folder, t)
        if not path.exists():
            raise FileNotFoundError(f"{path}: this frame was not written.")
        try:
            with tifffile.TiffFile(path) as tif:
                state = _state(tif)
                labels, by_hand = (tif.pages[i].asarray(maxworkers=1) for i in (0, 1))
            if labels.dtype != np.uint8 or not labels.shape == by_hand.shape == self.frame_shape:
                raise ValueError(f"{labels.dtype} {labels.shape}, expected {self.frame_shape}")
            status = Status[state["status"].upper().replace(" ", "_")]
        except Exception as error:  # codecs and tags raise their own kinds
            raise ValueError(f"{path}: frame {t} cannot be read ({error}).") from error
        return FrameWork(labels, by_hand > 0, status, state["base_sha256"], state["unsaved"])

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.record.shape[1:]

    def discard(self) -> None:
        """Remove it from the disk, for good."""
        # the record last: what is left of a removal cut short can still be opened
        shutil.rmtree(self.folder / FRAMES, ignore_errors=True)
        shutil.rmtree(self.folder)


def written_frames(folder: Path) -> tuple[int, ...]:
    """The frames that a working copy holds, in order, whatever became of its record."""
    found = (folder / FRAMES).glob("[0-9]*.tif")
    return tuple(sorted(int(path.stem) for path in found if path.stem.isdecimal()))


def unsaved_status(folder: Path, t: int) -> str | None:
    """Status of a frame that is in no benchmark as it is here, from the header of its file; None
    if it is saved.

    Raises
    ------
    ValueError
        If the file cannot be read; names it.
    """
    path = _frame_path(folder, t)
    try:
        with tifffile.TiffFile(path) as tif:
            state = _state(tif)
            return str(state["status"]) if state["unsaved"] else None
    except Exception as error:  # codecs and tags raise their own kinds
        raise ValueError(f"{path}: frame {t} cannot be read ({error}).") from error


def _frame_path(folder: Path, t: int) -> Path:
    return folder / FRAMES / f"{t:06d}.tif"


def _new_folder(root: Path) -> Path:
    return root / f"{utc_stamp()}-{uuid.uuid4().hex[:6]}"


def _append(writer: tifffile.TiffWriter, page: NDArray[np.uint8], description: str | None) -> None:
    writer.write(
        page,
        photometric="minisblack",
        compression="zlib",
        compressionargs={"level": 1},  # half the time of the usual level, a third more bytes
        description=description,
        metadata=None,
        contiguous=False,
        software=False,
        rowsperstrip=page.shape[0],
    )


def _state(tif: tifffile.TiffFile) -> dict[str, Any]:
    """Status, base and unsaved mark; reading all pages shows a file that was cut."""
    if len(tif.pages) != 2:
        raise ValueError(f"{len(tif.pages)} pages, expected labels and by-hand pixels")
    state = parse_json(tif.pages.first.description)
    return {key: state[key] for key in ("status", "base_sha256", "unsaved")}
