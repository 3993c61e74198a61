"""Label images from elsewhere, brought to our codes; nothing found in them is silently dropped."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.label_files import (
    PICTURES,
    TIFF,
    LabelImages,
    open_label_files,
    open_labelme,
    open_tiff_labels,
)
from napari_amseg.io.label_mapping import LabelMapping
from napari_amseg.io.sequence import numbered_sequence, numeric_key
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.types import Frame, Stack

LABELME = ".json"
LABEL_SUFFIXES = (*TIFF, *PICTURES, LABELME)
LabelPath = str | os.PathLike[str]
_MOST_IN_A_TABLE = 2**25


def read_label_images(
    path: LabelPath | Sequence[LabelPath],
    mapping: Mapping[str, str] | Mapping[int, str] | str | LabelMapping,
    *,
    scheme: LabelScheme = DEFAULT_SCHEME,
) -> Stack:
    """Open label images from elsewhere as a lazy stack of our codes, uint8 (T, Y, X).

    Parameters
    ----------
    path : as for :func:`open_label_images`. mapping : what its values mean, as for
        :meth:`LabelMapping.of`; each value found must be in it. scheme : our classes.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`open_label_images` and :meth:`LabelMapping.of`. ValueError also on reading a
        frame with a value that `mapping` says nothing of.
    """
    if not isinstance(mapping, LabelMapping):
        mapping = LabelMapping.of(mapping, scheme)
    return in_our_codes(open_label_images(path), mapping)


def open_label_images(path: LabelPath | Sequence[LabelPath]) -> LabelImages:
    """Open label images without reading their pixels.

    Parameters
    ----------
    path : a TIFF stack; a folder, glob or list of numbered images (TIFF, PNG, BMP) or of
        labelme JSON files, one a frame, put in numeric order; or one such file. Of indexed images
        the indices count, of RGB images the colours. Of a folder of images with their labelme
        files, only these count.

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ValueError
        If it cannot be read as label images; names the first odd file.
    """
    files, notes = _files(path)
    for file in files:
        _check_suffix(file)
    suffixes = {file.suffix.lower() for file in files}
    if suffixes == {LABELME}:
        images = open_labelme(files)
    elif LABELME in suffixes:
        raise ValueError("labelme files and images do not make one stack: give them apart.")
    elif len(files) == 1 and suffixes <= set(TIFF):
        images = open_tiff_labels(files[0])
    else:
        images = open_label_files(files)
    return replace(images, stack=replace(images.stack, notes=(*images.stack.notes, *notes)))


def found_values(images: LabelImages, frames: Iterable[int] | None = None) -> dict[str, int]:
    """How many pixels have each value, by its text: numbers in order, others the commonest first.

    frames : which to look at, in any order; all by default.
    """
    counts: Counter[int] = Counter()
    for t in range(len(images.stack)) if frames is None else frames:
        values, n_px = _unique(images.stack.read(t))
        counts.update(dict(zip(values.tolist(), n_px.tolist(), strict=True)))
    by_count = images.kind != "number"
    order = sorted(counts, key=lambda value: (-counts[value], value) if by_count else (value, 0))
    return {images.text(value): counts[value] for value in order}


def in_our_codes(images: LabelImages, mapping: LabelMapping) -> Stack:
    """Label images with our codes, lazy. ValueError, on reading, for a value without a class."""

    def read(t: int) -> Frame:
        frame = images.stack.read(t)
        values, n_px = _unique(frame)
        found = [mapping.code_of(images.text(int(value))) for value in values]
        unknown = [
            (int(n), images.text(int(v)))
            for v, n, code in zip(values, n_px, found, strict=True)
            if code is None
        ]
        if unknown:
            raise ValueError(f"label image {t} (from 0): {_unknown_words(images, unknown)}")
        codes = np.array(found, np.uint8)
        if values[-1] >= _MOST_IN_A_TABLE:
            return codes[np.searchsorted(values, frame)]
        table = np.zeros(int(values[-1]) + 1, np.uint8)
        table[values] = codes
        return table[frame]

    return images.stack.derived(read, dtype=np.uint8)


def onto_frames(labels: Stack, frames: Sequence[int], shape: tuple[int, int, int]) -> Stack:
    """Label images put onto chosen frames of a stack of `shape`, all others unlabelled.

    Raises
    ------
    ValueError
        If sizes differ, a frame is not there or named twice, or their number is not that of the
        label images.
    """
    if labels.frame_shape != shape[1:]:
        raise ValueError(
            f"label images are {labels.shape[1]}x{labels.shape[2]}, the frames are "
            f"{shape[1]}x{shape[2]}: give the labels of these very images."
        )
    if len(frames) != len(labels):
        raise ValueError(
            f"{len(labels)} label images for {len(frames)} frames: name one frame for each."
        )
    place = {t: i for i, t in enumerate(frames)}
    outside = [t for t in frames if not 0 <= t < shape[0]]
    if outside or len(place) < len(frames):
        what = f"frame {outside[0]} is not there" if outside else "a frame is named twice"
        raise ValueError(f"{what}; the stack has frames 0 to {shape[0] - 1}.")

    def read(t: int) -> Frame:
        return labels.read(place[t]) if t in place else np.zeros(shape[1:], np.uint8)

    return labels.derived(read, shape=shape)


def _unique(frame: Frame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values in a frame in order, and how many pixels have each."""
    if frame.max() < 2**16:  # five times as fast as sorting the pixels
        counts = np.bincount(frame.ravel())
        values = np.flatnonzero(counts)
        return values, counts[values]
    values, counts = np.unique(frame, return_counts=True)
    return values.astype(np.int64), counts


