"""Files of labelme (JSON): outlines drawn over an image, one file a frame."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.records import read_json
from napari_amseg.types import Frame

_LARGEST_FILE_BYTES = 2**28  # labelme keeps the image itself in there
_LARGEST_IMAGE_PX = 2**27
_MOST_POINTS = 100_000
_FARTHEST_PX = 1e6
_POINTS = {"polygon": (3, _MOST_POINTS), "rectangle": (2, 2), "circle": (2, 2)}


@dataclass(frozen=True, slots=True)
class Shape:
    """One drawn area. points : float64 (n, 2) of x, y in pixel edges: the image starts at (0, 0).

    kind : ``polygon``; ``rectangle``, by two opposite corners; ``circle``, by its centre and a
    point on it.
    """

    name: str
    kind: str
    points: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The areas of one image, in the order of drawing. shape : rows, columns of the image.

    left_out : kinds of shapes that are no areas we read, and how many of each.
    """

    shape: tuple[int, int]
    shapes: tuple[Shape, ...]
    left_out: Counter[str]


def read_drawing(path: Path) -> Drawing:
    """The areas of a labelme file; the image in it, or named in it, is not looked at.

    Raises
    ------
    ValueError
        If it is no labelme file, or a shape makes no sense; names the shape.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ValueError(f"larger than {_LARGEST_FILE_BYTES / 2**20:.0f} MiB")
        record = read_json(path)
        rows, columns = (_size(record[key]) for key in ("imageHeight", "imageWidth"))
        if rows * columns > _LARGEST_IMAGE_PX:
            raise ValueError(f"its image would have {rows}x{columns} pixels")
        given = record["shapes"]
        if not isinstance(given, list):
            raise ValueError("'shapes' is no list")
        kinds = [str(shape.get("shape_type") or "polygon") for shape in given]
        areas = [
            (n, s, k) for n, (s, k) in enumerate(zip(given, kinds, strict=True)) if k in _POINTS
        ]
        shapes = tuple(_shape(n, shape, kind) for n, shape, kind in areas)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        why = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path}: not readable as a labelme file ({why}). Save it again in labelme."
        ) from None
    return Drawing((rows, columns), shapes, Counter(k for k in kinds if k not in _POINTS))


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"image size is {value!r:.40}")
    return value


def _shape(n: int, given: dict[str, Any], kind: str) -> Shape:
    name = given["label"]
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"shape {n} has no name")
    fewest, most = _POINTS[kind]
    points = given["points"]
    if not isinstance(points, list) or not fewest <= len(points) <= most:
        raise ValueError(f"shape {n} ({name:.40}) is a {kind} without its points")
    array = np.array(points, np.float64)
    if array.shape != (len(points), 2) or not (np.abs(array) <= _FARTHEST_PX).all():
        raise ValueError(f"shape {n} ({name:.40}) has points that are no place in an image")
    return Shape(name.strip(), kind, array)


def drawn(drawing: Drawing, values: dict[str, int]) -> Frame:
    """The drawing as an image: uint16 (Y, X) of the value of each name, 0 outside of all areas.

    A pixel belongs to an area if its centre does; later areas cover earlier ones. labelme's own
    export also takes the pixels that the outline crosses, up to one pixel more all round.
    """
    image = np.zeros(drawing.shape, np.uint16)
    for shape in drawing.shapes:
        fill = _fill_circle if shape.kind == "circle" else _fill_polygon
        points = shape.points
        if shape.kind == "rectangle":
            (x0, y0), (x1, y1) = points
            points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        fill(image, points, values[shape.name])
    return image


def _fill_polygon(image: Frame, points: NDArray[np.float64], value: int) -> None:
    """Even-odd rule: a row is inside from one crossing of the outline to the next."""
    rows, columns = image.shape
    top = max(0, math.floor(points[:, 1].min()))
    bottom = min(rows, math.ceil(points[:, 1].max()) + 1)
    if bottom <= top:
        return
    changes = np.zeros((bottom - top, columns + 1), np.uint8)
    for (x0, y0), (x1, y1) in _edges(points):
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        first, last = (min(bottom, max(top, math.ceil(y - 0.5))) for y in (y0, y1))
        if last > first:
            row = np.arange(first, last)
            x = x0 + (row + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
            column = np.ceil(x - 0.5).clip(0, columns).astype(np.intp)
            changes[row - top, column] ^= 1
    inside = np.logical_xor.accumulate(changes[:, :-1], axis=1)
    image[top:bottom][inside] = value


def _edges(points: NDArray[np.float64]) -> Iterable[tuple[Any, Any]]:
    corners = points.tolist()
    return zip(corners, corners[1:] + corners[:1], strict=True)


def _fill_circle(image: Frame, points: NDArray[np.float64], value: int) -> None:
    (x, y), on_it = points[0], points[1]
    radius = math.dist((x, y), on_it)
    rows, columns = (np.arange(n) + 0.5 for n in image.shape)
    image[(rows[:, None] - y) ** 2 + (columns - x) ** 2 <= radius**2] = value
