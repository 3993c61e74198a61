import numpy as np
import pytest

from napari_amseg.annotate.features import FEATURES_A_SCALE, normalised, pixel_features


@pytest.mark.parametrize(
    "as_other", [lambda a: a * 16 + 300, lambda a: a.astype(np.float32) / 255, lambda a: a]
)
def test_bit_depth_and_offset_do_not_matter(rng, as_other):
    image = rng.integers(20, 200, (40, 60)).astype(np.uint16)
    np.testing.assert_allclose(
        pixel_features(as_other(image), (1, 2)), pixel_features(image, (1, 2)), atol=1e-4
    )


def test_a_step_is_steepest_at_the_step_and_a_ridge_curves_across():
    image = np.zeros((40, 60), np.float32)
    image[:, 30:] = 1
    features = pixel_features(image, (2.0,))
    assert features.shape == (FEATURES_A_SCALE, 40, 60)
    assert features.dtype == np.float32
    assert features[1, 20].argmax() in (29, 30)
    ridge = np.zeros((40, 60), np.float32)
    ridge[:, 28:33] = 1
    _, _, larger, smaller = pixel_features(ridge, (2.0,))[:, 20, 30]
    assert smaller < -0.1
    assert larger == pytest.approx(0, abs=1e-3)


def test_nothing_depends_on_where_a_pixel_is(rng):
    image = rng.random((60, 60)).astype(np.float32)
    whole = pixel_features(np.tile(image, (3, 3)), (1.0,))
    np.testing.assert_allclose(whole[:, 70:110, 70:110], whole[:, 10:50, 70:110], atol=1e-5)


def test_blank_frames_and_missing_pixels():
    assert not normalised(np.full((20, 30), 7, np.uint8)).any()
    image = np.linspace(0, 1, 600).reshape(20, 30)
    image[3, 4] = np.nan
    assert np.isfinite(pixel_features(image, (1.0, 2.0))).all()
    with pytest.raises(ValueError, match=r"\(Y, X\)"):
        normalised(np.zeros((2, 20, 30)))
