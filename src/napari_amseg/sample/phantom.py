"""A synthetic stack of laser melting with exact labels and exact numbers.

The geometry is given by formulas, so area and depth are known before anything is drawn;
labels are that geometry at the pixel centres, images its X-ray transmission.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.dirt import band_noise
from napari_amseg.sample.imaging import add_spheres, beam_profile, detect, edge_rim, transmission
from napari_amseg.sample.powder import clustered
from napari_amseg.sample.process import Process
from napari_amseg.sample.settings import PhantomSettings
from napari_amseg.types import Experiment, Stack

__all__ = ["FrameTruth", "Phantom", "PhantomSettings", "simulate"]

Array = NDArray[Any]
OPEN_BEAM_COUNTS, OFFSET_COUNTS, READ_NOISE_COUNTS, MOST_COUNTS = 2600.0, 60.0, 4.0, 4095
FLICKER = 0.01
PLATE_GRAIN, EDGE_BLUR_PX, RIM_LIMIT = 0.012, 1.2, 0.25
SLIT_SOFTNESS_PX = 8.0
PLATE_EDGE_PX = 5.0  # no plate stands exactly along the beam
WINDOW_PARTICLE_OPACITY = 0.15  # small, and spread out: they are out of focus


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """The exact numbers of one frame, from the formulas, not from pixels.

    No keyhole: its area is 0 and its depth is NaN. The depth is vertical, from the surface.
    """

    frame: int
    time_s: float
    keyhole_area_px: float
    keyhole_area_um2: float
    keyhole_depth_px: float
    keyhole_depth_um: float
    pore_count: int
    pore_area_px: float
    pore_area_um2: float


@dataclass(frozen=True, slots=True)
class Phantom:
    """A simulated experiment; frames are made when asked for and the same every time.

    stack : uint16 (T, Y, X), 12 bit camera values. labels : uint8 (T, Y, X).
    truth : one record a frame.
    """

    settings: PhantomSettings
    stack: Stack
    labels: Stack
    truth: list[FrameTruth]


def simulate(settings: PhantomSettings | None = None) -> Phantom:
    """Simulate an experiment.

    Parameters
    ----------
    settings : options; the defaults are 60 frames of a Ti-6Al-4V powder bed.

    Returns
    -------
    Phantom with lazy frames, lazy labels and the truth of every frame.
    """
    settings = settings or PhantomSettings()
    process = Process(settings)
    camera = _Camera(process)
    shape = (settings.n_frames, settings.height_px, settings.width_px)
    experiment = Experiment(
        experiment=f"phantom-{settings.seed}",
        process="LPBF" if settings.powder_layer_um else "laser melting of a bare plate",
        substrate_material="Ti-6Al-4V",
        powder_material="Ti-6Al-4V" if settings.powder_layer_um else None,
        scan_speed_mm_s=1000 * settings.scan_speed_m_s or None,
        pixel_size_um=settings.pixel_size_um,
        frame_rate_hz=settings.frame_rate_hz,
        source=f"simulated by napari-amseg, seed {settings.seed}",
    )
    return Phantom(
        settings=settings,
        stack=Stack(shape, np.dtype(np.uint16), camera.image, experiment),
        labels=Stack(shape, np.dtype(np.uint8), camera.labels, experiment),
        truth=[_truth(process, t) for t in range(settings.n_frames)],
    )


def _truth(process: Process, t: int) -> FrameTruth:
    size = process.settings.pixel_size_um
    keyhole, pores = process.keyhole_at(t), process.pores_at(t)
    area = keyhole.area_px if keyhole else 0.0
    depth = keyhole.depth_px if keyhole else float("nan")
    pore_area = sum(p.area_px for p in pores)
    return FrameTruth(
        frame=t,
        time_s=t / process.settings.frame_rate_hz,
        keyhole_area_px=area,
        keyhole_area_um2=area * size**2,
        keyhole_depth_px=depth,
        keyhole_depth_um=depth * size,
        pore_count=len(pores),
        pore_area_px=pore_area,
        pore_area_um2=pore_area * size**2,
    )


class _Camera:
    """Labels and images of a process."""

    def __init__(self, process: Process) -> None:
        self.process, self.settings = process, process.settings
        s = self.settings
        self.shape = (s.height_px, s.width_px)
        self.below = process.surface.depth_map(self.shape)
        rng = np.random.default_rng([s.seed, 4])
        self.window = self._window(rng)
        centre = (float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.35, 0.65)))
        lit = np.clip(self.below / SLIT_SOFTNESS_PX + 0.25, 0, 1)
        slit = s.slit_transmission + (1 - s.slit_transmission) * lit
        grain = 1 + PLATE_GRAIN * band_noise(rng, self.shape, 1.2) * (self.below > 0)
        self.beam = beam_profile(self.shape, centre=centre, width=(0.9, 1.1)) * slit * grain

    def _window(self, rng: np.random.Generator) -> Array:
        """Metal on the windows, in um: the same in every frame, not part of the process."""
        s = self.settings
        metal = np.zeros(self.shape, np.float32)
        if s.window_particles:
            radius = max(1.0, s.particle_radius_um / s.pixel_size_um)
            rows = (0.0, float(s.height_px))
            stuck = clustered(
                rng, s.window_particles, rows=rows, width_px=s.width_px, radius_px=radius
            )
            add_spheres(metal, stuck, per_px=s.pixel_size_um * WINDOW_PARTICLE_OPACITY)
        return metal

    def _powder_um(self, t: int) -> Array:
        metal = np.zeros(self.shape, np.float32)
        add_spheres(metal, self.process.powder.at(t), per_px=self.settings.pixel_size_um)
        metal[self.below >= 0] = 0
        return metal

    def labels(self, t: int) -> Array:
        """The class of every pixel centre, uint8 (Y, X)."""
        labels = np.full(self.shape, Label.BACKGROUND, np.uint8)
        labels[self._powder_um(t) > 0] = Label.POWDER
        labels[self.below >= 0] = Label.SUBSTRATE
        for pore in self.process.pores_at(t):
            box, radius = pore.relative_radius(self.shape)
            labels[box][radius <= 1] = Label.PORE
        keyhole = self.process.keyhole_at(t)
        if keyhole is not None:
            box, offset = keyhole.relative_offset(self.below)
            labels[box][np.abs(offset) <= 1] = Label.KEYHOLE
        return labels

    def _metal_um(self, t: int) -> Array:
        """Projected thickness of metal along the beam, float32 (Y, X), um."""
        s = self.settings
        metal = s.substrate_thickness_um * np.clip(self.below / PLATE_EDGE_PX + 0.5, 0, 1)
        for pore in self.process.pores_at(t):
            box, radius = pore.relative_radius(self.shape)
            opening = 2 * pore.minor_px * s.pixel_size_um
            metal[box] -= opening * np.sqrt(np.clip(1 - radius**2, 0, None))
        keyhole = self.process.keyhole_at(t)
        if keyhole is not None:  # round in section: as deep along the beam as it is wide
            box, offset = keyhole.relative_offset(self.below)
            width = np.interp(self.below[box], keyhole.below, 2 * keyhole.half_width)
            metal[box] -= width * s.pixel_size_um * np.sqrt(np.clip(1 - offset**2, 0, None))
        return np.asarray(np.clip(metal, 0, None) + self._powder_um(t), np.float32)

    def image(self, t: int) -> Array:
        """The camera image, uint16 (Y, X), 12 bit."""
        s = self.settings
        metal = self._metal_um(t)
        bright = transmission(metal + self.window, attenuation_per_cm=s.attenuation_per_cm)
        bright *= edge_rim(
            metal,
            pixel_size_um=s.pixel_size_um,
            rim_um=s.rim_um,
            blur_px=EDGE_BLUR_PX,
            limit=RIM_LIMIT,
        )
        rng = np.random.default_rng([s.seed, 5, t])
        bright *= self.beam * np.float32(1 + FLICKER * rng.standard_normal())
        if s.blur_px:
            bright = ndimage.gaussian_filter(bright, s.blur_px, mode="nearest", truncate=3)
        camera = detect(
            bright,
            rng=rng,
            full_count=s.photons,
            gain=OPEN_BEAM_COUNTS,
            offset=OFFSET_COUNTS,
            read_noise=READ_NOISE_COUNTS,
        )
        return np.clip(np.round(camera), 0, MOST_COUNTS).astype(np.uint16)
