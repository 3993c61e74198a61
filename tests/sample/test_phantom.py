import math

import numpy as np
import pytest
from scipy import ndimage

from napari_amseg.labels import Label
from napari_amseg.sample.phantom import PhantomSettings, simulate

SHORT = {"n_frames": 24, "laser_off_frames": 2, "pore_every_frames": 4}


def surface_row(settings, column):
    slope = math.tan(math.radians(settings.surface_tilt_deg))
    return round(settings.surface_at * settings.height_px) + slope * (
        column - settings.width_px / 2
    )


@pytest.mark.parametrize("tilt_deg", [0, 10, -10])
@pytest.mark.parametrize("powder_um", [0, 70])
def test_labels_have_the_area_and_depth_of_the_formulas(tilt_deg, powder_um):
    phantom = simulate(
        PhantomSettings(surface_tilt_deg=tilt_deg, powder_layer_um=powder_um, seed=4, **SHORT)
    )
    frames_with_keyhole = 0
    for labels, truth in zip(phantom.labels, phantom.truth, strict=True):
        keyhole = labels == Label.KEYHOLE
        if not keyhole.any():
            assert truth.keyhole_area_px == 0
            assert math.isnan(truth.keyhole_depth_px)
            continue
        frames_with_keyhole += 1
        assert keyhole.sum() == pytest.approx(truth.keyhole_area_px, rel=0.02)
        rows, columns = np.nonzero(keyhole)
        below = rows + 1 - surface_row(phantom.settings, columns + 0.5)
        assert below.max() == pytest.approx(truth.keyhole_depth_px, abs=1)
        assert ndimage.label(keyhole, np.ones((3, 3)))[1] == 1
    assert frames_with_keyhole == 20


def test_pores_are_separate_ellipses_and_stay_for_many_frames():
    phantom = simulate(PhantomSettings(seed=2))
    counts = [t.pore_count for t in phantom.truth]
    for labels, truth in zip(phantom.labels, phantom.truth, strict=True):
        pores = labels == Label.PORE
        assert ndimage.label(pores, np.ones((3, 3)))[1] == truth.pore_count
        assert pores.sum() == pytest.approx(truth.pore_area_px, rel=0.1, abs=2)
    assert counts[0] == 0
    assert max(counts) >= 3
    assert counts[-1] >= counts[30] > 0


def test_a_keyhole_that_does_not_fit_the_frame_is_told():
    fits = simulate(PhantomSettings(keyhole_depth_um=130, **SHORT))
    assert fits.stack.notes == ()
    cut = simulate(PhantomSettings(keyhole_depth_um=400, **SHORT))
    (note,) = cut.stack.notes
    deepest = np.nanmax([truth.keyhole_depth_um for truth in cut.truth])
    assert deepest == 2 * (256 - 4 - round(0.42 * 256))
    at_most = sum(truth.keyhole_depth_um == deepest for truth in cut.truth)
    assert note.startswith("keyhole_depth_um is 400")
    assert f"in {at_most} of 20 frames" in note
    assert f"{deepest:.0f} um deep at most" in note
    assert "Raise height_px" in note


def test_units_follow_from_pixels():
    settings = PhantomSettings(pixel_size_um=2.5, frame_rate_hz=40_000, **SHORT)
    truth = simulate(settings).truth[10]
    assert truth.time_s == pytest.approx(10 / 40_000)
    assert truth.keyhole_depth_um == pytest.approx(2.5 * truth.keyhole_depth_px)
    assert truth.keyhole_area_um2 == pytest.approx(6.25 * truth.keyhole_area_px)
    assert truth.pore_area_um2 == pytest.approx(6.25 * truth.pore_area_px)


def test_keyhole_travels_at_the_scan_speed():
    settings = PhantomSettings(scan_speed_m_s=0.5, frame_rate_hz=50_000, pixel_size_um=2.0)
    phantom = simulate(settings)
    mouths = []
    for t in (10, 40):
        row = int(surface_row(settings, 0)) + 1
        mouths.append(np.flatnonzero(phantom.labels[t][row] == Label.KEYHOLE).mean())
    assert (mouths[1] - mouths[0]) / 30 == pytest.approx(5.0, abs=0.2)


