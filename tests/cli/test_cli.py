"""The commands as a user types them: results, help, one-line errors, exit codes."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.cli.command import _with_flag
from napari_amseg.models import ModelCard, build, load_bundle, save_bundle
from napari_amseg.preprocess import Chain, Normalise

COMMANDS = ["demo", "info", "preprocess", "segment", "quantify", "simulate", "models",
            "import-weights"]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)))
    return str(save_bundle(tmp_path_factory.mktemp("models") / "tiny", network, card).folder)


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def fails(*arguments, code=2):
    """The one line of an error."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.output
    assert "Traceback" not in result.output
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_settings_become_options():
    text = run("segment", "--help").output
    for option in ("--batch-size", "--min-pore-area-px", "--background-window", "--engine",
                   "--confidence", "--physical-layers", "--smallest-pore-px"):  # fmt: skip
        assert option in text


def test_segment_real_frames(real_data, tmp_path, model):
    out = tmp_path / "out"
    result = run(
        "segment", real_data / "ti64_plate", "--model", model, "--engine", "keras",
        "--pixel-size", "2.0", "--frame-rate", "50000", "-o", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {p.name.removeprefix("ti64_plate_") for p in out.iterdir()}
    assert names == {"labels.tif", "frames.csv", "pores.csv", "pore_tracks.csv", "summary.json",
                     "run.json", "series.png", "overlay.png"}  # fmt: skip
    inputs = json.loads((out / "ti64_plate_run.json").read_text())["inputs"]
    assert [inputs[i]["name"].split()[-1][:-4] for i in (0, 1, 9)] == ["(1)", "(2)", "(10)"]
    assert tifffile.imread(out / "ti64_plate_labels.tif").shape == (10, 400, 1024)


def test_quantify_labels_of_other_codes(tmp_path, labels):
    other = np.select([labels == 1, labels == 2, labels == 3, labels == 4], [255, 200, 128, 64])
    tifffile.imwrite(tmp_path / "a_labels.tif", other[None].astype(np.uint8))
    assert "255" in fails("quantify", tmp_path / "a_labels.tif", "-o", tmp_path / "out")
    codes = "keyhole=255,pore=200,substrate=128,background=64"
    done = run(
        "quantify", tmp_path / "a_labels.tif", "--codes", codes, "--pixel-size", 2,
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = csv.DictReader((tmp_path / "out" / "a_frames.csv").open())
    assert (row["keyhole_area_px"], row["keyhole_depth_um"]) == ("45", "18")
    assert "depth 18 um, area 180 um2, " in done.stderr  # one frame has no spread


def test_preprocess_writes_a_stack_and_replays_its_record(tiff_file, tmp_path, frames):
    tifffile.imwrite(tmp_path / "flat.tif", np.full(frames.shape[1:], 3000, np.uint16))
    given = ["--flat", tmp_path / "flat.tif", "--crop", "2:30,4:44", "--background", "median",
             "--invert"]  # fmt: skip
    assert run("preprocess", tiff_file, *given, "-o", tmp_path / "a.tif").exit_code == 0
    written = tifffile.imread(tmp_path / "a.tif")
    assert written.dtype == np.float32
    assert written.shape == (6, 28, 40)
    again = run(
        "preprocess", tiff_file, "--chain", tmp_path / "a_preprocess.json", "-o", tmp_path / "b.tif"
    )
    assert again.exit_code == 0, again.output
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), written)


