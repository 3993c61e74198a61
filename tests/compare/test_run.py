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
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate
from napari_amseg.train import EpochDone, TrainStarted

TINY = CompareSettings(
    repeats=1, epochs=2, batch_size=4, crop_rows=16, crop_columns=16, engine="keras",
    segment_batch_size=2,
)  # fmt: skip
PNG, PDF = b"\x89PNG", b"%PDF"


@pytest.fixture
def request_(drawn_benchmark, tmp_path):
    return CompareRequest(
        drawn_benchmark, tmp_path / "out", ("unet", "squeezeunet"), filters=1, settings=TINY
    )


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


def test_it_goes_on_after_a_kill_does_nothing_twice_and_grows(request_):
    out = request_.folder
    seen = until(
        compare(request_),
        lambda seen: len(kinds(seen, RunStarted)) == 2 and isinstance(seen[-1], EpochDone),
    )
    assert seen[0] == CompareStarted(0, 2, seen[0].notes)
    assert (out / "runs" / "squeezeunet-0" / "checkpoint.npz").is_file()
    assert not (out / "runs" / "unet-0" / "checkpoint.npz").exists()
    assert list(table(out)) == ["unet"]
    first = {p: digest for p, digest in hashes(out).items() if p.parent.name == "unet-0"}

    went_on = list(compare(request_))
    assert went_on[0].finished == 1
    assert [e.epochs_done for e in kinds(went_on, TrainStarted)] == [1]
    assert not list(out.rglob("checkpoint.npz"))
    assert not list(out.rglob("*.part"))
    assert [row["mean_iou_std"] for row in table(out).values()] == ["", ""]
    before = hashes(out)
    assert first.items() <= before.items()

    (again, finished) = compare(request_)
    assert (again.finished, again.total) == (2, 2)
    assert finished.failed == ()
    assert hashes(out) == before

    more = replace(request_, architectures=("unet",), settings=replace(TINY, repeats=2))
    grown = list(compare(more))
    assert [(e.network, e.seed) for e in kinds(grown, RunStarted)] == [
        ("unet", 1),
        ("squeezeunet", 1),
    ]
    assert before.items() <= hashes(out).items()
    for name, row in table(out).items():
        of_network = results(out, name)
        assert row["repeats"] == "2"
        assert row["trainable_parameters"] == str(of_network[0]["model"]["trainable_parameters"])
        assert_mean_and_deviation(row, "mean_iou", [r["scores"]["mean_iou"] for r in of_network])
        assert_mean_and_deviation(row, "mean_f1", [r["scores"]["mean_f1"] for r in of_network])
        assert_mean_and_deviation(row, "training_s", [r["training"]["seconds"] for r in of_network])
        times = [r["segmentation"]["ms_batch_1"] for r in of_network]
        assert min(times) > 0
        assert_mean_and_deviation(row, "segmentation_ms", times)
        for label, values in of_network[0]["scores"]["iou"].items():
            pair = [values, of_network[1]["scores"]["iou"][label]]
            assert_mean_and_deviation(row, f"iou_{label}", pair)
    assert (out / "networks.png").read_bytes().startswith(PNG)
    assert (out / "networks.pdf").read_bytes().startswith(PDF)
    text = (out / "table.md").read_text()
    assert "| squeezeunet |" in text
    assert "2 test images" in text
    assert set(grown[-1].files) == {
        out / name for name in ("repeats.csv", "table.csv", "table.md", "networks.png",
                                "networks.pdf")
    }  # fmt: skip


def test_scores_are_those_of_an_evaluation_and_transfer_starts_from_the_model(
    request_, tmp_path, drawn_benchmark
):
    network = build("unet", n_classes=5, filters=1)
    init = save_bundle(tmp_path / "init", network, ModelCard("unet", {"filters": 1}))
    request_ = replace(
        request_,
        architectures=("unet",),
        init=str(init.folder),
        settings=replace(TINY, epochs=1),
    )
    events = list(compare(request_))
    out, finished = request_.folder, events[-1]
    assert [row["network"] for row in finished.table] == ["unet", "unet-transfer"]
    assert {"transfer.png", "transfer.pdf"} <= {p.name for p in finished.files}
    fresh, transfer = (results(out, name)[0] for name in ("unet", "unet-transfer"))
    assert fresh["model"]["started_from"] is None
    assert transfer["model"]["started_from"] == {"name": "init", "sha256": init.weights_sha256}

    bundle = load_bundle(out / "runs" / "unet-0")
    assert bundle.weights_sha256 == fresh["model"]["sha256"]
    benchmark = open_benchmark(drawn_benchmark)
    split = load_split(benchmark, fresh["split"])
    asked = EvaluateRequest(benchmark, split, "test", bundle, tmp_path / "scores", TINY.segmenting)
    assert evaluate(asked)["scores"] == fresh["scores"]

    changed = build("unet", n_classes=5, filters=1)
    save_bundle(init.folder, changed, init.card, overwrite=True)
    more = replace(request_, settings=replace(request_.settings, repeats=2), init=None)
    with pytest.raises(ValueError, match="this model has changed"):
        list(compare(more))


def test_a_failing_network_stops_no_other_and_a_cancel_stops_all(request_):
    request_ = replace(request_, settings=replace(TINY, epochs=1))
    until(compare(request_), lambda seen: isinstance(seen[-1], CompareStarted))
    broken = request_.folder / "runs" / "unet-0"
    broken.mkdir(parents=True)
    (broken / "checkpoint.npz").write_bytes(b"PK\x03\x04 half a file")

    seen = []
    for event in compare(request_, cancelled=lambda: bool(kinds(seen, TrainStarted))):
        seen.append(event)
    assert [e.network for e in kinds(seen, RunFailed)] == ["unet"]
    assert not kinds(seen, CompareFinished)
    assert not list(request_.folder.rglob("result.json"))

    *_, finished = compare(request_)
    (failed,) = finished.failed
    assert (failed.network, failed.seed) == ("unet", 0)
    assert "not a readable checkpoint" in failed.message
    assert [row["network"] for row in finished.table] == ["squeezeunet"]
