"""Every fault of a benchmark folder is found and named; a sound one has none."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.dataset import FrameId, check_benchmark, random_split, save_split


def findings_of(bench):
    return [str(finding) for finding in check_benchmark(bench.folder)]


SOUND = ["note: run a/0003: 3.12 % unlabelled"]


def test_a_sound_benchmark(bench):
    save_split(bench, random_split(bench))
    assert findings_of(bench) == SOUND


def test_real_frames(real_data, tmp_path):
    from napari_amseg.dataset import add_frames, create_benchmark
    from napari_amseg.io import read_stack
    from napari_amseg.types import Experiment

    casting = real_data / "hpdc"
    with read_stack(casting / "images.tif") as images, read_stack(casting / "labels.tif") as labels:
        bench = add_frames(
            create_benchmark(tmp_path / "b"), images, labels, Experiment(experiment="hpdc")
        )
        share = 100 * (labels.read(4) == 0).mean()
    found = list(check_benchmark(bench.folder))
    assert len(found) == 13
    assert not any(finding.error for finding in found)
    assert str(found[4]) == f"note: hpdc/0004: {share:.3g} % unlabelled"


def rewritten(path, change):
    image = tifffile.imread(path)
    tifffile.imwrite(path, change(image))


def coded(image):
    image[0, :2] = (9, 77)
    return image


FRAME_FAULTS = {
    "shape": ("labels", lambda a: a[:, :20], "image is 20x30, label is 20x20"),
    "codes": ("labels", coded, r"label: code 9 (1 pixels), code 77 (1 pixels); the scheme has 1"),
    "label dtype": ("labels", lambda a: a.astype(np.uint16), "label: labels are uint16, expected"),
    "image dtype": ("images", lambda a: a.astype(np.float64), "image is float64, expected uint8"),
    "nan": (
        "images",
        lambda a: np.where(a < 3000, np.nan, a).astype(np.float32),
        "pixels that are not finite",
    ),
    "stack": ("images", lambda a: np.stack([a, a]), "image: holds 2 frames, expected one frame"),
    "colour": ("images", lambda a: np.zeros((20, 30, 3), np.uint8), "image: image has shape"),
}


@pytest.mark.parametrize(("kind", "change", "words"), FRAME_FAULTS.values(), ids=FRAME_FAULTS)
def test_a_wrong_file_is_an_error(bench, kind, change, words):
    rewritten(bench.folder / kind / "b" / "0001.tif", change)
    found = [line for line in findings_of(bench) if line.startswith("error: b/0001: ")]
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(("kind", "what"), [("images", "image"), ("labels", "label")])
def test_unreadable_files(bench, kind, what):
    path = bench.folder / kind / "b" / "0001.tif"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (line,) = set(findings_of(bench)) - set(SOUND)
    assert line.startswith(f"error: b/0001: {what}: ")
    path.write_bytes(b"")
    (line,) = set(findings_of(bench)) - set(SOUND)
    assert line.startswith(f"error: b/0001: {what}: the file is empty, 0 bytes")


def test_images_and_labels_alone(bench):
    bench.image_path(FrameId("run a", "0000")).unlink()
    bench.label_path(FrameId("b", "0001")).unlink()
    found = findings_of(bench)
    assert "error: run a/0000: label without image" in found
    assert "error: b/0001: image without label" in found
    assert len(found) == 2 + len(SOUND)


def test_an_empty_label_image_is_a_note(bench):
    rewritten(bench.folder / "labels" / "b" / "0000.tif", np.zeros_like)
    assert "note: b/0000: no pixel is labelled" in findings_of(bench)


def test_several_types_in_one_experiment(bench):
    rewritten(bench.folder / "images" / "b" / "0001.tif", lambda a: a.astype(np.uint8))
    words = "error: b: images are of several types (uint16: b/0000; uint8: b/0001)"
    assert words in findings_of(bench)


def test_experiments_and_their_rows(bench):
    table = bench.folder / "experiments.csv"
    table.write_text(table.read_text().replace("\nb,", "\nc,"))
    found = findings_of(bench)
    assert "note: b: no row in experiments.csv" in found
    assert "note: c: a row in experiments.csv, but no labelled frame" in found
    table.write_text("experiment;facility\n")
    (line,) = set(findings_of(bench)) - set(SOUND)
    assert line.startswith("error: experiments.csv: the columns are experiment;facility; expected")


def test_splits_that_do_not_fit(bench):
    save_split(bench, random_split(bench))
    path = bench.folder / "splits" / "random.csv"
    path.write_text(path.read_text().replace("b,0001,", "b,0007,"))
    (bench.folder / "splits" / "broken.csv").write_text("hello\n")
    found = findings_of(bench)
    assert "error: splits/random.csv: 1 frames do not exist (b/0007)" in found
    assert "note: splits/random.csv: 1 newer frames are in no subset (b/0001)" in found
    assert any(line.startswith("error: splits/broken.csv: line 1: expected") for line in found)


def test_files_that_are_not_read_are_noted(bench):
    for name in ("a.tif", "b/0009.png", "b/.DS_Store", "b/.0009.tif.1234.part"):
        (bench.folder / "images" / name).touch()
    found = set(findings_of(bench)) - set(SOUND)
    words = "not read, frames are <experiment>/<frame>.tif"
    assert found == {
        f"note: images/a.tif: {words}: a.tif",
        f"note: images/b: {words}: .0009.tif.1234.part, 0009.png",
    }


def test_no_frames_and_no_benchmark(tmp_path):
    from napari_amseg.dataset import create_benchmark

    bench = create_benchmark(tmp_path / "bench")
    assert findings_of(bench) == [f"note: {bench.folder}: no frame with an image and a label"]
    with pytest.raises(FileNotFoundError, match="no benchmark here"):
        list(check_benchmark(tmp_path))
