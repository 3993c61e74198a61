from dataclasses import replace

import numpy as np

from napari_amseg.labels import Label
from napari_amseg.sample import simulate
from napari_amseg.sample.drawn import hidden_hollows
from napari_amseg.sample.experiments import random_experiment, random_frame, training_frame
from napari_amseg.sample.materials import attenuation_per_cm

SHAPE = (64, 96)


def test_same_seed_same_frame():
    one = random_frame(np.random.default_rng(5), SHAPE)
    other = random_frame(np.random.default_rng(5), SHAPE)
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_frames_are_finite_and_show_every_class():
    seen = set()
    for seed in range(25):
        image, labels = random_frame(np.random.default_rng(seed), SHAPE)
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.std() > 0
        assert labels.dtype == np.uint8
        assert labels.shape == image.shape
        seen |= set(np.unique(labels))
    assert seen == set(Label)


def test_experiments_are_those_of_the_field():
    drawn = [random_experiment(np.random.default_rng(seed), SHAPE) for seed in range(150)]
    for s in drawn:
        assert 0.8 <= s.pixel_size_um <= 6.7
        assert 20 <= s.energy_kev <= 80
        assert 300 <= s.substrate_thickness_um <= 1000
        depth = attenuation_per_cm(s.material, s.energy_kev) * s.substrate_thickness_um / 1e4
        assert 0.07 <= depth <= 2
        assert 0.0 < s.distance_m <= 20
    assert len({s.material for s in drawn}) == 6
    for yes_and_no in ("flat_field", "background", "window_gas"):
        assert {getattr(s, yes_and_no) for s in drawn} == {True, False}
    assert {s.direction for s in drawn} == {"left", "right"}
    assert {s.bit_depth for s in drawn} == {8, 12}
    assert any(s.scan_speed_m_s == 0 for s in drawn)
    assert any(s.surface_at < 0 for s in drawn)


def test_what_nobody_can_tell_is_not_taught():
    settings = replace(
        random_experiment(np.random.default_rng(11), SHAPE),
        surface_at=0.5,
        powder_layer_um=50.0,
        window_particles=30,
        window_gas=True,
        window_reach_um=0.0,
    )
    phantom = simulate(settings)
    image, labels = training_frame(phantom, 4)
    unclear = phantom.unclear()
    assert unclear.any()
    unclear = unclear | hidden_hollows(image, phantom.drawn[4])
    assert (labels[unclear] == Label.UNLABELLED).all()
    np.testing.assert_array_equal(labels[~unclear], phantom.drawn[4][~unclear])
