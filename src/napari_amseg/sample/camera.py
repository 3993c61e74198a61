"""The camera image of a scene: beam, refraction, blur, noise, and what was corrected before."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.sample.materials import attenuation_per_cm, decrement, wavelength_um
from napari_amseg.sample.optics import (
    UM_PER_M,
    binned,
    fresnel_blur_um,
    refracted,
    smoothed,
    transmission,
)
from napari_amseg.sample.plate import band_noise, stains
from napari_amseg.sample.scene import Scene

Array = NDArray[Any]
OPEN_BEAM, OFFSET, READ_NOISE = 0.63, 0.015, 0.001  # of the range of the camera
CORRECTED_LEVEL = 0.6  # where an open beam lies after a flat field or background division
SOURCE_UM = 0.6  # penumbra of the source on the detector
MOST_SHIFT_PX = 3.0  # farther aside no ray lands


class Camera:
    """Images of a scene, frame by frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.settings = scene, scene.settings
        s = self.settings
        self.most = 2**s.bit_depth - 1
        self.dtype = np.dtype(np.uint8 if s.bit_depth <= 8 else np.uint16)
        rng = np.random.default_rng([s.seed, 8])
        beam, self.slit = self._beam(rng), self._slit(rng)
        self.lit = beam * self.slit * self._gain(rng)
        self.stains = np.where(scene.below > 0, stains(rng, s), 1)
        self.mismatch = 1 + 0.3 * s.fixed_pattern * rng.standard_normal(scene.shape)

    def _beam(self, rng: np.random.Generator) -> Array:
        """A Gaussian beam with the bands that mirrors and multilayers give it."""
        s, shape = self.settings, self.scene.shape
        middle = rng.uniform(0.3, 0.7, 2)
        y = (np.linspace(0, 1, shape[0], dtype=np.float32)[:, None] - middle[0]) / s.beam_height
        x = (np.linspace(0, 1, shape[1], dtype=np.float32)[None] - middle[1]) / s.beam_width
        lines = s.bands * band_noise(rng, (shape[0], 1), (rng.uniform(1.5, 8), 0))
        return np.asarray(np.exp(-0.5 * (y**2 + x**2)) * np.exp(lines), np.float32)

    def _slit(self, rng: np.random.Generator) -> Array:
        """A slit that cuts the beam off near the surface, with lines along the cut."""
        s, below = self.settings, self.scene.below * self.settings.pixel_size_um
        if s.slit_transmission == 1:
            return np.ones_like(below)
        lit = np.clip((below + s.slit_above_um) / s.slit_soft_um + 0.5, 0, 1)
        profile = s.slit_transmission + (1 - s.slit_transmission) * lit
        if s.slit_fade_um:
            profile = profile * np.exp(np.minimum(below, 0) / s.slit_fade_um)
        for _ in range(s.slit_fringes):
            centre = -s.slit_above_um - rng.uniform(0, 50)
            width = rng.uniform(1.5, 10)
            line = np.exp(-(((below - centre) / width) ** 2))
            if rng.random() < 0.5:
                line = line * (1 + 0.5 * band_noise(rng, below.shape, (1, rng.uniform(3, 60))))
            profile = profile * (1 + rng.uniform(-0.7, 0.8) * line)
        return np.asarray(np.clip(profile, 0, None), np.float32)

    def _gain(self, rng: np.random.Generator) -> Array:
        """Fixed pattern of pixels, columns and rows, and dust on the scintillator."""
        s, (height, width) = self.settings, self.scene.shape
        strength = s.fixed_pattern * rng.random(3)
        gain = 1 + strength[0] * band_noise(rng, (height, width), rng.uniform(0, 0.8))
        gain += strength[1] * rng.standard_normal((1, width))
        gain += strength[2] * rng.standard_normal((height, 1))
        for _ in range(s.dust):
            row, column = rng.uniform(0, height), rng.uniform(0, width)
            y, x = np.ogrid[:height, :width]
            apart = np.hypot((y - row) / rng.uniform(1, 5), (x - column) / rng.uniform(1, 5))
            gain *= 1 - rng.uniform(0.1, 0.7) * np.exp(-(apart**2))
        return np.asarray(np.clip(gain, 0.05, None), np.float32)

    def _through(self, metal_um: Array) -> Array:
        """The fraction of the beam that reaches every pixel, float32 (Y, X)."""
        s, points = self.settings, self.scene.points
        mu = attenuation_per_cm(s.material, s.energy_kev)
        bright = transmission(metal_um, attenuation_per_cm=mu)
        distance = s.distance_m * UM_PER_M
        step = self.scene.step_um
        path = smoothed(metal_um * np.float32(decrement(s.material, s.energy_kev)), 0.5 / step)
        farthest = MOST_SHIFT_PX * s.pixel_size_um
        bright = refracted(bright, path, step_um=step, distance_um=distance, most_um=farthest)
        zone = fresnel_blur_um(wavelength_um(s.energy_kev), distance)
        blur = np.hypot(np.hypot(zone, SOURCE_UM) / step, s.blur_px * points)
        bright = binned(smoothed(bright, float(blur)), points)
        wall_cm = attenuation_per_cm("glassy carbon", s.energy_kev) * s.wall_mm / 10
        return bright * np.float32(np.exp(-wall_cm))

    def hollows(self, opening_um: Array, box: tuple[slice, slice]) -> Array:
        """Keyhole and pores of a box in an endless even plate, without noise.

        opening_um : their extent along the beam, on the fine grid of the whole frame. Gives float32
        (Y, X), 1 is the brightness of the plate. The keyhole goes on above the surface.
        """
        s, points = self.settings, self.scene.points
        rows, columns = (slice(side.start * points, side.stop * points) for side in box)
        metal = np.clip(s.substrate_thickness_um - opening_um[rows, columns], 0, None)
        even = np.full((2 * points, 2 * points), s.substrate_thickness_um, np.float32)
        return np.asarray(self._through(metal) / max(float(self._through(even)[0, 0]), 1e-30))

    @property
    def plate_edge(self) -> Array:
        """Gas and a plate with even faces in an even beam, without noise, float32 (Y, X)."""
        return self._through(
            self.scene.plate_share * np.float32(self.settings.substrate_thickness_um)
        )

    @cached_property
    def _still(self) -> Array:
        return self._through(self.scene.still_um()) * self.stains

    @cached_property
    def _open(self) -> Array:
        """The beam through the windows alone."""
        return np.asarray(self._through(np.zeros_like(self.scene.fine_below)) * self.lit)

    def image(self, t: int) -> Array:
        """The camera image of frame `t`, (Y, X), uint8 up to 8 bit, else uint16."""
        s = self.settings
        rng = np.random.default_rng([s.seed, 5, t])
        flicker = np.float32(1 + s.flicker * rng.standard_normal())
        bright = self._through(self.scene.metal_um(t)) * self.stains * self.lit * flicker
        noise = np.sqrt(bright / s.photons + READ_NOISE**2)
        if s.noise_blur_px:
            bright = bright + noise * band_noise(rng, bright.shape, s.noise_blur_px)
        else:
            bright = bright + noise * rng.standard_normal(bright.shape, dtype=np.float32)
        if s.background:
            value = CORRECTED_LEVEL * bright / np.maximum(self._still * self.lit, 1e-3)
        elif s.flat_field:
            value = CORRECTED_LEVEL * bright / np.maximum(self._open * self.mismatch, 1e-3)
        else:
            value = OPEN_BEAM * bright + OFFSET
        if s.inverted:
            value = 1 - value
        return self._counts(value)

    def flat(self, t: int) -> Array:
        """Frame `t` of the open beam, as recorded without sample and powder; typed as `image`."""
        rng = np.random.default_rng([self.settings.seed, 9, t])
        bright = self._open
        noise = np.sqrt(bright / self.settings.photons + READ_NOISE**2)
        bright = bright + noise * rng.standard_normal(bright.shape, dtype=np.float32)
        return self._counts(OPEN_BEAM * bright + OFFSET)

    def dark(self, t: int) -> Array:
        """Frame `t` with the shutter closed; typed as `image`."""
        rng = np.random.default_rng([self.settings.seed, 10, t])
        noise = READ_NOISE * rng.standard_normal(self.scene.shape, dtype=np.float32)
        return self._counts(OPEN_BEAM * noise + OFFSET)

    def _counts(self, value: Array) -> Array:
        return np.asarray(np.clip(np.round(value * self.most), 0, self.most), self.dtype)
