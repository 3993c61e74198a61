"""The benchmark folder: images, label images, experiments and splits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.experiments import read_experiments, write_experiments
from napari_amseg.dataset.names import first_few, natural_key
from napari_amseg.io import OutputFiles, write_json
from napari_amseg.io.records import read_json
from napari_amseg.io.tiff import read_single_frame, single_frame_header
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.types import Experiment, Frame, Stack

SUBSETS = ("train", "validation", "test")
RECORD, EXPERIMENTS = "benchmark.json", "experiments.csv"
_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """One image of a benchmark: its experiment, and its file name without the ending."""

    experiment: str
    frame: str

    def __str__(self) -> str:
        return f"{self.experiment}/{self.frame}"


@dataclass(frozen=True)
class Benchmark:
    """An opened benchmark folder; files are read when they are asked for.

    Attributes
    ----------
    folder : where it is. scheme : what the label codes mean.
    experiments : what is known of each experiment, by name.
    frames : those with an image and a label image, in natural order (f2 before f10).
    """

    folder: Path
    scheme: LabelScheme
    experiments: Mapping[str, Experiment]
    frames: tuple[FrameId, ...]

    def image_path(self, frame: FrameId) -> Path:
        """``images/<experiment>/<frame>.tif``."""
        return self.folder / "images" / frame.experiment / f"{frame.frame}.tif"

    def label_path(self, frame: FrameId) -> Path:
        """``labels/<experiment>/<frame>.tif``."""
        return self.folder / "labels" / frame.experiment / f"{frame.frame}.tif"

    def image(self, frame: FrameId) -> Frame:
        """The image, (Y, X) in its own dtype.

        Raises
        ------
        OSError, ValueError
            If the file is gone or is no single grey image.
        """
        return _plane(self.image_path(frame))

    def labels(self, frame: FrameId) -> NDArray[np.uint8]:
        """The label image, uint8 (Y, X).

        Raises
        ------
        OSError, ValueError
            If the file is gone or is no single uint8 image.
        """
        path = self.label_path(frame)
        labels = _plane(path)
        if labels.dtype != np.uint8:
            raise ValueError(f"{path}: labels are {labels.dtype}, expected uint8; save them again.")
        return labels

    def shape(self, frame: FrameId) -> tuple[int, int]:
        """Rows and columns of the image, from the header of its file alone."""
        rows, columns = single_frame_header(self.image_path(frame))[0]
        return rows, columns

    def stack(self, frames: Sequence[FrameId]) -> Stack:
        """Images of one experiment as a lazy stack, in the order given.

        Pixel size and frame rate are those of ``experiments.csv``, else those of the first file.

        Raises
        ------
        ValueError
            If there are no frames, or they are of several experiments, sizes or types.
        """
        experiments = sorted({frame.experiment for frame in frames})
        if len(experiments) != 1:
            named = f" ({', '.join(experiments)})" if experiments else ""
            raise ValueError(
                f"{len(frames)} frames of {len(experiments)} experiments{named}: "
                "a stack has frames of one."
            )
        paths = [self.image_path(frame) for frame in frames]
        shape, dtype, in_file, remarks = single_frame_header(paths[0])
        for frame, path in zip(frames[1:], paths[1:], strict=True):
            other_shape, other_dtype, *_ = single_frame_header(path)
            if (other_shape, other_dtype) != (shape, dtype):
                raise ValueError(
                    f"{frame} is {_words(other_shape)} {other_dtype}, but {frames[0]} is "
                    f"{_words(shape)} {dtype}: frames of a stack have one size and type."
                )
        known = self.experiment(experiments[0])
        in_order = tuple(frames) == natural_order(frames)  # as read_stack would put its files
        return Stack(
            shape=(len(frames), *shape),  # type: ignore[arg-type]
            dtype=dtype,
            read=lambda t: _plane(paths[t]),
            experiment=in_file.updated(**known.to_json()),
            files=tuple(map(str, paths)) if in_order else (),
            notes=remarks,
        )

    def experiment(self, name: str) -> Experiment:
        """What is known of an experiment; ValueError if the benchmark has none of this name."""
        try:
            return self.experiments[name]
        except KeyError:
            names = sorted(self.experiments, key=natural_key)
            known = first_few(names, 8) or "none"
            raise ValueError(f"{self.folder}: no experiment {name!r}; there are {known}.") from None


def open_benchmark(folder: str | os.PathLike[str]) -> Benchmark:
    """Open a benchmark folder; no image is read.

    Raises
    ------
    FileNotFoundError
        If there is no benchmark.
    ValueError
        If its ``benchmark.json`` or ``experiments.csv`` cannot be read.
    """
    folder = Path(folder).expanduser()
    scheme = read_scheme(folder)
    frames = natural_order(list_frames(folder / "images") & list_frames(folder / "labels"))
    rows = read_experiments(folder / EXPERIMENTS)
    bare = {f.experiment: Experiment(experiment=f.experiment) for f in frames}
    return Benchmark(folder, scheme, bare | rows, frames)


def create_benchmark(
    folder: str | os.PathLike[str], scheme: LabelScheme = DEFAULT_SCHEME
) -> Benchmark:
    """Make an empty benchmark, or one of a folder that holds ``images`` and ``labels`` already.

    Raises
    ------
    FileExistsError
        If there is a benchmark.
    """
    folder = Path(folder).expanduser()
    if (folder / RECORD).exists():
        raise FileExistsError(f"{folder}: holds a benchmark already; choose another folder.")
    with OutputFiles(folder) as files:
        write_record(files, scheme)
        if not (folder / EXPERIMENTS).exists():
            write_experiments(files.path(EXPERIMENTS), ())
    return open_benchmark(folder)


def write_record(files: OutputFiles, scheme: LabelScheme) -> None:
    """Write ``benchmark.json``."""
    record = {"format_version": _FORMAT_VERSION, "label_scheme": scheme.to_json()}
    write_json(files.path(RECORD), record)


def read_scheme(folder: Path) -> LabelScheme:
    """The label scheme of a benchmark folder. Raises as :func:`open_benchmark`."""
    path = folder / RECORD
    try:
        record = read_json(path)
        version = record["format_version"]
        if version != _FORMAT_VERSION:
            raise ValueError(f"format version {version!r}, this program knows {_FORMAT_VERSION}")
        return LabelScheme.from_json(record["label_scheme"])
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{folder}: no benchmark here ({RECORD} is missing). Make one with: "
            "amseg dataset add IMAGES LABELS --experiment ID --benchmark FOLDER"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the record of a benchmark ({error}).") from error


def list_frames(folder: Path) -> set[FrameId]:
    """The frames below ``images`` or ``labels``, by the names of their files."""
    return {
        FrameId(experiment.name, entry.name[:-4])
        for experiment in _visible(folder)
        if experiment.is_dir()
        for entry in _visible(Path(experiment.path))
        if is_frame_file(entry.name)
    }


def is_frame_file(name: str) -> bool:
    """Whether a file of this name is a frame: ``<frame>.tif``, not hidden."""
    return name.endswith(".tif") and name != ".tif" and not name.startswith(".")


def natural_order(frames: Iterable[FrameId]) -> tuple[FrameId, ...]:
    """Frames by experiment and name, numbers compared as numbers."""
    return tuple(sorted(frames, key=lambda f: (natural_key(f.experiment), natural_key(f.frame))))


def _visible(folder: Path) -> Iterator[os.DirEntry[str]]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))


def _plane(path: Path) -> Frame:
    frame = read_single_frame(path)
    if frame.ndim != 2:
        raise ValueError(f"{path}: image has shape {frame.shape}, expected one grey plane.")
    return frame


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
