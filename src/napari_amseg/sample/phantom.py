"""A synthetic stack of laser melting with exact labels and exact numbers.

The geometry is given by formulas, so area and depth are known before anything is drawn;
labels are that geometry at the pixel centres, images its X-ray transmission and refraction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_amseg.sample.camera import Camera
from napari_amseg.sample.drawn import Draughtsman
from napari_amseg.sample.process import Process
from napari_amseg.sample.scene import Scene
from napari_amseg.sample.settings import PhantomSettings
from napari_amseg.types import Experiment, Stack

N_FLATS = 20

__all__ = ["FrameTruth", "Phantom", "PhantomSettings", "PoreTruth", "simulate"]


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
class PoreTruth:
    """The exact numbers of one pore in one frame; a pore keeps its `track_id`."""

    frame: int
    track_id: int
    centroid_y_px: float
    centroid_x_px: float
    area_px: float
    area_um2: float
    equivalent_diameter_um: float


@dataclass(frozen=True, slots=True)
class Phantom:
    """A simulated experiment; frames are made when asked for and the same every time.

    stack : camera values (T, Y, X), uint16, or uint8 of an 8 bit camera. labels : uint8
    (T, Y, X). pore_ids : uint16 (T, Y, X), the track of every pore pixel, 0 elsewhere.
    truth : one record a frame. pores : one record a pore a frame. unclear : bool (Y, X),
    where no one could tell powder in flight from powder on a window. drawn : as labels, with the
    borders that the labelling guide asks a person for.
    """

    settings: PhantomSettings
    stack: Stack
    labels: Stack
    pore_ids: Stack
    flats: Stack
    darks: Stack
    truth: list[FrameTruth]
    pores: list[PoreTruth]
    unclear: Callable[[], NDArray[np.bool_]]
    drawn: Stack


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
    scene = Scene(process)
    camera = Camera(scene)
    shape = (settings.n_frames, settings.height_px, settings.width_px)
    experiment = Experiment(
        experiment=f"phantom-{settings.seed}",
        process="LPBF" if settings.powder_layer_um else "laser melting of a bare plate",
        substrate_material=settings.material,
        powder_material=settings.material if settings.powder_layer_um else None,
        scan_speed_mm_s=1000 * settings.scan_speed_m_s or None,
        pixel_size_um=settings.pixel_size_um,
        frame_rate_hz=settings.frame_rate_hz,
        source=f"simulated by napari-amseg, seed {settings.seed}",
    )
    return Phantom(
        settings=settings,
        stack=Stack(shape, camera.dtype, camera.image, experiment, notes=process.notes()),
        labels=Stack(shape, np.dtype(np.uint8), scene.labels, experiment),
        pore_ids=Stack(shape, np.dtype(np.uint16), scene.pore_ids, experiment),
        flats=Stack((N_FLATS, *shape[1:]), camera.dtype, camera.flat, experiment),
        darks=Stack((N_FLATS, *shape[1:]), camera.dtype, camera.dark, experiment),
        truth=[_truth(process, t) for t in range(settings.n_frames)],
        pores=[row for t in range(settings.n_frames) for row in _pores(process, t)],
        unclear=scene.unclear,
        drawn=Stack(shape, np.dtype(np.uint8), Draughtsman(camera).labels, experiment),
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


def _pores(process: Process, t: int) -> Iterator[PoreTruth]:
    size = process.settings.pixel_size_um
    for number, pore in process.tracks_at(t):
        yield PoreTruth(
            frame=t,
            track_id=number,
            centroid_y_px=pore.row_px - 0.5,
            centroid_x_px=pore.column_px - 0.5,
            area_px=pore.area_px,
            area_um2=pore.area_px * size**2,
            equivalent_diameter_um=2 * math.sqrt(pore.area_px / math.pi) * size,
        )