def test_segment_replays_the_chain_of_an_earlier_run(tiff_file, tmp_path, model):
    given = ["--model", model, "--engine", "keras", "--no-figures"]
    run("segment", tiff_file, *given, "--background", "median", "-o", tmp_path / "a")
    chain = ["--chain", tmp_path / "a" / "stack_run.json"]
    assert run("segment", tiff_file, *given, *chain, "-o", tmp_path / "b").exit_code == 0
    for name in ("labels.tif", "frames.csv", "pores.csv"):
        first, second = (tmp_path / folder / f"stack_{name}" for folder in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_segment_with_confidence_and_post_processing(tiff_file, tmp_path, model):
    given = ["--model", model, "--engine", "keras", "--confidence", "--smallest-pore-px", "9999"]
    done = run("segment", tiff_file, *given, "-o", tmp_path / "a")
    assert done.exit_code == 0, done.output
    assert "stack_confidence.tif" in done.stdout
    assert "most uncertain masks: " in done.stderr
    post = json.loads((tmp_path / "a" / "stack_run.json").read_text())["settings"]["post"]
    assert post["smallest_pore_px"] == 9999
    labels = tmp_path / "a" / "stack_labels.tif"
    again = run("quantify", labels, "-o", tmp_path / "b")
    assert again.exit_code == 0, again.output
    assert "most uncertain masks: " in again.stderr  # still known: nobody edited them


def test_preprocess_dtypes(tiff_file, tmp_path, frames):
    run("preprocess", tiff_file, "--crop", "2:30,4:44", "-o", tmp_path / "crop.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "crop.tif"), frames[:, 2:30, 4:44])
    run("preprocess", tiff_file, "--dtype", "uint8", "-o", tmp_path / "eight.tif")
    eight = tifffile.imread(tmp_path / "eight.tif")
    assert (eight.dtype, eight.min(), eight.max()) == (np.uint8, 0, 255)


def test_preprocess_float32_keeps_fractions_packed_or_not(tmp_path, frames):
    tifffile.imwrite(tmp_path / "in.tif", frames / 7)  # float64
    for name, given in (("raw", []), ("packed", ["--compress"])):
        out = tmp_path / f"{name}.tif"
        done = run("preprocess", tmp_path / "in.tif", "--dtype", "float32", *given, "-o", out)
        assert done.exit_code == 0, done.output
        np.testing.assert_array_equal(tifffile.imread(out), (frames / 7).astype(np.float32))
        with tifffile.TiffFile(out) as tif:
            assert (tif.pages[0].compression != 1) == bool(given)


def test_simulate_writes_labels_and_truth_that_agree(tmp_path):
    out = tmp_path / "out"
    done = run("simulate", "-o", out, "--n-frames", 5, "--laser-off-frames", 1, "--width-px", 256)
    assert done.exit_code == 0, done.output
    truth = list(csv.DictReader((out / "phantom_truth.csv").open()))
    labels = tifffile.imread(out / "phantom_labels.tif")
    assert len(truth) == len(labels) == 5
    exact = float(truth[2]["keyhole_area_px"])
    assert (labels[2] == 1).sum() == pytest.approx(exact, rel=0.03)


def test_simulate_writes_the_labels_that_a_person_draws_when_asked(tmp_path):
    small = ("--n-frames", 5, "--laser-off-frames", 1, "--width-px", 256)
    assert run("simulate", "-o", tmp_path, "--drawn-labels", *small).exit_code == 0
    drawn, exact = (
        tifffile.imread(tmp_path / f"phantom_{n}labels.tif") == 1 for n in ("drawn_", "")
    )
    assert not (drawn & ~exact).any()
    assert 0.8 < drawn.sum() / exact.sum() < 0.97


def test_simulate_says_that_a_keyhole_does_not_fit(tmp_path):
    small = ("--n-frames", 4, "--laser-off-frames", 0, "--width-px", 128, "--height-px", 64)
    done = run("simulate", "-o", tmp_path, *small, "--keyhole-depth-um", 300, "--fluctuation", 0)
    assert done.exit_code == 0, done.output
    (note,) = json.loads((tmp_path / "phantom_run.json").read_text())["notes"]
    assert f"note: {note}" in done.stderr
    assert note.startswith("keyhole_depth_um is 300")


def test_labels_cropped_into_the_keyhole_are_measured_with_a_note(tmp_path):
    labels = np.full((3, 40, 60), 4, np.uint8)
    labels[:, 12:] = 3
    labels[:, 12:30, 20:26] = 1
    for name, part, words in (
        ("top", labels[:, 20:], "in 3 of 3 frames with a keyhole the substrate reaches the first"),
        ("end", labels[:, :25], "in 3 of 3 frames with a keyhole the keyhole reaches the last row"),
    ):
        tifffile.imwrite(tmp_path / f"{name}.tif", part, photometric="minisblack")
        done = run("quantify", tmp_path / f"{name}.tif", "--no-figures", "-o", tmp_path)
        assert done.exit_code == 0, done.output
        (note,) = json.loads((tmp_path / f"{name}_run.json").read_text())["notes"]
        assert note.startswith(words)
        assert f"note: {note}" in done.stderr


def test_simulate_writes_flats_and_darks_when_asked(tmp_path):
    small = ("--n-frames", 2, "--laser-off-frames", 0, "--width-px", 128, "--height-px", 64)
    assert run("simulate", "-o", tmp_path / "without", *small).exit_code == 0
    assert not list((tmp_path / "without").glob("*flats*"))
    assert run("simulate", "--flats", "-o", tmp_path, *small).exit_code == 0
    flats, darks = (tifffile.imread(tmp_path / f"phantom_{n}.tif") for n in ("flats", "darks"))
    assert flats.shape == darks.shape == (20, 64, 128)
    assert flats.mean() > 5 * darks.mean() > 0
    for done in ("--flat-field", "--inverted"):
        refused = run("simulate", "--flats", done, "-o", tmp_path / "twice", *small)
        assert refused.exit_code == 2
        assert f"--flats with {done}" in refused.output
    assert not (tmp_path / "twice").exists()


def test_info_and_models(tiff_file):
    text = run("info", tiff_file, "--pixel-size", 2).output
    assert "32 x 48" in text
    assert "2 um" in text
    assert "give --frame-rate" in text
    shown = run("models").output
    assert "fast" in shown
    known = load_bundle("fast").card.scores["other_experiments"]["mean_iou"]
    assert f"{known:.3f}" in shown


@pytest.mark.skipif(os.name == "nt", reason="a pipe of the POSIX shell")
def test_a_reader_that_has_read_enough_is_no_error():
    amseg = f"{sys.executable} -c 'from napari_amseg.cli import app; app()'"
    done = subprocess.run(f"{amseg} models | true", shell=True, capture_output=True, text=True)
    assert done.stderr == ""


def test_import_weights(golden, tmp_path):
    done = run("import-weights", golden / "amsegnet_keras2.hdf5", "-o", tmp_path / "bundle")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "bundle" / "model.json").exists()


# ------------------------------------------------------------------ bad input: one clear line


def bad_stack(kind, folder, frames):
    path = folder / f"{kind}.tif"
    if kind == "text":
        path.write_text("hello")
    elif kind == "truncated":
        tifffile.imwrite(path, frames)
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "rgb":
        tifffile.imwrite(path, np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    elif kind == "nan":
        bad = frames.astype(np.float32)
        bad[3, 2, 1] = np.nan
        tifffile.imwrite(path, bad)
    elif kind == "mixed":
        path = folder / "mixed"
        path.mkdir()
        for t in range(3):
            tifffile.imwrite(path / f"{t}.tif", frames[t][: 32 - t])
    elif kind == "blank":
        tifffile.imwrite(path, np.zeros((3, 32, 48), np.uint16))
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "not a readable TIFF"),
        ("truncated", "truncated"),
        ("rgb", "one grey plane"),
        ("nan", "frame 3 holds 1 pixels"),
        ("mixed", "1.tif: frame is 31x48"),
        ("blank", "blank"),
        ("missing", "no such file"),
    ],
)
def test_bad_stacks(tmp_path, frames, model, kind, words):
    path = bad_stack(kind, tmp_path, frames)
    assert words in fails("segment", path, "--model", model, "-o", tmp_path / "out")
    if kind != "blank":
        crop = ["--background", "median"]
        assert words in fails("preprocess", path, *crop, "-o", tmp_path / "out" / "a.tif")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--crop", "0:99,0:48"], "inside frames of 32x48"),
        (["--crop", "nonsense"], "Y0:Y1,X0:X1"),
        (["--background", "magic"], "choose one of"),
        (["--pixel-size", "0"], "positive"),
        (["--pixel-size", "nan"], "positive"),
        (["--frame-rate", "-5"], "positive"),
        (["--batch-size", "0"], "at least 1"),
        (["--smallest-pore-px", "-1"], "at least 0"),
        (["--dark", "d.tif"], "need --flat"),
        (["--flat", "nothing.tif"], "no such file"),
        (["--model", "nothing"], "no model bundle"),
    ],
)
def test_bad_options(tiff_file, tmp_path, model, given, words):
    model_given = [] if "--model" in given else ["--model", model]
    out = tmp_path / "out"
    assert words in fails("segment", tiff_file, *model_given, *given, "-o", out)
    assert not out.exists()


