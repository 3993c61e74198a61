"""Comparisons as a whole, with tiny networks on drawn frames: made once, continued, extended."""

from __future__ import annotations

import csv
import hashlib
import json
import statistics
from contextlib import closing
from dataclasses import replace

import pytest

from napari_amseg.compare import (
    CompareFinished,
    CompareRequest,
    CompareSettings,
    CompareStarted,
    RunFailed,
    RunStarted,
)
from napari_amseg.compare.run import compare
from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.models import ModelCard, build, load_bundle, save_bundle
from napari_amseg.models.backend import keras
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate
from napari_amseg.train import EpochDone, TrainFinished, TrainStarted

TINY = CompareSettings(
    repeats=1, epochs=2, batch_size=4, crop_rows=16, crop_columns=16, engine="keras",
    segment_batch_size=2,
)  # fmt: skip
PNG, PDF = b"\x89PNG", b"%PDF"


@pytest.fixture
def request_(drawn_benchmark, tmp_path):
    return CompareRequest(drawn_benchmark, tmp_path / "out", ("unet",), filters=1, settings=TINY)


def until(events, found):
    """Events up to the first that `found` accepts; then the generator is closed."""
    seen = []
    with closing(events):
        for event in events:
            seen.append(event)
            if found(seen):
                return seen
    raise AssertionError("it never came")


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


def hashes(folder):
    files = sorted(p for p in (folder / "runs").rglob("*") if p.is_file())
    return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def table(folder):
    with (folder / "table.csv").open(newline="") as file:
        return {row["network"]: row for row in csv.DictReader(file)}


def results(folder, network):
    paths = sorted((folder / "runs").glob(f"{network}-[0-9]/result.json"))
    return [json.loads(path.read_text()) for path in paths]


def assert_mean_and_deviation(row, name, values):
    assert float(row[f"{name}_mean"]) == pytest.approx(statistics.mean(values), rel=1e-6)
    assert float(row[f"{name}_std"]) == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-9)


@pytest.mark.slow
def test_it_goes_on_after_a_kill_does_nothing_twice_and_grows(request_):
    out = request_.folder
    seen = until(compare(request_), lambda seen: isinstance(seen[-1], EpochDone))
    assert (seen[0].finished, seen[0].total) == (0, 1)
    assert (out / "runs" / "unet-0" / "checkpoint.npz").is_file()
    assert not (out / "table.csv").exists()

    went_on = list(compare(request_))
    assert went_on[0].finished == 0
    assert [e.epochs_done for e in kinds(went_on, TrainStarted)] == [1]
    assert not list(out.rglob("checkpoint.npz"))
    assert not list(out.rglob("*.part"))
    assert table(out)["unet"]["mean_iou_std"] == ""
    before = hashes(out)

    (again, finished) = compare(request_)
    assert (again.finished, again.total) == (1, 1)
    assert finished.failed == ()
    assert hashes(out) == before

    grown = list(compare(replace(request_, settings=replace(TINY, repeats=2))))
    assert [(e.network, e.seed) for e in kinds(grown, RunStarted)] == [("unet", 1)]
    assert before.items() <= hashes(out).items()
    row, of_both = table(out)["unet"], results(out, "unet")
    assert row["repeats"] == "2"
    assert row["trainable_parameters"] == str(of_both[0]["model"]["trainable_parameters"])
    assert_mean_and_deviation(row, "training_s", [r["training"]["seconds"] for r in of_both])
    for measure in ("mean_iou", "mean_f1"):
        assert_mean_and_deviation(row, measure, [r["scores"][measure] for r in of_both])
    for column, key in (("segmentation_ms", "ms_batch_1"), ("segmentation_batch_ms", "ms_batch")):
        times = [r["segmentation"][key] for r in of_both]
        assert min(times) > 0
        assert_mean_and_deviation(row, column, times)
    common = set.intersection(*(set(r["scores"]["iou"]) for r in of_both))
    assert {"keyhole", "background"} <= common
    for name in common:
        assert_mean_and_deviation(row, f"iou_{name}", [r["scores"]["iou"][name] for r in of_both])
    assert (out / "networks.png").read_bytes().startswith(PNG)
    assert (out / "networks.pdf").read_bytes().startswith(PDF)
    text = (out / "table.md").read_text()
    assert "| unet |" in text
    assert "2 test images of split 'listed'" in text
    names = ("repeats.csv", "table.csv", "table.md", "networks.png", "networks.pdf")
    assert set(grown[-1].files) == {out / name for name in names}


