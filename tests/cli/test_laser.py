"""``amseg laser`` as a user types it: files, their content, one-line errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.io import TiffStackWriter
from napari_amseg.sample import PhantomSettings, simulate


def run(*arguments):
    return CliRunner().invoke(app, ["laser", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Files of 30 frames of a laser that goes left at 0.5 m/s: stack and labels."""
    folder = tmp_path_factory.mktemp("phantom")
    made = simulate(
        PhantomSettings(
            n_frames=30, height_px=128, width_px=256, direction="left", oversampling=2, seed=1
        )
    )
    paths = folder / "run.tif", folder / "run_labels.tif"
    for path, stack in zip(paths, (made.stack, made.labels), strict=True):
        with TiffStackWriter(path, stack.shape, stack.dtype, stack.experiment) as writer:
            for frame in stack:
                writer.append(frame)
    return paths


def test_with_labels_everything_is_written(phantom, tmp_path):
    stack, labels = phantom
    out = tmp_path / "out"
    done = run(stack, "--labels", labels, "--scan-speed", 500, "--ahead-um", 40, "-o", out)
    assert done.exit_code == 0, done.output
    names = ["laser.json", "kymograph.tif", "kymograph.png", "laser_frame.tif",
             "laser_frame_labels.tif"]  # fmt: skip
    assert {p.name for p in out.iterdir()} == {f"run_{name}" for name in names}
    record = json.loads((out / "run_laser.json").read_text())
    assert record["method"] == "edges"
    assert record["scan_speed_m_s"] == pytest.approx(0.5, rel=0.03)
    assert abs(record["difference_to_entered_percent"]) < 3
    assert (record["direction"], record["t0_frame"]) == ("left", 3)
    assert record["window"] == {
        "ahead_px": 20, "behind_px": 200, "laser_column_px": 200, "mirrored": True,
        "first_frame": 0,
    }  # fmt: skip
    assert [one["name"] for one in record["run"]["inputs"]] == ["run.tif", "run_labels.tif"]
    with tifffile.TiffFile(out / "run_laser_frame_labels.tif") as tif:
        codes = tif.asarray()
        assert "finterval=2e-05" in tif.pages[0].description
    assert (codes.shape, codes.dtype) == ((30, 128, 221), np.uint8)
    frames = tifffile.imread(out / "run_laser_frame.tif")
    assert (frames.shape, frames.dtype) == (codes.shape, np.uint16)
    fronts = [np.flatnonzero((frame == 1).any(axis=0)).max() for frame in codes[3:27]]
    assert np.median(fronts) == pytest.approx(200, abs=2)
    first, end = record["kymograph_rows"]
    xt = tifffile.imread(out / "run_kymograph.tif")
    np.testing.assert_allclose(xt, tifffile.imread(stack)[:, first:end].mean(axis=1), rtol=1e-5)
    assert (out / "run_kymograph.png").read_bytes().startswith(b"\x89PNG")


def test_without_labels_the_grey_values_tell(phantom, tmp_path):
    done = run(phantom[0], "--laser-on-only", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert "px a frame, t = 0 in frame 3; 0.5" in done.stderr
    record = json.loads((tmp_path / "run_laser.json").read_text())
    assert record["method"] == "projection"
    assert record["confidence"] > 0.7
    assert record["scan_speed_m_s"] == pytest.approx(0.5, rel=0.05)
    assert record["window"]["first_frame"] == 3
    n_on = record["last_frame"] - 2
    assert tifffile.imread(tmp_path / "run_laser_frame.tif").shape == (n_on, 128, 261)
    assert not (tmp_path / "run_laser_frame_labels.tif").exists()


def test_a_line_by_hand_needs_no_fit(tiff_file, tmp_path):
    done = run(tiff_file, "--line", "-3,4.5", "--rows", "5:9", "--ahead-px", 3, "--behind-px", 4,
               "-o", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "stack_laser.json").read_text())
    assert (record["x0_px"], record["velocity_px_per_frame"]) == (-3, 4.5)
    assert (record["method"], record["scan_speed_m_s"], record["confidence"]) == (
        "given", None, None,
    )  # fmt: skip
    assert record["kymograph_rows"] == [5, 9]
    cut = tifffile.imread(tmp_path / "stack_laser_frame.tif")
    source = tifffile.imread(tiff_file)
    np.testing.assert_array_equal(cut[2][:, 4], source[2][:, 5])  # 4.5 * 2 - 3 is its right side


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no laser line in the grey values"),
        (["--line", "5"], "write X0,V"),
        (["--line", "5,2,1"], "or X0,V,FIRST,LAST"),
        (["--line", "5,2,0,6"], "the last frame is 5"),
        (["--name", "a/b", "--line", "5,2"], "the beginning of a file name"),
        (["--line", "nan,2"], "must be finite"),
        (["--line", "900,2"], "never in sight"),
        (["--rows", "5-9"], "write A:B"),
        (["--rows", "5:99", "--line", "5,2"], "not inside frames of 32 rows"),
        (["--behind-um", "5"], "the pixel size is not known"),
        (["--codes", "pore=2,background=4", "--labels", "SELF"], "names no keyhole"),
        (["--labels", "nothing.tif"], "there is no such file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tiff_file, tmp_path, given, words):
    given = [str(tiff_file) if word == "SELF" else word for word in given]
    result = run(tiff_file, *given, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    (line,) = (text for text in result.stderr.splitlines() if text.startswith("error: "))
    assert words in line
    assert not (tmp_path / "out").exists()


def test_labels_of_other_frames_are_refused(phantom, tiff_file, tmp_path):
    result = run(phantom[0], "--labels", tiff_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "labels have shape (6, 32, 48), the stack (30, 128, 256)" in result.stderr


def test_a_chain_a_name_and_the_frames_of_a_line(tiff_file, tmp_path):
    """Repeated by the command in its own record, the window is the same to the byte."""
    out = tmp_path / "out"
    given = [
        "--line",
        "3,2.5,1,4",
        "--crop",
        "4:28,0:48",
        "--background",
        "median",
        "--rows",
        "5:9",
    ]
    done = run(tiff_file, *given, "--laser-on-only", "--name", "mine", "-o", out)
    assert done.exit_code == 0, done.output
    record = json.loads((out / "mine_laser.json").read_text())
    assert (record["t0_frame"], record["window"]["first_frame"]) == (1, 1)
    assert [s["step"] for s in record["run"]["preprocessing"]["steps"]] == ["crop", "background"]
    cut = tifffile.imread(out / "mine_laser_frame.tif")
    assert cut.shape[:2] == (4, 24)
    *words, folder = record["run"]["command"][2:]
    assert folder == str(out)
    assert run(*words, tmp_path / "again").exit_code == 0
    again = (tmp_path / "again" / "mine_laser_frame.tif").read_bytes()
    assert again == (out / "mine_laser_frame.tif").read_bytes()


def test_earlier_results_stay_unless_told(tiff_file, tmp_path):
    given = (tiff_file, "--line", "3,4", "-o", tmp_path / "out")
    assert run(*given).exit_code == 0
    edited = tmp_path / "out" / "stack_laser_frame.tif"
    edited.write_bytes(b"painted by hand")
    (tmp_path / "out" / "stack_laser.json").unlink()
    result = run(*given)
    assert result.exit_code == 2
    assert "is there already; choose another folder with -o, or --overwrite" in result.stderr
    assert edited.read_bytes() == b"painted by hand"
    assert run(*given, "--overwrite").exit_code == 0
    assert edited.read_bytes() != b"painted by hand"
