"""Files appear whole or not at all; what is written is read back the same."""

from __future__ import annotations

import csv
import errno
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_amseg.io import OutputFiles, TableWriter, TiffStackWriter, read_stack, write_json
from napari_amseg.types import Experiment


def test_label_stack_round_trip_with_tags(tmp_path, rng):
    labels = rng.integers(0, 6, (7, 20, 30), dtype=np.uint8)
    experiment = Experiment(pixel_size_um=1.93, frame_rate_hz=40_000)
    with TiffStackWriter(tmp_path / "a.tif", labels.shape, "uint8", experiment) as writer:
        for frame in labels:
            writer.append(frame)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_imagej
        assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert tif.series[0].shape == labels.shape
    with read_stack(tmp_path / "a.tif") as stack:
        assert stack.experiment.pixel_size_um == pytest.approx(1.93)
        assert stack.experiment.frame_rate_hz == pytest.approx(40_000)
        np.testing.assert_array_equal(np.stack(list(stack)), labels)


def test_a_label_stack_of_one_frame(tmp_path):
    with TiffStackWriter(tmp_path / "a.tif", (1, 4, 5), "uint8", Experiment()) as writer:
        writer.append(np.ones((4, 5), np.uint8))
    assert read_stack(tmp_path / "a.tif").shape == (1, 4, 5)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_grey_stacks_round_trip(tmp_path, rng, dtype):
    frames = rng.integers(0, 4096, (3, 17, 31)).astype(dtype)
    with TiffStackWriter(tmp_path / "a.tif", frames.shape, dtype, Experiment()) as writer:
        for frame in frames:
            writer.append(frame)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), frames)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compress", [True, False])
def test_pages_encoded_in_threads_give_the_same_bytes(tmp_path, rng, dtype, compress):
    frames = rng.integers(0, 200, (20, 24, 40)).astype(dtype)[:, :, ::2]  # not contiguous
    known = Experiment(pixel_size_um=1.93, frame_rate_hz=40_000)
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    with TiffStackWriter(paths[0], frames.shape, dtype, known, compress=compress) as writer:
        for frame in frames:
            writer.append(frame)
    with (
        TiffStackWriter(paths[1], frames.shape, dtype, known, compress=compress) as writer,
        ThreadPoolExecutor(4) as pool,
    ):
        for page in pool.map(writer.encode, frames):
            writer.append_encoded(page)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with tifffile.TiffFile(paths[0]) as tif:
        assert tif.is_imagej
        assert (tif.pages[3].compression == tifffile.COMPRESSION.ADOBE_DEFLATE) == compress
        np.testing.assert_array_equal(tif.asarray(), frames)
    with read_stack(paths[0]) as stack:
        assert stack.experiment.pixel_size_um == pytest.approx(1.93)
        np.testing.assert_array_equal(np.stack(list(stack)), frames)


def test_a_frame_of_another_kind_is_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="float64"),
        TiffStackWriter(tmp_path / "a.tif", (1, 4, 5), "uint8", Experiment()) as writer,
    ):
        writer.append(np.zeros((4, 5)))


def test_files_appear_together_at_the_end(tmp_path):
    with OutputFiles(tmp_path / "new" / "folder") as files:
        files.path("a.txt").write_text("a")
        files.path("b.txt").write_text("b")
        assert not list((tmp_path / "new" / "folder").glob("[!.]*"))
    assert {p.name for p in (tmp_path / "new" / "folder").iterdir()} == {"a.txt", "b.txt"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_nothing_is_left_after_an_error(tmp_path, error):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(error), OutputFiles(tmp_path / "x" / "y") as files:
        files.path("a.txt").write_text("half")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(error), OutputFiles(tmp_path) as files:
        files.path("a.txt").write_text("half")
        raise error
    assert (tmp_path / "a.txt").read_text() == "before"


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"), OutputFiles(tmp_path) as files:
        files.path("a.txt").write_text("a")
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_by_a_folder_is_found_before_the_work(tmp_path):
    (tmp_path / "run_summary.json").mkdir()
    with pytest.raises(IsADirectoryError), OutputFiles(tmp_path) as files:
        files.check(["run_frames.csv", "run_summary.json"])


def test_an_interruption_while_flushing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt), OutputFiles(tmp_path) as files:
        files.path("a.txt").write_text("a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dtype", "labels", "big"), [("float32", False, True), ("uint8", True, False)]
)
def test_stacks_that_may_pass_4_gb_are_bigtiff(tmp_path, dtype, labels, big):
    shape = (5_000, 512, 1024)
    with (
        pytest.raises(ValueError, match="0 of 5000"),
        TiffStackWriter(tmp_path / "a.tif", shape, dtype, Experiment(), labels=labels) as writer,
    ):
        assert writer.is_bigtiff == big


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").touch()
    for folder in (tmp_path / "out", tmp_path / "out" / "a" / "b"):
        with pytest.raises(NotADirectoryError, match="out: is a file"), OutputFiles(folder):
            pass


def test_nan_and_none_are_empty_cells(tmp_path):
    with TableWriter(tmp_path / "a.csv", ("n", "x", "y", "z")) as table:
        table.append({"n": 3, "x": float("nan"), "y": None, "z": 1 / 3})
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert rows == [{"n": "3", "x": "", "y": "", "z": "0.333333333"}]


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
