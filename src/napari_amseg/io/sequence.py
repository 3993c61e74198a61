"""A stack kept as numbered images, one frame a file, in numeric order."""

from __future__ import annotations

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io.image import read_image
from napari_amseg.io.tiff import Header, read_single_frame, single_frame_header
from napari_amseg.types import Experiment, Frame, Stack

FRAME_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")
_NUMBER = re.compile(r"\d+")


def numeric_key(path: Path) -> tuple[Any, ...]:
    """Sort key that compares the numbers in a name as numbers."""
    return tuple(
        (1, int(part), "") if part.isdecimal() else (0, 0, part)
        for part in re.split(r"(\d+)", path.name)
        if part
    )


def numbered_sequence(files: list[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """The one numbered sequence among `files`, in order, and the files that do not belong to it.

    Names that differ in numbers only may form a sequence; the last number that varies counts the
    frames.

    Raises
    ------
    ValueError
        If no name holds a number, or there are several sequences to choose from.
    """
    families: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        families[_NUMBER.sub("\0", path.name)].append(path)  # no name holds this character
    sequences: dict[str, list[Path]] = {}
    for family in families.values():
        if len(family) > 1:
            sequences |= _split_by_counter(family)
    sequences = {pattern: group for pattern, group in sequences.items() if len(group) > 1}
    if len(sequences) != 1:
        raise ValueError(f"{folder}: {_choose(files, sequences, folder)}")
    sequence = sorted(next(iter(sequences.values())), key=numeric_key)
    taken = set(sequence)
    return sequence, sorted((p for p in files if p not in taken), key=numeric_key)


def _split_by_counter(family: list[Path]) -> dict[str, list[Path]]:
    """Names that differ in numbers only, split by every number but the one that counts frames."""
    place = counter_place(family)
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in family:
        counter = list(_NUMBER.finditer(path.name))[place]
        groups[f"{path.name[: counter.start()]}*{path.name[counter.end() :]}"].append(path)
    return groups


def counter_place(files: list[Path]) -> int:
    """Which of the numbers in the names counts: the last one that varies."""
    numbers = [_NUMBER.findall(path.name) for path in files]
    varying = [i for i, column in enumerate(zip(*numbers, strict=False)) if len(set(column)) > 1]
    return varying[-1] if varying else -1


def _choose(files: list[Path], sequences: dict[str, list[Path]], folder: Path) -> str:
    """What the folder holds instead of one sequence, and how to name what is meant."""
    if not sequences:
        names = ", ".join(sorted(p.name for p in files)[:6])
        return f"no sequence of numbered images in it. Name one of its files: {names}."
    found = ", ".join(f"{p} ({len(g)} files)" for p, g in sorted(sequences.items())[:6])
    return (
        f"several sequences of numbered images in it: {found}. "
        f"Name one with a pattern, such as '{folder / min(sequences)}'."
    )


def open_sequence(files: list[Path]) -> Stack:
    """Single-frame images as one stack; headers are checked now, pixels are read later.

    Raises
    ------
    ValueError
        Naming the first file whose shape or dtype differs from the first frame's, that holds
        several frames, or that is no grey image.
    """
    files = sorted(files, key=numeric_key)
    notes = list(_gaps(files))
    with ThreadPoolExecutor(8) as pool:  # on network drives the wait is latency
        headers = pool.map(_header, files)
        shape, dtype, experiment, remarks = next(headers)
        for path, (other_shape, other_dtype, other, _) in zip(files[1:], headers, strict=True):
            if other != experiment and len(notes) < 2:
                notes.append(f"{path.name} states another pixel size or frame rate than the first")
            if (other_shape, other_dtype) != (shape, dtype):
                raise ValueError(
                    f"{path}: frame is {_words(other_shape, other_dtype)}, but {files[0].name} is "
                    f"{_words(shape, dtype)}. All frames of a stack must agree: move it away, "
                    "or name the others with a pattern."
                )

    def read(t: int) -> Frame:
        frame = _read(files[t])
        if frame.shape != shape or frame.dtype != dtype:
            raise ValueError(f"{files[t]}: changed on disk since the stack was opened.")
        return frame

    return Stack(
        shape=(len(files), *shape),  # type: ignore[arg-type]
        dtype=dtype,
        read=read,
        experiment=experiment,
        files=tuple(map(str, files)),
        notes=(*notes, *remarks),
    )


def _header(path: Path) -> Header:
    if path.suffix.lower() in (".tif", ".tiff"):
        return single_frame_header(path)
    image = read_image(path)
    return image.shape, image.dtype, Experiment(), ()


def _read(path: Path) -> Frame:
    return read_single_frame(path) if path.suffix.lower() in (".tif", ".tiff") else read_image(path)


def _words(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{'x'.join(map(str, shape))} {dtype}"


def _gaps(files: list[Path]) -> tuple[str, ...]:
    """A remark when numbers are missing: the time axis would be wrong from there on."""
    found = [_NUMBER.findall(p.name) for p in files]
    if not all(found) or len(set(map(len, found))) > 1:
        return ("the names are not numbered alike: check that the files are frames, in order",)
    place = counter_place(files)
    steps = np.diff(np.array([int(numbers[place]) for numbers in found]))
    usual = int(np.median(steps)) or 1
    odd = np.flatnonzero(steps != usual)
    if not odd.size:
        return ()
    after = files[int(odd[0])].name
    return (f"numbering is not regular after {after}: frames may be missing, times may be wrong",)
