"""Frames are added whole or not at all, and nothing wrong gets in."""

from __future__ import annotations

import errno
from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.dataset import FrameId, add_frames, open_benchmark
from napari_amseg.dataset.add import labelled_frames
from napari_amseg.dataset.codes import recoded
from napari_amseg.io import TiffStackWriter, read_stack
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Experiment, stack_from_array

RUN = Experiment(experiment="run")


def files_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_real_frames_of_two_kinds(real_data, empty):
    casting, plate = real_data / "hpdc", real_data / "ti64_plate"
    with read_stack(casting / "images.tif") as images, read_stack(casting / "labels.tif") as labels:
        bench = add_frames(empty, images, labels, Experiment(experiment="hpdc", process="casting"))
    with (
        read_stack(plate / "299*.tif", pixel_size_um=2.0, frame_rate_hz=5e4) as images,
        read_stack(plate / "labels.tif") as labels,
    ):
        bench = add_frames(bench, images, labels, Experiment(experiment="ti64"))
        np.testing.assert_array_equal(bench.image(FrameId("ti64", "0009")), images.read(9))
        np.testing.assert_array_equal(bench.labels(FrameId("ti64", "0009")), labels.read(9))
    assert len(bench.frames) == 23
    assert bench.shape(FrameId("hpdc", "0012")) == (256, 512)
    assert bench.image(FrameId("ti64", "0000")).dtype == np.uint16
    known = bench.experiment("ti64")
    assert (known.pixel_size_um, known.frame_rate_hz) == (2.0, 5e4)
    assert set(np.unique(bench.labels(FrameId("hpdc", "0000")))) == {0, 2, 4}


def test_frames_are_named_by_their_number_or_as_told(empty, stacks):
    bench = add_frames(empty, *stacks, RUN, frames=[4, 1])
    assert [f.frame for f in bench.frames] == ["0001", "0004"]
    np.testing.assert_array_equal(bench.image(FrameId("run", "0004")), stacks[0].read(4))
    bench = add_frames(bench, *stacks, RUN, frames=[4], names=["melt pool"])
    np.testing.assert_array_equal(bench.labels(FrameId("run", "melt pool")), stacks[1].read(4))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_grey_values_are_kept(empty, stacks, frames, dtype):
    images = stack_from_array((frames / 16 + (0.25 if dtype == "float32" else 0)).astype(dtype))
    bench = add_frames(empty, images, stacks[1], RUN)
    image = bench.image(bench.frames[2])
    assert image.dtype == dtype
    np.testing.assert_array_equal(image, images.read(2))


def test_what_the_files_state_is_kept_and_what_is_given_wins(empty, stacks):
    stated = Experiment(pixel_size_um=2.0, frame_rate_hz=1000)
    images = replace(stacks[0], experiment=stated)
    bench = add_frames(empty, images, stacks[1], RUN.updated(pixel_size_um=3.0))
    found = bench.experiment("run")
    assert (found.pixel_size_um, found.frame_rate_hz) == (3.0, 1000)
    with pytest.raises(ValueError, match=r"pixel_size_um is 2.0, but the benchmark says 3.0"):
        add_frames(bench, images, stacks[1], RUN, overwrite=True)


def test_frames_there_are_replaced_only_when_told(bench, stacks):
    before = files_below(bench.folder)
    turned = stack_from_array(np.stack([f[::-1] for f in stacks[0]]))
    with pytest.raises(FileExistsError, match=r"6 of these 6 frames .*run a/0000.*--overwrite"):
        add_frames(bench, turned, stacks[1], Experiment(experiment="run a"))
    np.testing.assert_array_equal(bench.image(FrameId("run a", "0001")), stacks[0].read(1))
    add_frames(bench, turned, stacks[1], Experiment(experiment="run a"), overwrite=True)
    np.testing.assert_array_equal(bench.image(FrameId("run a", "0001")), stacks[0].read(1)[::-1])
    assert files_below(bench.folder) == before
    assert open_benchmark(bench.folder).experiment("run a").facility == "ESRF"


def one_pixel(array, place, value, dtype=None):
    """A copy with another value at one place."""
    changed = array.astype(dtype or array.dtype)
    changed[place] = value
    return changed


