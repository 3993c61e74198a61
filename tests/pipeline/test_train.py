"""Training as the terminal and napari start it, and what is written about it."""

import json
import threading

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import load_bundle
from napari_amseg.models.bundle import ModelCard, save_bundle
from napari_amseg.models.registry import build
from napari_amseg.pipeline.errors import error_summary
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate, require_scheme
from napari_amseg.pipeline.jobs import Failed, Finished
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.train import EpochDone, TrainRequest, TrainSettings, TrainStarted

SETTINGS = TrainSettings(epochs=2, batch_size=5, learning_rate=5e-3)


@pytest.fixture
def request_(drawn_benchmark, tmp_path):
    return TrainRequest(
        benchmark=drawn_benchmark,
        folder=tmp_path / "model",
        arguments={"filters": 1},
        settings=SETTINGS,
    )


@pytest.fixture
def untrained(tmp_path):
    model = build("amsegnet", n_classes=5, filters=1)
    return save_bundle(tmp_path / "untrained", model, ModelCard("amsegnet", {"filters": 1}))


@pytest.mark.slow
def test_the_compute_process_trains_and_cancels(request_):
    process = ComputeProcess()
    cancel = threading.Event()
    long = TrainRequest(
        benchmark=request_.benchmark,
        folder=request_.folder,
        arguments={"filters": 1},
        settings=TrainSettings(epochs=10_000, batch_size=5),
    )
    answers = []
    try:
        for answer in process.run(long, cancel):
            answers.append(answer)
            if isinstance(answer, EpochDone):
                cancel.set()
    finally:
        process.close()
    assert isinstance(answers[0], TrainStarted)
    assert answers[-1] == Finished(cancelled=True) or answers[-1].stopped == "cancelled"
    assert load_bundle(request_.folder).model is not None
    assert (request_.folder / "checkpoint.npz").exists()


def test_the_compute_process_explains_bad_requests(request_, tmp_path):
    process = ComputeProcess()
    missing = TrainRequest(benchmark=tmp_path / "nowhere", folder=tmp_path / "model")
    try:
        (answer,) = process.run(missing, threading.Event())
    finally:
        process.close()
    assert isinstance(answer, Failed)
    assert "no benchmark here" in answer.message


def evaluation(benchmark_folder, bundle, folder, subset="test"):
    benchmark = open_benchmark(benchmark_folder)
    split = load_split(benchmark, "listed")
    return EvaluateRequest(benchmark, split, subset, bundle, folder)


def test_a_perfect_model_scores_one(drawn_benchmark, untrained, tmp_path, monkeypatch):
    """With the truth in the place of the network every score is 1 and every error 0."""
    from napari_amseg.pipeline import evaluate as module

    request = evaluation(drawn_benchmark, untrained, tmp_path / "scores")
    truth = request.benchmark.labels
    monkeypatch.setattr(
        module,
        "predicted",
        lambda inputs, frames, engine, settings: ((f, truth(f)) for f in frames),
    )
    record = evaluate(request)
    assert record["scores"]["mean_iou"] == 1
    assert set(record["scores"]["iou"]) == {"keyhole", "pore", "substrate", "background"}
    assert record["errors"]["keyhole_area_um2"]["mean_absolute"] == 0
    rows = pd.read_csv(tmp_path / "scores" / "evaluation_frames.csv")
    assert (rows["keyhole_area_um2_truth"] == 45 * 4).all()
    assert (rows["keyhole_depth_um"] == 18).all()


def test_evaluation_of_a_real_prediction(drawn_benchmark, untrained, tmp_path):
    """The files agree with what the engine gives, counted here once more."""
    from napari_amseg.preprocess import Chain
    from napari_amseg.segment import SegmentSettings, make_engine, segment_frames

    out = tmp_path / "scores"
    request = evaluation(drawn_benchmark, untrained, out)
    record = evaluate(request)
    benchmark = request.benchmark
    stack = untrained.card.chain.apply(benchmark.stack(benchmark.frames))
    engine = make_engine(untrained, "auto")
    matrix = np.zeros((6, 6), int)
    for t, labels in segment_frames(stack, engine, SegmentSettings(), order=[6, 7]):
        np.add.at(matrix, (benchmark.labels(benchmark.frames[t]), labels), 1)
    table = pd.read_csv(out / "confusion.csv", index_col="truth")
    np.testing.assert_array_equal(table.to_numpy()[:, :5], matrix[1:, 1:])
    hit, either = matrix[3, 3], matrix[3].sum() + matrix[:, 3].sum() - matrix[3, 3]
    assert record["scores"]["iou"]["substrate"] == pytest.approx(hit / either)
    assert record["n_frames"] == 2
    assert json.loads((out / "evaluation.json").read_text())["scores"] == record["scores"]
    assert isinstance(untrained.card.chain, Chain)
    for name in ("confusion.png", "worst_frames.png"):
        assert (out / name).stat().st_size > 5000


