"""A stack kept as numbered images, one frame a file, in numeric order."""

from __future__ import annotations

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io.image import read_image
from napari_amseg.io.tiff import read_single_frame, single_frame_header
from napari_amseg.types import Experiment, Frame, Stack

_NUMBER = re.compile(r"\d+")
Header = tuple[tuple[int, ...], np.dtype[Any], Experiment]


def numeric_key(path: Path) -> tuple[Any, ...]:
    """Sort key that compares the numbers in a name as numbers."""
    return tuple(
        (1, int(part), "") if part.isdigit() else (0, 0, part)
        for part in re.split(r"(\d+)", path.name)
        if part
    )


def numbered_sequence(files: list[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """The one numbered sequence among `files`, and the files that do not belong to it.

    Raises
    ------
    ValueError
        If no name holds a number, or there are several sequences to choose from.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        numbers = list(_NUMBER.finditer(path.stem))
        if numbers:
            last = numbers[-1]
            pattern = f"{path.stem[: last.start()]}*{path.stem[last.end() :]}{path.suffix}"
            groups[pattern].append(path)
    sequences = {pattern: group for pattern, group in groups.items() if len(group) > 1}
    if len(sequences) != 1:
        raise ValueError(f"{folder}: {_choose(files, sequences, folder)}")
    sequence = next(iter(sequences.values()))
    taken = set(sequence)
    return sequence, sorted((p for p in files if p not in taken), key=numeric_key)


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
    with ThreadPoolExecutor(8) as pool:  # on network drives the wait is latency
        headers = pool.map(_header, files)
        shape, dtype, experiment = next(headers)
        for path, (other_shape, other_dtype, _) in zip(files[1:], headers, strict=True):
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
        notes=_gaps(files),
    )


def _header(path: Path) -> Header:
    if path.suffix.lower() in (".tif", ".tiff"):
        return single_frame_header(path)
    image = read_image(path)
    return image.shape, image.dtype, Experiment()


def _read(path: Path) -> Frame:
    return read_single_frame(path) if path.suffix.lower() in (".tif", ".tiff") else read_image(path)


def _words(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{'x'.join(map(str, shape))} {dtype}"


def _gaps(files: list[Path]) -> tuple[str, ...]:
    """A remark when numbers are missing: the time axis would be wrong from there on."""
    last_numbers = [_NUMBER.findall(p.stem)[-1:] for p in files]
    if not all(last_numbers):
        return ()
    numbers = np.array([int(n[0]) for n in last_numbers])
    steps = np.diff(numbers)
    usual = int(np.median(steps)) or 1
    odd = np.flatnonzero(steps != usual)
    if not odd.size:
        return ()
    after = files[int(odd[0])].name
    return (f"numbering is not regular after {after}: frames may be missing, times may be wrong",)
