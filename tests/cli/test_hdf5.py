"""``amseg`` on an HDF5 file with flats and darks in it: one file is enough for everything."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.cli.arguments import stem_of
from napari_amseg.io import read_stack
from napari_amseg.pipeline.earlier_results import source_of


@pytest.fixture
def scan(tmp_path: Path, frames: np.ndarray, rng: np.random.Generator) -> Path:
    """Six frames of a detector, flats before and after, darks; the same frames mirrored as det2."""
    white = rng.integers(5000, 6000, size=(4, *frames.shape[1:]), dtype=np.uint16)
    black = rng.integers(90, 110, size=(3, *frames.shape[1:]), dtype=np.uint16)
    key = [2] * 3 + [1] * 2 + [0] * 6 + [1] * 2
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        for name, step in (("entry/instrument/detector", 1), ("entry/instrument/det2", -1)):
            group = file.create_group(name)
            group["data"] = np.concatenate([black, white[:2], frames, white[2:]])[..., ::step]
            group["image_key"] = key
    return tmp_path / "scan.nxs"


def amseg(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_info_gives_the_options_to_copy(scan):
    shown = amseg("info", scan)
    assert "6" in shown.splitlines()[0]
    assert f"--flat {scan}::flats --dark {scan}::darks" in shown


def test_segment_says_once_that_flats_are_not_used(scan, tmp_path):
    said = " ".join(amseg("segment", scan, "--no-figures", "-o", tmp_path / "out").split())
    assert said.count("flats recorded with the stack are not used") == 1


def test_flats_of_the_file_correct_it_and_a_replay_gives_the_same(scan, frames, tmp_path):
    first, second = tmp_path / "first.tif", tmp_path / "second.tif"
    amseg("preprocess", scan, "--flat", f"{scan}::flats", "--dark", f"{scan}::darks", "-o", first)
    with h5py.File(scan) as file:
        every = file["entry/instrument/detector/data"][()]
    dark, flat = np.median(every[:3], axis=0), np.median(every[[3, 4, 11, 12]], axis=0)
    wanted = (frames - dark) / (flat - dark)
    assert np.allclose(tifffile.imread(first), wanted, rtol=1e-5)
    amseg("preprocess", scan, "--chain", tmp_path / "first_preprocess.json", "-o", second)
    assert first.read_bytes() == second.read_bytes()
    record = json.loads((tmp_path / "first_preprocess.json").read_text())
    assert [entry["name"] for entry in record["inputs"]] == ["scan.nxs"]


def test_flats_before_and_after_follow_a_drift(scan, frames, tmp_path):
    out = tmp_path / "drift.tif"
    amseg("preprocess", scan, "--flat", f"{scan}::flats-before", "--flat-after",
          f"{scan}::flats-after", "-o", out)  # fmt: skip
    with h5py.File(scan) as file:
        every = file["entry/instrument/detector/data"][()]
    before, after = (np.median(every[i], axis=0) for i in ([3, 4], [11, 12]))
    flat = np.stack([before + (after - before) * t / 5 for t in range(6)])
    assert np.allclose(tifffile.imread(out), frames / flat, rtol=1e-5)


def test_a_changed_file_is_refused_by_a_replay(scan, tmp_path):
    out = tmp_path / "a.tif"
    amseg("preprocess", scan, "--flat", f"{scan}::flats", "-o", out)
    with h5py.File(scan, "r+") as file:
        file["entry/instrument/detector/data"][4] += 1
    words = ["preprocess", str(scan), "--chain", str(tmp_path / "a_preprocess.json"), "-o"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "b.tif")])
    assert done.exit_code == 2
    assert "give the original files" in " ".join(done.output.split())
    assert not (tmp_path / "b.tif").exists()


def test_results_of_two_datasets_are_not_taken_for_each_other(scan):
    one, two = f"{scan}::entry/instrument/detector/data", f"{scan}::entry/instrument/det2/data"
    with read_stack(one) as first, read_stack(two) as second:
        assert first.files == second.files
        assert source_of(first) == str(Path(one).resolve())
        assert source_of(second) == str(Path(two).resolve())


def test_results_are_named_after_the_file(scan):
    assert stem_of(f"{scan}::entry/instrument/det2/data") == "scan"
    assert stem_of(f"{scan}::flats") == "scan"
    assert stem_of(str(scan)) == "scan"


def test_flats_that_are_not_used_are_told_and_recorded(scan, tmp_path):
    options = f"--flat {scan}::flats --dark {scan}::darks"
    shown = amseg("segment", scan, "--no-figures", "-o", tmp_path / "out")
    assert options in " ".join(shown.split())
    record = json.loads((tmp_path / "out" / "scan_run.json").read_text())
    assert any(options in note for note in record["notes"])
    shown = amseg("preprocess", scan, "-o", tmp_path / "a.tif")
    assert options in " ".join(shown.split())
    record = json.loads((tmp_path / "a_preprocess.json").read_text())
    assert any(options in note for note in record["notes"])
    table = tmp_path / "campaign.csv"
    table.write_text(f"experiment,stack\none,{scan}\n", encoding="utf-8")
    shown = amseg("batch", table, "--dry-run", "-o", tmp_path / "many")
    assert options in " ".join(shown.split())


def test_flats_that_are_used_need_no_remark(scan, tmp_path):
    shown = amseg("preprocess", scan, "--flat", f"{scan}::flats", "-o", tmp_path / "a.tif")
    assert "not used" not in shown
