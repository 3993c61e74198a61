"""``amseg train`` and ``amseg evaluate`` as a user types them."""

import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.models import load_bundle

SMALL = ["--filters", "1", "--epochs", "2", "--batch-size", "5", "--learning-rate", "5e-3"]


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_train_then_evaluate_then_segment(drawn_benchmark, tmp_path):
    model, scores = tmp_path / "model", tmp_path / "scores"
    trained = run("train", drawn_benchmark, *SMALL, "-o", model)
    assert trained.exit_code == 0, trained.output
    assert "2 epochs in" in trained.output
    assert load_bundle(model).card.training["settings"]["learning_rate"] == 5e-3
    assert {p.name for p in model.iterdir()} == {
        "model.json", "model.weights.h5", "training.csv", "training.png", "checkpoint.npz",
    }  # fmt: skip
    again = run("train", drawn_benchmark, *SMALL, "-o", model)
    assert again.exit_code == 2
    assert "holds a model already" in again.output
    more = run("train", drawn_benchmark, *SMALL[:2], "--epochs", "7", "--resume", "-o", model)
    assert more.exit_code == 2
    assert "epochs is 7" in more.output
    tested = run("evaluate", drawn_benchmark, "--model", model, "--engine", "keras", "-o", scores)
    assert tested.exit_code == 0, tested.output
    assert "keyhole_area_um2" in tested.output
    assert {p.name for p in scores.iterdir()} == {
        "evaluation.json", "evaluation_frames.csv", "confusion.csv", "confusion.png",
        "worst_frames.png", "errors.png",
    }  # fmt: skip
    twice = run("evaluate", drawn_benchmark, "--model", model, "-o", scores)
    assert twice.exit_code == 2
    assert "--overwrite" in twice.output
    inside = run("evaluate", drawn_benchmark, "--model", model, "--overwrite", "-o", model)
    assert inside.exit_code == 2
    assert "holds model.json" in inside.output
    stack = drawn_benchmark / "images" / "drawn"
    done = run("segment", stack, "--model", model, "--engine", "keras", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--arch", "vnet"], "no network named 'vnet'"),
        (["--epochs", "0"], "epochs is 0"),
        (["--split", "nosuch"], "nosuch"),
        (["--freeze-encoder"], "random start"),
        (["--init", "nosuch"], "nosuch: no model bundle"),
        (["--resume"], "nothing to resume"),
        (["--class-weighting", "heavy"], "--class-weighting is 'heavy'"),
    ],
)
def test_nonsense_is_one_line_and_leaves_nothing(drawn_benchmark, tmp_path, arguments, words):
    result = run("train", drawn_benchmark, *arguments, "-o", tmp_path / "model")
    assert result.exit_code == 2
    errors = [line for line in result.output.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "model").exists()


def test_a_folder_that_is_no_benchmark(tmp_path):
    for command in (["train"], ["evaluate", "--model", "fast"]):
        result = run(*command, tmp_path, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert "no benchmark here" in result.output


def test_unknown_subsets_are_refused(drawn_benchmark, tmp_path):
    result = run(
        "evaluate", drawn_benchmark, "--model", "fast", "--subset", "tset", "-o", tmp_path / "out"
    )
    assert result.exit_code == 2
    assert "tset" in result.output


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_what_is_there(drawn_benchmark, tmp_path):
    model = tmp_path / "model"
    command = "from napari_amseg.cli import app; app()"
    arguments = ["train", str(drawn_benchmark), *SMALL[:2], "--epochs", "5000", "-o", str(model)]
    child = subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 120
    while not (model / "training.csv").exists() and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "go on with --resume" in errors
    assert load_bundle(model).model is not None
    assert (model / "checkpoint.npz").exists()