def test_flat_of_another_shape(tiff_file, tmp_path, model):
    tifffile.imwrite(tmp_path / "flat.tif", np.ones((10, 10), np.uint16))
    line = fails(
        "segment", tiff_file, "--model", model, "--flat", tmp_path / "flat.tif",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert "10x10, the stack has 32x48" in line
    assert not (tmp_path / "out").exists()


def test_full_disk(tiff_file, tmp_path, model, monkeypatch):
    """A disk that fills up while the labels are written."""
    from napari_amseg.io import TiffStackWriter

    def full(self, page):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TiffStackWriter, "append_encoded", full)
    assert "no space left" in fails("segment", tiff_file, "--model", model, "-o", tmp_path / "out")
    assert "no space left" in fails("preprocess", tiff_file, "-o", tmp_path / "out" / "a.tif")
    assert not (tmp_path / "out").exists()


def test_preprocess_does_not_replace_a_file_unasked(tiff_file, tmp_path):
    shutil.copy(tiff_file, tmp_path / "a.tif")
    assert "exists already" in fails("preprocess", tiff_file, "-o", tmp_path / "a.tif")
    assert "end in .tif" in fails("preprocess", tiff_file, "-o", tmp_path / "a.png")


def test_stems(tmp_path, monkeypatch):
    from napari_amseg.cli.arguments import stem_of

    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    for name in ("stack[1].tif", "a.ome.tif"):
        (tmp_path / "run" / name).touch()
    found = [stem_of(f"run/{name}") for name in ("stack[1].tif", "a.ome.tif", "*.tif", "")]
    assert found == ["stack[1]", "a", "run", "run"]
    assert "*" not in stem_of("*/*.tif")


