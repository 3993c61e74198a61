"""The options of the phantom."""

from __future__ import annotations

from dataclasses import dataclass

from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class PhantomSettings(Settings):
    """A laser powder bed fusion experiment; the defaults are a Ti-6Al-4V plate at 24.4 keV.

    The keyhole is limited by the frame: it never comes closer than 4 px to the bottom.
    A scan longer than the frame is wide starts again at the beginning.
    """

    n_frames: int = setting(60, low=1, help="Number of frames.")
    height_px: int = setting(256, unit="px", low=48, high=4096, help="Rows of a frame.")
    width_px: int = setting(512, unit="px", low=64, high=4096, help="Columns of a frame.")
    pixel_size_um: float = setting(2.0, unit="µm", low=0.1, high=50, help="Size of a pixel.")
    frame_rate_hz: float = setting(50_000.0, unit="Hz", low=1, help="Frames a second.")
    scan_speed_m_s: float = setting(
        0.5, unit="m/s", low=0, high=20, help="Speed of the laser spot."
    )
    surface_tilt_deg: float = setting(
        0.0, unit="°", low=-15, high=15, help="Tilt of the surface; positive falls to the right."
    )
    laser_off_frames: int = setting(
        3, low=0, help="Frames without a keyhole before and after every track."
    )
    keyhole_depth_um: float = setting(130.0, unit="µm", low=10, help="Mean depth of the keyhole.")
    keyhole_width_um: float = setting(46.0, unit="µm", low=4, help="Mean width of the keyhole.")
    fluctuation: float = setting(
        0.15, low=0, high=0.4, help="Standard deviation of the depth relative to its mean."
    )
    pore_every_frames: int = setting(
        8, low=0, help="Mean number of frames between two pores; 0 makes none."
    )
    pore_radius_um: float = setting(18.0, unit="µm", low=1, help="Typical radius of a pore.")
    powder_layer_um: float = setting(
        70.0, unit="µm", low=0, help="Height of the powder bed; 0 is a bare plate."
    )
    particle_radius_um: float = setting(14.0, unit="µm", low=1, help="Median particle radius.")
    denuded_um: float = setting(
        70.0, unit="µm", low=0, help="Distance to which the keyhole blows powder away."
    )
    substrate_thickness_um: float = setting(
        500.0, unit="µm", low=1, help="Thickness of the plate along the beam."
    )
    attenuation_per_cm: float = setting(
        38.1, unit="1/cm", low=0, help="Linear attenuation coefficient of the metal."
    )
    slit_transmission: float = setting(
        0.25, low=0, high=1, help="Part of the beam let through above the surface; 1 is no slit."
    )
    rim_um: float = setting(
        0.12,
        unit="µm",
        low=0,
        help="Propagation distance times refractive decrement: strength of the edge rims.",
    )
    blur_px: float = setting(0.8, unit="px", low=0, high=5, help="Blur of the camera.")
    photons: float = setting(
        10_000.0, low=1, help="Detected photons a pixel in the open beam: sets the noise."
    )
    window_particles: int = setting(60, low=0, help="Particles stuck to the windows.")
    seed: int = setting(0, low=0, help="The same seed gives the same frames.")
