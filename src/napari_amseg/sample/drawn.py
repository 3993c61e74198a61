"""Labels of a phantom as a person draws them from its image, by the labelling guide.

The guide puts a border half-way in grey between the bright and the dark rim. A hollow gets thin
towards its wall and refraction bends rays into it, so that this border lies up to two pixels inside
the exact one. Networks learn the border that people draw, or their masks are compared with labels
of another meaning; exact numbers stay those of the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.camera import Camera
from napari_amseg.sample.geometry import drawn_up

Array = NDArray[Any]
RIM_PX = 4  # rims are looked for so far from the exact border
AROUND_PX, LEAST_AROUND_PX = 12, 30  # the metal that a hollow is compared with
LEAST_CONTRAST = 0.01  # of the plate's brightness; below it nobody sees the border
LEAST_SIGNAL = 8.0  # of a hollow over the noise around it: Rose's 5, and some for texture
MOST_COUNTED_PX = 100.0  # coarse texture: a larger area does not average it out
FARTHEST_CUT_UM = 45.0  # a slit cuts the beam so far from the edge of the plate, and hides it
LEAST_STEP = 1 / 3  # of the higher edge: a lower one that is fainter is not taken for the surface
WIGGLE = 0.1  # of the range of a profile
_DISC = np.hypot(*np.mgrid[-RIM_PX : RIM_PX + 1, -RIM_PX : RIM_PX + 1]) <= RIM_PX + 0.5


class Draughtsman:
    """Draws the labels of a scene that a camera shows, frame by frame."""

    def __init__(self, camera: Camera) -> None:
        self.camera, self.scene = camera, camera.scene

    def labels(self, t: int) -> Array:
        """Those of frame `t`, uint8 (Y, X), with keyhole, pores and plate up to visible borders.

        Where there is no contrast, the exact border stays, and so does a plate under a powder bed:
        the bed ends there.
        """
        exact, gas = self.scene.labels(t), self.scene.below < 0
        drawn, opening_um = exact.copy(), self.scene.openings_um(t)
        for inside, box in _hollows(exact, RIM_PX):
            with_gas = inside | gas[box]  # a mouth has no wall
            seen = _looks_hollow(self.camera.hollows(opening_um, box), with_gas)
            drawn[box][inside & ~seen] = Label.SUBSTRATE
        if self.camera.settings.powder_layer_um == 0:
            _draw_surface(drawn, self.scene.below, self._surface_shift_px)
        return drawn

    @cached_property
    def _surface_shift_px(self) -> float:
        return surface_shift_px(self.camera)


def surface_shift_px(camera: Camera) -> float:
    """Rows from the exact surface down to the one that is seen: half-way in grey at the edge.

    Plate and slit both make an edge. The lower one is the surface, unless it is much fainter.
    """
    s, below = camera.settings, camera.scene.below
    if s.background:
        return 0.0  # divided by itself: there is no edge
    cut_seen = s.slit_transmission < 1 and not s.flat_field
    farthest_um = max(FARTHEST_CUT_UM, 1.5 * s.edge_um, abs(s.slit_above_um) if cut_seen else 0)
    reach = round(farthest_um / s.pixel_size_um) + RIM_PX
    first = max(-reach, math.ceil(float(below.min())))
    row = np.floor(below).astype(np.int64) - first
    shown = (row >= 0) & (row < reach - first)
    counts = np.bincount(row[shown])
    if first > -RIM_PX or len(counts) < RIM_PX - first or not counts.all():
        return 0.0  # the surface is not in the frame
    lit = camera.slit if cut_seen else np.ones_like(below)
    plate, slit = (
        np.bincount(row[shown], seen[shown]) / counts for seen in (camera.plate_edge, lit)
    )
    if not plate[-1] > 0:
        return 0.0
    plate, edges = plate / plate[-1], []
    if np.ptp(plate) >= LEAST_CONTRAST:
        turns = _turns(plate)
        highest = int(np.argmax(np.abs(np.diff(plate[turns]))))
        place = _half_way(plate, *turns[highest : highest + 2])
        edges = [(place, abs(np.diff(plate[turns])[highest]) * slit[round(place)])]
    cut = -s.slit_above_um / s.pixel_size_um - first - 0.5
    if cut_seen and 0 <= cut <= len(plate) - 1:
        edges.append((cut, (1 - s.slit_transmission) * plate[round(cut)]))
    height = max((height for _, height in edges), default=0.0)
    if height < LEAST_CONTRAST:
        return 0.0
    place = max(place for place, step in edges if step >= height * LEAST_STEP)
    turns = _turns(plate * slit)
    end = int(np.clip(np.searchsorted(turns, place), 1, len(turns) - 1))
    return first + _half_way(plate * slit, turns[end - 1], turns[end]) + 0.5


def _half_way(grey: Array, start: int, stop: int) -> float:
    """Where between two turns a profile has the mean of its values there, as an index."""
    rise, half = grey[start : stop + 1], (grey[start] + grey[stop]) / 2
    if rise[0] == rise[-1]:
        return (start + stop) / 2
    beyond = int(np.argmax((rise > half) != (rise[0] > half)))
    return start + beyond - 1 + float((half - rise[beyond - 1]) / np.diff(rise)[beyond - 1])


def _turns(grey: Array) -> list[int]:
    """Indices of the ends of a profile and of its maxima and minima, but for small wiggles."""
    turns, extreme, sense = [0], 0, 0
    least = max(WIGGLE * float(np.ptp(grey)), 1e-6)
    for i in range(1, len(grey)):
        step = grey[i] - grey[extreme]
        if sense * step > 0:
            extreme = i
        elif abs(step) >= least:
            turns += [extreme] if sense else []
            sense, extreme = int(np.sign(step)), i
    return [*turns, extreme] if extreme else [0, len(grey) - 1]


def _draw_surface(labels: Array, below: Array, shift_px: float) -> None:
    """Move the surface of labels down by so many rows, in place; what ends there goes along."""
    if shift_px > 0:
        labels[(below >= 0) & (below < shift_px)] = Label.BACKGROUND
    elif shift_px < 0:
        metal, moved = below >= 0, (below < 0) & (below >= shift_px)
        in_frame = metal.any(axis=0)  # a tilted surface may leave it
        labels[moved] = np.where(in_frame, drawn_up(labels, metal), Label.SUBSTRATE)[moved]


def hidden_hollows(image: Array, labels: Array) -> Array:
    """Keyhole and pores that the metal around them hides: nobody would draw these.

    Neither they nor the rim beside them stand out against the noise and the texture of the plate,
    by Rose's criterion over their area.

    Parameters
    ----------
    image : grey values (Y, X). labels : uint8 (Y, X) of its classes.

    Returns
    -------
    bool (Y, X).
    """
    hidden = np.zeros(labels.shape, bool)
    grey = image.astype(np.float32)
    for inside, box in _hollows(labels, AROUND_PX):
        apart = ndimage.distance_transform_edt(~inside)
        metal = labels[box] == Label.SUBSTRATE
        around = metal & (apart > RIM_PX) & (apart <= AROUND_PX)
        rim = metal & (apart <= RIM_PX / 2)
        if np.count_nonzero(around) < LEAST_AROUND_PX or not rim.any():
            continue
        contrast = _levelled(grey[box], around)
        signal = max(contrast[inside].mean(), -contrast[rim].mean())
        counted = math.sqrt(min(float(inside.sum()), MOST_COUNTED_PX))
        noise = max(float(contrast[around].std()), 1e-6)
        if signal * counted < LEAST_SIGNAL * noise:
            hidden[box] |= inside | rim
    return hidden


def _levelled(grey: Array, around: Array) -> Array:
    """The grey values less the plane through those `around`: beams are not even."""
    y, x = np.nonzero(around)
    plane, *_ = np.linalg.lstsq(np.stack([y, x, np.ones(len(y))], 1), grey[around], rcond=None)
    rows, columns = np.indices(grey.shape)
    return np.asarray(grey - (plane[0] * rows + plane[1] * columns + plane[2]))


def _hollows(labels: Array, margin_px: int) -> Iterator[tuple[Array, tuple[slice, slice]]]:
    """Keyhole and every pore, bool, in a box that reaches `margin_px` beyond."""
    pores, _ = ndimage.label(labels == Label.PORE, np.ones((3, 3), bool))
    for numbered in (pores, (labels == Label.KEYHOLE).astype(np.int32)):
        for number, box in enumerate(ndimage.find_objects(numbered), start=1):
            rows, columns = (
                slice(max(0, side.start - margin_px), min(size, side.stop + margin_px))
                for side, size in zip(box, numbered.shape, strict=True)
            )
            yield numbered[rows, columns] == number, (rows, columns)


def _looks_hollow(grey: Array, inside: Array) -> Array:
    """What of `inside` lies within the line half-way between the rims of its border."""
    bright = ndimage.maximum_filter(grey, footprint=_DISC, mode="nearest")
    dark = ndimage.minimum_filter(grey, footprint=_DISC, mode="nearest")
    deep, (row, column) = ndimage.distance_transform_edt(inside, return_indices=True)
    bright, dark = bright[row, column], dark[row, column]  # at the border that is nearest
    metal = inside & (deep <= RIM_PX) & (grey <= (bright + dark) / 2)
    metal &= bright - dark > LEAST_CONTRAST
    outside = ndimage.binary_propagation(~inside, mask=~inside | metal)
    return np.asarray(inside & ~outside)
