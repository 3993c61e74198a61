"""``amseg watch`` as a user types it: what it prints, its exit codes, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Normalise

PLAIN = {"photometric": "minisblack", "metadata": None}
QUICK = ("--settle", "0.3", "--poll", "0.05", "--engine", "keras", "--until-idle", "0.2")
AMSEG = [sys.executable, "-c", "from napari_amseg.cli import app; app()"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)))
    return str(save_bundle(tmp_path_factory.mktemp("models") / "tiny", network, card).folder)


@pytest.fixture
def camera(tmp_path, frames):
    folder = tmp_path / "camera"
    folder.mkdir()
    tifffile.imwrite(folder / "run.tif", frames, **PLAIN)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_results_are_those_of_segment_and_the_second_time_nothing_is_done(camera, tmp_path, model):
    scale = ("--pixel-size", "2", "--frame-rate", "1000", "--model", model)
    first = run("watch", camera, "-o", tmp_path / "out", *scale, *QUICK)
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines() == [str(tmp_path / "out" / "run_frames.csv")]
    assert "1 stacks done, 0 failed." in first.stderr
    run("segment", camera / "run.tif", "-o", tmp_path / "ref", *scale, "--engine", "keras")
    names = {p.name for p in (tmp_path / "ref").iterdir()}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names
    for name in names - {"run_run.json", "run_series.png", "run_overlay.png"}:
        ours, theirs = ((tmp_path / f / name).read_bytes() for f in ("out", "ref"))
        assert ours == theirs, name
    again = run("watch", camera, "-o", tmp_path / "out", *scale, *QUICK)
    assert again.exit_code == 0
    assert again.stdout == ""
    assert "run: has its results" in again.stderr


def test_a_failing_stack_is_named_at_the_end_and_the_exit_code_says_so(camera, tmp_path, model):
    (camera / "bad.tif").write_bytes(b"II*\0 no image")
    done = run("watch", camera, "-o", tmp_path / "out", "--model", model, "--no-figures", *QUICK)
    assert done.exit_code == 1
    assert "1 stacks done, 1 failed." in done.stderr
    last = " ".join(done.stderr.split("1 failed.")[1].split())
    assert last.startswith("failed: bad.tif: ")
    assert "Traceback" not in done.output
    assert not list((tmp_path / "out").glob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "-o", "out"), "there is no folder"),
        ((".", "-o", "."), "watched folder itself"),
        ((".", "-o", "out", "--model", "no-such"), "no model bundle"),
        ((".", "-o", "out", "--settle", "0"), "settle"),
        ((".", "-o", "out", "--pixel-size", "-2"), "--pixel-size is -2"),
        ((".", "-o", "out", "--frame-rate", "-5"), "--frame-rate is -5"),
        ((".", "-o", "out", "--frame-rate", "0"), "--frame-rate is 0"),
        ((".", "-o", "out", "--flat-after", "x.tif"), "--flat"),
    ],
)
def test_wrong_input_is_one_line(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = run("watch", *arguments)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.output
    assert said in lines[0]


def test_remarks_of_a_stack_are_printed(tmp_path, model, frames):
    folder = tmp_path / "camera" / "seq"
    folder.mkdir(parents=True)
    for t in (0, 1, 2, 4, 5):
        tifffile.imwrite(folder / f"{t}.tif", frames[t], **PLAIN)
    done = run("watch", folder.parent, "-o", tmp_path / "out", "--model", model, *QUICK)
    assert done.exit_code == 0
    assert "seq: numbering is not regular after 2.tif" in " ".join(done.stderr.split())


def test_what_segment_says_of_a_stack_is_said_here_too(tmp_path, drawn_frames):
    folder = tmp_path / "camera"
    folder.mkdir()
    tifffile.imwrite(folder / "run.tif", drawn_frames[0].astype(np.uint16), **PLAIN)
    tifffile.imwrite(folder / "labels.tif", np.ones((6, 32, 48), np.uint8), **PLAIN)
    alone = run("segment", folder / "run.tif", "-o", tmp_path / "ref", "--no-figures")
    notes = [line[6:] for line in alone.stderr.splitlines() if line.startswith("note: ")]
    assert any("most uncertain" in note for note in notes)
    assert any("--pixel-size" in note for note in notes)
    assert any("--frame-rate" in note for note in notes)
    assert any("grey values" in note for note in notes)
    quick = ("--settle", "0.3", "--poll", "0.05", "--until-idle", "0.2", "--no-figures")
    done = run("watch", folder, "-o", tmp_path / "out", *quick)
    said = " ".join(done.stderr.split())
    for note in notes:
        assert said.count(f"run: {' '.join(note.split())}") == 1, note
    assert "labels.tif: left out, as labels by name" in said
    assert "1 stacks done, 0 failed" in said


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT")
def test_ctrl_c_leaves_no_half_file(camera, tmp_path, model, frames):
    tifffile.imwrite(camera / "run.tif", np.concatenate([frames] * 2000), **PLAIN)
    out = tmp_path / "out"
    command = [*AMSEG, "watch", str(camera), "-o", str(out), "--model", model, *QUICK]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    live = out / "run_live.csv"
    end = time.monotonic() + 120
    while not (live.exists() and len(live.read_bytes().splitlines()) > 20):
        assert time.monotonic() < end
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "cancelled; finished stacks are in" in " ".join(said.split())
    assert "Traceback" not in said
    assert {p.name for p in out.iterdir()} == {"run_live.csv"}
    assert live.read_bytes().endswith(b"\n")