@pytest.mark.parametrize("command", ["segment", "quantify", "demo", "batch", "watch", "evaluate"])
def test_a_file_in_place_of_the_results_is_refused_before_anything_is_read(tmp_path, command):
    (tmp_path / "out").touch()
    given = () if command == "demo" else (tmp_path / "nothing",)
    more = ("--model", "nothing") if command == "evaluate" else ()
    for folder in (tmp_path / "out", tmp_path / "out" / "sub"):
        result = run(command, *given, *more, "-o", folder)
        assert result.exit_code == 2
        told = f"error: {tmp_path / 'out'}: is a file; choose a folder for the results.\n"
        assert result.output == told


def test_class_names_are_checked(tmp_path, labels):
    tifffile.imwrite(tmp_path / "a.tif", labels[None])
    assert "neither keyhole nor pore" in fails(
        "quantify", tmp_path / "a.tif", "--codes", "keyhol=1,substrate=3", "-o", tmp_path / "out"
    )


def test_verbose_shows_the_traceback(tmp_path):
    result = run("info", tmp_path / "nothing.tif", "-v")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


def test_quantify_against_the_truth(tmp_path, labels):
    """Keyhole 45 px in truth, 40 labelled where the truth is known: -5, of a depth of 9, 8."""
    measured = labels.copy()
    measured[20, 20:25] = 3
    known = np.stack([labels, labels, labels * 0])
    for name, frames in (("run_labels", np.stack([measured] * 3)), ("truth", known)):
        tifffile.imwrite(tmp_path / f"{name}.tif", frames, photometric="minisblack")
    out = tmp_path / "out"
    command = ("quantify", tmp_path / "run_labels.tif", "--truth", tmp_path / "truth.tif")
    result = run(*command, "--pixel-size", "2", "-o", out)
    assert result.exit_code == 0, result.output
    assert (out / "run_errors.png").read_bytes().startswith(b"\x89PNG")
    told = next(line for line in result.output.splitlines() if "keyhole_area_px" in line)
    cells = [cell.strip() for cell in told.split("│")[2:-1]]
    assert cells == ["2", "-5", "5", "11.1 %"]  # frames; of 45 px
    told = next(line for line in result.output.splitlines() if "│ keyhole " in line)
    assert [cell.strip() for cell in told.split("│")[2:-1]] == ["0.8889", "0.9412"]  # 40 of 45 px
    record = json.loads((out / "run_run.json").read_text())
    assert record["scores"]["iou"]["keyhole"] == pytest.approx(40 / 45)
    assert record["errors"]["keyhole_area_px"]["mean"] == -5
    with open(out / "run_errors.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["0", "1"]  # the third has no truth
    assert float(rows[0]["keyhole_area_px_error"]) == -5
    assert float(rows[0]["keyhole_depth_um_error"]) == pytest.approx(-2)
    small = np.ones((3, 9, 9), np.uint8)
    tifffile.imwrite(tmp_path / "other.tif", small, photometric="minisblack")
    result = run(*command[:3], tmp_path / "other.tif", "-o", tmp_path / "no")
    assert result.exit_code == 2
    assert "the truth has shape (3, 9, 9)" in result.output
    assert not (tmp_path / "no").exists()
    foreign = np.where(labels == 1, 255, labels).astype(np.uint16)
    tifffile.imwrite(tmp_path / "foreign.tif", np.stack([foreign] * 3), photometric="minisblack")
    result = run(*command[:3], tmp_path / "foreign.tif", "-o", tmp_path / "no")
    assert result.exit_code == 2
    assert "truth: frame 0 holds label codes [255]" in result.output
    result = run(*command[:2], "--laser-on-frames", "7:9", "-o", tmp_path / "no")
    assert result.exit_code == 2
    assert "only the frames 0 to 2" in result.output


def test_quantify_leaves_nothing_of_an_earlier_run_and_replaces_only_its_own(tmp_path, labels):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "run_labels.tif"
        tifffile.imwrite(path, np.stack([labels] * 3), photometric="minisblack")
    one, other = (tmp_path / folder / "run_labels.tif" for folder in ("one", "other"))
    out = tmp_path / "out"
    result = run("quantify", one, "--truth", one, "-o", out)
    assert result.exit_code == 0, result.output
    assert "depth 9 px" in result.output
    record = json.loads((out / "run_run.json").read_text())
    assert [r["name"] for r in record["inputs"] + record["truth"]] == ["run_labels.tif"] * 2
    assert run("quantify", one, "--no-figures", "-o", out).exit_code == 0
    assert not {"run_series.png", "run_errors.csv", "run_errors.png"} & {
        p.name for p in out.iterdir()
    }
    result = run("quantify", other, "-o", out)
    assert result.exit_code == 2
    assert "of other labels" in result.output
    assert run("quantify", other, "--overwrite", "-o", out).exit_code == 0


def test_of_one_frame_no_series_is_drawn(tmp_path, labels):
    for n, drawn in ((2, True), (1, False)):  # the second run leaves nothing of the first
        tifffile.imwrite(tmp_path / "run_labels.tif", np.stack([labels] * n))
        done = run("quantify", tmp_path / "run_labels.tif", "--overwrite", "-o", tmp_path / "out")
        assert done.exit_code == 0, done.output
        assert (tmp_path / "out" / "run_series.png").exists() == drawn


def test_only_the_name_of_a_setting_becomes_its_option():
    flags = {"flat": "--flat", "crop": "--crop", "stride": "--stride"}
    assert _with_flag("crop is 'x': write Y0:Y1", flags) == "--crop is 'x': write Y0:Y1"
    for sentence in ("flat field f.tif nowhere exceeds the dark field: are they swapped?",
                     "crop 0:4,0:9 lies outside the frame.", "stride: is that so?"):  # fmt: skip
        assert _with_flag(sentence, flags) == sentence
