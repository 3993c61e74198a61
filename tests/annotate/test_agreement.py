"""Agreement of two annotations, against values worked out by hand or by other programs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tifffile
from scipy.spatial.distance import cdist
from sklearn.metrics import cohen_kappa_score

from napari_amseg.annotate.agreement import (
    Agreement,
    BoundaryDistances,
    Difference,
    class_kappa,
    difference_image,
    kappa,
    outline,
)
from napari_amseg.labels import DEFAULT_SCHEME, Label


def compared(*pairs, scheme=DEFAULT_SCHEME):
    agreement = Agreement(scheme)
    for n, (first, second) in enumerate(pairs):
        agreement.add(f"frame {n}", first, second)
    return agreement


def test_kappa_of_a_textbook_table():
    """Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, table 18.1: 0.68."""
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert kappa(table) == pytest.approx(0.68, abs=0.005)
    assert class_kappa(table, 0) == pytest.approx(0.687, abs=0.0005)


def test_kappa_is_that_of_scikit_learn(rng):
    first, second = rng.integers(1, 6, (2, 20, 30)).astype(np.uint8)
    second[:, :20] = first[:, :20]
    record = compared((first, second)).to_json()
    assert record["kappa"] == pytest.approx(cohen_kappa_score(first.ravel(), second.ravel()))
    pore = cohen_kappa_score(first.ravel() == Label.PORE, second.ravel() == Label.PORE)
    assert record["classes"]["pore"]["kappa"] == pytest.approx(pore)


def test_kappa_without_choice_is_not_defined():
    assert math.isnan(kappa(np.array([[7, 0], [0, 0]])))
    assert math.isnan(kappa(np.zeros((2, 2), int)))
    assert kappa(np.array([[0, 5], [5, 0]])) == -1


def test_equal_annotations_agree_fully(labels):
    record = compared((labels, labels)).to_json()
    assert record["mean_iou"] == record["kappa"] == 1
    assert record["classes"]["keyhole"]["boundary_mean_px"] == 0
    assert record["classes"]["powder"]["iou"] is None
    assert compared((labels, labels)).worst_frames() == []


def test_unlabelled_pixels_count_in_no_score_but_are_told(labels):
    first, second = labels.copy(), labels.copy()
    first[:5] = 0
    second[30:] = 0
    second[0, 0] = first[31, 0] = 0
    record = compared((first, second)).to_json()
    assert record["mean_iou"] == 1
    assert record["only_second_px"] == 5 * 48 - 1
    assert record["only_first_px"] == 2 * 48 - 1
    assert record["labelled_px"] == 25 * 48


def test_a_moved_border_is_its_distance(labels):
    first = np.full((40, 60), Label.BACKGROUND, np.uint8)
    second = first.copy()
    first[20:], second[23:] = Label.SUBSTRATE, Label.SUBSTRATE
    row = compared((first, second)).rows[0]
    assert row["substrate_boundary_mean_px"] == row["background_boundary_p95_px"] == 3
    assert row["substrate_iou"] == 17 / 20


def test_distances_go_both_ways_and_over_all_frames():
    everywhere = np.ones((20, 20), bool)
    masks = np.zeros((3, 20, 20), bool)
    masks[0, 5:10, 5:10] = masks[1, 5:10, 5:12] = masks[2, 3:15, 8:11] = True
    pairs, distances, wanted = ((0, 1), (1, 2)), BoundaryDistances(), []
    for first, second in pairs:
        frame = BoundaryDistances()
        frame.add(masks[first], masks[second], everywhere)
        distances.update(frame)
        lines = [np.argwhere(outline(masks[i], everywhere)) for i in (first, second)]
        between = cdist(*lines)
        wanted += [between.min(axis=0), between.min(axis=1)]
    every = np.concatenate(wanted)
    assert distances.mean_px == pytest.approx(every.mean())
    assert distances.p95_px == np.quantile(every, 0.95, method="inverted_cdf")


def test_the_edge_of_the_known_is_no_outline(labels):
    known = np.ones_like(labels, bool)
    known[:, 20:] = False
    distances = BoundaryDistances()
    distances.add(labels == Label.SUBSTRATE, labels == Label.SUBSTRATE, known)
    assert distances.mean_px == 0
    distances.add(labels > 0, labels > 0, known)
    assert distances.one_sided_frames == 0


def test_a_class_that_only_one_has(labels):
    second = labels.copy()
    second[second == Label.PORE] = Label.SUBSTRATE
    record = compared((labels, second), (labels, labels)).to_json()["classes"]["pore"]
    assert record["one_sided_frames"] == 1
    assert record["boundary_mean_px"] == 0
    assert record["iou"] == 0.5


def test_the_difference_image_has_a_code_for_each_case():
    first = np.array([[0, 1, 1, 1, 0]], np.uint8)
    second = np.array([[0, 1, 2, 0, 2]], np.uint8)
    wanted = [
        Difference.AGREE,
        Difference.AGREE,
        Difference.DIFFERENT_CLASS,
        Difference.ONLY_FIRST,
        Difference.ONLY_SECOND,
    ]
    assert difference_image(first, second).tolist() == [wanted]
    assert difference_image(first, second).dtype == np.uint8


def test_frames_of_least_agreement_come_first(labels):
    slightly, badly = labels.copy(), labels.copy()
    slightly[20, 20] = Label.SUBSTRATE
    badly[12:18, 20:25] = Label.SUBSTRATE
    agreement = compared((labels, slightly), (labels, labels), (labels, badly))
    assert [row["frame"] for row in agreement.worst_frames()] == ["frame 2", "frame 0"]
    assert len(agreement.worst_frames(1)) == 1
    assert tuple(agreement.rows[0]) == agreement.columns


def test_nothing_in_common_is_undefined_and_still_json(labels):
    agreement = compared((labels, np.zeros_like(labels)))
    record = json.loads(json.dumps(agreement.to_json(), allow_nan=False))
    assert record["mean_iou"] is None
    assert record["kappa"] is None


@pytest.mark.parametrize("second", [np.ones((3, 4), np.uint8), np.full((32, 48), 77, np.uint8)])
def test_other_sizes_and_codes_are_refused_with_the_frame(labels, second):
    with pytest.raises(ValueError, match=r"frame 0.*(3x4|code 77)"):
        compared((labels, second))


def test_the_papers_own_prediction_scores_as_published(real_data):
    """Pore IoU 0.864 and mean IoU 0.928, as the notes on these frames say."""
    folder = real_data / "hpdc"
    pairs = zip(
        *(tifffile.imread(folder / n) for n in ("labels.tif", "paper_prediction.tif")), strict=True
    )
    record = compared(*pairs).to_json()
    assert record["classes"]["pore"]["iou"] == pytest.approx(0.864, abs=0.001)
    assert record["mean_iou"] == pytest.approx(0.928, abs=0.001)
