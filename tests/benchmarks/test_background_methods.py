"""The benchmark of backgrounds measures contrasts as it says, and sees old pores vanish."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from napari_amseg.preprocess import Background, Chain
from napari_amseg.sample import PhantomSettings, simulate


@pytest.fixture
def methods(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("background_methods")


def test_contrast_is_in_standard_deviations_of_the_noise(methods):
    noise = np.random.default_rng(0).normal(100, 4, (60, 60))
    inside = np.zeros((60, 60), bool)
    inside[20:40, 20:40] = True
    assert methods.contrast(noise + 20 * inside, inside, ~inside) == pytest.approx(5, abs=0.1)


def test_too_few_pixels_have_no_contrast(methods):
    few = np.eye(60, dtype=bool)[:, :9]
    assert np.isnan(methods.contrast(np.ones((60, 9)), few, ~few))


def test_median_of_the_stack_takes_old_pores_out_and_leaves_the_keyhole(methods):
    settings = PhantomSettings(
        n_frames=40, height_px=128, width_px=256, oversampling=2, pore_every_frames=6, seed=3
    )
    phantom = simulate(settings)
    plain = methods.measured(phantom, methods.in_memory(phantom.stack))
    without = methods.measured(phantom, Chain((Background(),)).apply(phantom.stack))
    keyhole, _, old_pores, surface, _ = zip(plain, without, strict=True)
    assert keyhole[1] > keyhole[0] > 1
    assert old_pores[0] > 1 > abs(old_pores[1])
    assert abs(surface[1]) < abs(surface[0]) / 2