def test_same_seed_same_frames_in_any_order():
    settings = PhantomSettings(height_px=96, width_px=160, seed=7, **SHORT)
    one, other = simulate(settings), simulate(settings)
    backwards = [other.stack[t] for t in (9, 3)]
    np.testing.assert_array_equal(one.stack[3], backwards[1])
    np.testing.assert_array_equal(one.stack[9], backwards[0])
    np.testing.assert_array_equal(one.labels[9], other.labels[9])
    changed = simulate(PhantomSettings(height_px=96, width_px=160, seed=8, **SHORT))
    assert (changed.stack[3] != one.stack[3]).any()


def test_frames_are_twelve_bit_and_lazy():
    phantom = simulate(PhantomSettings(n_frames=5000, height_px=64, width_px=96))
    frame = phantom.stack[4999]
    assert phantom.stack.shape == (5000, 64, 96)
    assert len(phantom.truth) == 5000
    assert frame.dtype == np.uint16
    assert frame.max() <= 4095
    assert phantom.labels[0].dtype == np.uint8
    assert phantom.stack.experiment.pixel_size_um == 2.0


def test_plate_absorbs_by_beer_and_lambert():
    settings = PhantomSettings(
        powder_layer_um=0,
        window_particles=0,
        slit_transmission=1,
        distance_m=0,
        roughness_um=0,
        wall_mm=0,
        n_frames=40,
        oversampling=1,
        substrate_thickness_um=500,
    )
    phantom = simulate(settings)
    row = int(surface_row(settings, 0))
    mean = np.mean([phantom.stack[t] for t in (0, 1, 2, 37, 38, 39)], axis=0) - 61
    gas, plate = mean[row - 12 : row - 6].mean(), mean[row + 6 : row + 12].mean()
    assert plate / gas == pytest.approx(math.exp(-38.1 * 0.05), rel=0.05)


def test_classes_have_the_brightness_order_of_the_experiment():
    phantom = simulate(PhantomSettings(seed=1))
    frame, labels = phantom.stack[40].astype(float), phantom.labels[40]

    def level(label, rows=slice(None)):
        return np.median(frame[rows][labels[rows] == label])

    plate = level(Label.SUBSTRATE, slice(110, 190))
    assert level(Label.KEYHOLE) > 1.03 * plate
    assert level(Label.PORE) > 1.01 * plate
    assert level(Label.BACKGROUND) > level(Label.POWDER)


def test_no_keyhole_with_the_laser_off():
    truth = simulate(PhantomSettings(n_frames=10, laser_off_frames=5)).truth
    assert all(t.keyhole_area_px == 0 for t in truth)


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ValueError, match="surface_tilt_deg"):
        PhantomSettings(surface_tilt_deg=40)


def test_both_directions_are_mirror_images_in_what_they_mean():
    even = {"powder_layer_um": 0, "fluctuation": 0, **SHORT}
    right = simulate(PhantomSettings(direction="right", **even))
    left = simulate(PhantomSettings(direction="left", **even))
    for t in (5, 15):
        np.testing.assert_array_equal(
            right.labels[t] == Label.KEYHOLE, (left.labels[t] == Label.KEYHOLE)[:, ::-1]
        )


def test_a_spot_stays_where_it_is():
    phantom = simulate(PhantomSettings(scan_speed_m_s=0, fluctuation=0, **SHORT))
    mouths = {np.nonzero((phantom.labels[t] == Label.KEYHOLE).any(axis=0))[0][0] for t in (12, 20)}
    assert len(mouths) == 1


