"""The accuracy benchmark scores as it says, and the drawn labels fit their images."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from napari_amseg.io import read_stack
from napari_amseg.labels import Label

IMAGES = {
    "lpbf": "amsegnet_test_images/lpbf.jpg",
    "weld": "amsegnet_test_images/weld.jpg",
    "rad_00001h": "powder_bed/rad_00001h.png",
}


@pytest.fixture
def accuracy(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("accuracy")


def drawn(repository, name):
    return read_stack(repository / "tests" / "data" / "real_labels" / f"{name}.png")[0]


@pytest.mark.parametrize("name", IMAGES)
def test_drawn_labels_leave_little_out(repository, name):
    labels = drawn(repository, name)
    assert labels.dtype == np.uint8
    assert labels.max() <= Label.POWDER
    assert (labels == Label.UNLABELLED).mean() < 0.03


@pytest.mark.parametrize("name", IMAGES)
def test_drawn_labels_fit_their_images(repository, real_data, name):
    image, labels = read_stack(real_data / IMAGES[name])[0], drawn(repository, name)
    assert image.shape == labels.shape
    grey = {c: image[labels == c].mean() for c in Label if c and (labels == c).any()}
    assert grey[Label.SUBSTRATE] < grey[Label.BACKGROUND]
    for cavity in {Label.KEYHOLE, Label.PORE} & grey.keys():
        assert grey[cavity] > grey[Label.SUBSTRATE]
    if Label.POWDER in grey:
        assert grey[Label.SUBSTRATE] < grey[Label.POWDER] < grey[Label.BACKGROUND]


def test_perfect_prediction_scores_one(accuracy, labels):
    scores = accuracy.scores([labels], [labels])
    assert scores["mean_iou"] == 1
    assert set(scores["iou"]) == {"keyhole", "pore", "substrate", "background"}
    assert scores["keyhole"]["mean_iou"] == 1
    assert scores["keyhole"]["median_depth_error_px"] == 0
    assert scores["pores"] == {"truth": 1, "found": 1, "false": 0}


def test_unlabelled_pixels_count_nowhere(accuracy, labels):
    truth, predicted = labels.copy(), labels.copy()
    truth[:, 40:] = Label.UNLABELLED
    predicted[:, 40:] = Label.PORE
    assert accuracy.scores([truth], [predicted])["mean_iou"] == 1
    assert accuracy.scores([truth], [predicted])["pores"]["false"] == 0


def test_keyhole_too_large_and_missed(accuracy, labels):
    deeper, missed = labels.copy(), labels.copy()
    deeper[21:23, 20:25] = Label.KEYHOLE  # 45 px, 9 deep -> 55 px, 11 deep
    missed[labels == Label.KEYHOLE] = Label.SUBSTRATE
    found = accuracy.scores([labels, labels], [deeper, missed])["keyhole"]
    assert [row["iou"] for row in found["frames"]] == [pytest.approx(45 / 55), 0]
    assert found["median_depth_error_px"] == pytest.approx((2 + 9) / 2)
    assert found["median_area_error"] == pytest.approx((10 / 45 + 1) / 2)


def test_pores_found_and_false(accuracy, labels):
    predicted = labels.copy()
    predicted[25:28, 11:13] = Label.SUBSTRATE  # 3 of 9 px left
    predicted[24:29, 30:35] = Label.PORE  # 25 px where there is none
    predicted[14:18, 40:45] = Label.PORE  # 20 px: too few to count
    assert accuracy.pore_scores([(labels, predicted)]) == {"truth": 1, "found": 1, "false": 1}
    predicted[26:28, 10] = Label.SUBSTRATE  # 1 of 9 px left
    assert accuracy.pore_scores([(labels, predicted)])["found"] == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_rescaled_frames_and_labels_stay_together(accuracy, labels, factor):
    stack = accuracy.stack_from_array(1000.0 * labels)
    image = accuracy.rescaled(stack, factor)[0]
    small = accuracy.nearest(labels, factor)
    assert image.shape == small.shape == tuple(round(n * factor) for n in labels.shape)
    assert np.median(np.abs(image / 1000 - small)) < 0.01
