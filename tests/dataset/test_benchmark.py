"""A benchmark folder gives back what was put in, in one order, and says what it lacks."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import tifffile

from napari_amseg.dataset import Benchmark, FrameId, create_benchmark, open_benchmark
from napari_amseg.dataset.experiments import EXPERIMENT_COLUMNS, merged, read_experiments
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment


def hand_made(folder, names):
    """Images and labels put there by hand."""
    for kind in ("images", "labels"):
        for name in names:
            path = folder / kind / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, np.ones((4, 5), np.uint8))


def test_an_empty_benchmark_opens(tmp_path):
    made = create_benchmark(tmp_path / "new" / "bench", DEFAULT_SCHEME.subset(["pore", "keyhole"]))
    again = open_benchmark(str(made.folder))
    assert again == made
    assert again.frames == ()
    assert again.scheme.names == ("keyhole", "pore")
    header = (made.folder / "experiments.csv").read_text()
    assert header.strip().split(",") == list(EXPERIMENT_COLUMNS)
    with pytest.raises(FileExistsError, match="holds a benchmark already"):
        create_benchmark(made.folder)


def test_frames_are_in_natural_order_whatever_the_system_lists_first(tmp_path):
    hand_made(tmp_path, ["run10/f2", "run2/f10", "run2/f2", "run2/f1"])
    made = create_benchmark(tmp_path)
    assert [str(f) for f in made.frames] == ["run2/f1", "run2/f2", "run2/f10", "run10/f2"]
    assert made.experiment("run10") == Experiment(experiment="run10")


def test_only_frames_with_image_and_label_count(tmp_path):
    hand_made(tmp_path, ["a/1", "a/2", "a/3"])
    (tmp_path / "images" / "a" / "2.tif").unlink()
    (tmp_path / "labels" / "a" / "3.tif").unlink()
    (tmp_path / "images" / "a" / ".4.tif").touch()
    (tmp_path / "images" / "notes.tif").touch()
    assert create_benchmark(tmp_path).frames == (FrameId("a", "1"),)


def test_images_labels_and_metadata_come_back(bench, stacks):
    for t, frame in enumerate(f for f in bench.frames if f.experiment == "run a"):
        image, labels = bench.image(frame), bench.labels(frame)
        assert (image.dtype, labels.dtype) == (np.uint16, np.uint8)
        np.testing.assert_array_equal(image, stacks[0].read(t))
        np.testing.assert_array_equal(labels, stacks[1].read(t))
    assert bench.experiment("run a").facility == "ESRF"
    assert bench.shape(FrameId("b", "0001")) == (20, 30)
    with pytest.raises(ValueError, match="no experiment 'c'; there are b, run a"):
        bench.experiment("c")


def test_single_files_carry_pixel_size_and_frame_rate(bench):
    for path in (bench.image_path(bench.frames[-1]), bench.label_path(bench.frames[-1])):
        with read_stack(path) as stack:
            assert stack.experiment.pixel_size_um == pytest.approx(4.3)
            assert stack.experiment.frame_rate_hz == pytest.approx(4e4)


def test_a_benchmark_goes_to_another_process(bench):
    assert pickle.loads(pickle.dumps(bench)) == bench


def test_frames_as_a_stack(bench, stacks):
    of_a = [f for f in bench.frames if f.experiment == "run a"]
    stack = bench.stack(of_a)
    assert stack.shape == (6, 32, 48)
    assert stack.experiment == bench.experiment("run a")
    np.testing.assert_array_equal(np.stack(list(stack)), np.stack(list(stacks[0])))
    np.testing.assert_array_equal(np.stack(list(read_stack(stack.files))), np.stack(list(stack)))
    turned = bench.stack(of_a[::-1])
    np.testing.assert_array_equal(turned.read(0), stacks[0].read(5))
    assert turned.files == ()  # read_stack would sort them


def test_pixel_size_of_the_files_counts_where_the_table_is_silent(bench):
    (bench.folder / "experiments.csv").unlink()
    stack = open_benchmark(bench.folder).stack([FrameId("run a", "0000")])
    assert stack.experiment.pixel_size_um == pytest.approx(4.3)
    assert stack.experiment.experiment == "run a"


def test_a_stack_is_of_one_experiment_size_and_type(bench):
    first, last = bench.frames[0], bench.frames[-1]
    with pytest.raises(ValueError, match=r"2 experiments \(b, run a\)"):
        bench.stack([first, last])
    with pytest.raises(ValueError, match="0 frames"):
        bench.stack([])
    tifffile.imwrite(bench.image_path(last), np.zeros((32, 48), np.uint8))
    with pytest.raises(
        ValueError, match="run a/0005 is 32x48 uint8, but run a/0004 is 32x48 uint16"
    ):
        bench.stack(bench.frames[-2:])


def test_bad_label_files_are_named(bench):
    frame = bench.frames[0]
    tifffile.imwrite(bench.label_path(frame), np.zeros((20, 30), np.uint16))
    with pytest.raises(ValueError, match=r"0000.tif: labels are uint16, expected uint8"):
        bench.labels(frame)
    bench.label_path(frame).unlink()
    with pytest.raises(FileNotFoundError, match=r"0000.tif"):
        bench.labels(frame)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no benchmark here .*amseg dataset add"),
        ("{", "not the record of a benchmark"),
        ("[]", "not the record of a benchmark"),
        ('{"format_version": 2, "label_scheme": []}', "format version 2, this program knows 1"),
        ('{"format_version": 1, "label_scheme": []}', "at least one class"),
        ('{"format_version": 1, "label_scheme": [{"code": 1}]}', "needs code, name"),
        ('{"format_version": 1}', "label_scheme"),
    ],
)
def test_a_folder_that_is_no_benchmark(tmp_path, content, words):
    if content is not None:
        (tmp_path / "benchmark.json").write_text(content)
    with pytest.raises((FileNotFoundError, ValueError), match=words):
        open_benchmark(tmp_path)


def test_the_record_has_the_format_of_the_contract(bench):
    record = json.loads((bench.folder / "benchmark.json").read_text())
    assert record == {"format_version": 1, "label_scheme": DEFAULT_SCHEME.to_json()}


HEADER = ",".join(EXPERIMENT_COLUMNS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the columns are missing; expected are experiment, facility"),
        (HEADER.replace(",", ";"), "separated by commas"),
        (HEADER + ",mood", "mood; expected"),
        (f"{HEADER}\na,ESRF", "line 2: expected 11 cells"),
        (f"{HEADER}\n{',' * 10}", "line 2: the experiment has no name"),
        (
            f"{HEADER}\na{',' * 8}4·3,,",
            "line 2: expected 11 cells|pixel_size_um is '4·3', expected",
        ),
        (f"{HEADER}\na{',' * 8}-1,,", "line 2: pixel_size_um is -1"),
        (f"{HEADER}\na{',' * 10}\na{',' * 10}", "line 3: 'a' has two rows"),
        ("\udcff", "not a readable table"),
    ],
)
def test_a_table_of_experiments_that_cannot_be_read(tmp_path, text, words):
    path = tmp_path / "experiments.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=words):
        read_experiments(path)


def test_a_table_saved_by_excel_is_read(tmp_path):
    row = "a,ESRF,ID19,LPBF,Al,,200,1000,4.31,40000,10.1/x\r\n"
    (tmp_path / "experiments.csv").write_bytes(f"{HEADER}\r\n{row}".encode("utf-8-sig"))
    (found,) = read_experiments(tmp_path / "experiments.csv").values()
    assert found == Experiment(
        "a", "ESRF", "ID19", "LPBF", "Al", None, 200, 1000, 4.31, 4e4, "10.1/x"
    )


def test_metadata_are_joined_and_contradictions_named():
    known = Experiment(experiment="a", facility="ESRF", pixel_size_um=1 / 3)
    given = Experiment(experiment="a", beamline="ID19", pixel_size_um=0.333333333)
    assert merged(known, given) == known.updated(beamline="ID19")
    with pytest.raises(ValueError, match="facility is 'APS', but the benchmark says 'ESRF'"):
        merged(known, Experiment(experiment="a", facility="APS"))


def test_two_thousand_frames_open_without_reading_one(tmp_path):
    for kind in ("images", "labels"):
        folder = tmp_path / kind / "run"
        folder.mkdir(parents=True)
        for t in range(2000):
            (folder / f"{t:04d}.tif").touch()  # no image: reading one would fail
    opened = create_benchmark(tmp_path)
    assert isinstance(opened, Benchmark)
    assert len(opened.frames) == 2000
    assert opened.frames[-1] == FrameId("run", "1999")
