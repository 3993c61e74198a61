"""A workspace is written whole or not at all, and replaces nothing that is not its own."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack
from napari_amseg.plugin.layers import ImageSource, LabelSource
from napari_amseg.plugin.tasks import CancelledEarlyError
from napari_amseg.plugin.workbench.folder import Held, ImageToSave, LabelsToSave
from napari_amseg.plugin.workbench.opening import Opened, open_workspace
from napari_amseg.plugin.workbench.record import Workspace
from napari_amseg.plugin.workbench.saving import (
    LayerToSave,
    SaveJob,
    save_workspace,
    workspace_path,
)
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.types import Experiment, Stack, stack_from_array

PLACE = {"scale": (1.0, 2.0, 2.0), "translate": (0.0, 0.0, 0.0), "unit": "micrometer"}
KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=1e4)


def labels_layer(data, name="run labels", known=None, **source):
    return LayerToSave(name, PLACE, LabelsToSave(data, LabelSource(KNOWN, **source), known))


def image_layer(stack, name="run", chain=(), known=None):
    source = ImageSource(stack, Chain(chain))
    return LayerToSave(name, PLACE, ImageToSave(source, (0.0, 9.0), "gray", known))


def save(path, *layers, own=None, cancel=None, may_replace=False):
    job = SaveJob(
        path, layers, Workspace(), own or {}, may_replace, cancel or threading.Event()
    )  # fmt: skip
    return list(save_workspace(job))[-1]


def reopen(path) -> Opened:
    return list(open_workspace(path, threading.Event()))[-1]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "run12.amseg.json"


@pytest.fixture
def codes(drawn_frames) -> np.ndarray:
    return drawn_frames[1]


def test_the_ending_is_ours_whatever_was_typed(tmp_path):
    for name in ("run12", "run12.json", "run12.amseg.json"):
        assert workspace_path(tmp_path / name) == tmp_path / "run12.amseg.json"
    assert workspace_path(tmp_path / "run1.2").name == "run1.2.amseg.json"


def test_stacks_are_named_and_labels_written(path, tiff_file, codes):
    stack = read_stack(tiff_file)
    saved = save(path, image_layer(stack, chain=(Crop(y1=20),)), labels_layer(codes))
    image, labels = saved.files
    assert image is None
    assert labels.file.parent == path.parent / "run12_workspace"
    assert re.fullmatch(r"run_[0-9a-f]{8}_labels.tif", labels.file.name)
    assert np.array_equal(tifffile.imread(labels.file), codes)
    opened = reopen(path)
    assert not opened.problems
    image, labels = opened.layers
    assert np.array_equal(np.asarray(image.data[0]), [f[:20] for f in stack])
    assert np.array_equal(labels.data[0], codes)
    assert labels.data[0].flags.writeable


def test_frames_in_memory_only_are_written(path, frames):
    save(path, image_layer(stack_from_array(frames, experiment=KNOWN)))
    (image,) = reopen(path).layers
    assert np.array_equal(np.asarray(image.data[0]), frames)


def test_labels_that_a_file_holds_are_not_written_again(path, tmp_path, codes):
    mine = tmp_path / "mine_labels.tif"
    tifffile.imwrite(mine, codes)
    saved = save(path, labels_layer(codes, known=Held(mine)))
    assert saved.files == (Held(mine),)
    assert not (tmp_path / "run12_workspace").exists()
    codes[0, 0, 0] ^= 1  # painted on
    again = save(path, labels_layer(codes, known=Held(mine)), own=saved.written)
    assert again.files != (Held(mine),)
    assert not np.array_equal(tifffile.imread(mine), codes)  # the user's own stays as it was
    (labels,) = reopen(path).layers
    assert np.array_equal(labels.data[0], codes)


def test_files_of_others_stay(path, codes):
    folder = path.parent / "run12_workspace"
    folder.mkdir()
    theirs = folder / "run_labels.tif"
    theirs.write_bytes(b"their labels")
    saved = save(path, labels_layer(codes), labels_layer(codes, name="run labels"))
    assert theirs.read_bytes() == b"their labels"
    assert len({theirs, *(held.file for held in saved.files)}) == 3


def files_in(path):
    return sorted(path.with_name("run12_workspace").iterdir())


def painted(codes):
    other = codes.copy()
    other[0, :5] = 1
    return other


def test_a_second_save_leaves_one_file_and_a_third_of_the_same_writes_none(path, codes):
    first = save(path, labels_layer(codes))
    other = painted(codes)
    second = save(path, labels_layer(other, known=first.files[0]), own=first.written)
    assert files_in(path) == [second.files[0].file] != [first.files[0].file]
    assert np.array_equal(tifffile.imread(second.files[0].file), other)
    own = first.written | second.written
    third = save(path, labels_layer(other, known=second.files[0]), own=own)
    assert third.files == second.files
    assert set(third.written) == {path}


def test_a_file_corrected_by_another_program_stays(path, codes):
    first = save(path, labels_layer(codes))
    theirs = first.files[0].file
    tifffile.imwrite(theirs, codes[:, ::-1])
    save(path, labels_layer(painted(codes), known=first.files[0]), own=first.written)
    assert np.array_equal(tifffile.imread(theirs), codes[:, ::-1])


@pytest.mark.parametrize("name", ["monday.amseg.json", "run12.amseg - Copy.json"])
def test_a_file_that_a_copied_workspace_names_stays(path, codes, name):
    first = save(path, labels_layer(codes))
    copied = path.with_name(name)
    copied.write_bytes(path.read_bytes())
    save(path, labels_layer(painted(codes), known=first.files[0]), own=first.written)
    (labels,) = reopen(copied).layers
    assert np.array_equal(labels.data[0], codes)


def test_the_labels_of_a_layer_that_was_closed_stay(path, codes):
    first = save(path, labels_layer(codes), labels_layer(codes, name="second"))
    save(path, labels_layer(codes, known=first.files[0]), own=first.written)
    assert first.files[1].file.exists()


def test_when_the_workspace_cannot_be_replaced_the_old_one_is_whole(path, codes, monkeypatch):
    first = save(path, labels_layer(codes))
    replace = Path.replace

    def refuse(part, target):
        if target == path:
            raise OSError(28, "No space left on device")
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        save(path, labels_layer(painted(codes), known=first.files[0]), own=first.written)
    monkeypatch.undo()
    assert files_in(path) == [first.files[0].file]
    opened = reopen(path)
    assert not opened.problems
    assert np.array_equal(opened.layers[0].data[0], codes)


def test_what_was_saved_from_another_window_is_not_replaced(path, codes):
    first = save(path, labels_layer(codes))
    (theirs,) = save(path, labels_layer(painted(codes)), own=first.written).files
    mine = labels_layer(codes, known=first.files[0])
    with pytest.raises(OSError, match="from another window"):
        save(path, mine, own=first.written)
    assert np.array_equal(reopen(path).layers[0].data[0], painted(codes))
    save(path, mine, own=first.written, may_replace=True)
    assert theirs.file.exists()


def test_another_workspace_of_that_name_is_not_replaced_unasked(path, codes):
    save(path, labels_layer(codes, name="first"))
    before = path.read_bytes()
    with pytest.raises(OSError, match="another workspace"):
        save(path, labels_layer(codes, name="second"))
    assert path.read_bytes() == before


def test_a_workspace_of_a_newer_version_is_never_replaced(path, codes):
    path.write_text('{"format": "napari-amseg workspace", "format_version": 2}')
    with pytest.raises(OSError, match="newer version"):
        save(path, labels_layer(codes), may_replace=True)


def test_saved_under_another_name_both_workspaces_have_files_of_their_own(path, codes, frames):
    image = stack_from_array(frames)
    first = save(path, image_layer(image), labels_layer(codes))
    other = path.with_name("other.amseg.json")
    known = [image_layer(image, known=first.files[0]), labels_layer(codes, known=first.files[1])]
    second = save(other, *known, own=first.written)
    assert {held.file.parent.name for held in second.files} == {"other_workspace"}
    later = [image_layer(image, known=second.files[0])]
    later += [labels_layer(painted(codes), known=second.files[1])]
    save(other, *later, own=first.written | second.written)
    opened = reopen(path)
    assert not opened.problems
    assert np.array_equal(np.asarray(opened.layers[0].data[0]), frames)
    assert np.array_equal(opened.layers[1].data[0], codes)


def test_a_new_layer_of_an_old_name_leaves_the_renamed_one_alone(path, codes):
    first = save(path, labels_layer(codes))
    other, own = painted(codes), first.written
    renamed = labels_layer(codes, name="y", known=first.files[0])
    saved = save(path, labels_layer(other), renamed, own=own)
    assert saved.files[1] == first.files[0]
    new, renamed = reopen(path).layers
    assert np.array_equal(new.data[0], other)
    assert np.array_equal(renamed.data[0], codes)


def test_another_file_under_its_name_is_not_replaced(path, codes):
    path.write_text('{"format": "theirs"}')
    with pytest.raises(OSError, match="no workspace of ours"):
        save(path, labels_layer(codes))
    assert path.read_text() == '{"format": "theirs"}'
    assert not (path.parent / "run12_workspace").exists()


def test_one_layer_that_cannot_be_kept_does_not_cost_the_others(path, codes, frames):
    wrong = codes.astype(np.int32)
    wrong[3, 0, 0] = 300
    turned = {**PLACE, "scale": (1.0, 0.0, 2.0)}
    source = LabelsToSave(codes, LabelSource(KNOWN))
    saved = save(
        path,
        labels_layer(wrong, name="instances"),
        image_layer(stack_from_array(frames.astype(np.float64)), name="from numpy"),
        LayerToSave("flat", turned, source),
        labels_layer(codes),
    )
    assert saved.files[:3] == (None, None, None)
    assert files_in(path) == [saved.files[3].file]
    said = " ".join(saved.left_out)
    assert "instances is left out: frame 3 holds label codes 1 to 300" in said
    assert "from numpy is left out: its frames are float64" in said
    assert "flat is left out: its scale" in said
    (labels,) = reopen(path).layers
    assert np.array_equal(labels.data[0], codes)


def test_a_layer_left_out_says_where_its_labels_of_the_last_save_are(path, codes):
    first = save(path, labels_layer(codes))
    wrong = codes.astype(np.int32)
    wrong[3, 0, 0] = 300
    saved = save(path, labels_layer(wrong, known=first.files[0]), own=first.written)
    assert str(first.files[0].file) in saved.left_out[0]
    assert first.files[0].file.exists()


def test_a_stack_whose_file_is_gone_does_not_cost_the_labels(path, tiff_file, frames, codes):
    files = [tiff_file.with_name(f"{t}.tif") for t in range(3)]
    for t, file in enumerate(files):
        tifffile.imwrite(file, frames[t])
    stack = read_stack(files)
    files[1].unlink()
    saved = save(path, image_layer(stack, name="gone"), labels_layer(codes))
    assert saved.left_out
    assert saved.left_out[0].startswith("gone is left out")
    assert len(reopen(path).layers) == 1


@pytest.mark.parametrize("name", ["x" * 260, "铁" * 80, "12:30 by hand/ä"])
def test_names_that_no_file_can_have(path, codes, name):
    saved = save(path, labels_layer(codes, name=name, confirmed=stack_from_array(codes)))
    assert not saved.left_out
    (labels,) = reopen(path).layers
    assert labels.data[1]["name"] == name


def test_numbers_of_numpy_and_no_numbers_in_what_made_labels(path, codes):
    run = {"n": np.int64(3), "seconds": {"a": float("nan")}, "sizes": np.arange(2)}
    save(path, labels_layer(codes, run=run))
    (labels,) = reopen(path).layers
    source = labels.data[1]["metadata"]["napari-amseg"]
    assert source.run == {"n": 3, "seconds": {"a": None}, "sizes": [0, 1]}


@pytest.mark.parametrize("name", ["../raw/run.tif", "run_12:30.tif", "a\\b.tif", "x::y.tif"])
def test_stacks_whose_paths_are_odd_open_again(path, frames, name, monkeypatch):
    (path.parent / "ws").mkdir()
    (path.parent / "raw").mkdir()
    monkeypatch.chdir(path.parent / "ws")
    tifffile.imwrite(name, frames, photometric="minisblack")
    path = path.parent / "ws" / path.name
    save(path, image_layer(read_stack(name)), labels_layer(codes := np.ones((6, 32, 48), np.uint8)))
    monkeypatch.chdir("/")
    opened = reopen(path)
    assert not opened.problems
    assert np.array_equal(np.asarray(opened.layers[0].data[0]), frames)
    assert np.array_equal(opened.layers[1].data[0], codes)


@pytest.mark.parametrize(
    "where", ["../../etc/passwd", "C:/data/run.tif", "a/../../b.tif", "a\\b.tif"]
)
def test_a_path_that_leaves_the_folder_costs_its_layer(path, tiff_file, codes, where):
    save(path, image_layer(read_stack(tiff_file), name="image"), labels_layer(codes))
    record = json.loads(path.read_text())
    record["layers"][0]["image"]["address"] = [where]
    path.write_text(json.dumps(record))
    opened = reopen(path)
    assert len(opened.layers) == 1
    assert opened.problems[0].startswith("Layer image: path")
    assert "leaves the folder" in opened.problems[0]
    record["layers"][1]["labels"]["file"] = where
    record["model"] = {"name": "m", "weights_sha256": "", "folder": where}
    path.write_text(json.dumps(record))
    opened = reopen(path)
    assert not opened.layers
    assert sum("leaves the folder" in problem for problem in opened.problems) == 3


def test_colours_that_are_unknown_become_gray(path, tiff_file):
    layer = image_layer(read_stack(tiff_file))
    mine = dataclasses.replace(layer.content, colormap="[unnamed colormap 77]")
    save(path, dataclasses.replace(layer, content=mine))
    opened = reopen(path)
    assert opened.layers[0].data[1]["colormap"] == "gray"
    assert "unknown here: it is gray" in opened.problems[0]


def test_a_stack_that_was_written_since_is_said(path, tiff_file, frames):
    save(path, image_layer(read_stack(tiff_file)))
    frames[[1, 2, 4]] = 0  # none of the three that are compared
    tifffile.imwrite(tiff_file, frames, photometric="minisblack", metadata=None)
    later = tiff_file.stat().st_mtime + 100
    os.utime(tiff_file, (later, later))
    opened = reopen(path)
    assert len(opened.layers) == 1
    assert "was written or copied" in opened.problems[0]
    assert "0, 3, 5" in opened.problems[0]


def test_a_cancel_leaves_nothing(path, codes):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledEarlyError):
        save(path, labels_layer(codes), cancel=cancel)
    assert list(path.parent.iterdir()) == []


def test_what_a_person_stands_for_is_kept_apart_from_suggestions(path, codes):
    confirmed = np.where(np.arange(len(codes))[:, None, None] < 3, codes, 0).astype(np.uint8)
    save(path, labels_layer(codes, confirmed=stack_from_array(confirmed)))
    (labels,) = reopen(path).layers
    assert labels.is_annotation
    source = labels.data[1]["metadata"]["napari-amseg"]
    assert np.array_equal(np.stack(list(source.confirmed)), confirmed)
    assert np.array_equal(labels.data[0], codes)


def test_confirmed_labels_do_not_pile_up(path, codes):
    own, known, counts = {}, None, []
    for t in range(3):
        codes[t] = 1
        confirmed = stack_from_array(codes.copy())
        saved = save(path, labels_layer(codes, known=known, confirmed=confirmed), own=own)
        opened = reopen(path)
        own, known = own | saved.written | opened.own, opened.layers[0].held
        counts.append(len(files_in(path)))
    assert counts == [2, 2, 2]
    again = save(path, labels_layer(codes, known=known, confirmed=confirmed), own=own)
    assert set(again.written) == {path}


def test_confirmed_labels_are_of_the_labels_beside_them(path, codes):
    """Somebody paints while frames are read."""
    codes, marks, n_reads = codes.copy(), np.zeros(codes.shape, bool), 0

    def read(t):
        nonlocal n_reads
        n_reads += 1
        if n_reads in (1, 3, 8):  # between labels and marks
            codes[t], marks[t] = n_reads % 5, n_reads % 2
        return np.where(marks[t], codes[t], 0).astype(np.uint8)

    confirmed = Stack(codes.shape, np.dtype(np.uint8), read)
    save(path, labels_layer(codes, confirmed=confirmed))
    (labels,) = reopen(path).layers
    kept = np.stack(list(labels.data[1]["metadata"]["napari-amseg"].confirmed))
    assert kept.any()
    assert np.array_equal(kept, np.where(kept, labels.data[0], 0))


def test_labels_that_change_all_the_time_are_not_saved(path, codes, monkeypatch):
    monkeypatch.setattr("napari_amseg.plugin.workbench.folder._PAUSE_S", 0)
    count = itertools.count()

    def read(t):
        return np.full((32, 48), next(count) % 5, np.uint8)

    with pytest.raises(OSError, match="changes all the time"):
        save(path, labels_layer(codes, confirmed=Stack(codes.shape, np.dtype(np.uint8), read)))
    assert list(path.parent.iterdir()) == []


def test_a_single_labelled_image_stays_one(path, codes):
    save(path, labels_layer(codes[0]))
    (labels,) = reopen(path).layers
    assert labels.data[0].shape == codes[0].shape
    assert len(labels.data[1]["scale"]) == 2


@pytest.mark.parametrize("what", ["gone", "other frames", "other shape"])
def test_a_stack_that_is_not_what_it_was_is_named_and_the_rest_opens(path, tiff_file, codes, what):
    save(path, image_layer(read_stack(tiff_file), name="run"), labels_layer(codes))
    frames = tifffile.imread(tiff_file)
    tiff_file.unlink()
    if what == "other frames":
        frames[0, 0, 0] += 1
        tifffile.imwrite(tiff_file, frames, photometric="minisblack", metadata=None)
    elif what == "other shape":
        tifffile.imwrite(tiff_file, frames[:, 1:], photometric="minisblack", metadata=None)
    opened = reopen(path)
    assert len(opened.layers) == 1
    (problem,) = opened.problems
    assert problem.startswith("Layer run:")
    assert str(tiff_file) in problem


@pytest.mark.parametrize("what", ["gone", "changed", "a folder"])
def test_labels_that_are_not_what_they_were_are_named(path, codes, what):
    (held,) = save(path, labels_layer(codes)).files
    file = held.file
    file.unlink()
    if what == "changed":
        tifffile.imwrite(file, codes[:, ::-1])
    elif what == "a folder":
        file.mkdir()
    opened = reopen(path)
    assert not opened.layers
    assert str(file) in opened.problems[0]
