"""What looks wrong in the labels of one frame, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.dataset.codes import code_counts, unknown_codes
from napari_amseg.labels import LabelScheme
from napari_amseg.words import counted

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Severity = Literal["note", "warning"]

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
_MOST_POSITIONS = 100
# A plate without powder and a frame without keyhole or pore are usual, one without these is not.
_LAYERS = ("substrate", "background")


@dataclass(frozen=True, slots=True)
class FrameFinding:
    """One remark on the labels of a frame.

    Attributes
    ----------
    kind : a short name, the same for every such remark: ``unlabelled``, ``unknown-code``,
        ``one-pixel-island``, ``missing-class``, ``keyhole-closed``, ``keyhole-parts``,
        ``pore-above-surface``, ``pore-at-keyhole``, ``substrate-above-background``.
    severity : a warning is most likely a mistake, a note may well be meant.
    message : in words. positions : (row, column) of a pixel in each place, at most 100 of them.
    """

    kind: str
    severity: Severity
    message: str
    positions: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"


def frame_findings(labels: Labels, scheme: LabelScheme) -> list[FrameFinding]:
    """What looks wrong in one frame; warnings first.

    Goes by the roles of the classes, so that a scheme without substrate or keyhole is asked nothing
    about them. Where a pixel is unlabelled, what depends on it is not judged.

    Parameters
    ----------
    labels : uint8 (Y, X), 0 is unlabelled. scheme : what the codes mean.

    Raises
    ------
    ValueError
        If `labels` is no (Y, X) image of codes within 0..255.
    """
    if labels.ndim != 2:
        raise ValueError(f"labels have shape {labels.shape}, expected one frame (rows, columns).")
    counts = code_counts(labels)
    found = list(_unlabelled(labels, counts))
    if counts[0] < labels.size:
        substrate, pore = scheme.mask(labels, "substrate"), scheme.mask(labels, "pore")
        keyhole = scheme.mask(labels, "keyhole")
        found += _unknown(labels, counts, scheme)
        found += _islands(labels)
        found += _missing(counts, scheme)
        if substrate.any():
            found += _background_below(labels, substrate, scheme)
            found += _pores_above(labels, pore, substrate | keyhole)
        if keyhole.any():
            found += _keyhole_parts(labels, keyhole, scheme)
            found += _pores_at(pore, keyhole)
    return sorted(found, key=lambda finding: finding.severity == "note")


def _unlabelled(labels: Labels, counts: NDArray[np.int64]) -> Iterator[FrameFinding]:
    n = int(counts[0])
    if n == labels.size:
        yield FrameFinding("unlabelled", "note", "no pixel is labelled")
    elif n:
        here = labels == 0
        (top, bottom), (left, right) = (
            (int(np.flatnonzero(line)[0]), int(np.flatnonzero(line)[-1]))
            for line in (here.any(axis=1), here.any(axis=0))
        )
        parts, places = _places(here)
        where = f"rows {top} to {bottom}, columns {left} to {right}"
        share = f"{100 * n / labels.size:.3g} %"
        what = f"{counted(n, 'pixel')} unlabelled ({share}), in {counted(parts, 'place')} ({where})"
        yield FrameFinding("unlabelled", "note", what, places)


def _unknown(
    labels: Labels, counts: NDArray[np.int64], scheme: LabelScheme
) -> Iterator[FrameFinding]:
    words = unknown_codes(counts, scheme)
    if words:
        places = _places(~np.isin(labels, (0, *scheme.codes)))[1]
        yield FrameFinding("unknown-code", "warning", words, places)


def _islands(labels: Labels) -> Iterator[FrameFinding]:
    """Labelled pixels that differ from all their neighbours."""
    alone = labels != 0
    rows, columns = labels.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = (slice(0, rows - dy), slice(max(0, -dx), columns - max(0, dx)))
        b = (slice(dy, rows), slice(max(0, dx), columns - max(0, -dx)))
        differ = labels[a] != labels[b]
        alone[a] &= differ
        alone[b] &= differ
    n = int(np.count_nonzero(alone))
    if n:
        what = counted(n, "one-pixel island")
        places = tuple((int(y), int(x)) for y, x in np.argwhere(alone)[:_MOST_POSITIONS])
        yield FrameFinding("one-pixel-island", "warning", what, places)


def _missing(counts: NDArray[np.int64], scheme: LabelScheme) -> Iterator[FrameFinding]:
    for c in scheme.classes:
        if c.role in _LAYERS and not counts[c.code]:
            yield FrameFinding("missing-class", "warning", f"no {c.name} in the frame")


def _background_below(
    labels: Labels, substrate: Mask, scheme: LabelScheme
) -> Iterator[FrameFinding]:
    below = scheme.mask(labels, "background") & _below_first(substrate)
    n = int(np.count_nonzero(below))
    if n:
        parts, places = _places(below)
        what = f"substrate above background: {counted(n, 'pixel')} in {counted(parts, 'place')}"
        yield FrameFinding("substrate-above-background", "warning", what, places)


def _pores_above(labels: Labels, pore: Mask, solid: Mask) -> Iterator[FrameFinding]:
    """Pores that have neither substrate nor keyhole, nor anything unknown, above them."""
    if not pore.any():
        return
    covered = _below_first(solid | (labels == 0))
    parts, n = ndimage.label(pore, _EIGHT_NEIGHBOURS)
    inside = np.bincount(parts[pore & covered], minlength=n + 1)[1:]
    above = np.flatnonzero(inside == 0) + 1
    if above.size:
        what = f"{counted(above.size, 'pore')} above the surface"
        yield FrameFinding("pore-above-surface", "warning", what, _first_pixels(parts, above))


def _keyhole_parts(labels: Labels, keyhole: Mask, scheme: LabelScheme) -> Iterator[FrameFinding]:
    """A keyhole opens upwards, and the largest part is the one that is measured."""
    parts, n = ndimage.label(keyhole, _EIGHT_NEIGHBOURS)
    if n > 1:
        size = np.bincount(parts.ravel())[1:]
        smaller = np.delete(np.arange(1, n + 1), size.argmax())
        what = f"keyhole in {n} parts: its depth is that of the largest alone"
        yield FrameFinding("keyhole-parts", "note", what, _first_pixels(parts, smaller))
    outside = scheme.mask(labels, "background") | scheme.mask(labels, "powder")
    if scheme.code_of("substrate") is None or not outside.any():
        return
    outside |= labels == 0
    opening = np.zeros_like(keyhole)
    opening[0] = True  # the frame ends here
    opening[1:] = outside[:-1]
    opening[1:, 1:] |= outside[:-1, :-1]
    opening[1:, :-1] |= outside[:-1, 1:]
    open_parts = np.bincount(parts[opening & keyhole], minlength=n + 1)[1:]
    closed = np.flatnonzero(open_parts == 0) + 1
    if closed.size:
        what = f"{counted(closed.size, 'keyhole part')} without an opening at the surface"
        yield FrameFinding("keyhole-closed", "warning", what, _first_pixels(parts, closed))


def _pores_at(pore: Mask, keyhole: Mask) -> Iterator[FrameFinding]:
    if not pore.any():
        return
    touching = pore & ndimage.binary_dilation(keyhole, _EIGHT_NEIGHBOURS)
    if touching.any():
        parts, n = ndimage.label(pore, _EIGHT_NEIGHBOURS)
        at = np.flatnonzero(np.bincount(parts[touching], minlength=n + 1)[1:]) + 1
        what = f"{counted(at.size, 'pore')} touching the keyhole: one of the two, or a gap between"
        yield FrameFinding("pore-at-keyhole", "note", what, _first_pixels(parts, at))


def _below_first(mask: Mask) -> Mask:
    """What lies in or below the first pixel of a mask (Y, X), column by column."""
    below: Mask = np.logical_or.accumulate(mask, axis=0)
    return below


def _places(mask: Mask) -> tuple[int, tuple[tuple[int, int], ...]]:
    """How many 8-connected parts a mask has, and a pixel of each."""
    parts, n = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    return n, _first_pixels(parts, np.arange(1, n + 1))


def _first_pixels(parts: NDArray[Any], wanted: NDArray[Any]) -> tuple[tuple[int, int], ...]:
    """(row, column) of the first pixel of each wanted part, in row order."""
    at = np.flatnonzero(parts)
    first = at[np.unique(parts.ravel()[at], return_index=True)[1]]
    rows, columns = np.unravel_index(first[wanted[:_MOST_POSITIONS] - 1], parts.shape)
    return tuple(zip(rows.tolist(), columns.tolist(), strict=True))
