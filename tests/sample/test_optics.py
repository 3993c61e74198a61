import math

import numpy as np
import pytest
from scipy.special import fresnel

from napari_amseg.sample.optics import (
    add_spheres,
    binned,
    fresnel_blur_um,
    refracted,
    smoothed,
    sphere_chord,
    transmission,
)


def test_beer_lambert():
    thickness_um = np.array([[0.0, 100.0, 500.0]])
    expected = [1, math.exp(-0.381), math.exp(-1.905)]
    np.testing.assert_allclose(
        transmission(thickness_um, attenuation_per_cm=38.1)[0], expected, rtol=1e-5
    )


def test_rim_is_bright_outside_and_dark_inside_an_edge():
    thickness = np.zeros((20, 80), np.float32)
    thickness[:, 40:] = 100
    path = 1.4e-6 * smoothed(thickness, 2)
    image = refracted(np.ones_like(path), path, step_um=1.0, distance_um=4e4, most_um=12)
    assert image[10, 35:38].max() > 1.05
    assert image[10, 42:45].min() < 0.95
    np.testing.assert_allclose(image[10, [5, 75]], 1, rtol=1e-5)


def test_refraction_is_transport_of_intensity_where_it_is_weak():
    y, x = np.mgrid[:60, :80].astype(np.float32)
    bump = 30 * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / (2 * 6**2))
    path = (1e-6 * bump).astype(np.float32)
    image = refracted(np.ones_like(path), path, step_um=1.0, distance_um=2e4, most_um=12)
    rows, columns = np.gradient(path)
    expected = 1 + 2e4 * (np.gradient(rows, axis=0) + np.gradient(columns, axis=1))
    seen, wanted = smoothed(image, 2), smoothed(expected, 2)  # as any camera blurs
    np.testing.assert_allclose(seen, wanted, atol=5e-3)
    assert np.abs(wanted - 1).max() > 0.02


def test_refraction_keeps_the_energy_and_its_sign():
    rng = np.random.default_rng(0)
    path = smoothed(rng.standard_normal((64, 96)).astype(np.float32), 2) * 1e-4
    image = refracted(np.ones_like(path), path, step_um=0.5, distance_um=1e6, most_um=6)
    assert image.sum() == pytest.approx(path.size, rel=1e-5)
    assert image.min() >= 0
    assert image.std() > 0.1
    same = np.ones_like(path)
    assert refracted(same, path, step_um=0.5, distance_um=0, most_um=6) is same


def test_fresnel_zone_grows_with_the_root_of_the_distance():
    assert fresnel_blur_um(5e-5, 4e6) == pytest.approx(2 * fresnel_blur_um(5e-5, 1e6))


def test_the_blur_of_diffraction_is_as_wide_as_the_edge_of_a_half_plane():
    wavelength, distance = 5e-5, 1e6
    v = np.linspace(-3, 3, 60_001)
    sine, cosine = fresnel(v)
    edge = ((0.5 + cosine) ** 2 + (0.5 + sine) ** 2) / 2
    width = np.diff(v[[np.argmax(edge >= part) for part in (0.1, 0.9)]])[0]
    width_um = width * math.sqrt(wavelength * distance / 2)
    from_10_to_90 = 2 * 1.2816 * fresnel_blur_um(wavelength, distance)
    assert from_10_to_90 == pytest.approx(1.08 * width_um, rel=0.02)


def test_binning_keeps_the_mean():
    fine = np.arange(48, dtype=np.float32).reshape(6, 8)
    coarse = binned(fine, 2)
    assert coarse.shape == (3, 4)
    assert coarse[0, 0] == np.mean([0, 1, 8, 9])
    assert coarse.mean() == fine.mean()


def test_sphere_has_its_volume_and_is_cut_at_the_border():
    assert sphere_chord(40).sum() == pytest.approx(4 / 3 * math.pi * 10**3, rel=0.01)
    field = np.zeros((30, 30), np.float32)
    add_spheres(field, np.array([[0.0, 15.0, 5.0], [-40.0, 15.0, 5.0]]), per_px=2.0)
    assert field.max() == pytest.approx(20)
    assert field.sum() < 2 * 4 / 3 * math.pi * 5**3
