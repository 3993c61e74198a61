"""Label images as they lie in files: whole numbers of palette entries, grey values or colours."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile

from napari_amseg.io.label_mapping import OUTSIDE, TRANSPARENT
from napari_amseg.io.labelme import drawn, read_drawing
from napari_amseg.io.tiff import open_tiff, read_single_frame, single_frame_header
from napari_amseg.io.tiff_file import opened
from napari_amseg.types import Frame, Stack

Kind = Literal["number", "colour", "name"]
TIFF, PICTURES = (".tif", ".tiff"), (".png", ".bmp")
_NUMBER_MODES = {"1", "L", "P", "I", "I;16", "I;16B"}  # Pillow's words
_COLOUR_MODES = {"RGB", "RGBA"}
_TRANSPARENT = 1 << 24


@dataclass(frozen=True, slots=True)
class LabelImages:
    """Label images as they came. kind : what their values are.

    stack : (T, Y, X), frames of whole numbers from 0. text : a value in words: ``"3"``,
    ``"#ff0000"`` or ``"pore"``.
    """

    kind: Kind
    stack: Stack
    text: Callable[[int], str]


def open_tiff_labels(path: Path) -> LabelImages:
    """A TIFF file, one frame or many, of numbers or colours; a table of colours is left aside.

    Raises as :func:`napari_amseg.io.tiff.open_tiff`.
    """
    if _is_colour(path):
        return LabelImages("colour", _colour_stack(path), _colour_text)
    stack = open_tiff(path)
    numbers = stack.derived(lambda t: _whole(stack.read(t), f"{path}, frame {t}"), dtype=np.uint32)
    return LabelImages("number", numbers, str)


def open_label_files(files: Sequence[Path]) -> LabelImages:
    """Label images of one frame a file, in this order; sizes are checked now, pixels read later.

    Raises
    ------
    ValueError
        Naming the first file that cannot be read or differs in size or kind from the first.
    """
    kind, shape = _header(files[0])
    for path in files[1:]:
        other, other_shape = _header(path)
        if (other, other_shape) != (kind, shape):
            raise ValueError(
                f"{path}: holds {_words(other_shape)} {other}s, but {files[0].name} "
                f"{_words(shape)} {kind}s: label images of one stack are alike."
            )

    def read(t: int) -> Frame:
        frame = _read(files[t])
        if frame.shape != shape:
            raise ValueError(f"{files[t]}: changed on disk since it was opened.")
        return frame

    stack = Stack((len(files), *shape), np.dtype(np.uint32), read, files=tuple(map(str, files)))
    return LabelImages(kind, stack, _colour_text if kind == "colour" else str)


def open_labelme(files: Sequence[Path]) -> LabelImages:
    """Files of labelme, one a frame, in this order; pixels in no shape are ``_outside_``.

    All outlines are read now: they are small, and what is wrong shows before any work.

    Raises
    ------
    ValueError
        Naming the first file that is no labelme file or has another size than the first.
    """
    drawings = []
    left_out: Counter[str] = Counter()
    for path in files:
        drawing = read_drawing(path)
        drawings.append(drawing)
        left_out += drawing.left_out
        if drawing.shape != drawings[0].shape:
            raise ValueError(
                f"{path}: its image is {_words(drawing.shape)}, that of {files[0].name} "
                f"{_words(drawings[0].shape)}: label images of one stack are alike."
            )
    names = [OUTSIDE, *sorted({s.name for d in drawings for s in d.shapes} - {OUTSIDE})]
    if len(names) > 2**16:
        raise ValueError(f"{files[0].parent}: labelme files with {len(names):,} names.")
    values = {name: value for value, name in enumerate(names)}
    stack = Stack(
        (len(files), *drawings[0].shape),
        np.dtype(np.uint16),
        lambda t: drawn(drawings[t], values),
        files=tuple(map(str, files)),
        notes=tuple(f"{n} shapes of kind {kind} are not read" for kind, n in left_out.items()),
    )
    return LabelImages("name", stack, lambda value: names[value])


def _header(path: Path) -> tuple[Kind, tuple[int, int]]:
    """Kind and size of a file of one frame."""
    if path.suffix.lower() in TIFF:
        if _is_colour(path):
            with _colour_stack(path) as stack:
                return "colour", stack.frame_shape
        rows, columns = single_frame_header(path)[0]
        return "number", (rows, columns)
    with _picture(path) as picture:
        mode, (columns, rows) = picture.mode, picture.size
        if getattr(picture, "n_frames", 1) > 1:
            raise ValueError(f"{path}: holds several frames; save one a file.")
    if mode in _NUMBER_MODES:
        return "number", (rows, columns)
    if mode in _COLOUR_MODES:
        return "colour", (rows, columns)
    raise ValueError(f"{path}: image of mode {mode}; save it as indexed, grey or RGB.")


def _read(path: Path) -> Frame:
    if path.suffix.lower() in TIFF:
        if _is_colour(path):
            with _colour_stack(path) as stack:
                return stack.read(0)
        return _whole(read_single_frame(path), str(path))
    with _picture(path) as picture:
        try:
            pixels = np.asarray(picture)  # of a palette image: its indices
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
            raise ValueError(f"{path}: the image is damaged ({error}). Copy it again.") from error
    return _packed(pixels) if pixels.ndim == 3 else _whole(pixels, str(path))


def _picture(path: Path) -> Any:
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ValueError(f"{path}: not a readable image ({error}).") from error


def _whole(frame: Frame, where: str) -> Frame:
    """Numbers as they are; floating point, as some plugins save labels, must hold whole ones."""
    if frame.dtype.kind == "b":
        return frame.astype(np.uint8)
    if frame.dtype.kind == "f" and not (np.isfinite(frame) & (frame == np.rint(frame))).all():
        raise ValueError(
            f"{where}: pixels are {frame.dtype} with fractions, expected whole numbers: "
            "these are grey values, not labels."
        )
    if frame.min() < 0 or frame.max() >= 2**32:
        raise ValueError(
            f"{where}: pixels run from {frame.min():g} to {frame.max():g}; labels are whole "
            "numbers from 0."
        )
    return frame if frame.dtype in (np.uint8, np.uint16, np.uint32) else frame.astype(np.uint32)


def _is_colour(path: Path) -> bool:
    with opened(path) as tif:
        page = tif.pages.first
        return bool(page.photometric == tifffile.PHOTOMETRIC.RGB and page.samplesperpixel >= 3)


def _colour_stack(path: Path) -> Stack:
    """Frames of packed colours; the file stays open until ``stack.close()``."""
    with opened(path, keep=True) as tif:
        page = tif.pages.first
    shape = (len(tif.pages), int(page.imagelength), int(page.imagewidth))
    lock = threading.Lock()

    def read(t: int) -> Frame:
        with lock:
            try:
                pixels = tif.pages[t].asarray(maxworkers=1)
            except Exception as error:  # codecs raise their own kinds
                raise ValueError(f"{path}: frame {t} cannot be decoded ({error}).") from error
        if pixels.dtype != np.uint8 or pixels.shape[:2] != shape[1:] or pixels.ndim != 3:
            raise ValueError(
                f"{path}: frame {t} is {pixels.shape} {pixels.dtype}, expected 8-bit RGB of "
                f"{_words(shape[1:])}."
            )
        return _packed(pixels)

    stack = Stack(shape, np.dtype(np.uint32), read, files=(str(path),))
    return replace(stack, close_source=tif.close)


def _packed(pixels: Frame) -> Frame:
    """Colours (Y, X, 3 or 4) uint8 as numbers 0xrrggbb, uint32 (Y, X)."""
    red, green, blue = (pixels[..., i].astype(np.uint32) for i in range(3))
    packed: Frame = red << 16 | green << 8 | blue
    if pixels.shape[2] == 4:
        packed[pixels[..., 3] == 0] = _TRANSPARENT
    return packed


def _colour_text(value: int) -> str:
    return TRANSPARENT if value == _TRANSPARENT else f"#{value:06x}"


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
