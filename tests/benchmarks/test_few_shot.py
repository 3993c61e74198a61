"""The few-shot benchmark trains on what it says, for as long as it says, and goes on."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

import numpy as np
import pytest

from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.dataset.batches import TrainingBatches
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.labels import Label
from napari_amseg.models import load_bundle
from napari_amseg.preprocess import Chain
from napari_amseg.types import stack_from_array


@pytest.fixture
def few_shot(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("few_shot")


@pytest.fixture
def case(few_shot, drawn_frames):
    """Eight drawn frames of 32x48: five to train on."""
    images, truth = drawn_frames
    return few_shot.Case("drawn", stack_from_array(images), truth, "keyhole", (0, 32), 2)


def given(tmp_path, **changed):
    values = {"frames": [1, 3], "starts": ["init", "scratch"], "minutes": 10.0, "seed": 0}
    paths = {"work": tmp_path / "work", "out": tmp_path / "few_shot.json"}
    return argparse.Namespace(**(values | paths | {"smoke": False, "init": "fast"} | changed))


def curve(few_shot, case, tmp_path, **changed):
    options, init = given(tmp_path, **changed), load_bundle("fast")
    return few_shot.Curve(case, init, options, few_shot.opened_record(options.out, init, options))


def test_numbers_of_frames_beyond_the_stack_are_all_it_has(few_shot):
    assert few_shot.training_counts([10, 1, 3], 7) == [1, 3, 7]
    assert few_shot.training_counts([8, 10], 7) == [7]


@pytest.mark.parametrize("n", [1, 3, 7, 10])
@pytest.mark.parametrize("batch_size", [4, 8])
def test_draws_fill_an_epoch(few_shot, drawn_benchmark, n, batch_size):
    benchmark, augment = open_benchmark(drawn_benchmark), AugmentSettings()
    frames = (benchmark.frames * 2)[:n]
    batches = TrainingBatches(
        InputFrames(benchmark, Chain(), benchmark.frames),
        frames,
        augment,
        batch_size,
        (32, 32),
        few_shot.draws(n, batch_size, 50, augment.crop_share),
    )
    assert abs(batches.steps - 50) <= 1


def test_pace_keeps_the_start_apart(few_shot):
    reports = [(112.0, 1), (113.5, 4), (120.0, 17)]
    assert few_shot.pace(100.0, reports) == (12.0, 0.5)
    with pytest.raises(ValueError, match="only one report"):
        few_shot.pace(100.0, reports[:1])


@pytest.mark.parametrize(("startup_s", "step_s"), [(5, 0.1), (30, 0.5), (60, 1.7)])
def test_epochs_fill_the_time_and_not_more(few_shot, startup_s, step_s):
    epochs = few_shot.epochs_within(600, startup_s, step_s, 50)
    assert startup_s + epochs * 50 * step_s < 600
    assert startup_s + (epochs + 1) * 50 * step_s > 0.8 * 600


def test_one_epoch_at_least(few_shot):
    assert few_shot.epochs_within(10, 20, 5.0, 50) == 1


def test_trains_on_the_first_frames_and_tests_on_the_last(few_shot, case, tmp_path):
    made = curve(few_shot, case, tmp_path)
    folder = made._benchmark(2)
    assert folder == made._benchmark(2)  # found again, not made again
    benchmark = open_benchmark(folder)
    split = load_split(benchmark, "listed")
    assert [f.frame for f in split.of("train")] == ["0000", "0001"]
    assert [f.frame for f in split.of("test")] == ["0005", "0006", "0007"]
    assert not split.of("validation")
    for frame in benchmark.frames:
        np.testing.assert_array_equal(benchmark.labels(frame), case.truth[int(frame.frame)])
        np.testing.assert_array_equal(benchmark.image(frame), case.stack[int(frame.frame)])


def test_starts_differ_in_their_start_alone(few_shot, case, tmp_path):
    made = curve(few_shot, case, tmp_path)
    plan = few_shot.Plan(7, case.batch_size, case.crop)
    warm, cold = (made._request(3, start, plan) for start in ("init", "scratch"))
    card = made.init.card
    assert load_bundle(warm.init).weights_sha256 == made.init.weights_sha256
    assert warm.architecture is None
    assert cold.init is None
    assert (cold.architecture, dict(cold.arguments)) == (card.architecture, dict(card.arguments))
    assert (warm.settings.epochs, warm.settings.draws) == (cold.settings.epochs, 30)
    assert (warm.benchmark, warm.augment) == (cold.benchmark, cold.augment)


def test_a_record_of_something_else_is_refused(few_shot, tmp_path):
    options, init = given(tmp_path), load_bundle("fast")
    options.out.write_text(json.dumps(few_shot.opened_record(options.out, init, options)))
    assert few_shot.opened_record(options.out, init, options)["cases"] == {}
    with pytest.raises(SystemExit, match="begun with another minutes"):
        few_shot.opened_record(options.out, init, given(tmp_path, minutes=1.0))


def test_a_finished_row_is_found_again(few_shot, case, tmp_path):
    made = curve(few_shot, case, tmp_path)
    assert not made._has(1, "init")
    made._keep(1, "init", [case.truth[t] for t in case.test], epochs=3)
    again = curve(few_shot, case, tmp_path)
    assert again._has(1, "init")
    assert not any(again._has(*other) for other in ((3, "init"), (0, "init"), (1, "scratch")))
    (row,) = again.kept["rows"]
    assert (row["mean_iou"], row["epochs"], row["frames"]) == (1, 3, len(case.test))


def test_figure_has_a_line_a_start_and_a_level_a_reference(few_shot):
    from few_shot_figure import draw_curves
    from matplotlib.figure import Figure

    points = {(0, "init"): 0.4, (0, "paper"): 0.85, (3, "init"): 0.9, (1, "init"): 0.8}
    rows = [
        {"labelled": n, "start": start, "iou": {"pore": value}, "mean_iou": (1 + value) / 2}
        for (n, start), value in points.items()
    ]
    ax = Figure().subplots()
    draw_curves(ax, rows, "pore", "fast")
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["from fast"] == [[1, 0.8], [3, 0.9]]
    assert [y for _, y in lines["fast as it is"]] == [0.4, 0.4]
    assert [y for _, y in lines["the paper's"]] == [0.85, 0.85]
    assert "from scratch" not in lines
    assert ax.get_ylim()[0] <= 0.4


def test_casting_is_named_and_turned_as_the_model_knows_it(few_shot, real_data, tmp_path):
    plate, casting = few_shot.cases(real_data)
    assert (list(plate.test), list(casting.test)) == ([7, 8, 9], [10, 11, 12])
    assert set(np.unique(casting.truth)) == {0, Label.PORE, Label.SUBSTRATE}
    assert set(np.unique(casting.paper)) == {Label.PORE, Label.SUBSTRATE}
    made = few_shot.Curve(casting, load_bundle("fast"), given(tmp_path), {"cases": {}})
    frame, truth = made.init.card.chain.apply(casting.stack)[12], casting.truth[12]
    assert frame[truth == Label.PORE].mean() > frame[truth == Label.SUBSTRATE].mean() + 0.2
    raw = made.plain.card.chain.apply(casting.stack)[12]
    assert raw[truth == Label.PORE].mean() < raw[truth == Label.SUBSTRATE].mean() - 0.2


@pytest.mark.slow
def test_whole_way_and_again(few_shot, real_data, tmp_path, monkeypatch):
    out, figure = tmp_path / "few_shot.json", tmp_path / "few_shot.png"
    where = ["--data", str(real_data), "--work", str(tmp_path), "-o", str(out)]
    monkeypatch.setattr(sys, "argv", ["few_shot.py", *where, "--smoke", "--figure", str(figure)])
    few_shot.main()
    record = json.loads(out.read_text())
    plate, casting = (
        {(row["labelled"], row["start"]): row for row in record["cases"][name]["rows"]}
        for name in ("ti64_plate", "hpdc")
    )
    assert set(plate) == {(0, "init"), (1, "init"), (1, "scratch")}
    assert set(casting) == {*plate, (0, "paper")}
    assert plate[1, "init"]["epochs"] * plate[1, "init"]["steps_an_epoch"] == 4
    assert casting[0, "paper"]["mean_iou"] > 0.9
    assert figure.stat().st_size > 10_000
    written = out.read_bytes()
    few_shot.main()
    assert out.read_bytes() == written