@pytest.mark.slow
def test_scores_are_those_of_an_evaluation_and_transfer_is_added(
    request_, tmp_path, drawn_benchmark
):
    request_ = replace(request_, settings=replace(TINY, epochs=1))
    list(compare(request_))
    out = request_.folder
    (fresh,) = results(out, "unet")
    assert fresh["model"]["started_from"] is None
    bundle = load_bundle(out / "runs" / "unet-0")
    assert bundle.weights_sha256 == fresh["model"]["sha256"]
    benchmark = open_benchmark(drawn_benchmark)
    split = load_split(benchmark, fresh["split"])
    scored = evaluate(
        EvaluateRequest(benchmark, split, "test", bundle, tmp_path / "scores", TINY.segmenting)
    )
    assert scored["scores"] == fresh["scores"]

    card = ModelCard("unet", {"filters": 1})
    init = save_bundle(tmp_path / "init", build("unet", n_classes=5, filters=1), card)
    with_transfer = replace(request_, init=str(init.folder))
    events = list(compare(with_transfer))
    assert [e.network for e in kinds(events, RunStarted)] == ["unet-transfer"]
    assert [row["network"] for row in events[-1].table] == ["unet", "unet-transfer"]
    assert {"networks.png", "transfer.png", "transfer.pdf"} <= {p.name for p in events[-1].files}
    (transfer,) = results(out, "unet-transfer")
    assert transfer["model"]["started_from"] == {"name": "init", "sha256": init.weights_sha256}

    keras.utils.set_random_seed(5)
    save_bundle(init.folder, build("unet", n_classes=5, filters=1), card, overwrite=True)
    with pytest.raises(ValueError, match=r"init is '.*', but the comparison in .* has"):
        list(compare(with_transfer))
    more = replace(request_, settings=replace(request_.settings, repeats=2))
    with pytest.raises(ValueError, match="this model has changed"):
        list(compare(more))


def test_a_failing_network_stops_no_other_and_a_cancel_stops_all(request_):
    request_ = replace(request_, architectures=("unet", "squeezeunet"))
    until(compare(request_), lambda seen: isinstance(seen[-1], CompareStarted))
    broken = request_.folder / "runs" / "unet-0"
    broken.mkdir(parents=True)
    (broken / "checkpoint.npz").write_bytes(b"half a file")
    seen = []
    for event in compare(request_, cancelled=lambda: bool(kinds(seen, TrainStarted))):
        seen.append(event)
    (failed,) = kinds(seen, RunFailed)
    assert (failed.network, failed.seed) == ("unet", 0)
    assert "not a readable checkpoint" in failed.message
    assert [e.network for e in kinds(seen, RunStarted)] == ["unet", "squeezeunet"]
    assert [e.stopped for e in kinds(seen, TrainFinished)] == ["cancelled"]
    assert not kinds(seen, CompareFinished)
    assert not list(request_.folder.rglob("result.json"))


def test_what_a_kill_in_the_first_epoch_leaves_is_removed(request_):
    left = request_.folder / "runs" / "unet-0"
    until(compare(request_), lambda seen: isinstance(seen[-1], CompareStarted))
    save_bundle(left, build("unet", n_classes=5, filters=1), ModelCard("unet", {"filters": 1}))
    (left / ".checkpoint.npz.1234abcd.part").write_bytes(b"half a file")
    (left.parent / ".unet-0.1234abcd.part").mkdir()
    until(compare(request_), lambda seen: isinstance(seen[-1], TrainStarted))
    assert not list(left.parent.iterdir())  # nor does a training that ends before its first epoch
