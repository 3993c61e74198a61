"""From class probabilities to labels that can be true: one keyhole, layers in order, no specks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.annotate.edge import move_to_level
from napari_amseg.labels import LabelScheme

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
GAS = ("background", "powder")
CAVITIES = ("keyhole", "pore")
_BRIDGE_PX = 1  # parts of a keyhole so near each other, twice this, are one
_OPEN_PX = 4  # a keyhole that ends so near the gas is open
_EDGE_STEPS = 3  # the edge of a cavity moves by so many pixels at most
_EDGE_BOX_PX = 12


@dataclass(frozen=True, slots=True)
class ClassProbability:
    """How likely each pixel is each class.

    values : float32 (C, Y, X). codes : the C label codes, uint8 (C,), ascending.
    """

    values: Floats
    codes: NDArray[np.uint8]

    def likeliest(self) -> Labels:
        """The code of the likeliest class, uint8 (Y, X)."""
        return np.asarray(self.codes[self.values.argmax(axis=0)])

    def of(self, labels: Labels) -> Floats:
        """The probability of each pixel's code, float32 (Y, X)."""
        channel = np.searchsorted(self.codes, labels)[np.newaxis]
        return np.asarray(np.take_along_axis(self.values, channel, axis=0)[0])

    def replace(self, labels: Labels, where: Mask, banned: Iterable[int]) -> None:
        """Write the likeliest code that is not banned into `labels`; nothing if all are."""
        allowed = np.flatnonzero(~np.isin(self.codes, list(banned)))
        if allowed.size and where.any():
            best = self.values[:, where][allowed].argmax(axis=0)
            labels[where] = self.codes[allowed][best]


def clean_labels(
    probability: ClassProbability,
    scheme: LabelScheme,
    grey: Floats,
    *,
    edge_level: float,
    smallest_pore_px: int,
    smallest_part_px: int,
) -> Labels:
    """Labels of one frame, uint8 (Y, X), that hold what the physics allows.

    What goes becomes the next likeliest class. In this order, each where its classes are known:

    - gas and powder reach the top of the frame or run from side to side; what lies apart is metal;
    - metal is one piece; other pieces, like droplets in flight, are gas or powder;
    - there is one keyhole, the largest part that opens into the gas, or the largest if none does;
      what is called a pore but touches it belongs to it;
    - pores below `smallest_pore_px` go;
    - edges of keyhole and pores within the metal move, by a few pixels at most, to where the grey
      value, float32 (Y, X), has come from that outside (0) to that inside (1) by `edge_level`; 0
      leaves them;
    - parts of any other class below `smallest_part_px`, holes among them, become what
      surrounds them.
    """
    labels = probability.likeliest()
    known = {c.role: int(c.code) for c in scheme.classes if c.code in probability.codes}
    cavities = [known[role] for role in CAVITIES if role in known]
    gas: list[int] = []
    if "substrate" in known:  # without it, as in casting, background may be the metal itself
        gas = [c.code for c in scheme.classes if c.role in GAS and c.code in probability.codes]
        _order_layers(labels, probability, gas, [*cavities, known["substrate"]])
    if "keyhole" in known:
        other = _all_but_one(labels == known["keyhole"], np.isin(labels, gas), smallest_part_px)
        probability.replace(labels, other, [known["keyhole"], *gas])
        _take_in(labels, known["keyhole"], cavities)
    if "pore" in known:
        small = _small(labels == known["pore"], smallest_pore_px)
        probability.replace(labels, small, [*cavities, *gas])
    if edge_level:
        for code in cavities:
            _move_edges(labels, probability, grey, code, [*cavities, *gas], edge_level)
    for code in probability.codes:
        if code not in cavities:
            _absorb(labels, _small(labels == code, smallest_part_px))
    return labels


def _order_layers(
    labels: Labels, probability: ClassProbability, gas: list[int], metal: list[int]
) -> None:
    if not gas:
        return
    above = _above(~np.isin(labels, metal))
    probability.replace(labels, np.isin(labels, gas) & ~above, gas)
    probability.replace(labels, np.isin(labels, metal) & ~_largest(~above), metal)


