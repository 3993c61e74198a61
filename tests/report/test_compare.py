"""Figures of a comparison hold the numbers of its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.report.compare import (
    draw_class_iou,
    draw_learning,
    draw_times,
    networks_figure,
    scores_at_budgets,
    transfer_figure,
)

NETWORKS = ("unet", "amsegnet", "unet-transfer")


@pytest.fixture
def curves():
    """Epochs of 10 s (unet), 20 s (amsegnet) and 15 s; a repeat is better by 0.1 than the one
    before.
    """
    seconds = dict(zip(NETWORKS, (10.0, 20.0, 15.0), strict=True))
    return pd.DataFrame(
        [
            {
                "network": name,
                "seed": seed,
                "epoch": epoch,
                "seconds": epoch * seconds[name],
                "mean_iou": 0.9,
                "validation_mean_iou": 0.1 * epoch + 0.1 * seed,
            }
            for name in NETWORKS
            for seed in (0, 1)
            for epoch in (1, 2, 3, 4)
        ]
    )


@pytest.fixture
def repeats():
    return pd.DataFrame(
        {
            "network": [name for name in NETWORKS for _ in "01"],
            "seed": [0, 1] * 3,
            "training_s": [40.0, 44.0, 80.0, 80.0, 60.0, 60.0],
            "segmentation_ms": np.arange(1.0, 7.0),
            **{f"iou_{name}": [0.5, 0.7] * 3 for name in DEFAULT_SCHEME.names[:4]},
            "iou_powder": [None] * 6,
        }
    )


def axis():
    return Figure().subplots()


def test_budgets_are_shares_of_the_shortest_training(curves):
    budgets, reached = scores_at_budgets(curves)
    assert list(budgets.values()) == [10.0, 20.0, 30.0, 40.0]
    np.testing.assert_allclose(reached["unet"], [[0.1, 0.2], [0.2, 0.3], [0.3, 0.4], [0.4, 0.5]])
    assert [len(values) for values in reached["amsegnet"]] == [0, 2, 2, 2]
    np.testing.assert_allclose(reached["amsegnet"][1], [0.1, 0.2])
    np.testing.assert_allclose(reached["amsegnet"][3], [0.2, 0.3])


def test_a_budget_counts_the_best_epoch_and_only_if_all_repeats_got_there(curves):
    worse = curves["epoch"] == 4
    curves.loc[worse, "validation_mean_iou"] = 0.0
    slow = (curves["network"] == "unet") & (curves["seed"] == 1)
    curves.loc[slow, "seconds"] *= 1.5
    _, reached = scores_at_budgets(curves)
    assert len(reached["unet"][0]) == 0
    np.testing.assert_allclose(reached["unet"][3], [0.3, 0.3])


def test_bars_and_curves_have_the_means(curves, repeats):
    ax = axis()
    draw_times(ax, repeats, "training_s", "s")
    assert [bar.get_width() for bar in ax.patches] == [42.0, 80.0, 60.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(NETWORKS)
    ax = axis()
    draw_class_iou(ax, repeats, DEFAULT_SCHEME)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], 0.6)
    assert len(ax.patches) == 12  # no bar for powder, which no repeat has
    ax = axis()
    draw_learning(ax, curves, "seconds", "s")
    bold = [line for line in ax.lines if line.get_label() in NETWORKS]
    np.testing.assert_allclose(bold[1].get_xdata(), [20, 40, 60, 80])
    np.testing.assert_allclose(bold[1].get_ydata(), [0.15, 0.25, 0.35, 0.45])
    assert len({line.get_color() for line in bold}) == 3
    assert ax.get_ylabel() == "Validation mean IoU"


def test_the_mean_ends_with_the_first_early_stop(curves):
    stopped = (curves["network"] == "unet") & (curves["seed"] == 1) & (curves["epoch"] > 2)
    ax = axis()
    draw_learning(ax, curves[~stopped], "epoch", "Epoch")
    (bold,) = (line for line in ax.lines if line.get_label() == "unet")
    assert list(bold.get_xdata()) == [1, 2]


def test_without_validation_the_axis_says_so(curves, repeats):
    ax = axis()
    draw_learning(ax, curves.drop(columns="validation_mean_iou"), "epoch", "Epoch")
    assert "Training mean IoU (no validation images)" in ax.get_ylabel()


@pytest.mark.parametrize("n_repeats", [1, 2])
def test_figures_are_written(tmp_path, curves, repeats, n_repeats):
    tables = [table[table["seed"] < n_repeats] for table in (repeats, curves)]
    networks_figure(*tables, tmp_path / "networks.png", scheme=DEFAULT_SCHEME)
    transfer_figure(*tables, tmp_path / "transfer.pdf", scheme=DEFAULT_SCHEME)
    assert (tmp_path / "networks.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "transfer.pdf").read_bytes().startswith(b"%PDF")
