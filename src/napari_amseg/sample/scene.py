"""The metal in the beam, frame by frame, and the class of every pixel."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.geometry import Box, centres, drawn_up
from napari_amseg.sample.optics import add_spheres, smoothed
from napari_amseg.sample.plate import roughness_um
from napari_amseg.sample.powder import Airborne, Bed, stuck_to_windows
from napari_amseg.sample.process import Process

Array = NDArray[Any]


class Scene:
    """Projected thickness on a fine grid, labels on the pixels, of one process.

    Nothing is kept but what does not move, so frames may be asked for in any order.
    """

    def __init__(self, process: Process) -> None:
        self.process, self.settings = process, process.settings
        s = self.settings
        self.points, self.step_um = s.oversampling, s.pixel_size_um / s.oversampling
        self.shape = (s.height_px, s.width_px)
        self.below = process.surface.depth_map(self.shape)
        self.fine_below = process.surface.depth_map(self.shape, points=self.points)
        rng = np.random.default_rng([s.seed, 3])
        self.bed = Bed.spread(process)
        self.flying = Airborne.released(rng, s.flying, process)
        self.spatter = Airborne.released(rng, s.spatter, process, size=rng.uniform(1.2, 2.5))
        self._hump_form = rng.uniform(0.5, 1.5, 4)

    @cached_property
    def plate_share(self) -> Array:
        """How much of its thickness the plate has, with its fading edge, on the fine grid."""
        edge_px = self.settings.edge_um / self.settings.pixel_size_um
        below = np.clip(self.fine_below * (-4 / edge_px), -30, 30)
        return np.asarray(1 / (1 + np.exp(below)), np.float32)

    @cached_property
    def _opened_share(self) -> Array:
        """How much of it an opening takes: a mouth fades with the edge, above its middle."""
        return np.asarray(np.minimum(1, 2 * self.plate_share))

    @cached_property
    def plate_um(self) -> Array:
        """The plate with its rough faces, float32 on the fine grid."""
        s = self.settings
        rough = roughness_um(np.random.default_rng([s.seed, 7]), s)
        return np.asarray(self.plate_share * (s.substrate_thickness_um + rough), np.float32)

    @cached_property
    def window_um(self) -> Array:
        """Metal on the windows, not part of the process, float32 on the fine grid."""
        rng = np.random.default_rng([self.settings.seed, 4])
        return self._spheres(stuck_to_windows(rng, self.process))

    def _spheres(self, particles: Array) -> Array:
        metal = np.zeros(self.fine_below.shape, np.float32)
        add_spheres(metal, particles * self.points, per_px=self.step_um)
        return metal

    def _loose_um(self, t: int) -> Array:
        """Powder of the bed and in flight, above the surface."""
        metal = self._spheres(np.concatenate([self.bed.at(t), self.flying.at(t)]))
        metal[self.fine_below >= 0] = 0
        return metal

    def metal_um(self, t: int) -> Array:
        """Projected thickness of everything metallic in frame `t`, float32 on the fine grid."""
        s = self.settings
        metal = np.clip(self.plate_um - self.openings_um(t) * self._opened_share, 0, None)
        metal += self._loose_um(t)
        metal += self.window_um
        if s.spatter and self.process.laser_on[t]:
            metal += self._spheres(self.spatter.at(t)) * (self.fine_below < 0)
        if s.hump_um and self.process.laser_on[t]:
            metal += self._hump_um(t)
        return np.asarray(metal, np.float32)

    def openings_um(self, t: int) -> Array:
        """Extent along the beam of keyhole and pores, float32 on the fine grid.

        The keyhole goes on above the surface: the edge of the plate may fade there.
        """
        s = self.settings
        total = np.zeros(self.fine_below.shape, np.float32)
        wall = s.wall_um / self.step_um
        for pore in self.process.pores_at(t):
            box, radius = pore.relative_radius(self.shape, points=self.points)
            chord = 2 * pore.minor_px * s.pixel_size_um * _chord(radius, s.section)
            _add_smoothed(total, box, chord, (wall, wall))
        keyhole = self.process.keyhole_at(t)
        if keyhole is not None:
            box, offset = keyhole.relative_offset(self.fine_below, points=self.points)
            width = np.interp(self.fine_below[box], keyhole.below, 2 * keyhole.half_width)
            chord = s.keyhole_span * s.pixel_size_um * width * _chord(offset, s.section)
            box, chord = self._opened(box, chord)
            travelled = s.scan_speed_m_s * s.exposure_us  # um; a box of width w has sd w / sqrt(12)
            along = math.hypot(s.wall_um, travelled / math.sqrt(12)) / self.step_um
            _add_smoothed(total, box, chord, (wall, along))
        return total

    def _opened(self, box: Box, chord: Array) -> tuple[Box, Array]:
        """The keyhole with its mouth drawn up to the top of the frame."""
        if not chord.size:
            return box, chord
        from_top = np.pad(chord, ((box[0].start, 0), (0, 0)))
        box = (slice(0, box[0].stop), box[1])
        return box, drawn_up(from_top, self.fine_below[box] >= 0)

    def still_um(self) -> Array:
        """What a background image shows: plate, bed and windows, float32 on the fine grid."""
        lying = self._spheres(self.bed.particles) * (self.fine_below < 0)
        return np.asarray(self.plate_um + lying + self.window_um)

    def _hump_um(self, t: int) -> Array:
        """Melt raised above the surface behind the mouth; narrower than the plate."""
        s, form = self.settings, self._hump_form
        behind = self.process.sense * (
            self.process.mouth_px[t] - centres(self.shape[1], self.points)
        )
        length = form[0] * s.keyhole_width_um / s.pixel_size_um
        rise = np.exp(-(((behind - 0.8 * length) / length) ** 2))
        rise += 0.3 * form[1] / (1 + np.exp(-(behind - 2 * length) / length))
        height = s.hump_um / s.pixel_size_um * rise
        inside = np.clip(1 + self.fine_below / np.maximum(height, 1e-3), 0, 1)
        thickness = min(0.5 * s.substrate_thickness_um, 2.5 * form[2] * s.keyhole_width_um)
        return np.asarray(np.where(self.fine_below < 0, thickness * np.sqrt(inside), 0), np.float32)

    def labels(self, t: int) -> Array:
        """The class of every pixel centre, uint8 (Y, X).

        Spatter, the hump and what sticks to the windows are not classes: their pixels have the
        class of what lies behind. Gaps between touching powder particles are powder.
        """
        labels = np.full(self.shape, Label.BACKGROUND, np.uint8)
        labels[self._powder(t)] = Label.POWDER
        labels[self.below >= 0] = Label.SUBSTRATE
        for pore in self.process.pores_at(t):
            box, radius = pore.relative_radius(self.shape)
            labels[box][radius <= 1] = Label.PORE
        keyhole = self.process.keyhole_at(t)
        if keyhole is not None:
            box, offset = keyhole.relative_offset(self.below)
            labels[box][np.abs(offset) <= 1] = Label.KEYHOLE
        return labels

    def _at_pixels(self, fine: Array) -> Array:
        """The sample points next to the pixel centres, (Y, X)."""
        middle = self.points // 2
        return fine[middle :: self.points, middle :: self.points]

    def _powder(self, t: int) -> Array:
        s = self.settings
        metal = self._at_pixels(self._loose_um(t)) > 0
        gap = round(0.5 * s.particle_radius_um / s.pixel_size_um)
        if gap:  # gaps between particles, and between them and the plate, are powder
            metal |= self.below >= 0
            metal = ndimage.binary_closing(np.pad(metal, gap, mode="edge"), iterations=gap)
            metal = metal[gap:-gap, gap:-gap]
        return np.asarray(metal & (self.below < 0))

    def pore_ids(self, t: int) -> Array:
        """The track of every pore pixel, 1 and up, uint16 (Y, X); 0 elsewhere."""
        ids = np.zeros(self.shape, np.uint16)
        for number, pore in self.process.tracks_at(t):
            box, radius = pore.relative_radius(self.shape)
            ids[box][radius <= 1] = number
        return ids

    def unclear(self) -> Array:
        """Where no one could tell powder in flight from powder on a window, bool (Y, X)."""
        stuck = self._at_pixels(self.window_um) > 0
        has_powder = self.settings.powder_layer_um > 0 or self.settings.flying > 0
        return np.asarray(stuck & (self.below < 0) & has_powder)


def _add_smoothed(total: Array, box: Box, part: Array, sigma: tuple[float, float]) -> None:
    """Add a blurred part to its box of a map and to as much around it as the blur reaches."""
    grown, padding = [], []
    for side, size, reach in zip(box, total.shape, (3 * s + 1 for s in sigma), strict=True):
        start, stop = max(0, side.start - math.ceil(reach)), min(size, side.stop + math.ceil(reach))
        grown.append(slice(start, stop))
        padding.append((side.start - start, stop - side.stop))
    total[tuple(grown)] += smoothed(np.pad(part, padding), sigma)


def _chord(offset: Array, power: float) -> Array:
    """Length of a ray through a superellipse, 1 in its middle, `offset` half axes beside it."""
    inside = np.clip(1 - np.abs(np.clip(offset, -1, 1)) ** power, 0, None)
    return np.asarray(inside ** (1 / power), np.float32)
