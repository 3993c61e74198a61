import numpy as np
import pytest
from matplotlib.figure import Figure

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.report.evaluation import (
    confusion_figure,
    draw_class_scores,
    draw_confusion,
    frames_figure,
)
from napari_amseg.report.training import draw_iou, draw_loss, training_figure
from napari_amseg.scores import Confusion

CASTING = DEFAULT_SCHEME.subset(["pore", "background"])


def row(epoch, loss, iou, *, prefix="validation_"):
    scores = {f"{prefix}mean_iou": iou, f"{prefix}iou_pore": iou - 0.1}
    return {"epoch": epoch, "loss": loss, **scores, f"{prefix}iou_background": None}


@pytest.fixture
def confusion():
    found = Confusion(CASTING)
    found.add(np.array([[2, 2, 4, 4]], np.uint8), np.array([[2, 4, 4, 1]], np.uint8))
    return found


def test_curves_hold_the_rows(tmp_path):
    history = [row(1, 0.9, 0.3), row(2, 0.5, 0.7), row(3, 0.4, 0.6)]
    axes = Figure().subplots(2)
    draw_loss(axes[0], history)
    assert axes[0].lines[0].get_ydata().tolist() == [0.9, 0.5, 0.4]
    draw_iou(axes[1], history, CASTING)
    by_label = {line.get_label(): line for line in axes[1].lines}
    assert by_label["mean"].get_ydata().tolist() == [0.3, 0.7, 0.6]
    assert by_label["pore"].get_color() == "#d62728"
    assert "background" not in by_label  # no value, no line
    assert axes[1].get_title(loc="right") == "best mean IoU 0.700 in epoch 2"
    training_figure(history, tmp_path / "training.png", scheme=CASTING)
    assert (tmp_path / "training.png").read_bytes()[:4] == b"\x89PNG"


def test_without_validation_the_training_scores_are_drawn():
    ax = Figure().subplots()
    draw_iou(ax, [row(1, 0.9, 0.3, prefix="")], CASTING)
    assert ax.get_ylabel() == "Training IoU"


def test_the_confusion_matrix_is_in_per_cent_of_the_truth(confusion, tmp_path):
    left, right = Figure().subplots(1, 2)
    draw_confusion(left, confusion)
    cells = [text.get_text() for text in left.texts]
    assert cells == ["50.0", "50.0", "0.0", "0.0", "50.0", "50.0"]
    assert [t.get_text() for t in left.get_xticklabels()] == ["pore", "background", "other"]
    draw_class_scores(right, confusion)
    assert [t.get_text() for t in right.texts] == ["0.500", "0.667", "0.333", "0.500"]
    confusion_figure(confusion, tmp_path / "confusion.pdf")
    assert (tmp_path / "confusion.pdf").read_bytes()[:4] == b"%PDF"


def test_frames_of_several_sizes_share_a_figure(labels, tmp_path):
    image = np.zeros(labels.shape, np.float32)
    frames = [
        ("a/1", image, labels, labels),
        ("b/1", image[:20, :20], labels[:20, :20], labels[:20, :20]),
    ]
    frames_figure(frames, tmp_path / "worst.png", scheme=DEFAULT_SCHEME)
    assert (tmp_path / "worst.png").stat().st_size > 5000
