"""Random experiments: every option of the phantom drawn from what beamlines and machines span.

A network trained on these has to go by form, since material, energy, rims, dirt, noise and scale
all change from one experiment to the next.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import Label
from napari_amseg.sample.drawn import hidden_hollows
from napari_amseg.sample.materials import METALS, attenuation_per_cm, decrement
from napari_amseg.sample.optics import UM_PER_CM, UM_PER_M
from napari_amseg.sample.phantom import Phantom, simulate
from napari_amseg.sample.settings import PhantomSettings

Array = NDArray[Any]
FRAMES = 30
OPTICAL_DEPTH = (0.07, 2.0)  # of the plate: less shows nothing, more lets nothing through
LEVER = (0.01, 0.2)  # distance times decrement over pixel size: from faint rims to strong ones
FINEST_UM = 0.9  # sample step that resolves rims


def random_experiment(rng: np.random.Generator, shape: tuple[int, int]) -> PhantomSettings:
    """The settings of one random experiment with frames of `shape` (rows, columns)."""
    kind = str(rng.choice(["bare", "powder", "inside"], p=[0.42, 0.46, 0.12]))
    pixel = _pixel_size_um(rng)
    beam = _plate_and_beam(rng, pixel)
    plain = PhantomSettings(
        n_frames=FRAMES,
        height_px=shape[0],
        width_px=shape[1],
        pixel_size_um=pixel,
        seed=int(rng.integers(2**31)),
        oversampling=int(np.clip(math.ceil(pixel / FINEST_UM), 2, 4)),
        surface_at=-0.5 if kind == "inside" else rng.uniform(0.05, 0.65),
        surface_tilt_deg=float(np.clip(rng.normal(0, 4 if rng.random() < 0.2 else 0.6), -12, 12)),
        powder_layer_um=rng.uniform(50, 150) if kind == "powder" else 0.0,
        **beam,
    )
    drawn = {**_keyhole(rng, plain), **_pores(rng, kind), **_dirt(rng, plain, kind)}
    slit, camera = _slit(rng, plain, kind), _camera(rng, plain)
    if slit.get("slit_above_um", 0) < 0:  # divided there, the plate would be mere noise
        camera["flat_field"] = False
    return replace(plain, **drawn, **slit, **camera)


def random_frame(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Array, Array]:
    """One frame of a random experiment.

    Parameters
    ----------
    rng : source of all randomness. shape : rows and columns.

    Returns
    -------
    image : float32 (Y, X) camera values, not yet mapped to the network's range.
    labels : uint8 (Y, X); 0 where a person could not tell either.
    """
    return training_frame(simulate(random_experiment(rng, shape)), int(rng.integers(FRAMES)))


def training_frame(phantom: Phantom, t: int) -> tuple[Array, Array]:
    """Image and labels of frame `t` as :func:`random_frame` gives them."""
    labels = phantom.drawn[t].copy()
    image = np.asarray(phantom.stack[t], np.float32)
    hollow = np.isin(phantom.labels[t], (Label.KEYHOLE, Label.PORE))
    cut_off = hollow & (labels == Label.BACKGROUND)  # dim above the cut of a slit
    labels[phantom.unclear() | cut_off | hidden_hollows(image, labels)] = Label.UNLABELLED
    return image, labels


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A log-uniform draw."""
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def _pixel_size_um(rng: np.random.Generator) -> float:
    """Mostly that of the beamlines; some finer, since stacks are enlarged, too."""
    sort = rng.random()
    if sort < 0.4:
        return float(rng.uniform(1.5, 3))
    return between(rng, 0.8, 1.5) if sort < 0.65 else between(rng, 1.3, 6.7)


def _plate_and_beam(rng: np.random.Generator, pixel_um: float) -> dict[str, Any]:
    """Alloy, thickness, energy and distance at which a plate can be seen through."""
    while True:
        material, energy = str(rng.choice(METALS)), between(rng, 20, 80)
        thickness = between(rng, 300, 1000)
        depth = attenuation_per_cm(material, energy) * thickness / UM_PER_CM
        if OPTICAL_DEPTH[0] <= depth <= OPTICAL_DEPTH[1]:
            break
    distance = pixel_um * between(rng, *LEVER) / (decrement(material, energy) * UM_PER_M)
    return {
        "material": material,
        "energy_kev": energy,
        "substrate_thickness_um": thickness,
        "distance_m": distance,
        "edge_um": between(rng, 3, 80),
        "photons": float(rng.uniform(15, 80) ** 2 * math.exp(depth)),
    }


