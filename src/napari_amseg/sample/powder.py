"""Powder: particle sizes, a bed on the plate and what becomes of it, what flies, what sticks.

Particles are rows of column, row and radius in pixels, float (n, 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_amseg.sample.geometry import Surface
from napari_amseg.sample.process import Process
from napari_amseg.sample.settings import PhantomSettings

Array = NDArray[Any]
SMALLEST_UM, LARGEST_UM, SPREAD = 5.0, 32.0, 0.35
MANY = 20_000  # particles for a mean
NEVER = np.iinfo(np.int64).max


def radii(rng: np.random.Generator, n: int, s: PhantomSettings) -> Array:
    """Log-normal particle radii in pixels, (n,)."""
    um = s.particle_radius_um * np.exp(SPREAD * rng.standard_normal(n))
    return np.clip(um, SMALLEST_UM, LARGEST_UM) / s.pixel_size_um


def powder_bed(
    rng: np.random.Generator, s: PhantomSettings, surface: Surface, *, roughness: float = 0.15
) -> Array:
    """Particles resting on a surface.

    roughness : relative variation of the height along the bed.
    """
    middle = s.particle_radius_um / s.pixel_size_um
    height = max(2.2 * middle, s.powder_layer_um / s.pixel_size_um)
    thickness = s.substrate_thickness_um / s.pixel_size_um
    a_particle = 4 / 3 * math.pi * np.mean(radii(np.random.default_rng(0), MANY, s) ** 3)
    filled = 1 - s.powder_thinning / 2
    n = max(1, round(s.powder_filling * filled * thickness * s.width_px * height / a_particle))
    radius = radii(rng, n, s)
    column = rng.uniform(-2 * middle, s.width_px + 2 * middle, n)
    knots = max(4, round(s.width_px / (6 * middle)))
    waves = height * (1 + roughness * rng.standard_normal(knots))
    top = np.interp(column, np.linspace(0, s.width_px, knots), waves)
    top = np.maximum(top * (1 + roughness * rng.standard_normal(n)), 2 * middle)  # along the beam
    low = 0.4 * radius  # they rest in the roughness of the plate and of the tracks before
    share = _share_of_height(rng.uniform(0, 1, n), s.powder_thinning)
    above = low + share * np.maximum(top - radius - low, 0)
    return np.stack([column, surface.row_at(column) - above, radius], axis=1)


def _share_of_height(quantile: Array, thinning: float) -> Array:
    """Heights in a bed that fills its lower part evenly and thins out linearly above, (n,) 0 to 1.

    thinning : the upper part in which it does. quantile : uniform, (n,) 0 to 1.
    """
    even = 1 - thinning
    below = quantile * (1 - thinning / 2)  # of the whole: the density is 1 up to `even`, 0 at 1
    left = np.maximum(1 - thinning / 2 - below, 0)
    return np.where(below <= even, below, 1 - np.sqrt(2 * thinning * left))


@dataclass(frozen=True, slots=True)
class Bed:
    """A powder bed that the keyhole blows away as it passes.

    particles : (n, 3). gone_at : (n,) frame in which each leaves its place. velocity : (n, 2) px
    a frame of those that fly visibly, NaN for the others.
    """

    particles: Array
    gone_at: Array
    velocity: Array

    @classmethod
    def spread(cls, process: Process) -> Bed:
        """A fresh bed for a process."""
        s = process.settings
        rng = np.random.default_rng([s.seed, 3])
        if s.powder_layer_um == 0:
            return cls(np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 2)))
        bed = powder_bed(rng, s, process.surface)
        gone = np.full(len(bed), NEVER)
        reach = s.denuded_um / s.pixel_size_um * rng.uniform(0.7, 1.2, len(bed))
        reach += process.step_px / 2  # no island is left between two frames
        for t in np.flatnonzero(process.laser_on)[::-1]:
            gone[np.abs(bed[:, 0] - process.mouth_px[t]) < reach] = t
        velocity = rng.normal((-process.sense, -2.5), (1.5, 0.8), (len(bed), 2))
        velocity[rng.random(len(bed)) > 0.04] = np.nan
        gone[rng.random(len(bed)) >= s.denuded_share] = NEVER
        return cls(bed, gone, velocity)

    def at(self, t: int) -> Array:
        """Particles lying or blown off in frame `t`."""
        lying = self.particles[self.gone_at > t]
        flies = (self.gone_at <= t) & np.isfinite(self.velocity[:, 0])
        flying = self.particles[flies].copy()
        flying[:, :2] += self.velocity[flies] * (t - self.gone_at[flies] + 1)[:, None]
        return np.concatenate([lying, flying])


@dataclass(frozen=True, slots=True)
class Airborne:
    """Particles that drift about above the surface, in frame after frame.

    start : (n, 3) in frame 0. velocity : (n, 2) px a frame. box : columns and rows they stay in.
    """

    start: Array
    velocity: Array
    box: tuple[float, float]

    @classmethod
    def released(
        cls, rng: np.random.Generator, n: int, process: Process, *, size: float = 1.0
    ) -> Airborne:
        """`n` particles, `size` times as large as those of the bed."""
        s = process.settings
        box = (float(s.width_px), max(1.0, float(process.surface.row_px)))
        near = box[1] * (1 - rng.power(1.5, n)) if rng.random() < 0.5 else rng.uniform(0, box[1], n)
        start = np.stack(
            [rng.uniform(0, box[0], n), box[1] - near, size * radii(rng, n, s)], axis=1
        )
        return cls(_gathered(rng, start), rng.normal(0, 2, (n, 2)), box)

    def at(self, t: int) -> Array:
        """Where they are in frame `t`: what leaves on one side comes in on the other."""
        moved = self.start.copy()
        moved[:, :2] = (moved[:, :2] + t * self.velocity) % self.box
        return moved


def stuck_to_windows(rng: np.random.Generator, process: Process) -> Array:
    """Particles on the windows, in groups as they were thrown there, (m, 3) with m <= n."""
    s = process.settings
    start = np.stack(
        [
            rng.uniform(0, s.width_px, s.window_particles),
            rng.uniform(0, s.height_px, s.window_particles),
            radii(rng, s.window_particles, s),
        ],
        axis=1,
    )
    particles = _gathered(rng, start)
    for window in (slice(0, None, 2), slice(1, None, 2)):  # on each they lie side by side
        particles[window] = _side_by_side(particles[window])
    below = particles[:, 1] - process.surface.row_at(particles[:, 0])
    keep = np.full(len(particles), True)
    if s.window_reach_um:
        reach = s.window_reach_um / s.pixel_size_um
        keep &= rng.random(len(below)) < np.exp(-np.clip(below, 0, None) / reach)
    if not s.window_gas:
        keep &= below > -particles[:, 2]
    return np.asarray(particles[keep])


def _gathered(rng: np.random.Generator, particles: Array) -> Array:
    """About half of the particles moved next to one of the others: they fly and stick in clumps."""
    n = len(particles)
    if n == 0:
        return particles
    together = rng.random(n) < rng.uniform(0.2, 0.8)
    leader = particles[rng.integers(max(1, n // 4), size=n)]
    angle = rng.uniform(0, 2 * np.pi, n)
    apart = (leader[:, 2] + particles[:, 2]) * rng.uniform(0.7, 1.6, n)
    beside = leader[:, :2] + apart[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    particles = particles.copy()
    particles[together, :2] = beside[together]
    return particles


def _side_by_side(particles: Array, rounds: int = 10) -> Array:
    """Particles pushed apart until hardly any overlap."""
    if len(particles) < 2:
        return particles
    particles = particles.copy()
    reach = 2 * particles[:, 2].max()
    for _ in range(rounds):
        pairs = cKDTree(particles[:, :2]).query_pairs(reach, output_type="ndarray")
        one, other = pairs.T
        apart = particles[other, :2] - particles[one, :2]
        distance = np.maximum(np.hypot(*apart.T), 1e-3)
        overlap = np.maximum(particles[one, 2] + particles[other, 2] - distance, 0)
        push = (0.5 * overlap / distance)[:, None] * apart
        np.add.at(particles[:, :2], one, -push)
        np.add.at(particles[:, :2], other, push)
    return particles
