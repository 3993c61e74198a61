"""``amseg dataset`` as a user types it: results, one-line errors, exit codes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.cli.dataset_add import parse_classes, parse_frames
from napari_amseg.dataset import load_split, open_benchmark
from napari_amseg.types import stack_from_array


def run(*arguments):
    return CliRunner().invoke(app, ["dataset", *map(str, arguments)])


def done(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.output
    return line


@pytest.fixture
def given(tiff_file, tmp_path, labels):
    """The arguments every `add` needs: images, labels, experiment, benchmark."""
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, np.repeat(labels[None], 6, axis=0), photometric="minisblack")
    return [tiff_file, path, "--experiment", "run3", "--benchmark", tmp_path / "bench"]


@pytest.mark.parametrize("command", ["add", "info", "check", "split"])
def test_help_teaches(command):
    assert "Usage" in done(command, "--help")


def test_the_whole_way_on_real_frames(real_data, tmp_path):
    bench, out = tmp_path / "bench", tmp_path / "out"
    casting, plate = real_data / "hpdc", real_data / "ti64_plate"
    done("add", casting / "images.tif", casting / "labels.tif", "--experiment", "hpdc",
         "--benchmark", bench, "--process", "casting", "--substrate-material", "Al")  # fmt: skip
    told = done("add", plate / "299*.tif", plate / "labels.tif", "--experiment", "ti64",
         "--benchmark", bench, "--pixel-size", 2, "--frame-rate", 50_000, "--laser-power-w", 200,
         "--scan-speed-mm-s", 500, "--facility", "APS")  # fmt: skip
    assert "10 frames of ti64, 23 in all" in told
    rows = {row["experiment"]: row for row in csv.DictReader((bench / "experiments.csv").open())}
    assert rows["ti64"]["scan_speed_mm_s"] == "500"
    assert rows["hpdc"]["process"] == "casting"
    checked = done("check", bench)
    assert "0 errors, 23 notes" in checked
    assert len(checked.splitlines()) < 10  # notes that say the same share a line

    done("split", bench, "--rule", "listed", "--test", "hpdc/001[0-2]", "--name", "paper")
    split = load_split(open_benchmark(bench), "paper")
    assert [str(f) for f in split.of("test")] == ["hpdc/0010", "hpdc/0011", "hpdc/0012"]

    told = done("info", bench, "-o", out)
    assert "paper (listed): 20 train, 0 validation, 3 test" in told
    record = json.loads((out / "benchmark_info.json").read_text())
    material = {group["value"]: group for group in record["substrate_material"]}
    assert material["Al"]["pore_images"] == 13
    assert material["Al"]["pore_px"] == (tifffile.imread(casting / "labels.tif") == 2).sum()
    assert material["unknown"]["keyhole_px"] == (tifffile.imread(plate / "labels.tif") == 1).sum()
    names = {"benchmark_info.csv", "benchmark_info.json", "benchmark_images.png",
             "benchmark_pixels.png"}  # fmt: skip
    assert {path.name for path in out.iterdir()} == names


def test_add_chooses_frames_and_translates_codes(given, tmp_path, labels):
    other = np.select([labels == code for code in (1, 2, 3, 4)], [255, 200, 128, 64])
    codes = np.repeat(other[None].astype(np.uint8), 6, axis=0)
    codes[[0, 5]] = 0
    tifffile.imwrite(given[1], codes, photometric="minisblack")
    assert "code 64" in fails("add", *given)
    meaning = ["--codes", "keyhole=255,pore=200,substrate=128,background=64"]
    assert "2 of 6 frames hold no label" in fails("add", *given, *meaning)
    assert not (tmp_path / "bench").exists()
    assert "4 frames of run3" in done("add", *given, *meaning, "--frames", "labelled")
    bench = open_benchmark(tmp_path / "bench")
    assert [f.frame for f in bench.frames] == ["0001", "0002", "0003", "0004"]
    np.testing.assert_array_equal(bench.labels(bench.frames[0]), labels)
    done("add", *given, *meaning, "--frames", "0", "--allow-unlabelled")
    assert "exists" not in done("add", *given, *meaning, "--frames", "1:3", "--overwrite")


def test_classes_of_a_new_benchmark(given, tmp_path):
    few = "keyhole,pore,substrate,background"
    done("add", *given, "--classes", few)
    assert open_benchmark(tmp_path / "bench").scheme.codes == (1, 2, 3, 4)
    done("add", *given, "--classes", few, "--overwrite")
    assert "but" in fails("add", *given, "--classes", "pore", "--overwrite")
    assert "code 1" in fails("add", *given[:-1], tmp_path / "other", "--classes", "pore")
    assert parse_classes("pore,spatter=6").code_of("spatter") == 6


def test_check_leaves_with_1_when_there_are_errors(given, tmp_path):
    done("add", *given)
    (tmp_path / "bench" / "labels" / "run3" / "0002.tif").unlink()
    result = run("check", tmp_path / "bench")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "error: run3/0002: image without label"
    assert result.stdout.splitlines()[-1].endswith("1 errors, 0 notes")
    (tmp_path / "bench" / "images" / "run3" / "0002.tif").unlink()
    (tmp_path / "bench" / "experiments.csv").unlink()
    assert "no row" in done("check", tmp_path / "bench")
    assert "no row" not in done("check", tmp_path / "bench", "--no-notes")


def test_split_shows_what_the_subsets_hold(given, tmp_path):
    done("add", *given)
    result = run("split", tmp_path / "bench", "--seed", 7, "--parts", "2:1:0", "--name", "mine")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("mine.csv")
    split = load_split(open_benchmark(tmp_path / "bench"), "mine")
    assert (split.rule, split.seed, len(split.of("train"))) == ("random", 7, 4)
    assert "exists already" in fails("split", tmp_path / "bench", "--name", "mine")
    assert "1 experiments" in fails("split", tmp_path / "bench", "--rule", "grouped")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--rule", "magic"], "rule is 'magic': choose one of random, grouped, listed"),
        (["--rule", "listed"], "belong to --rule listed"),
        (["--test", "run3/*"], "belong to --rule listed"),
        (["--rule", "listed", "--test", "run3/0001", "--seed", 3], "do not belong"),
        (["--rule", "listed", "--test", "run4/*"], "matches no frame"),
        (["--parts", "4:1"], "three whole numbers"),
        (["--parts", "0:1:1"], "training above 0"),
        (["--seed", -1], "at least 0"),
        (["--name", "a/b"], "file name"),
    ],
)
def test_splits_that_make_no_sense(given, tmp_path, wrong, words):
    done("add", *given)
    assert words in fails("split", tmp_path / "bench", *wrong)
    assert not (tmp_path / "bench" / "splits").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--frames", "0:9"], "'0:9': the stack has frames 0 to 5"),
        (["--frames", "some"], "write 0:10"),
        (["--frames", "0:6:0"], "write 0:10"),
        (["--frames", "1:2:3:4"], "write 0:10"),
        (["--classes", "gas"], "Give a class of your own a code"),
        (["--codes", "pore"], "write role=code"),
        (["--pixel-size", "-1"], "positive"),
        (["--laser-power-w", "0"], "--laser-power-w is 0"),
    ],
)
def test_additions_that_make_no_sense(given, tmp_path, wrong, words):
    assert words in fails("add", *given, *wrong)
    assert not (tmp_path / "bench").exists()


def test_a_folder_that_is_no_benchmark(tmp_path):
    for command in ("info", "check", "split"):
        assert "no benchmark here" in fails(command, tmp_path)
    (tmp_path / "file").touch()
    assert "no benchmark here" in fails("info", tmp_path / "file")


def test_frames_are_numbers_ranges_or_those_with_labels():
    labels = stack_from_array(np.eye(4, dtype=np.uint8)[:, :, None] * [1, 0])
    assert list(parse_frames(None, labels)) == [0, 1, 2, 3]
    assert list(parse_frames("0:2,3", labels)) == [0, 1, 3]
    assert list(parse_frames("1::2", labels)) == [1, 3]
    empty_first = stack_from_array(np.arange(3)[:, None, None] * np.ones((2, 2), np.uint8))
    assert list(parse_frames("labelled", empty_first)) == [1, 2]
