"""IoU and F1 by hand."""

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.scores import Confusion


def test_iou_and_f1_by_hand():
    truth = np.array([[1, 1, 1, 3], [3, 3, 0, 0]], np.uint8)
    found = np.array([[1, 1, 3, 3], [3, 1, 5, 1]], np.uint8)
    confusion = Confusion(DEFAULT_SCHEME)
    confusion.add(truth, found)
    scores = confusion.to_json()
    assert scores["iou"] == pytest.approx({"keyhole": 2 / 4, "substrate": 2 / 4})
    assert scores["f1"] == pytest.approx({"keyhole": 2 / 3, "substrate": 2 / 3})
    assert scores["mean_iou"] == pytest.approx(0.5)


def test_a_class_that_is_only_predicted_lowers_one_of_the_means():
    confusion = Confusion(DEFAULT_SCHEME)
    confusion.add(np.array([[1, 3, 3, 3]], np.uint8), np.array([[1, 3, 3, 2]], np.uint8))
    scores = confusion.to_json()
    assert scores["iou"] == pytest.approx({"keyhole": 1, "pore": 0, "substrate": 2 / 3})
    assert scores["mean_iou"] == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert scores["mean_iou_in_truth"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["mean_f1_in_truth"] == pytest.approx((1 + 4 / 5) / 2)


def test_unlabelled_pixels_never_count_but_predicted_zero_is_wrong():
    confusion = Confusion(DEFAULT_SCHEME)
    confusion.add(np.zeros((2, 2), np.uint8), np.full((2, 2), Label.PORE, np.uint8))
    assert confusion.to_json()["mean_iou"] is None
    confusion.add(np.full((2, 2), 2, np.uint8), np.array([[2, 2], [0, 0]], np.uint8))
    assert confusion.to_json()["iou"] == {"pore": 0.5}


def test_one_matrix_for_all_frames(rng):
    frames = rng.integers(0, 6, (2, 4, 10, 10)).astype(np.uint8)
    together, apart = Confusion(DEFAULT_SCHEME), Confusion(DEFAULT_SCHEME)
    for truth, found in zip(*frames, strict=True):
        apart.add(truth, found)
    together.add(frames[0].reshape(40, 10), frames[1].reshape(40, 10))
    assert together.to_json() == apart.to_json()


def test_the_papers_own_prediction_of_real_casting_frames(real_data):
    """Pore IoU 0.864 and mean IoU 0.928 stand in the data's own description."""
    import tifffile

    truth, found = (
        tifffile.imread(real_data / "hpdc" / f"{name}.tif")
        for name in ("labels", "paper_prediction")
    )
    confusion = Confusion(DEFAULT_SCHEME)
    for frames in zip(truth, found, strict=True):
        confusion.add(*frames)
    assert confusion.to_json()["iou"]["pore"] == pytest.approx(0.864, abs=2e-3)
    assert confusion.to_json()["mean_iou"] == pytest.approx(0.928, abs=2e-3)