def _unknown_words(images: LabelImages, unknown: list[tuple[int, str]]) -> str:
    unknown.sort(reverse=True)
    told = ", ".join(f"{text} ({n:,} pixels)" for n, text in unknown[:5])
    more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
    remedy = f"Say what each means, for example {unknown[0][1]}=unlabelled."
    if images.kind == "colour" and len(unknown) > 20:
        remedy = "Colours that blend at borders come from smoothing: save the labels without it."
    return f"no class is given for {images.kind} {told}{more}. {remedy}"


def _files(path: LabelPath | Sequence[LabelPath]) -> tuple[list[Path], tuple[str, ...]]:
    """The files meant, in numeric order, and remarks on what was left out."""
    if not isinstance(path, str | os.PathLike):
        files = [Path(p).expanduser() for p in path]
        if len(files) == 1:
            return _files(files[0])
        if not files:
            raise FileNotFoundError("list of label images: it is empty.")
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise FileNotFoundError(f"{missing}: there is no such file.")
        return sorted(files, key=numeric_key), ()
    where = Path(path).expanduser()
    if where.is_dir():
        return _sequence([p for p in where.iterdir() if p.suffix.lower() in LABEL_SUFFIXES], where)
    if where.exists():
        return [where], ()
    if glob.has_magic(str(where)):
        return _sequence([Path(p) for p in glob.glob(str(where))], where.parent)
    raise FileNotFoundError(f"{where}: there is no such file or folder.")


def _sequence(files: list[Path], folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    files = [p for p in files if not p.name.startswith(".") and not p.is_dir()]
    images = [p for p in files if p.suffix.lower() != LABELME]
    # labelme names its files after the images beside them; other records are no drawings.
    stems = {p.stem for p in images}
    files = [p for p in files if p.suffix.lower() == LABELME and p.stem in stems] or images or files
    if not files:
        raise FileNotFoundError(f"{folder}: no label image there ({', '.join(LABEL_SUFFIXES)}).")
    if len(files) == 1:
        return files, ()
    sequence, skipped = numbered_sequence(files, folder)
    names = ", ".join(p.name for p in skipped[:5]) + (" ..." if len(skipped) > 5 else "")
    return sequence, (f"not part of the numbered sequence: {names}",) if skipped else ()


def _check_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        raise ValueError(
            f"{path}: JPEG changes pixel values, so labels in it are not what was drawn: "
            "export them as PNG or TIFF."
        )
    if suffix not in LABEL_SUFFIXES:
        raise ValueError(
            f"{path}: label images ending in {suffix or 'nothing'!r} are not read; known are "
            f"{', '.join(LABEL_SUFFIXES)}."
        )
