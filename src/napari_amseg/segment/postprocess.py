"""Optional clean-up of class maps: specks, holes, and the order in which layers must lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import LabelScheme
from napari_amseg.settings import Settings, setting

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True)
class PostSettings(Settings):
    """What is corrected in the network's labels; by default nothing."""

    physical_layers: bool = setting(
        False,
        help="Gas or powder enclosed in metal becomes metal; a keyhole without a way to the "
        "surface becomes a pore; a pore above the surface goes.",
    )
    surface_band_px: int = setting(
        8, low=0, unit="px", help="A keyhole that ends so near the surface still reaches it."
    )
    fill_holes_px: int = setting(
        0, low=0, unit="px", help="Holes in keyhole and substrate up to this area are filled."
    )
    smallest_keyhole_px: int = setting(
        0, low=0, unit="px", help="A smaller keyhole part becomes what surrounds it."
    )
    smallest_pore_px: int = setting(
        0, low=0, unit="px", help="A smaller pore becomes what surrounds it."
    )

    @property
    def changes_labels(self) -> bool:
        """Whether anything is switched on."""
        areas = (self.fill_holes_px, self.smallest_keyhole_px, self.smallest_pore_px)
        return self.physical_layers or any(areas)


def postprocess(labels: Labels, scheme: LabelScheme, settings: PostSettings) -> Labels:
    """Correct a class map; the steps that are on, in the order in which they are declared.

    Parameters
    ----------
    labels : uint8 (Y, X), codes of `scheme`. Its roles say what is keyhole, pore, substrate,
        background and powder; a step whose class is missing is left out.
    settings : what to do.

    Returns
    -------
    uint8 (Y, X), a new array; the very same `labels` if nothing is switched on.
    """
    if not settings.changes_labels:
        return labels
    labels = labels.copy()
    keyhole, pore, substrate = (scheme.code_of(r) for r in ("keyhole", "pore", "substrate"))
    if settings.physical_layers and substrate is not None:
        _order_layers(labels, scheme, settings.surface_band_px)
    if settings.fill_holes_px:
        cavities = [code for code in (keyhole, pore) if code is not None]
        for code, spared in ((keyhole, []), (substrate, cavities)):
            if code is not None:
                _fill_holes(labels, code, spared, settings.fill_holes_px)
    for code, smallest in (
        (keyhole, settings.smallest_keyhole_px),
        (pore, settings.smallest_pore_px),
    ):
        if code is not None and smallest:
            _dissolve(labels, [p for p in _parts(labels == code) if p.area < smallest])
    return labels


@dataclass(frozen=True, slots=True)
class _Part:
    """A connected part of a mask: its pixels within a box that is one pixel wider all around."""

    box: tuple[slice, slice]
    inside: Mask

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.inside))

    def around(self, image: Labels | Mask) -> Labels | Mask:
        """The pixels of an image that touch the part, also by a corner."""
        ring = ndimage.binary_dilation(self.inside, EIGHT_NEIGHBOURS) & ~self.inside
        return np.asarray(image[self.box][ring])


def _parts(mask: Mask, neighbours: Mask = EIGHT_NEIGHBOURS) -> Iterator[_Part]:
    numbered, _ = ndimage.label(mask, neighbours)
    for i, (y, x) in enumerate(ndimage.find_objects(numbered), 1):
        box = (slice(max(0, y.start - 1), y.stop + 1), slice(max(0, x.start - 1), x.stop + 1))
        yield _Part(box, numbered[box] == i)


def _dissolve(labels: Labels, parts: list[_Part]) -> None:
    """Give each part the code that surrounds it most."""
    for part in parts:
        counts = np.bincount(part.around(labels), minlength=256)
        if counts.any():
            labels[part.box][part.inside] = counts.argmax()


def _fill_holes(labels: Labels, code: int, spared: list[int], largest: int) -> None:
    """Fill what is enclosed by a class, unless it is large or holds a code to be spared."""
    numbered, n = ndimage.label(labels != code)  # by edges: a diagonal row of pixels is a wall
    open_ = np.zeros(n + 1, bool)
    for edge in (numbered[0], numbered[-1], numbered[:, 0], numbered[:, -1]):
        open_[edge] = True
    open_[0] = True
    for hole in _parts(~open_[numbered]):
        if hole.area <= largest and not np.isin(labels[hole.box][hole.inside], spared).any():
            labels[hole.box][hole.inside] = code


def _order_layers(labels: Labels, scheme: LabelScheme, band: int) -> None:
    """From top to bottom: gas and powder, then metal; keyholes open upwards, pores in the metal."""
    keyhole, pore, substrate = (scheme.code_of(r) for r in ("keyhole", "pore", "substrate"))
    gas = [c.code for c in scheme.classes if c.role in ("background", "powder")]
    metal = [code for code in (keyhole, pore, substrate) if code is not None]
    above = _touching_top(~np.isin(labels, metal))
    _dissolve(labels, list(_parts(np.isin(labels, gas) & ~above)))
    if keyhole is not None:
        distance = _distance_px(above)
        closed = [p for p in _parts(labels == keyhole) if not _is_open(p, distance, band)]
        if pore is None:
            _dissolve(labels, closed)
        else:
            for part in closed:
                labels[part.box][part.inside] = pore
    if pore is not None:
        in_gas = [p for p in _parts(labels == pore) if _mostly(p.around(above))]
        _dissolve(labels, in_gas)


def _touching_top(mask: Mask) -> Mask:
    """The parts of a mask that reach the first row."""
    numbered, n = ndimage.label(mask, EIGHT_NEIGHBOURS)
    at_top = np.zeros(n + 1, bool)
    at_top[numbered[0]] = True
    at_top[0] = False
    return np.asarray(at_top[numbered])


def _distance_px(mask: Mask) -> NDArray[np.integer]:
    """Steps, also diagonal ones, from each pixel to the nearest of a mask."""
    if not mask.any():
        return np.full(mask.shape, np.iinfo(np.int32).max)
    return np.asarray(ndimage.distance_transform_cdt(~mask, "chessboard"))


def _is_open(part: _Part, distance: NDArray[np.integer], band: int) -> bool:
    """Whether a keyhole part reaches the surface, or an edge beyond which it may do so."""
    nearest = distance[part.box][part.inside].min()
    inside, (y, x) = part.inside, part.box
    at_top = y.start == 0 and bool(inside[0].any())
    at_left = x.start == 0 and bool(inside[:, 0].any())
    at_right = x.stop > distance.shape[1] and bool(inside[:, -1].any())
    return int(nearest) <= band + 1 or at_top or at_left or at_right


def _mostly(around: Labels | Mask) -> bool:
    return bool(around.size and 2 * np.count_nonzero(around) > around.size)