def test_every_pore_has_an_identity_an_area_and_a_place():
    phantom = simulate(PhantomSettings(seed=2, old_pores=4, pore_lobing=0.2, **SHORT))
    assert phantom.pores
    for row in phantom.pores:
        inside = phantom.pore_ids[row.frame] == row.track_id
        assert inside.sum() == pytest.approx(row.area_px, rel=0.05, abs=3)
        y, x = np.argwhere(inside).mean(axis=0)
        assert math.hypot(y - row.centroid_y_px, x - row.centroid_x_px) < 1
        assert row.equivalent_diameter_um == pytest.approx(
            phantom.settings.pixel_size_um * math.sqrt(4 * row.area_px / math.pi)
        )
    ids, labels = phantom.pore_ids[20], phantom.labels[20]
    np.testing.assert_array_equal(ids > 0, labels == Label.PORE)
    assert len([p for p in phantom.pores if p.frame == 20]) == phantom.truth[20].pore_count


def test_window_particles_spatter_and_the_hump_take_the_class_behind_them():
    bare = {"powder_layer_um": 0, "n_frames": 12, "seed": 3}
    clean = simulate(PhantomSettings(window_particles=0, **bare))
    dirty = simulate(PhantomSettings(window_particles=200, spatter=5, hump_um=30, **bare))
    assert (clean.stack[8] != dirty.stack[8]).mean() > 0.05
    np.testing.assert_array_equal(clean.labels[8], dirty.labels[8])
    assert not dirty.unclear()[dirty.labels[8] == Label.BACKGROUND].any()


def test_flat_field_takes_the_beam_away():
    beam = {"beam_height": 0.4, "powder_layer_um": 0, "slit_transmission": 1, "n_frames": 2}
    still = {**beam, "window_particles": 0, "surface_at": -0.5, "flicker": 0.0}
    raw = simulate(PhantomSettings(**still)).stack[0].astype(float).mean(axis=1)
    flat = simulate(PhantomSettings(flat_field=True, **still)).stack[0].astype(float).mean(axis=1)
    assert raw.std() / raw.mean() > 0.1
    assert flat.std() / flat.mean() < 0.01


def test_background_division_leaves_what_changes():
    settings = PhantomSettings(background=True, n_frames=20, photons=1e6, seed=1)
    phantom = simulate(settings)
    frame, labels = phantom.stack[12].astype(float), phantom.labels[12]
    plate, gas = (np.median(frame[labels == c]) for c in (Label.SUBSTRATE, Label.BACKGROUND))
    assert plate == pytest.approx(gas, rel=0.05)
    assert np.median(frame[labels == Label.KEYHOLE]) > 1.05 * plate


def test_casting_contrast_and_eight_bits():
    settings = {"n_frames": 2, "surface_at": -0.5, "old_pores": 8, "pore_radius_um": 30, "seed": 2}
    bright = simulate(PhantomSettings(bit_depth=8, **settings))
    dark = simulate(PhantomSettings(bit_depth=8, inverted=True, **settings))
    pore = bright.labels[0] == Label.PORE
    assert bright.stack.dtype == np.uint8
    for phantom, sign in ((bright, 1), (dark, -1)):
        frame = phantom.stack[0].astype(float)
        assert sign * (frame[pore].mean() - frame[~pore].mean()) > 3


def test_flats_and_darks_are_those_of_the_camera_that_took_the_frames():
    """Corrected with them, the frames are those the same seed gives as corrected frames."""
    chosen = {"n_frames": 3, "laser_off_frames": 1, "width_px": 256, "flicker": 0, "dust": 20,
              "bands": 0.1, "photons": 1e6, "slit_transmission": 1}  # fmt: skip
    raw = simulate(PhantomSettings(**chosen))
    corrected = simulate(PhantomSettings(flat_field=True, **chosen)).stack.read(1)
    flat, dark = (np.median(list(stack), axis=0) for stack in (raw.flats, raw.darks))
    assert raw.flats.dtype == raw.darks.dtype == raw.stack.dtype
    assert flat.std() > 0.1 * flat.mean()  # there is something to correct
    found = (raw.stack.read(1) - dark) / (flat - dark)
    expected = corrected / (0.6 * 4095)
    assert np.median(np.abs(found - expected)) < 0.002
    assert not np.array_equal(raw.flats.read(0), raw.flats.read(1))
    np.testing.assert_array_equal(raw.flats.read(1), raw.flats.read(1))


