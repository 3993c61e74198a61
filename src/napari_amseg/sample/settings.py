"""The options of the phantom."""

from __future__ import annotations

from dataclasses import dataclass

from napari_amseg.sample.materials import METALS
from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class PhantomSettings(Settings):
    """A laser powder bed fusion experiment; the defaults are a Ti-6Al-4V plate at 24.4 keV.

    The keyhole is limited by the frame: it never comes closer than 4 px to the bottom; the notes
    of the stack say so where it would.
    A scan longer than the frame is wide starts again at the beginning.
    """

    n_frames: int = setting(60, low=1, help="Number of frames.")
    height_px: int = setting(256, unit="px", low=48, high=4096, help="Rows of a frame.")
    width_px: int = setting(512, unit="px", low=64, high=4096, help="Columns of a frame.")
    pixel_size_um: float = setting(2.0, unit="µm", low=0.1, high=50, help="Size of a pixel.")
    frame_rate_hz: float = setting(50_000.0, unit="Hz", low=1, help="Frames a second.")
    seed: int = setting(0, low=0, help="The same seed gives the same frames.")
    oversampling: int = setting(4, low=1, high=8, help="Sample points a pixel along each side.")

    # the laser and what it makes
    scan_speed_m_s: float = setting(
        0.5, unit="m/s", low=0, high=20, help="Speed of the laser spot; 0 stays in the middle."
    )
    direction: str = setting("right", choices=("right", "left"), help="Where the laser goes.")
    laser_off_frames: int = setting(
        3, low=0, help="Frames without a keyhole before and after every track."
    )
    surface_at: float = setting(
        0.42, low=-1, high=1, help="Row of the surface, times the height; negative: not in sight."
    )
    surface_tilt_deg: float = setting(
        0.0, unit="°", low=-15, high=15, help="Tilt of the surface; positive falls to the right."
    )
    keyhole_depth_um: float = setting(130.0, unit="µm", low=10, help="Mean depth of the keyhole.")
    keyhole_width_um: float = setting(46.0, unit="µm", low=4, help="Mean width of the keyhole.")
    keyhole_bend: float = setting(
        0.3, low=-1, high=1, help="How far its tip trails behind, times the depth: 0 is an I."
    )
    keyhole_hook: float = setting(
        2.5, low=1, high=10, help="1 leans straight; more bends near the tip only: a J."
    )
    keyhole_mouth: float = setting(0.6, low=0, high=3, help="Extra width at the surface, relative.")
    keyhole_shelf: float = setting(
        0.0, low=0, high=4, help="Extra width of the rear of the mouth, relative."
    )
    keyhole_bulb: float = setting(0.3, low=-0.3, high=2, help="Extra width at the tip, relative.")
    keyhole_neck: float = setting(0.0, low=0, high=0.8, help="Narrowing half-way down, relative.")
    keyhole_tip: float = setting(0.25, low=0.05, high=0.8, help="Part of the depth that is round.")
    keyhole_span: float = setting(
        1.0, low=0.2, high=8, help="Extent along the beam, times the width."
    )
    section: float = setting(
        4.0,
        low=1,
        high=12,
        help="Form of keyhole and pores along the beam: 2 is round, more is boxy with steep walls.",
    )
    wall_um: float = setting(
        1.0, unit="µm", low=0, help="Blur of the walls of keyhole and pores, tilted to the beam."
    )
    fluctuation: float = setting(
        0.15, low=0, high=0.4, help="Standard deviation of the depth relative to its mean."
    )
    hump_um: float = setting(
        0.0, unit="µm", low=0, help="Height of the melt pushed up behind the keyhole."
    )
    spatter: int = setting(0, low=0, help="Droplets in flight in a frame.")
    pore_every_frames: int = setting(
        8, low=0, help="Mean number of frames between two pores; 0 makes none."
    )
    pore_radius_um: float = setting(18.0, unit="µm", low=1, help="Typical radius of a pore.")
    pore_lobing: float = setting(
        0.0, low=0, high=0.4, help="Largest swing of its wall, relative: 0 are ellipses."
    )
    old_pores: int = setting(0, low=0, help="Pores of earlier tracks, anywhere in the plate.")

    # metal
    material: str = setting("Ti-6Al-4V", choices=METALS, help="Alloy of plate and powder.")
    substrate_thickness_um: float = setting(
        500.0, unit="µm", low=1, help="Thickness of the plate along the beam."
    )
    edge_um: float = setting(
        10.0, unit="µm", low=0.1, help="Rows over which its top edge fades: no plate stands true."
    )
    roughness_um: float = setting(
        1.0, unit="µm", low=0, help="Roughness of its two faces, standard deviation."
    )
    grain_um: float = setting(5.0, unit="µm", low=0.5, help="Size of that roughness.")
    flaws: float = setting(
        0.0, low=0, high=1, help="Scratches, patches and specks on the plate: their strength."
    )
    powder_layer_um: float = setting(
        70.0, unit="µm", low=0, help="Height of the powder bed; 0 is a bare plate."
    )
    powder_filling: float = setting(
        0.35,
        low=0.02,
        high=0.65,
        help="Part of its foot that is metal, over the plate's thickness.",
    )
    powder_thinning: float = setting(
        0.0,
        low=0,
        high=1,
        help="Upper part of the bed that gets thinner; 0: it is as dense to its top.",
    )
    particle_radius_um: float = setting(
        14.0,
        unit="µm",
        low=5,
        high=32,
        help="Median particle radius; log-normal, cut at 5 and 32 µm.",
    )
    denuded_um: float = setting(
        70.0, unit="µm", low=0, help="Distance to which the keyhole blows powder away."
    )
    denuded_share: float = setting(
        1.0, low=0, high=1, help="Part of it along the beam; the rest lies before and behind."
    )
    flying: int = setting(0, low=0, help="Particles that fly about above the surface in a frame.")
    window_particles: int = setting(60, low=0, help="Particles stuck to the windows.")
    window_reach_um: float = setting(
        0.0, unit="µm", low=0, help="They get fewer over this distance below the bed; 0: even."
    )
    window_gas: bool = setting(True, help="Whether they stick above the surface too.")
    wall_mm: float = setting(2.0, unit="mm", low=0, help="Glassy carbon of the two windows.")

    # beam and propagation
    energy_kev: float = setting(24.4, unit="keV", low=20, high=80, help="Photon energy.")
    distance_m: float = setting(
        0.1, unit="m", low=0, high=20, help="Sample to detector: sets the strength of the rims."
    )
    slit_transmission: float = setting(
        0.25, low=0, high=1, help="Part of the beam let through above the surface; 1 is no slit."
    )
    slit_soft_um: float = setting(16.0, unit="µm", low=0.1, help="Rows over which the slit cuts.")
    slit_above_um: float = setting(
        4.0, unit="µm", low=-100, help="Height of the middle of the cut above the surface."
    )
    slit_fade_um: float = setting(
        0.0,
        unit="µm",
        low=0,
        help="The gas gets darker upwards over this distance; 0: it does not.",
    )
    slit_fringes: int = setting(0, low=0, high=8, help="Bright and dark lines along that cut.")
    beam_height: float = setting(
        0.9, low=0.2, help="Gaussian width of the beam, times the height of the frame."
    )
    beam_width: float = setting(1.2, low=0.2, help="The same across, times the width of the frame.")
    bands: float = setting(0.0, low=0, high=0.5, help="Horizontal bands of the optics, relative.")
    flicker: float = setting(0.01, low=0, high=0.2, help="Frame to frame change of the beam.")

    # camera
    exposure_us: float = setting(
        2.0, unit="µs", low=0, help="Exposure time, in which the keyhole moves on."
    )
    blur_px: float = setting(0.8, unit="px", low=0, high=5, help="Blur of the camera.")
    photons: float = setting(
        10_000.0, low=1, help="Detected photons a pixel in the open beam: sets the noise."
    )
    noise_blur_px: float = setting(
        0.0, unit="px", low=0, high=5, help="Blur of that noise, where quanta scatter light widely."
    )
    bit_depth: int = setting(12, unit="bit", low=8, high=16, help="Depth of a camera value.")
    fixed_pattern: float = setting(
        0.0, low=0, high=0.3, help="Gain of pixels, rows and columns, standard deviation."
    )
    dust: int = setting(0, low=0, help="Dark spots on the scintillator.")

    # what was done to the frames before
    flat_field: bool = setting(False, help="Divided by a flat field that fits nearly.")
    background: bool = setting(False, help="Divided by the frames without keyhole.")
    inverted: bool = setting(False, help="Dark pores in bright metal, as casting is shown.")
