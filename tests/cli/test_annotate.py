"""``amseg annotate`` as a user types it: results, one-line errors, exit codes."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.labels import Label


def run(*arguments):
    return CliRunner().invoke(app, ["annotate", *map(str, arguments)])


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
def stack(tmp_path, labels):
    """A label stack of four frames; the keyhole gets deeper by a row a frame."""
    frames = np.repeat(labels[None], 4, axis=0)
    for t in range(4):
        frames[t, 21 : 21 + t, 20:25] = Label.KEYHOLE
    path = tmp_path / "run3_labels.tif"
    tifffile.imwrite(path, frames, photometric="minisblack")
    return path


@pytest.mark.parametrize("command", ["import", "export", "check", "agree", "interpolate"])
def test_help_teaches(command):
    assert "Example: amseg annotate" in " ".join(done(command, "--help").split())


@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_out_and_in_again(tmp_path, stack, file_format):
    told = done("export", stack, "--format", file_format, "-o", tmp_path / "out")
    assert "legend.csv" in told
    back = tmp_path / "back.tif"
    source = tmp_path / "out" / "run3_labels.tif" if file_format == "tiff" else tmp_path / "out"
    done("import", source, "-o", back)
    np.testing.assert_array_equal(tifffile.imread(back), tifffile.imread(stack))
    assert "exists already" in fails("import", source, "-o", back)
    assert "exists already" in fails(
        "export", stack, "--format", file_format, "-o", tmp_path / "out"
    )
    done("import", source, "-o", back, "--overwrite")


def test_import_asks_for_what_it_cannot_know(tmp_path, labels):
    mask = np.where(labels == Label.KEYHOLE, 255, 0).astype(np.uint8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    given = ["import", tmp_path / "mask.png"]
    assert '--codes "0=unlabelled,255=?"' in done(*given, "--list")
    out = ["-o", tmp_path / "labels.tif"]
    assert '--codes "0=unlabelled,255=?"' in fails(*given, *out)
    assert "0=unlabelled" in fails(*given, *out, "--codes", "255=keyhole")
    assert "no class 'crack'" in fails(*given, *out, "--codes", "255=crack")
    assert "no -o" in fails(*given)
    assert ".tif" in fails(*given, "-o", tmp_path / "labels.png")
    assert not (tmp_path / "labels.tif").exists()
    done(*given, *out, "--codes", "255=keyhole,0=unlabelled")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif") == 1, mask == 255)


def test_import_onto_frames_of_a_stack(tmp_path, labels, stack):
    for t in (1, 2):
        Image.fromarray(np.roll(labels, t, axis=1)).save(tmp_path / f"f{t}.png")
    given = ["import", tmp_path / "f1.png", tmp_path / "f2.png", "-o", tmp_path / "labels.tif"]
    done(*given, "--onto", stack, "--frames", "0,3")
    placed = tifffile.imread(tmp_path / "labels.tif")
    np.testing.assert_array_equal(placed[3], np.roll(labels, 2, axis=1))
    assert not placed[1:3].any()
    assert "one frame for each" in fails(*given, "--overwrite", "--onto", stack)
    assert "--onto" in fails(*given, "--overwrite", "--frames", "0,3")


def test_classes_of_a_benchmark(tmp_path, drawn_benchmark, stack):
    record = json.loads((drawn_benchmark / "benchmark.json").read_text())
    record["label_scheme"][1]["name"] = "bubble"
    (drawn_benchmark / "benchmark.json").write_text(json.dumps(record))
    codes = "1=keyhole,2=bubble,3=substrate,4=background"
    given = ["import", stack, "--codes", codes, "-o", tmp_path / "labels.tif"]
    assert "no class 'bubble'" in fails(*given)
    done(*given, "--scheme", drawn_benchmark)
    assert "with its own classes" in fails("check", drawn_benchmark, "--scheme", drawn_benchmark)


def test_check_lists_slips_and_is_strict_on_demand(tmp_path, stack):
    frames = tifffile.imread(stack)
    assert "0 warnings, 0 notes" in done("check", stack, "--strict")
    frames[2, 3, 4] = Label.POWDER
    frames[3, 30:] = 0
    tifffile.imwrite(stack, frames, photometric="minisblack")
    told = done("check", stack, "-o", tmp_path / "findings.csv")
    assert "warning: frame 2: 1 one-pixel island; at row 3, column 4" in told
    assert "note: frame 3: 96 pixels unlabelled" in told
    assert "1 warnings, 1 notes" in told
    rows = list(csv.DictReader((tmp_path / "findings.csv").open()))
    assert rows[0]["kind"] == "one-pixel-island"
    assert (rows[0]["row"], rows[0]["column"]) == ("3", "4")
    assert "note:" not in done("check", stack, "--no-notes")
    assert run("check", stack, "--strict").exit_code == 1
    assert "exists already" in fails("check", stack, "-o", tmp_path / "findings.csv")


def test_check_a_benchmark(drawn_benchmark):
    assert "warnings" in done("check", drawn_benchmark)


def test_agree_on_stacks(tmp_path, stack):
    other = tmp_path / "ben.tif"
    frames = tifffile.imread(stack)
    frames[2, 12:16, 20:25] = Label.SUBSTRATE
    frames[3, 0] = 0
    tifffile.imwrite(other, frames, photometric="minisblack")
    out = tmp_path / "out"
    told = done("agree", stack, other, "-o", out)
    assert "least alike: frame 2" in told
    assert "powder" not in told
    record = json.loads((out / "agreement.json").read_text())
    assert record["only_first_px"] == 48
    assert record["classes"]["keyhole"]["iou"] < 1
    assert record["kappa"] > 0.9
    rows = list(csv.DictReader((out / "agreement_frames.csv").open()))
    assert [row["differing_px"] for row in rows] == ["0", "0", "20", "0"]
    difference = tifffile.imread(out / "difference.tif")
    assert (difference[2, 12:16, 20:25] == record["difference_codes"]["different_class"]).all()
    assert (difference[3, 0] == record["difference_codes"]["only_first"]).all()
    assert np.count_nonzero(difference) == 20 + 48
    assert "exists already" in fails("agree", stack, other, "-o", out)


def test_agree_pairs_the_frames_of_benchmarks_by_name(tmp_path, drawn_benchmark, stack):
    other = tmp_path / "other"
    shutil.copytree(drawn_benchmark, other)
    (other / "labels" / "drawn" / "0003.tif").unlink()
    result = run("agree", drawn_benchmark, other)
    assert "7 frames" in result.stdout
    assert "1 frames are in the first alone: drawn/0003" in result.stderr
    assert "no frame is in both" in fails("agree", drawn_benchmark, stack)


def test_interpolate_fills_what_is_unlabelled_only(tmp_path, stack):
    frames = tifffile.imread(stack)
    frames[1] = 0
    frames[2][frames[2] == Label.KEYHOLE] = Label.SUBSTRATE
    tifffile.imwrite(stack, frames, photometric="minisblack")
    for option in ((), ("--plain",)):
        out = tmp_path / f"filled{len(option)}.tif"
        done("interpolate", stack, "--class", "keyhole", "--keys", "0,3", "-o", out, *option)
        filled = tifffile.imread(out)
        keyhole = (filled == Label.KEYHOLE).sum(axis=(1, 2))
        assert keyhole[0] < keyhole[1] < keyhole[3]
        np.testing.assert_array_equal(filled[[0, 2, 3]], frames[[0, 2, 3]])
        assert set(np.unique(filled[1])) == {0, Label.KEYHOLE}


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [("crack", "0,3", "the classes are"), ("keyhole", "0", "two or more"),
     ("keyhole", "0,9", "frames 0 to 3"), ("keyhole", "a", "--keys is 'a'")],
)  # fmt: skip
def test_interpolate_nonsense(tmp_path, stack, name, keys, why):
    out = tmp_path / "out.tif"
    assert why in fails("interpolate", stack, "--class", name, "--keys", keys, "-o", out)
    assert not out.exists()
