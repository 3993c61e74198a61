"""Cleaning one class of a label image: specks, holes, rough edges, stray parts.

Every function gives a new image, and leaves the pixels of `protected` as they are. A part or a
hole with a protected pixel in it stays as a whole, since somebody wanted it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_amseg.annotate.box import bounding_box, widened

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
_TRUNCATE = 3.0  # standard deviations at which the Gaussian ends


def remove_specks(
    labels: Labels, code: int, *, min_area_px: int, protected: Mask | None = None
) -> Labels:
    """Give parts of a class that are too small to the class that surrounds them.

    That is the one with the longest border to the part; 0 if this is unlabelled.

    Parameters
    ----------
    labels : uint8 (Y, X). code : the class. min_area_px : smaller parts, connected also over
        corners, go. protected : bool (Y, X), pixels that never change.

    Returns
    -------
    uint8 (Y, X), a new array.
    """
    numbered, areas = _parts(labels == code)
    return _dissolved(labels, numbered, areas < min_area_px, protected)


def keep_largest(labels: Labels, code: int, *, protected: Mask | None = None) -> Labels:
    """Give all parts of a class but the largest to the class that surrounds them.

    Parameters and result as in :func:`remove_specks`.
    """
    numbered, areas = _parts(labels == code)
    return _dissolved(labels, numbered, np.arange(areas.size) != areas.argmax(), protected)


def fill_holes(
    labels: Labels,
    code: int,
    *,
    max_area_px: int | None = None,
    over: Collection[int] | None = (0,),
    protected: Mask | None = None,
) -> Labels:
    """Give a class what it encloses.

    A hole is enclosed by pixels of the class, also over corners; what reaches the edge of the
    frame is none. By default only holes that are all unlabelled are filled: a pore in the substrate
    is a hole in it, and meant. For a keyhole, in which nothing else can be, give ``over=None``.

    Parameters
    ----------
    labels : uint8 (Y, X). code : the class. max_area_px : larger holes stay; None fills all.
    over : codes that may be in a hole; None is any. protected : as in :func:`remove_specks`.

    Returns
    -------
    uint8 (Y, X), a new array.
    """
    numbered, n = ndimage.label(labels != code)  # by edges: a diagonal row of pixels is a wall
    areas = np.bincount(numbered.ravel(), minlength=n + 1)
    filled = np.ones(n + 1, bool) if max_area_px is None else areas <= max_area_px
    filled[0] = False
    for edge in (numbered[0], numbered[-1], numbered[:, 0], numbered[:, -1]):
        filled[edge] = False
    if over is not None:
        allowed = np.zeros(256, bool)
        allowed[list(over)] = True
        filled[numbered[~allowed[labels]]] = False
    _keep_protected(filled, numbered, protected)
    return np.where(filled[numbered], np.uint8(code), labels)


def smooth_class(
    labels: Labels, code: int, *, radius_px: float, protected: Mask | None = None
) -> Labels:
    """Smooth the edge of a class without moving it.

    The mask is blurred and cut at one half. The kernel is ``2 G - G * G`` with the Gaussian G: a
    straight edge stays where it is, as with G, and a round one nearly so, where G alone would
    draw it in. Corners get round, and what is narrower than about twice the radius may go. A pixel
    that leaves the class gets that of the nearest pixel outside.

    Parameters
    ----------
    labels : uint8 (Y, X). code : the class. radius_px : standard deviation of G.
    protected : bool (Y, X), pixels that never change.

    Returns
    -------
    uint8 (Y, X), a new array.

    Raises
    ------
    ValueError
        If the radius is not positive.
    """
    if not radius_px > 0:
        raise ValueError(f"radius_px is {radius_px:g}: smoothing needs a radius above 0 px.")
    cleaned = labels.copy()
    mask = labels == code
    edge = mask & ~ndimage.binary_erosion(mask, border_value=True)
    around = bounding_box(edge)
    if around is None:
        return cleaned
    # Farther from its edge a class is all there or not at all.
    box = widened(around, int(np.ceil(2 * _TRUNCATE * radius_px)) + 1, labels.shape)
    inside, image = mask[box], cleaned[box]
    smooth = _blurred(inside, radius_px) > 0.5
    free = np.ones_like(inside) if protected is None else ~protected[box]
    leaving = inside & ~smooth & free
    image[leaving] = _nearest_outside(labels[box], inside, leaving)
    image[smooth & ~inside & free] = code
    return cleaned


def _parts(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Connected parts, numbered from 1, and the area of each; that of part 0, the rest, is 0."""
    numbered, n = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    areas = np.bincount(numbered[mask], minlength=n + 1)
    return numbered, areas


def _dissolved(
    labels: Labels, numbered: NDArray[np.int32], going: Mask, protected: Mask | None
) -> Labels:
    """The parts that are `going`, by their number, get the code that surrounds each most."""
    going = going.copy()
    going[0] = False
    _keep_protected(going, numbered, protected)
    place = np.flatnonzero(going[numbered])
    part, around = _border_pairs(labels, numbered, place)
    codes, column = np.unique(around, return_inverse=True)
    lengths = np.zeros((going.size, max(1, codes.size)), np.intp)
    np.add.at(lengths, (part, column), 1)
    cleaned = labels.copy()
    # Nothing surrounds a part that is the whole frame.
    place = place[(lengths.max(axis=1) > 0)[numbered.flat[place]]]
    cleaned.flat[place] = codes[lengths.argmax(axis=1)[numbered.flat[place]]]
    return cleaned


def _border_pairs(
    labels: Labels, numbered: NDArray[np.int32], place: NDArray[np.intp]
) -> tuple[NDArray[np.int32], Labels]:
    """For each edge of a pixel at `place` (flat) to one outside its part: part, and code there."""
    rows, columns = np.unravel_index(place, labels.shape)
    pairs = []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = rows + down, columns + right
        seen = (y >= 0) & (y < labels.shape[0]) & (x >= 0) & (x < labels.shape[1])
        part, y, x = numbered[rows, columns][seen], y[seen], x[seen]
        outside = numbered[y, x] != part
        pairs.append((part[outside], labels[y, x][outside]))
    parts, codes = zip(*pairs, strict=True)
    return np.concatenate(parts), np.concatenate(codes)


def _keep_protected(going: Mask, numbered: NDArray[np.int32], protected: Mask | None) -> None:
    if protected is not None:
        going[numbered[protected]] = False


def _blurred(mask: Mask, radius_px: float) -> NDArray[np.float32]:
    once, twice = (
        ndimage.gaussian_filter(mask.astype(np.float32), sigma, mode="nearest", truncate=_TRUNCATE)
        for sigma in (radius_px, np.sqrt(2) * radius_px)
    )
    return np.asarray(2 * once - twice)


def _nearest_outside(labels: Labels, inside: Mask, wanted: Mask) -> Labels:
    """Code of the pixel outside nearest to each wanted one, which is inside."""
    rim = ndimage.binary_dilation(inside, _EIGHT_NEIGHBOURS) & ~inside
    _, nearest = cKDTree(np.argwhere(rim)).query(np.argwhere(wanted))
    return np.asarray(labels[rim][nearest])
