import math

import numpy as np
import pytest

from napari_amseg.sample.imaging import add_spheres, detect, edge_rim, sphere_chord, transmission


def test_beer_lambert():
    thickness_um = np.array([[0.0, 100.0, 500.0]])
    expected = [1, math.exp(-0.381), math.exp(-1.905)]
    np.testing.assert_allclose(
        transmission(thickness_um, attenuation_per_cm=38.1)[0], expected, rtol=1e-5
    )


def test_rim_is_bright_outside_and_dark_inside_an_edge():
    thickness = np.zeros((20, 40), np.float32)
    thickness[:, 20:] = 100
    rim = edge_rim(thickness, pixel_size_um=2.0, rim_um=0.1, blur_px=1.0)
    assert rim[10, 18] > 1 > rim[10, 21]
    assert rim[10, 2] == pytest.approx(1)
    assert rim[10, 37] == pytest.approx(1)
    assert np.abs(rim - 1).max() <= 0.6
    assert (edge_rim(thickness, pixel_size_um=2.0, rim_um=0, blur_px=1.0) == 1).all()


def test_sphere_has_its_volume_and_is_cut_at_the_border():
    assert sphere_chord(40).sum() == pytest.approx(4 / 3 * math.pi * 10**3, rel=0.01)
    field = np.zeros((30, 30), np.float32)
    add_spheres(field, np.array([[0.0, 15.0, 5.0], [-40.0, 15.0, 5.0]]), per_px=2.0)
    assert field.max() == pytest.approx(20)
    assert field.sum() < 2 * 4 / 3 * math.pi * 5**3


def test_noise_is_that_of_the_photons():
    camera = detect(
        np.full((300, 300), 0.5, np.float32),
        rng=np.random.default_rng(0),
        full_count=1000,
        gain=2000,
        offset=50,
        read_noise=0,
    )
    assert camera.mean() == pytest.approx(1050, rel=0.002)
    assert camera.std() == pytest.approx(1000 / math.sqrt(500), rel=0.02)
