"""What is opened is what was saved or left, frame by frame; other images are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.opening import open_labels, open_recovered
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.save import FrameToSave, SaveTarget, save_frames
from napari_amseg.annotate.schemes import SCHEMES
from napari_amseg.annotate.working_copy import FrameWork, SessionRecord, WorkingCopy
from napari_amseg.dataset import add_frames, check_benchmark, create_benchmark, open_benchmark
from napari_amseg.dataset.annotation_status import (
    FrameStatus,
    by_hand_path,
    status_path,
    update_statuses,
)
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.types import Experiment, stack_from_array


def empty(shape, scheme) -> Annotation:
    return Annotation(np.zeros(shape, np.uint8), np.zeros(shape, bool), scheme)


def test_labels_of_a_benchmark_are_opened_on_their_frames(drawn_benchmark, drawn_frames):
    images, truth = drawn_frames
    path = status_path(drawn_benchmark, "drawn")
    update_statuses(path, {"0002": FrameStatus("0002", "in progress", "Anna", "", 1.0)})
    opened = open_labels(stack_from_array(images), open_benchmark(drawn_benchmark), "drawn", empty)
    assert np.array_equal(opened.annotation.labels, truth)
    assert opened.annotation.status(2) == Status.IN_PROGRESS
    assert opened.annotation.status(3) == Status.COMPLETE
    assert opened.frame_names is None
    assert opened.annotation.by_hand[[0, 1, 3, 4, 5, 6, 7]].all()
    assert not opened.annotation.by_hand[2].any()  # nobody said what of it is a suggestion
    assert sorted(opened.bases) == list(range(8))
    assert not opened.unsaved


def test_another_stack_is_refused(drawn_benchmark, drawn_frames):
    images = drawn_frames[0] + 1
    with pytest.raises(ValueError, match=r"drawn/0000 .* another image than frame 0"):
        open_labels(stack_from_array(images), open_benchmark(drawn_benchmark), "drawn", empty)


def test_frames_of_another_name_are_told_and_left(drawn_benchmark, drawn_frames):
    images, truth = drawn_frames
    bench = open_benchmark(drawn_benchmark)
    opened = open_labels(stack_from_array(images[:6]), bench, "drawn", empty)
    assert np.array_equal(opened.annotation.labels, truth[:6])
    assert "2 frames of that experiment are not of this stack" in opened.notes[1]


@pytest.mark.parametrize("name", ["run_{}", "{:04d}"], ids=["names", "numbers from 1"])
def test_frames_of_other_names_are_known_by_their_images(tmp_path, drawn_frames, name):
    images, truth = (stack_from_array(a) for a in drawn_frames)
    x = Experiment(experiment="x")
    names = [name.format(t + 1) for t in range(1, 7)]
    add_frames(create_benchmark(tmp_path), images, truth, x, frames=range(1, 7), names=names)
    opened = open_labels(images, open_benchmark(tmp_path), "x", empty)
    assert opened.frame_names == ("stack-0000", *names, "stack-0007")
    assert np.array_equal(opened.annotation.labels[1:7], drawn_frames[1][1:7])
    assert not opened.annotation.labels[[0, 7]].any()
    assert sorted(opened.bases) == list(range(1, 7))
    other = stack_from_array(drawn_frames[0] + 1)
    with pytest.raises(ValueError, match=r"none of the 6 images|another image than frame"):
        open_labels(other, open_benchmark(tmp_path), "x", empty)


@pytest.mark.parametrize("dtype", ["float64", "int16"])
def test_images_of_a_type_that_is_not_kept_are_the_same(tmp_path, drawn_frames, dtype):
    images = stack_from_array(drawn_frames[0].astype(dtype) / (3 if dtype == "float64" else 1))
    images = images.derived(lambda t, read=images.read: read(t).astype(dtype), dtype=dtype)
    target = SaveTarget(tmp_path / "b", Experiment(experiment="x"), DEFAULT_SCHEME, "Anna")
    frame = FrameToSave(2, "0002", drawn_frames[1][2], Status.COMPLETE)
    (saved,) = save_frames(target, images, [frame])
    opened = open_labels(images, open_benchmark(target.folder), "x", empty)
    assert opened.bases == {2: saved.sha256}


def test_what_was_painted_is_told_from_suggestions_after_a_save(tmp_path, drawn_frames, rng):
    """An aid may change suggestions of an earlier session, and nothing that a person painted."""
    images, truth = stack_from_array(drawn_frames[0]), drawn_frames[1][0]
    target = SaveTarget(tmp_path / "b", Experiment(experiment="x"), DEFAULT_SCHEME, "Anna")
    by_hand = rng.random(truth.shape) < 0.3
    frame = FrameToSave(0, "0000", truth, Status.IN_PROGRESS, by_hand=by_hand)
    list(save_frames(target, images, [frame]))
    assert not any(finding.error for finding in check_benchmark(target.folder))

    def opened():
        return open_labels(images, open_benchmark(target.folder), "x", empty)

    first = opened()
    assert np.array_equal(first.annotation.by_hand[0], by_hand & (truth != 0))
    done = replace(frame, status=Status.COMPLETE, base_sha256=first.bases[0])
    list(save_frames(target, images, [done]))
    assert np.array_equal(opened().annotation.by_hand[0], truth != 0)
    # by a program that does not know: nothing is left of what was known of other labels
    unknown = replace(frame, by_hand=None, base_sha256=opened().bases[0])
    list(save_frames(target, images, [unknown]))
    assert not opened().annotation.by_hand[0].any()
    path = by_hand_path(target.folder, "x", "0000")
    assert not path.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((tmp_path / "b" / "labels" / "x" / "0000.tif").read_bytes()[:60])
    with pytest.raises(ValueError, match=r"by_hand.*0000\.tif"):
        opened()


def record(shape) -> SessionRecord:
    return SessionRecord(
        ("a.tif",), shape, "uint8", DEFAULT_SCHEME, Experiment(experiment="x"), Owner.here("Anna")
    )


def test_recovered_work_is_equal_and_a_broken_frame_hides_no_other(tmp_path, rng):
    copy = WorkingCopy.create(tmp_path, record((4, 16, 20)))
    labels = rng.integers(0, 6, (3, 16, 20)).astype(np.uint8)
    by_hand = rng.random((3, 16, 20)) < 0.5
    statuses = (Status.SUGGESTED, Status.IN_PROGRESS, Status.COMPLETE)
    for t, status in enumerate(statuses):
        base = "b" if t == 2 else None
        copy.write_frame(t, FrameWork(labels[t], by_hand[t], status, base, unsaved=t != 2))
    (copy.folder / "frames" / "000003.tif").write_bytes(b"II*\0 not a TIFF")
    opened = open_recovered(WorkingCopy.open(copy.folder), empty)
    assert np.array_equal(opened.annotation.labels[:3], labels)
    assert np.array_equal(opened.annotation.by_hand[:3], by_hand)
    assert tuple(opened.annotation.statuses) == (*statuses, Status.UNTOUCHED)
    assert opened.unsaved == {0, 1}
    assert opened.bases == {2: "b"}
    assert opened.unreadable == {3}
    assert len(opened.notes) == 1
    assert "000003.tif" in opened.notes[0]


def test_a_damaged_benchmark_does_not_hide_the_work(tmp_path, drawn_benchmark):
    (drawn_benchmark / "experiments.csv").write_text("not, a table\n1\n")
    given = replace(record((1, 4, 5)), benchmark=str(drawn_benchmark))
    copy = WorkingCopy.create(tmp_path / "work", given)
    labels = np.ones((4, 5), np.uint8)
    copy.write_frame(0, FrameWork(labels, labels > 0, Status.COMPLETE))
    opened = open_recovered(copy, empty)
    assert opened.unsaved == {0}
    assert opened.annotation.labels.all()
    assert "experiments.csv" in opened.notes[0]


def test_recovered_work_stands_among_the_labels_of_its_benchmark(
    tmp_path, drawn_benchmark, drawn_frames
):
    truth = drawn_frames[1]
    of_it = SessionRecord(
        ("a.tif",),
        truth.shape,
        "uint8",
        DEFAULT_SCHEME,
        Experiment(experiment="drawn"),
        Owner.here("Anna"),
        benchmark=str(drawn_benchmark),
    )
    copy = WorkingCopy.create(tmp_path / "work", of_it)
    mine = np.full(truth.shape[1:], Label.PORE, np.uint8)
    copy.write_frame(5, FrameWork(mine, mine > 0, Status.IN_PROGRESS, None, unsaved=True))
    opened = open_recovered(copy, empty)
    wanted = truth.copy()
    wanted[5] = mine
    assert np.array_equal(opened.annotation.labels, wanted)
    assert opened.annotation.count(Status.COMPLETE) == 7
    assert opened.unsaved == {5}
    assert sorted(opened.bases) == [0, 1, 2, 3, 4, 6, 7]


def test_sets_of_classes_keep_the_codes_of_the_contract():
    for scheme in SCHEMES.values():
        for c in scheme.classes:
            if c.code <= Label.POWDER:
                assert c in DEFAULT_SCHEME.classes
    roles = {c.role for scheme in SCHEMES.values() for c in scheme.classes}
    assert {"spatter", "melt pool"} <= roles
