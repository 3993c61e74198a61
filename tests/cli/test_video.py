"""``amseg video`` as a user types it: files and one-line errors."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["video", *(str(a) for a in arguments)])


@pytest.fixture
def files(tmp_path, drawn_frames):
    """Paths of an image and a label stack."""
    paths = tmp_path / "run.tif", tmp_path / "run_labels.tif"
    for path, frames in zip(paths, drawn_frames, strict=True):
        tifffile.imwrite(path, frames, photometric="minisblack", metadata=None)
    return paths


def test_a_video_and_a_strip(files, tmp_path):
    stack, labels = files
    out = tmp_path / "out" / "run.mp4"
    done = run(stack, labels, "--truth", labels, "--frames", "0:6:2", "--pixel-size", 2,
               "--frame-rate", 5e4, "--fps", 4, "-o", out)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out)
    imageio = pytest.importorskip("imageio.v2")
    with imageio.get_reader(out) as reader:
        assert len(list(iter(reader))) == 3
    strip = out.with_suffix(".pdf")
    assert run(stack, labels, "-o", strip).exit_code == 0
    assert strip.read_bytes().startswith(b"%PDF")
    again = run(stack, labels, "-o", strip)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run(stack, labels, "-o", strip, "--overwrite").exit_code == 0
    assert {p.name for p in out.parent.iterdir()} == {"run.mp4", "run.pdf"}


def test_the_contrast_is_that_given(files, tmp_path):
    pictures = []
    for name, given in (
        ("own", []),
        ("given", ["--contrast", "0,60"]),
        ("low", ["--contrast=-9,60"]),
    ):
        path = tmp_path / f"{name}.png"
        assert run(*files, "--frames", "2", *given, "-o", path).exit_code == 0
        pictures.append(path.read_bytes())
    assert len(set(pictures)) == 3


def test_a_crop_fits_labels_that_were_made_with_it(files, tmp_path, drawn_frames):
    stack, labels = files
    tifffile.imwrite(labels, drawn_frames[1][:, 4:, 8:], photometric="minisblack", metadata=None)
    out = tmp_path / "a.mp4"
    refused = run(stack, labels, "-o", out)
    assert refused.exit_code == 2
    assert "labels are 28 x 40 px, the frames 32 x 48 px" in refused.stderr
    assert run(stack, labels, "--crop", "4:32,8:48", "-o", out).exit_code == 0
    assert out.exists()


def test_a_crop_is_that_of_a_truth_of_whole_frames_too(files, tmp_path, drawn_frames):
    stack, truth = files
    labels = tmp_path / "cropped_labels.tif"
    tifffile.imwrite(labels, drawn_frames[1][:, 4:, 8:], photometric="minisblack", metadata=None)
    out = tmp_path / "a.png"
    done = run(stack, labels, "--truth", truth, "--crop", "4:32,8:48", "-o", out)
    assert done.exit_code == 0, done.output
    assert out.exists()


def test_a_view_that_does_not_lie_in_the_frames_is_refused(files, tmp_path):
    for view, message in (("0:99,:", "view 0:99,0:48 does not lie"), ("all", "view is 'all'")):
        refused = run(*files, "--view", view, "-o", tmp_path / "a.png")
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_other_codes_are_told(files, tmp_path, drawn_frames):
    stack, labels = files
    tifffile.imwrite(
        labels, (drawn_frames[1] == 1).astype(np.uint8) * 255, photometric="minisblack"
    )
    out = tmp_path / "a.mp4"
    refused = run(stack, labels, "-o", out)
    assert refused.exit_code == 2
    assert "frame 0 holds label codes [255]" in refused.stderr
    assert not out.exists()
    assert run(stack, labels, "--codes", "keyhole=255", "-o", out).exit_code == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-o", "a.gif"], "write .mp4"),
        (["-o", "a.mp4", "--frames", "8"], "the last is 7"),
        (["-o", "a.mp4", "--fps", "0"], "fps is 0"),
        (["-o", "a.mp4", "--contrast", "9,3"], "write LOW,HIGH"),
        (["-o", "a.mp4", "--contrast", "0,inf"], "write LOW,HIGH"),
        (["-o", "a.mp4", "--contrast", "5"], "write LOW,HIGH"),
        (["-o", "a.mp4", "--arrangement", "circle"], "auto, row, column"),
    ],
)
def test_errors_are_one_line(files, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    refused = run(*files, *given)
    assert refused.exit_code == 2, refused.output
    lines = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert {p.name for p in tmp_path.iterdir()} == before


def test_without_ffmpeg(files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    refused = run(*files, "-o", tmp_path / "a.mp4")
    assert refused.exit_code == 2
    assert "pip install 'napari-amseg[video]'" in refused.stderr