def _keyhole(rng: np.random.Generator, s: PhantomSettings) -> dict[str, Any]:
    depth = between(rng, 50, 500)
    width = min(between(rng, 20, 80), depth / 0.6)
    hooked = rng.random() < 0.4
    spot = rng.random() < 0.15
    step_px = 0 if spot else rng.uniform(0.5, 0.03 * s.width_px)
    return {
        "keyhole_depth_um": depth,
        "keyhole_width_um": width,
        "scan_speed_m_s": min(20.0, step_px * s.pixel_size_um * s.frame_rate_hz / 1e6),
        "direction": str(rng.choice(["left", "right"])),
        "laser_off_frames": int(rng.choice([0, 2, 5, 10])),
        "keyhole_bend": 0.0 if rng.random() < 0.15 else rng.uniform(0, 0.6),
        "keyhole_hook": rng.uniform(4, 9) if hooked else rng.uniform(1, 3),
        "keyhole_mouth": rng.uniform(0, 1.6),
        "keyhole_shelf": rng.uniform(0, 3) if rng.random() < 0.35 else 0.0,
        "keyhole_bulb": rng.uniform(-0.15, 0.9),
        "keyhole_neck": rng.uniform(0, 0.5) if rng.random() < 0.3 else 0.0,
        "keyhole_tip": rng.uniform(0.06, 0.5),
        "keyhole_span": between(rng, 0.7, 4),
        "section": between(rng, 3, 10),
        "wall_um": rng.uniform(0, 3),
        "exposure_us": between(rng, 0.5, 15),
        "fluctuation": rng.uniform(0.02, 0.3),
        "hump_um": rng.uniform(3, 40) if rng.random() < 0.5 else 0.0,
        "spatter": int(rng.integers(1, 8)) if rng.random() < 0.3 else 0,
    }


def _pores(rng: np.random.Generator, kind: str) -> dict[str, Any]:
    many = kind == "inside"
    if not many and rng.random() < 0.3:  # a sound plate: what looks like a pore there is none
        return {"pore_every_frames": 0, "old_pores": 0}
    return {
        "pore_every_frames": int(rng.choice([0, 2, 4, 8])),
        "pore_radius_um": between(rng, 3, 40) if many else between(rng, 5, 40),
        "pore_lobing": rng.uniform(0, 0.3) if rng.random() < 0.6 else 0.0,
        "old_pores": int(between(rng, 3, 90)) if many else int(rng.integers(0, 9)),
    }


def _dirt(rng: np.random.Generator, s: PhantomSettings, kind: str) -> dict[str, Any]:
    """Rough faces, powder where it does not belong."""
    radius = rng.uniform(8, 18)
    a_frame = s.height_px * s.width_px * (s.pixel_size_um / radius) ** 2 / math.pi
    sort = rng.random()
    cover = 0.0 if sort < 0.4 else between(rng, 0.01, 0.2) if sort < 0.7 else rng.uniform(0.3, 1.5)
    dense = cover > 0.25
    flies = rng.random() < (0.7 if kind == "powder" else 0.0)
    return {
        "particle_radius_um": radius,
        "powder_filling": rng.uniform(0.06, 0.6),
        "powder_thinning": rng.uniform(0.2, 1) if rng.random() < 0.7 else 0.0,
        "denuded_um": between(rng, 10, 250),
        "denuded_share": rng.uniform(0.1, 1) if rng.random() < 0.5 else 1.0,
        "flying": int(a_frame * max(0.0, s.surface_at) * between(rng, 0.002, 0.4)) if flies else 0,
        "window_particles": min(4000, int(a_frame * cover)),
        "window_reach_um": between(rng, 30, 600) if rng.random() < 0.5 else 0.0,
        "window_gas": bool(rng.random() < (0.2 if dense else 0.5)),
        "roughness_um": between(rng, 0.1, 3),
        "grain_um": between(rng, 2, 20),
        "flaws": rng.uniform(0, 1) if rng.random() < 0.6 else 0.0,
    }


def _slit(rng: np.random.Generator, s: PhantomSettings, kind: str) -> dict[str, Any]:
    """A beam cut off near the surface leaves the gas darker than the plate."""
    if rng.random() > {"bare": 0.5, "powder": 0.05, "inside": 0.0}[kind]:
        return {"slit_transmission": 1.0}
    mu = attenuation_per_cm(s.material, s.energy_kev)
    plate = math.exp(-mu * s.substrate_thickness_um / UM_PER_CM)
    above_um = rng.uniform(-25, 30)
    return {
        "slit_transmission": plate * between(rng, 0.03, 0.5 if above_um < 0 else 1.0),
        "slit_soft_um": between(rng, 1, 30),
        "slit_above_um": above_um,
        "slit_fade_um": between(rng, 60, 1500) if rng.random() < 0.6 else 0.0,
        "slit_fringes": int(rng.integers(0, 5)),
    }


def _camera(rng: np.random.Generator, s: PhantomSettings) -> dict[str, Any]:
    corrected = rng.random()
    blurred_noise = rng.random() < 0.25  # also what enlarging a frame makes of it
    return {
        "beam_height": between(rng, 0.5, 3),
        "beam_width": between(rng, 0.6, 3),
        "bands": between(rng, 0.003, 0.05) if rng.random() < 0.5 else 0.0,
        "flicker": between(rng, 0.001, 0.01),
        "blur_px": rng.uniform(0.3, 1.8),
        "bit_depth": int(rng.choice([8, 12])),
        "fixed_pattern": between(rng, 0.002, 0.05) if rng.random() < 0.5 else 0.0,
        "dust": int(rng.integers(0, 12)) if rng.random() < 0.3 else 0,
        "flat_field": bool(corrected < 0.45),
        "background": bool(corrected > 0.94 and s.surface_at > 0),
        "noise_blur_px": rng.uniform(0.3, 1.3) if blurred_noise else 0.0,
    }
