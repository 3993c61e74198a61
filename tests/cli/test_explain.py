"""``amseg explain`` as a user types it: files, their content, one-line errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["explain", *(str(a) for a in arguments)])


def fails(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.output
    return lines[0]


def test_a_real_keyhole_is_where_the_evidence_is(real_data, tmp_path):
    out = tmp_path / "out"
    done = run(
        real_data / "ti64_plate", "--frame", 5, "--class", "keyhole", "--model", "fast",
        "--pixel-size", 4.31, "-o", out,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    stem = "ti64_plate_gradcam_keyhole_5"
    assert {p.name for p in out.iterdir()} == {f"{stem}.tif", f"{stem}.png", f"{stem}_run.json"}
    heat = tifffile.imread(out / f"{stem}.tif")
    assert (heat.dtype, heat.shape) == (np.float32, (400, 1024))
    assert (heat.min() >= 0, heat.max()) == (True, 1)
    keyhole = tifffile.imread(real_data / "ti64_plate" / "labels.tif")[5] == 1
    assert heat[keyhole].mean() > 4 * heat[~keyhole].mean()
    assert (out / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((out / f"{stem}_run.json").read_text())
    explained = record["explanation"]
    assert (explained["frame"], explained["class"]) == (5, "keyhole")
    assert explained["layer"] == "decoder_1_relu"
    assert explained["n_pixels"] == pytest.approx(keyhole.sum(), rel=0.3)
    assert record["model"]["name"] == "fast"
    assert len(record["inputs"]) == 10


def test_preprocessing_layer_and_pixels_are_as_asked_for_and_can_be_replayed(tiff_file, tmp_path):
    given = [tiff_file, "--frame", 0, "--class", "Pore", "--layer", "bottleneck_block_3_relu"]
    done = run(*given, "--pixels", "all", "--crop", "1:30,4:47", "-o", tmp_path / "a")
    assert done.exit_code == 0, done.output
    heat = tifffile.imread(tmp_path / "a" / "stack_gradcam_pore_0.tif")
    assert heat.shape == (29, 43)
    path = tmp_path / "a" / "stack_gradcam_pore_0_run.json"
    explained = json.loads(path.read_text())["explanation"]
    assert (explained["layer"], explained["pixels"]) == ("bottleneck_block_3_relu", "all")
    assert explained["n_pixels"] == 29 * 43
    run(*given, "--pixels", "all", "--chain", path, "-o", tmp_path / "b")
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "b" / "stack_gradcam_pore_0.tif"), heat
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--frame", 6], "there is no frame 6: the stack has 6 frames, 0 to 5"),
        (["--frame", -1], "there is no frame -1"),
        (["--frame", 0, "--class", "melt"], "choose one of keyhole, pore, substrate"),
        (["--frame", 0, "--layer", "decoder_9"], "no layer 'decoder_9' to explain: choose one of"),
        (["--frame", 0, "--pixels", "some"], "choose one of predicted, all"),
        (["--frame", 0, "--model", "nothing"], "no model bundle"),
        (["--frame", 0, "--crop", "0:99,0:48"], "inside frames of 32x48"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tiff_file, tmp_path, given, words):
    assert words in fails(tiff_file, *given, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_earlier_results_are_not_replaced_unasked(tiff_file, tmp_path):
    (tmp_path / "stack_gradcam_keyhole_2.png").write_bytes(b"mine")
    given = [tiff_file, "--frame", 2, "-o", tmp_path]
    assert "exists already" in fails(*given)
    assert (tmp_path / "stack_gradcam_keyhole_2.png").read_bytes() == b"mine"
    assert run(*given, "--overwrite").exit_code == 0
    assert (tmp_path / "stack_gradcam_keyhole_2.png").read_bytes() != b"mine"


def test_help_teaches():
    text = run("--help").output
    for word in ("--frame", "--class", "--layer", "--pixels", "--flat", "Grad-CAM"):
        assert word in text