WRONG_STACKS = {
    "fewer labels": (lambda x, y: (x, y[:-1]), "images are 6x32x48, labels are 5x32x48"),
    "smaller labels": (lambda x, y: (x, y[:, :-1]), "images are 6x32x48, labels are 6x31x48"),
    "unknown code": (
        lambda x, y: (x, one_pixel(y, (4, 2, slice(3)), 9)),
        r"frame 4: code 9 \(3 pixels\); the scheme has 1 keyhole, 2 pore",
    ),
    "negative code": (
        lambda x, y: (x, one_pixel(y, (2, 0, 0), -1, np.int16)),
        "frame 2: labels run from -1 to 4, expected codes within 0..255",
    ),
    "large code": (lambda x, y: (x, one_pixel(y, (2, 0, 0), 70_000, np.int32)), "from 1 to 70000"),
    "fractions": (lambda x, y: (x, y.astype(np.float32)), "labels are float32, expected uint8"),
    "no label": (
        lambda x, y: (x, one_pixel(y, [2, 5], 0)),
        r"2 of 6 frames hold no label at all \(2, 5\).*--frames labelled",
    ),
    "not finite": (
        lambda x, y: (one_pixel(x, (5, 0, 0), np.nan, np.float32), y),
        "images, frame 5: 1 pixels are not finite",
    ),
    "double": (
        lambda x, y: (x.astype(np.float64), y),
        "images are float64; a benchmark keeps uint8, uint16, float32",
    ),
}
WRONG_ARGUMENTS = {
    "no name": ({"experiment": Experiment()}, "experiment is ''"),
    **{
        name: ({"experiment": Experiment(experiment=name)}, f"experiment is '{name}': it becomes")
        for name in ("../up", "a/b", "CON", "a:b", ".hidden", "dot.")
    },
    "outside": ({"frames": [0, 6]}, "frames 6: the stacks have frames 0 to 5"),
    "none": ({"frames": []}, "frames chosen are none"),
    "twice": ({"frames": [1, 2, 1]}, "frame 1 is given twice"),
    "few names": ({"names": ["a"]}, "1 names for 6 frames"),
    "names alike": ({"frames": [0, 1], "names": ["a", "A"]}, "name a is given twice"),
    "bad frame name": ({"frames": [0], "names": ["a/b"]}, "frame name is 'a/b'"),
}


def refused(bench, images, labels, experiment=RUN, *, words, **given):
    """Nothing is written where there is a benchmark, nor where there is none."""
    before = files_below(bench.folder)
    with pytest.raises(ValueError, match=words):
        add_frames(bench, images, labels, experiment, **given)
    assert files_below(bench.folder) == before
    nowhere = replace(bench, folder=bench.folder.parent / "new", experiments={}, frames=())
    with pytest.raises(ValueError, match=words):
        add_frames(nowhere, images, labels, experiment, **given)
    assert not nowhere.folder.exists()


@pytest.mark.parametrize(("change", "words"), WRONG_STACKS.values(), ids=WRONG_STACKS)
def test_stacks_that_do_not_fit_are_refused(bench, stacks, change, words):
    arrays = change(*(np.stack(list(stack)) for stack in stacks))
    refused(bench, *map(stack_from_array, arrays), words=words)


@pytest.mark.parametrize(("given", "words"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_arguments_that_make_no_sense_are_refused(bench, stacks, given, words):
    refused(bench, *stacks, words=words, **given)


def test_frames_without_labels_are_taken_when_told(empty, stacks):
    codes = np.stack(list(stacks[1]))
    codes[[2, 5]] = 0
    labels = stack_from_array(codes)
    assert labelled_frames(labels) == (0, 1, 3, 4)
    assert len(add_frames(empty, stacks[0], labels, RUN, allow_unlabelled=True).frames) == 6


def test_experiments_that_differ_in_case_alone_are_refused(bench, stacks):
    with pytest.raises(ValueError, match="'Run A', but the benchmark has 'run a'"):
        add_frames(bench, *stacks, Experiment(experiment="Run A"))


def test_an_experiment_has_one_type_of_grey_values(bench, stacks):
    eight = stack_from_array(np.stack([f.astype(np.uint8) for f in stacks[0]]))
    with pytest.raises(ValueError, match="images are uint8, but run a/0000 is uint16"):
        add_frames(bench, eight, stacks[1], Experiment(experiment="run a"), frames=[0], names=["n"])
    again = Experiment(experiment="run a")
    add_frames(bench, eight, stacks[1], again, overwrite=True)  # all of them replaced


def test_a_full_disk_leaves_nothing_behind(bench, stacks, monkeypatch):
    before = files_below(bench.folder)
    append, written = TiffStackWriter.append, []

    def fills_up(self, frame):
        written.append(frame)
        if len(written) == 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, frame)

    monkeypatch.setattr(TiffStackWriter, "append", fills_up)
    with pytest.raises(OSError, match="No space left"):
        add_frames(bench, *stacks, Experiment(experiment="new"))
    assert files_below(bench.folder) == before
    assert not (bench.folder / "images" / "new").exists()


def test_a_folder_made_by_hand_keeps_its_table(empty, bench, stacks):
    (bench.folder / "benchmark.json").unlink()
    again = add_frames(empty, *stacks, RUN)
    assert again.experiment("run a").facility == "ESRF"
    assert len(again.frames) == 14


def test_labels_of_other_codes_are_translated(empty, stacks, labels):
    other = np.select([labels == code for code in (1, 2, 3, 4)], [255, 7, 128, 64], 0)
    there = stack_from_array(np.repeat(other[None].astype(np.int32), 6, axis=0))
    given = LabelScheme.parse("keyhole=255,pore=7,substrate=128,background=64")
    bench = add_frames(empty, stacks[0], recoded(there, given, empty.scheme), RUN)
    np.testing.assert_array_equal(bench.labels(FrameId("run", "0002")), labels)
    partly = LabelScheme.parse("keyhole=255")
    with pytest.raises(
        ValueError, match=r"frame 0: code 7 \(9 pixels\).*the scheme has 255 keyhole"
    ):
        recoded(there, partly, empty.scheme).read(0)
    with pytest.raises(ValueError, match="codes name 'spatter', but the benchmark has keyhole"):
        recoded(there, LabelScheme.parse("pore=7,spatter=9"), empty.scheme)
