"""``amseg compare`` as a user types it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app

TINY = ["--filters", 1, "--epochs", 1, "--repeats", 1, "--batch-size", 4, "--crop-rows", 16,
        "--crop-columns", 16, "--engine", "keras", "--segment-batch-size", 2]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_help_lists_the_options_of_training_comparison_and_augmentation():
    result = CliRunner().invoke(app, ["compare", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for option in ("--arch", "--repeats", "--draws", "--learning-rate", "--noise", "--init"):
        assert option in result.output
    assert "--seed" not in result.output


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--arch", "vnet"], "no network named 'vnet'"),
        (["--arch", "unet", "--split", "nightly"], "nightly"),
        (["--arch", "unet", "--epochs", 0], "epochs is 0"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(drawn_benchmark, tmp_path, given, message):
    result = run(drawn_benchmark, *given, "-o", tmp_path / "out")
    assert result.exit_code == 2
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_failure_is_told_at_the_end_and_the_rest_is_shown(drawn_benchmark, tmp_path):
    out = tmp_path / "out"
    given = [drawn_benchmark, "--arch", "unet", *TINY, "-o", out]
    done = run(*given)
    assert done.exit_code == 0, done.output
    assert "run 1 of 1: unet, seed 0" in done.stderr
    assert "mean IoU" in done.stdout
    assert str(out / "table.md") in done.stdout.replace("\n", "")

    (out / "runs" / "unet-1").mkdir()
    (out / "runs" / "unet-1" / "checkpoint.npz").write_bytes(b"half a file")
    failed = run(*given, "--repeats", 2)
    assert failed.exit_code == 1
    assert "1 of 2 runs are finished" in failed.stderr
    assert "1 runs failed" in failed.stderr
    assert "not a readable checkpoint" in " ".join(failed.stderr.split())
    assert "mean IoU" in failed.stdout
    assert json.loads((out / "compare.json").read_text())["settings"]["repeats"] == 2