def _above(mask: Mask) -> Mask:
    """The parts of a mask that reach the first row, or both sides of the frame."""
    numbered, n = ndimage.label(mask, EIGHT_NEIGHBOURS)
    reaches = np.zeros(n + 1, bool)
    reaches[numbered[0]] = True
    reaches[np.intersect1d(numbered[:, 0], numbered[:, -1])] = True
    reaches[0] = False
    return np.asarray(reaches[numbered])


def _all_but_one(keyhole: Mask, gas: Mask, smallest_px: int) -> Mask:
    """The pixels of a keyhole mask outside its largest part that opens into the gas."""
    numbered, n = ndimage.label(
        ndimage.binary_dilation(keyhole, EIGHT_NEIGHBOURS, iterations=_BRIDGE_PX), EIGHT_NEIGHBOURS
    )
    numbered[~keyhole] = 0
    areas = np.bincount(numbered.ravel(), minlength=n + 1)
    areas[0] = 0
    areas[areas < smallest_px] = 0
    near_gas = ndimage.binary_dilation(gas, EIGHT_NEIGHBOURS, iterations=_OPEN_PX)
    near_gas[0] = True  # beyond the first row it may be open
    is_open = np.zeros(n + 1, bool)
    is_open[numbered[near_gas]] = True
    candidates = areas * is_open if (areas * is_open).any() else areas
    return keyhole & (numbered != candidates.argmax()) if candidates.any() else keyhole


def _take_in(labels: Labels, keyhole: int, cavities: list[int]) -> None:
    """Make one cavity of the keyhole and what joins it."""
    numbered, n = ndimage.label(np.isin(labels, cavities), EIGHT_NEIGHBOURS)
    joins = np.zeros(n + 1, bool)
    joins[numbered[labels == keyhole]] = True
    joins[0] = False
    labels[joins[numbered]] = keyhole


def _largest(mask: Mask) -> Mask:
    numbered, n = ndimage.label(mask, EIGHT_NEIGHBOURS)
    if n < 2:
        return mask
    areas = np.bincount(numbered.ravel())
    areas[0] = 0
    return np.asarray(numbered == areas.argmax())


def _move_edges(
    labels: Labels,
    probability: ClassProbability,
    grey: Floats,
    code: int,
    kept: list[int],
    level: float,
) -> None:
    """Move the edges of one class; it takes no pixels from the classes that are kept."""
    numbered, _ = ndimage.label(labels == code, EIGHT_NEIGHBOURS)
    for i, found in enumerate(ndimage.find_objects(numbered), 1):
        box = tuple(slice(max(0, s.start - _EDGE_BOX_PX), s.stop + _EDGE_BOX_PX) for s in found)
        part, here = numbered[box] == i, labels[box]
        moved = move_to_level(grey[box], part, level=level, band_px=1, steps=_EDGE_STEPS)
        here[moved & ~np.isin(here, kept)] = code
        near = ClassProbability(probability.values[(slice(None), *box)], probability.codes)
        near.replace(here, part & ~moved, kept)


def _small(mask: Mask, smallest_px: int) -> Mask:
    """The 8-connected parts of a mask with fewer pixels."""
    numbered, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    areas = np.bincount(numbered.ravel())
    return np.asarray(mask & (areas[numbered] < smallest_px))


def _absorb(labels: Labels, small: Mask) -> None:
    """Give each part of `small` the code that surrounds it most."""
    numbered, _ = ndimage.label(small, EIGHT_NEIGHBOURS)
    for i, (y, x) in enumerate(ndimage.find_objects(numbered), 1):
        box = (slice(max(0, y.start - 1), y.stop + 1), slice(max(0, x.start - 1), x.stop + 1))
        part = numbered[box] == i
        ring = ndimage.binary_dilation(part, EIGHT_NEIGHBOURS) & ~part
        if ring.any():
            labels[box][part] = np.bincount(labels[box][ring]).argmax()
