"""Phantom labels measured back give the phantom's own exact numbers, tilted surfaces included."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg import measure_stack
from napari_amseg.measure import Measurements
from napari_amseg.sample import PhantomSettings, simulate


@pytest.mark.parametrize("tilt_deg", [-10.0, -4.0, 0.0, 4.0, 10.0])
def test_area_depth_and_pores_are_the_exact_ones(tilt_deg):
    phantom = simulate(
        PhantomSettings(n_frames=24, laser_off_frames=2, surface_tilt_deg=tilt_deg, seed=5)
    )
    area_errors, depth_errors, pore_errors = [], [], []
    for result, truth in zip(measure_stack(phantom.labels), phantom.truth, strict=True):
        row = result.row
        if truth.keyhole_area_px == 0:
            assert row["keyhole_area_px"] == 0
            assert row["keyhole_depth_px"] is None
            continue
        area_errors.append(row["keyhole_area_px"] / truth.keyhole_area_px - 1)
        depth_errors.append(row["keyhole_depth_px"] - truth.keyhole_depth_px)
        assert row["time_s"] == pytest.approx(truth.time_s)
        assert row["surface_tilt_deg"] == pytest.approx(tilt_deg, abs=0.1)
        assert row["pore_count"] == truth.pore_count
        pore_errors.append(row["pore_area_px"] - truth.pore_area_px)
    assert len(area_errors) == 20
    # Pixels cut an outline to within half a pixel: about 0.5 % of an area of 1 500 px.
    assert np.abs(area_errors).max() < 0.02
    assert abs(np.mean(area_errors)) < 0.004
    assert np.abs(depth_errors).max() < 1.0
    assert abs(np.mean(depth_errors)) < 0.5
    assert np.abs(pore_errors).max() < 25


@pytest.mark.parametrize("speed", [0.3, 0.8])
def test_scan_speed_is_that_of_the_laser(speed):
    phantom = simulate(PhantomSettings(n_frames=40, scan_speed_m_s=speed))
    found = Measurements(phantom.stack.experiment)
    for result in measure_stack(phantom.labels):
        found.append(result.row, result.pores)
    assert found.summary()["scan_speed_m_s"] == pytest.approx(speed, rel=0.05)
