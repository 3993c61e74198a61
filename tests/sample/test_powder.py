from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.sample.powder import (
    NEVER,
    Airborne,
    Bed,
    powder_bed,
    radii,
    stuck_to_windows,
)
from napari_amseg.sample.process import Process
from napari_amseg.sample.scene import Scene


def test_radii_are_log_normal_within_the_sieve():
    settings = PhantomSettings(particle_radius_um=14, pixel_size_um=2)
    um = 2 * radii(np.random.default_rng(0), 20_000, settings)
    assert np.median(um) == pytest.approx(14, rel=0.02)
    assert um.min() >= 5
    assert um.max() <= 32


@pytest.mark.parametrize("filling", [0.1, 0.3, 0.5])
def test_the_bed_holds_the_metal_that_was_asked_for(filling):
    settings = PhantomSettings(
        powder_filling=filling,
        powder_layer_um=120,
        laser_off_frames=60,
        window_particles=0,
        roughness_um=0,
    )
    scene = Scene(Process(settings))
    rows = slice(107 - 50, 107 - 10)  # of 60 rows of bed above row 108, without its ragged ends
    fine = slice(rows.start * scene.points, rows.stop * scene.points)
    metal = (scene.still_um() - scene.plate_um)[fine].mean()
    assert metal / settings.substrate_thickness_um == pytest.approx(filling, rel=0.35)


@pytest.mark.parametrize("radius_um", [5, 14, 30])
def test_the_particles_of_a_bed_have_the_volume_that_was_asked_for(radius_um):
    settings = PhantomSettings(particle_radius_um=radius_um, powder_filling=0.3, width_px=1024)
    metal = np.sum(
        4
        / 3
        * np.pi
        * powder_bed(np.random.default_rng(0), settings, Process(settings).surface)[:, 2] ** 3
    )
    thickness, height = settings.substrate_thickness_um / 2, settings.powder_layer_um / 2
    assert metal / (1024 * thickness * height) == pytest.approx(0.3, rel=0.1)


def test_a_bed_that_gets_thinner_keeps_its_foot_and_its_height():
    even = PhantomSettings(powder_filling=0.4, powder_layer_um=120, width_px=1024)

    def metal(settings, low, high):
        surface = Process(settings).surface
        beds = [powder_bed(np.random.default_rng(seed), settings, surface) for seed in range(8)]
        bed = np.concatenate(beds)
        above = surface.row_px - bed[:, 1]
        return np.sum(bed[(above >= low) & (above < high), 2] ** 3)

    thinner = replace(even, powder_thinning=0.5)  # of 60 px of bed the upper 30
    assert metal(thinner, 0, 20) == pytest.approx(metal(even, 0, 20), rel=0.15)
    assert 0.1 < metal(thinner, 40, 60) / metal(even, 40, 60) < 0.5


def test_no_gas_is_labelled_between_the_bed_and_the_plate():
    settings = PhantomSettings(powder_filling=0.3, laser_off_frames=30, surface_tilt_deg=2, seed=3)
    labels = simulate(settings).labels[5]
    surface = np.argmax(labels == Label.SUBSTRATE, axis=0)
    above = labels[surface - 1, np.arange(labels.shape[1])]
    assert (above == Label.POWDER).mean() > 0.99


def test_the_laser_leaves_no_islands_of_powder_between_two_frames():
    fast = PhantomSettings(scan_speed_m_s=2.0, denuded_um=10, n_frames=12, laser_off_frames=0)
    process = Process(fast)
    bed = Bed.spread(process)
    lying = bed.particles[bed.gone_at > 11]
    passed = (lying[:, 0] > process.mouth_px[0]) & (lying[:, 0] < process.mouth_px[11])
    assert process.step_px == pytest.approx(20)
    assert len(lying) > 100
    assert not passed.any()


def test_of_a_bed_the_laser_blows_away_in_part_the_rest_lies_on():
    half = PhantomSettings(denuded_share=0.5, laser_off_frames=0)
    process = Process(half)
    bed, whole = Bed.spread(process), Bed.spread(Process(replace(half, denuded_share=1.0)))
    passed, went = whole.gone_at < NEVER, bed.gone_at < NEVER
    assert passed.sum() > 400
    assert not (went & ~passed).any()
    assert went.sum() == pytest.approx(passed.sum() / 2, rel=0.2)


def test_airborne_particles_stay_above_the_surface():
    process = Process(PhantomSettings())
    flying = Airborne.released(np.random.default_rng(0), 50, process)
    for t in (0, 100):
        at = flying.at(t)
        assert (at[:, 0] >= 0).all()
        assert (at[:, 0] < 512).all()
        assert (at[:, 1] <= process.surface.row_px).all()
    assert (flying.at(1)[:, :2] != flying.at(0)[:, :2]).any()


def test_particles_on_one_window_lie_side_by_side():
    process = Process(PhantomSettings(window_particles=400))
    particles = stuck_to_windows(np.random.default_rng(0), process)[::2]
    apart = np.hypot(*(particles[:, None, :2] - particles[None, :, :2]).T)
    touching = particles[:, None, 2] + particles[None, :, 2]
    np.fill_diagonal(apart, np.inf)
    assert (apart < 0.7 * touching).sum() / 2 < 0.02 * len(particles)


def test_window_powder_gets_less_with_depth_and_spares_the_gas():
    settings = PhantomSettings(window_particles=2000, window_reach_um=60, window_gas=False)
    process = Process(settings)
    particles = stuck_to_windows(np.random.default_rng(0), process)
    below = particles[:, 1] - process.surface.row_px
    assert (below > -20).all()
    assert (below < 30).sum() > 3 * (below > 90).sum() > 0
