"""The comparison of phantom and real frames measures what it says."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from napari_amseg.labels import Label


@pytest.fixture
def realism(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("realism")


@pytest.fixture
def plate():
    """Gas above row 30, plate with a round pore below, uint8 (128, 160)."""
    labels = np.full((128, 160), Label.BACKGROUND, np.uint8)
    labels[30:] = Label.SUBSTRATE
    y, x = np.ogrid[:128, :160]
    labels[np.hypot(y - 60, x - 130) <= 8] = Label.PORE
    return labels


def test_power_of_white_noise_is_its_variance(realism, rng):
    tiles = rng.normal(5, 0.3, (40, 64, 64))
    power = np.mean([realism.radial_power(tile) for tile in tiles], axis=0)
    np.testing.assert_allclose(power[1:], 0.09, rtol=0.1)


def test_power_of_a_wave_lies_at_its_frequency(realism):
    wave = np.sin(2 * np.pi * 0.25 * np.arange(64))[None].repeat(64, axis=0)
    assert realism.radial_power(wave).argmax() in (15, 16)  # 0.25 of 0..0.5 in 32 bins


def test_tiles_hold_plate_only(realism, plate):
    image = (plate == Label.SUBSTRATE).astype(np.float32)
    tiles = list(realism.plain_tiles(image, plate))
    assert tiles
    assert all(tile.shape == (64, 64) and tile.all() for tile in tiles)


def test_edges_are_found_where_they_are(realism, plate):
    surface = realism.surface_distance(plate)
    assert surface[29, 5] == -0.5
    assert surface[30, 5] == 0.5
    wall = realism.wall_distance(plate, Label.PORE)
    assert wall[60, 130 + 8] == -0.5
    assert wall[60, 130 + 9] == 0.5
    assert np.isnan(wall[35]).all()  # too near to the surface
    assert np.isnan(realism.wall_distance(plate, Label.KEYHOLE)).all()


def test_profiles_give_the_rims_that_were_drawn(realism, plate, rng):
    image = rng.normal(0, 0.1, plate.shape).astype(np.float32)
    image[plate == Label.BACKGROUND] += 2
    wall = realism.wall_distance(plate, Label.PORE)
    image[(wall > -1) & (wall < 0)] += 1.0
    image[(wall > 0) & (wall < 1)] -= 0.5
    found = realism.looks([(image, plate)])
    assert found.noise == pytest.approx(0.1, rel=0.1)
    assert set(found.profiles) == {"surface", "pore"}
    assert realism.rim(found.profiles["pore"]) * found.noise == pytest.approx(1.5, abs=0.1)
    assert realism.rim(found.profiles["surface"]) * found.noise == pytest.approx(2, abs=0.1)


def test_frames_look_like_themselves_and_not_like_others(realism, plate, rng):
    image = rng.normal(0.5, 0.1, plate.shape).astype(np.float32)
    one = realism.looks([(image, plate)])
    same = realism.compared(one, one)
    assert same["histogram_overlap"] == pytest.approx(1)
    assert same["spectrum_rms_log10"] == 0
    assert same["surface"]["rms_difference"] == 0
    tenfold = realism.compared(one, realism.looks([(0.5 + 10 * (image - 0.5), plate)]))
    assert tenfold["spectrum_rms_log10"] == pytest.approx(2)
    assert tenfold["histogram_overlap"] < 0.7


def test_phantom_resembles_a_real_plate(realism, real_data, monkeypatch):
    monkeypatch.setattr(realism, "SEEDS", (1,))
    weld = next(s for s in realism.SITUATIONS if "weld" in s.frames)
    real = realism.looks(realism.real_frames(weld, real_data))
    likeness = realism.compared(real, realism.looks(realism.phantom_frames(weld)))
    one, other = likeness["plate_noise"]
    assert 0.5 < other / one < 2
    one, other = likeness["surface"]["rim"]
    assert 0.4 < other / one < 2.5
