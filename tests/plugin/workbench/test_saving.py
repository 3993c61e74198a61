"""A workspace is written whole or not at all, and replaces nothing that is not its own."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack
from napari_amseg.plugin.layers import ImageSource, LabelSource
from napari_amseg.plugin.tasks import CancelledEarlyError
from napari_amseg.plugin.workbench.opening import Opened, open_workspace
from napari_amseg.plugin.workbench.record import Workspace
from napari_amseg.plugin.workbench.saving import (
    ImageToSave,
    LabelsToSave,
    LayerToSave,
    SaveJob,
    save_workspace,
    workspace_path,
)
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.types import Experiment, stack_from_array

PLACE = {"scale": (1.0, 2.0, 2.0), "translate": (0.0, 0.0, 0.0), "unit": "micrometer"}
KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=1e4)


def labels_layer(data, name="run labels", known=None, **source):
    return LayerToSave(name, PLACE, LabelsToSave(data, LabelSource(KNOWN, **source), known))


def image_layer(stack, name="run", chain=(), known=None):
    source = ImageSource(stack, Chain(chain))
    return LayerToSave(name, PLACE, ImageToSave(source, (0.0, 9.0), "gray", known))


def save(path, *layers, own=(), cancel=None):
    job = SaveJob(path, layers, Workspace(), frozenset(own), cancel or threading.Event())
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
    folder = path.parent / "run12_workspace"
    assert saved.files == (None, folder / "run_labels.tif")
    assert np.array_equal(tifffile.imread(folder / "run_labels.tif"), codes)
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
    assert save(path, labels_layer(codes, known=mine)).files == (mine,)
    assert not (tmp_path / "run12_workspace").exists()
    codes[0, 0, 0] ^= 1  # painted on
    assert save(path, labels_layer(codes, known=mine)).files != (mine,)
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
    assert len({theirs, *saved.files}) == 3


def test_a_second_save_replaces_its_own_file_only(path, codes):
    (first,) = save(path, labels_layer(codes)).files
    other = codes.copy()
    other[0, :5] = 1
    (again,) = save(path, labels_layer(other, known=first), own={first}).files
    assert again == first
    assert np.array_equal(tifffile.imread(first), other)


def test_a_new_layer_of_an_old_name_leaves_the_renamed_one_alone(path, codes):
    (first,) = save(path, labels_layer(codes)).files
    other = codes.copy()
    other[0, :5] = 1
    saved = save(path, labels_layer(other), labels_layer(codes, name="y", known=first), own={first})
    assert saved.files[1] == first
    assert saved.files[0] != first
    new, renamed = reopen(path).layers
    assert np.array_equal(new.data[0], other)
    assert np.array_equal(renamed.data[0], codes)


def test_another_file_under_its_name_is_not_replaced(path, codes):
    path.write_text('{"format": "theirs"}')
    with pytest.raises(OSError, match="no workspace of ours"):
        save(path, labels_layer(codes))
    assert path.read_text() == '{"format": "theirs"}'
    assert not (path.parent / "run12_workspace").exists()


def test_codes_that_do_not_fit_are_refused_by_name_and_leave_nothing(path, codes):
    wrong = codes.astype(np.int32)
    wrong[3, 0, 0] = 300
    with pytest.raises(ValueError, match="second: frame 3 holds codes"):
        save(path, labels_layer(codes), labels_layer(wrong, name="second"))
    assert list(path.parent.iterdir()) == []


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
    (file,) = save(path, labels_layer(codes)).files
    file.unlink()
    if what == "changed":
        tifffile.imwrite(file, codes[:, ::-1])
    elif what == "a folder":
        file.mkdir()
    opened = reopen(path)
    assert not opened.layers
    assert str(file) in opened.problems[0]