def test_unlabelled_pixels_do_not_enter_the_errors(drawn_benchmark, untrained, tmp_path):
    benchmark = open_benchmark(drawn_benchmark)
    for frame in load_split(benchmark, "listed").of("test"):
        labels = benchmark.labels(frame)
        labels[:, :24] = 0
        tifffile.imwrite(benchmark.label_path(frame), labels, photometric="minisblack")
    record = evaluate(evaluation(drawn_benchmark, untrained, tmp_path / "scores"))
    table = pd.read_csv(tmp_path / "scores" / "confusion.csv", index_col="truth")
    assert table.to_numpy().sum() == 2 * 32 * 24
    rows = pd.read_csv(tmp_path / "scores" / "evaluation_frames.csv")
    assert (rows["keyhole_area_px"] + rows["pore_area_px"] <= 32 * 24).all()
    assert record["subset"] == "test"


def test_models_of_other_classes_are_refused_by_name(drawn_benchmark, tmp_path):
    scheme = DEFAULT_SCHEME.subset(["pore", "background"])
    model = build("amsegnet", n_classes=2, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, scheme=scheme)
    casting = save_bundle(tmp_path / "casting", model, card)
    with pytest.raises(ValueError, match=r"keyhole \(code 1\), substrate .*'casting'"):
        evaluate(evaluation(drawn_benchmark, casting, tmp_path / "scores"))
    assert not (tmp_path / "scores").exists()
    five = open_benchmark(drawn_benchmark)
    two = type(five)(five.folder, scheme, five.experiments, five.frames)
    assert "keyhole, substrate, powder" in require_scheme(two, load_bundle("fast"))[0]


def test_an_empty_subset_is_explained(drawn_benchmark, untrained, tmp_path):
    request = evaluation(drawn_benchmark, untrained, tmp_path / "scores", subset="holdout")
    with pytest.raises(ValueError, match="holdout"):
        evaluate(request)


def test_error_summary_by_hand():
    rows = [
        {"keyhole_area_px_error": 2.0, "keyhole_area_px_truth": 10.0},
        {"keyhole_area_px_error": -4.0, "keyhole_area_px_truth": 20.0},
        {"keyhole_area_px_error": 3.0, "keyhole_area_px_truth": 0.0},
        {"keyhole_area_px_error": 0.0, "keyhole_area_px_truth": 0.0},  # says nothing
    ]
    from napari_amseg.measure.errors import ERRORS

    empty = {f"{name}_error": None for name in ERRORS}
    summary = error_summary([empty | row for row in rows])
    assert set(summary) == {"keyhole_area_px"}
    assert summary["keyhole_area_px"]["n"] == 3
    assert summary["keyhole_area_px"]["mean"] == pytest.approx(1 / 3)
    assert summary["keyhole_area_px"]["mean_absolute"] == pytest.approx(3)
    assert summary["keyhole_area_px"]["mean_relative"] == pytest.approx(0.2)


def test_blank_labels_cannot_be_scored(drawn_benchmark, untrained, tmp_path):
    benchmark = open_benchmark(drawn_benchmark)
    for frame in load_split(benchmark, "listed").of("test"):
        blank = np.zeros((32, 48), np.uint8)
        tifffile.imwrite(benchmark.label_path(frame), blank, photometric="minisblack")
    with pytest.raises(ValueError, match="no pixel of the test images"):
        evaluate(evaluation(drawn_benchmark, untrained, tmp_path / "scores"))
    assert not (tmp_path / "scores").exists()
