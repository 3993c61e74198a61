"""Real cases and, for each, the phantom of the same situation.

Pixel sizes of the AM-SegNet frames, thicknesses, energies and distances are not published with
them: these are guesses that fit sizes of powder, ratios of grey values and widths of rims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_amseg.sample import PhantomSettings


@dataclass(frozen=True)
class Situation:
    """A real case and the phantom that stands for it.

    frames : what `read_stack` takes, below the data folder. truth : label stack below the data
    folder or, if None, the drawn labels of the same stem. chosen : frames compared.
    """

    name: str
    frames: str
    settings: PhantomSettings
    truth: str | None = None
    chosen: tuple[int, ...] = (0,)


_PLATE: dict[str, Any] = {"n_frames": 25, "powder_layer_um": 0, "pore_every_frames": 0}
_CORRECTED: dict[str, Any] = {"slit_transmission": 1, "flat_field": True, "bit_depth": 8}
SITUATIONS = (
    Situation(
        "bare Ti-6Al-4V plate, raw, beam cut by a slit",
        "ti64_plate/299_*.tif",
        PhantomSettings(
            **_PLATE,
            height_px=400,
            width_px=1024,
            pixel_size_um=2.0,
            material="Ti-6Al-4V",
            energy_kev=24.4,
            substrate_thickness_um=400,
            distance_m=0.25,
            surface_at=0.237,
            edge_um=12,
            keyhole_depth_um=170,
            keyhole_width_um=50,
            keyhole_span=0.8,
            keyhole_bend=0.4,
            keyhole_bulb=0.5,
            keyhole_mouth=1.0,
            keyhole_shelf=2.0,
            fluctuation=0.05,
            window_particles=4,
            window_gas=False,
            roughness_um=0.2,
            grain_um=8,
            flaws=0.12,
            hump_um=20,
            slit_transmission=0.06,
            slit_soft_um=5,
            slit_above_um=-1.25,
            slit_fade_um=200,
            slit_fringes=2,
            photons=25_000,
            blur_px=1.0,
        ),
        truth="ti64_plate/labels.tif",
        chosen=(0, 5, 9),
    ),
    Situation(
        "powder bed, flat-field corrected, powder on the windows",
        "amsegnet_test_images/lpbf.jpg",
        PhantomSettings(
            **_CORRECTED,
            n_frames=25,
            height_px=256,
            width_px=512,
            pixel_size_um=2.6,
            material="AlSi10Mg",
            energy_kev=24.4,
            substrate_thickness_um=800,
            distance_m=0.25,
            surface_at=0.58,
            edge_um=80,
            keyhole_depth_um=110,
            keyhole_width_um=50,
            pore_every_frames=0,
            old_pores=12,
            pore_radius_um=34,
            pore_lobing=0.2,
            powder_layer_um=90,
            powder_filling=0.3,
            particle_radius_um=13,
            denuded_um=0,
            flying=160,
            window_particles=3500,
            window_gas=False,
            spatter=1,
            photons=2500,
            blur_px=0.3,
        ),
    ),
    Situation(
        "bare plate with a hump, flat-field corrected",
        "amsegnet_test_images/weld.jpg",
        PhantomSettings(
            **_PLATE,
            **_CORRECTED,
            height_px=256,
            width_px=512,
            pixel_size_um=4.0,
            material="AlSi10Mg",
            energy_kev=24.4,
            substrate_thickness_um=500,
            distance_m=0.3,
            surface_at=0.496,
            surface_tilt_deg=-0.6,
            edge_um=40,
            keyhole_depth_um=160,
            keyhole_width_um=65,
            keyhole_span=0.5,
            keyhole_bend=0.1,
            old_pores=3,
            pore_radius_um=26,
            window_particles=3,
            roughness_um=3,
            grain_um=6,
            flaws=0.4,
            hump_um=25,
            photons=40_000,
            blur_px=0.3,
        ),
    ),
    Situation(
        "powder bed on a plate, raw, laser off",
        "powder_bed/rad_00001h.png",
        PhantomSettings(
            n_frames=1,
            laser_off_frames=1,
            height_px=400,
            width_px=1024,
            pixel_size_um=2.0,
            material="Ti-6Al-4V",
            energy_kev=24.4,
            substrate_thickness_um=400,
            distance_m=0.3,
            surface_at=0.3,
            edge_um=50,
            pore_every_frames=0,
            powder_layer_um=85,
            powder_filling=0.3,
            particle_radius_um=11,
            flying=60,
            window_particles=4500,
            window_reach_um=130,
            window_gas=False,
            roughness_um=0.3,
            slit_transmission=1,
            photons=3000,
            bit_depth=8,
        ),
    ),
)