def test_the_keyhole_cuts_through_the_fading_edge_of_the_plate():
    open_beam = {
        "powder_layer_um": 0,
        "window_particles": 0,
        "slit_transmission": 1,
        "distance_m": 0,
    }
    phantom = simulate(PhantomSettings(n_frames=12, edge_um=40, photons=1e8, **open_beam))
    image, labels = phantom.stack[8].astype(float), phantom.labels[8]
    mouth = (labels == Label.KEYHOLE).any(axis=1).argmax()
    columns = np.flatnonzero(labels[mouth + 2] == Label.KEYHOLE)
    along = image[mouth - 4 : mouth + 4, columns[2:-2]].mean(axis=1)
    beside = image[mouth - 4 : mouth + 4, :40].mean(axis=1)
    assert (along > beside).all()
    assert (np.abs(np.diff(along / beside)) < 0.12).all()  # no dark line across the mouth


def test_noise_can_be_blurred_and_stays_as_strong():
    still = {"powder_layer_um": 0, "window_particles": 0, "surface_at": -0.5, "roughness_um": 0}
    still.update(photons=400, n_frames=2, flicker=0, beam_height=50, beam_width=50)
    sharp, blurred = (
        simulate(PhantomSettings(noise_blur_px=px, **still)).stack[0].astype(float) for px in (0, 1)
    )
    assert blurred.std() == pytest.approx(sharp.std(), rel=0.05)

    def neighbours(image):
        return np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]

    assert abs(neighbours(sharp)) < 0.02
    assert neighbours(blurred) == pytest.approx(math.exp(-1 / 4), abs=0.03)  # of a Gaussian


def test_the_number_of_sample_points_changes_no_rim():
    """Steep edges throw their rays equally far on every grid."""
    far = {"distance_m": 1.0, "n_frames": 1, "laser_off_frames": 1, "powder_layer_um": 0,
           "window_particles": 0, "roughness_um": 0, "slit_transmission": 1, "photons": 1e9,
           "flicker": 0, "height_px": 96, "width_px": 96}  # fmt: skip
    coarse, fine = (
        simulate(PhantomSettings(oversampling=points, **far)).stack.read(0).astype(float)
        for points in (4, 8)
    )
    rims = [image.mean(axis=1) / image[-8:].mean() for image in (coarse, fine)]
    assert np.ptp(rims[0]) > 1
    np.testing.assert_allclose(rims[0].max(), rims[1].max(), rtol=0.1)
    np.testing.assert_allclose(rims[0].min(), rims[1].min(), atol=0.05)


def test_a_keyhole_leans_down_a_slope_only_as_far_as_there_is_room():
    steep = {"surface_tilt_deg": -15.0, "keyhole_bend": 1.0, "keyhole_depth_um": 260.0}
    phantom = simulate(PhantomSettings(n_frames=24, window_particles=0, **steep))
    assert any("does not fit" in note for note in phantom.stack.notes)
    for t in range(6, 18, 3):
        area = np.count_nonzero(phantom.labels[t] == Label.KEYHOLE)
        assert area == pytest.approx(phantom.truth[t].keyhole_area_px, rel=0.03)


def test_no_room_below_the_surface_means_no_keyhole_and_a_note():
    phantom = simulate(PhantomSettings(n_frames=8, surface_at=1.0))
    assert not any(row.keyhole_area_px for row in phantom.truth)
    assert any("no room for a keyhole" in note for note in phantom.stack.notes)


def test_a_keyhole_beyond_the_side_of_the_frame_is_told():
    phantom = simulate(PhantomSettings(n_frames=40, width_px=64))
    assert any("left or right end" in note for note in phantom.stack.notes)
    assert not simulate(PhantomSettings(n_frames=40)).stack.notes
