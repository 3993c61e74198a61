"""Annotated frames added to a benchmark: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.benchmark import (
    EXPERIMENTS,
    RECORD,
    Benchmark,
    FrameId,
    list_frames,
    open_benchmark,
    write_record,
)
from napari_amseg.dataset.codes import code_counts, unknown_codes
from napari_amseg.dataset.experiments import merged, read_experiments, write_experiments
from napari_amseg.dataset.names import Track, check_name, first_few, natural_key, silent
from napari_amseg.io import OutputFiles, TiffStackWriter
from napari_amseg.io.tiff import single_frame_header
from napari_amseg.types import Experiment, Stack

IMAGE_DTYPES = ("uint8", "uint16", "float32")


def add_frames(
    benchmark: Benchmark,
    images: Stack,
    labels: Stack,
    experiment: Experiment,
    *,
    frames: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    overwrite: bool = False,
    allow_unlabelled: bool = False,
    track: Track = silent,
) -> Benchmark:
    """Add images with their labels to an experiment of a benchmark; returns it opened again.

    Everything is checked before anything appears, and all files appear together. A benchmark that
    is not on the disk yet, `Benchmark(folder, scheme, {}, ())`, is created in the same step.

    Parameters
    ----------
    images : (T, Y, X) uint8, uint16 or float32; kept as they are.
    labels : (T, Y, X) integers, codes of the benchmark's scheme or 0.
    experiment : named; what it leaves unknown is taken from what the stacks state.
    frames : which frames of the stacks, counted from 0; all by default.
    names : names of these frames; their zero-padded numbers by default.
    overwrite : replace frames that are there. allow_unlabelled : take frames without any label.

    Raises
    ------
    ValueError
        If stacks, labels, names or metadata do not fit each other or the benchmark; says what.
    FileExistsError
        If frames are there already.
    OSError
        If the folder cannot be written to.
    """
    addition = check_addition(
        benchmark,
        images,
        labels,
        experiment,
        frames=frames,
        names=names,
        overwrite=overwrite,
        allow_unlabelled=allow_unlabelled,
        track=track,
    )
    _write(addition, images, labels, track)
    return open_benchmark(benchmark.folder)


@dataclass(frozen=True, slots=True)
class Addition:
    """Frames that may be added. names : of the frames, by number. experiment : what is known then,
    from the benchmark and from what was given.
    """

    benchmark: Benchmark
    names: Mapping[int, str]
    experiment: Experiment


def check_addition(
    benchmark: Benchmark,
    images: Stack,
    labels: Stack,
    experiment: Experiment,
    *,
    frames: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    overwrite: bool = False,
    allow_unlabelled: bool = False,
    track: Track = silent,
) -> Addition:
    """What :func:`add_frames` checks, with its parameters and errors; nothing is written."""
    if (benchmark.folder / RECORD).exists():
        benchmark = open_benchmark(benchmark.folder)
    else:
        there = read_experiments(benchmark.folder / EXPERIMENTS)
        benchmark = replace(benchmark, experiments=there)
    name = _checked_name(benchmark, experiment)
    _check_stacks(images, labels)
    chosen = _chosen(len(images), frames, names)
    ids = [FrameId(name, frame) for frame in chosen.values()]
    _check_existing(benchmark, ids, images.dtype, overwrite=overwrite)
    stated = labels.experiment.updated(**images.experiment.to_json())
    given = stated.updated(**experiment.to_json())
    known = benchmark.experiments.get(name, Experiment(experiment=name))
    _check_labels(benchmark, labels, chosen, allow_unlabelled=allow_unlabelled, track=track)
    return Addition(benchmark, chosen, merged(known, given))


def labelled_frames(labels: Stack, *, track: Track = silent) -> tuple[int, ...]:
    """The frames of a label stack in which any pixel is labelled."""
    numbers = track(range(len(labels)), len(labels), "looking for labels")
    return tuple(t for t in numbers if labels.read(t).any())


def _checked_name(benchmark: Benchmark, experiment: Experiment) -> str:
    name = experiment.experiment or ""
    check_name(name, "experiment")
    for known in benchmark.experiments:
        if known != name and known.casefold() == name.casefold():
            raise ValueError(
                f"experiment is {name!r}, but the benchmark has {known!r}: some systems do not "
                "tell them apart. Write it alike, or choose another name."
            )
    return name


def _check_stacks(images: Stack, labels: Stack) -> None:
    if images.shape != labels.shape:
        raise ValueError(
            f"images are {_words(images)}, labels are {_words(labels)} (frames x rows x columns): "
            "give the labels of these very images."
        )
    if images.dtype not in IMAGE_DTYPES:
        raise ValueError(
            f"images are {images.dtype}; a benchmark keeps {', '.join(IMAGE_DTYPES)}. "
            "Convert them, for example with amseg preprocess --dtype uint16."
        )
    if labels.dtype.kind not in "ui":
        raise ValueError(f"labels are {labels.dtype}, expected uint8 codes; save them as 8 bit.")


def _words(stack: Stack) -> str:
    return "x".join(map(str, stack.shape))


def _chosen(
    n_frames: int, frames: Sequence[int] | None, names: Sequence[str] | None
) -> dict[int, str]:
    """Names of the frames to add, by their number."""
    numbers = list(range(n_frames) if frames is None else frames)
    outside = [t for t in numbers if not 0 <= t < n_frames]
    if outside or not numbers:
        raise ValueError(
            f"frames {first_few(outside) or 'chosen are none'}: the stacks have frames "
            f"0 to {n_frames - 1}."
        )
    given = [f"{t:04d}" for t in numbers] if names is None else list(names)
    if len(given) != len(numbers):
        raise ValueError(f"{len(given)} names for {len(numbers)} frames: give one name a frame.")
    wanted: tuple[tuple[list[Any], str], ...] = (
        (numbers, "frame"),
        ([name.casefold() for name in given], "name"),
    )
    for values, what in wanted:
        twice = [value for value, n in Counter(values).items() if n > 1]
        if twice:
            raise ValueError(f"{what} {first_few(twice)} is given twice.")
    for name in given:
        check_name(name, "frame name")
    return dict(zip(numbers, given, strict=True))


def _check_existing(
    benchmark: Benchmark, ids: list[FrameId], dtype: np.dtype[Any], *, overwrite: bool
) -> None:
    """Frames are not replaced unasked, and images of an experiment have one type."""
    folder = benchmark.folder
    on_disk = list_frames(folder / "images") | list_frames(folder / "labels")
    there = [frame for frame in ids if frame in on_disk]
    if there and not overwrite:
        raise FileExistsError(
            f"{folder}: {len(there)} of these {len(ids)} frames are there already "
            f"({first_few(there)}). Choose --overwrite, or another name for the experiment."
        )
    staying = set(ids)
    same = (f for f in benchmark.frames if f.experiment == ids[0].experiment and f not in staying)
    other = next(same, None)
    if other is not None and (kept := single_frame_header(benchmark.image_path(other))[1]) != dtype:
        raise ValueError(
            f"images are {dtype}, but {other} is {kept}: grey values of one experiment have one "
            "type. Convert these, or give them another experiment name."
        )


def _check_labels(
    benchmark: Benchmark,
    labels: Stack,
    chosen: Mapping[int, str],
    *,
    allow_unlabelled: bool,
    track: Track,
) -> None:
    """Raise ValueError when labels hold unknown codes, or nothing."""
    empty = []
    for t in track(chosen, len(chosen), "checking labels"):
        try:
            counts = code_counts(labels.read(t))
        except ValueError as error:
            raise ValueError(f"labels, frame {t}: {error}") from None
        strange = unknown_codes(counts, benchmark.scheme)
        if strange:
            raise ValueError(
                f"labels, frame {t}: {strange}. Correct them, or say what the codes mean "
                "with --codes."
            )
        if not counts[1:].any():
            empty.append(t)
    if empty and not allow_unlabelled:
        raise ValueError(
            f"{len(empty)} of {len(chosen)} frames hold no label at all ({first_few(empty)}). "
            "Leave them out with --frames labelled, or choose --allow-unlabelled."
        )


def _write(addition: Addition, images: Stack, labels: Stack, track: Track) -> None:
    benchmark, chosen, experiment = addition.benchmark, addition.names, addition.experiment
    folder, name = benchmark.folder, str(experiment.experiment)
    with ExitStack() as outputs:
        top, image_files, label_files = (
            outputs.enter_context(OutputFiles(place))
            for place in (folder, folder / "images" / name, folder / "labels" / name)
        )
        if not (folder / RECORD).exists():
            write_record(top, benchmark.scheme)
        for t, frame in track(chosen.items(), len(chosen), "adding frames"):
            image = images.read(t)
            check_finite(image, t)
            write_frame(image_files, frame, image, experiment, labels=False)
            codes = labels.read(t).astype(np.uint8)
            write_frame(label_files, frame, codes, experiment, labels=True)
        write_experiment(top, experiment)


def write_experiment(top: OutputFiles, experiment: Experiment) -> None:
    """Put the row of an experiment into ``experiments.csv``; `top` is the benchmark's folder."""
    # Read again: another program may have added an experiment meanwhile.
    rows = read_experiments(top.folder / EXPERIMENTS)
    rows[str(experiment.experiment)] = experiment
    write_experiments(top.path(EXPERIMENTS), [rows[key] for key in sorted(rows, key=natural_key)])


def check_finite(image: NDArray[Any], t: int) -> None:
    """Raise ValueError when pixels of the image of frame `t` are no numbers."""
    bad = int(image.size - np.isfinite(image).sum()) if image.dtype.kind == "f" else 0
    if bad:
        raise ValueError(f"images, frame {t}: {bad} pixels are not finite; correct them first.")


def write_frame(
    files: OutputFiles, frame: str, plane: NDArray[Any], experiment: Experiment, *, labels: bool
) -> Path:
    """Write ``<frame>.tif``, an image or its labels; returns its path until `files` is done."""
    path = files.path(f"{frame}.tif")
    with TiffStackWriter(path, (1, *plane.shape), plane.dtype, experiment, labels=labels) as writer:
        writer.append(plane)
    return path
