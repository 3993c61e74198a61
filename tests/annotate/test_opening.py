"""What is opened is what was saved or left, frame by frame; other images are refused."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.opening import open_labels, open_recovered
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.schemes import SCHEMES
from napari_amseg.annotate.working_copy import FrameWork, SessionRecord, WorkingCopy
from napari_amseg.dataset import open_benchmark
from napari_amseg.dataset.annotation_status import FrameStatus, status_path, update_statuses
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.types import Experiment, stack_from_array


def empty(shape, scheme) -> Annotation:
    return Annotation(np.zeros(shape, np.uint8), np.zeros(shape, bool), scheme)


def numbers(n: int) -> dict[str, int]:
    return {f"{t:04d}": t for t in range(n)}


def test_labels_of_a_benchmark_are_opened_on_their_frames(drawn_benchmark, drawn_frames):
    images, truth = drawn_frames
    path = status_path(drawn_benchmark, "drawn")
    update_statuses(path, {"0002": FrameStatus("0002", "in progress", "Anna", "", 1.0)})
    opened = open_labels(
        stack_from_array(images), open_benchmark(drawn_benchmark), "drawn", numbers(8), empty
    )
    assert np.array_equal(opened.annotation.labels, truth)
    assert opened.annotation.status(2) == Status.IN_PROGRESS
    assert opened.annotation.status(3) == Status.COMPLETE
    assert opened.annotation.by_hand.all()
    assert sorted(opened.bases) == list(range(8))
    assert not opened.unsaved


def test_another_stack_is_refused(drawn_benchmark, drawn_frames):
    images = drawn_frames[0][::-1].copy()
    with pytest.raises(ValueError, match=r"drawn/0000 .* another image than frame 0"):
        open_labels(
            stack_from_array(images), open_benchmark(drawn_benchmark), "drawn", numbers(8), empty
        )


def test_frames_of_another_name_are_told_and_left(drawn_benchmark, drawn_frames):
    images, truth = drawn_frames
    opened = open_labels(
        stack_from_array(images[:6]), open_benchmark(drawn_benchmark), "drawn", numbers(6), empty
    )
    assert np.array_equal(opened.annotation.labels, truth[:6])
    assert "2 frames of that experiment are not of this stack" in opened.notes[1]


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
    assert len(opened.notes) == 1
    assert "000003.tif" in opened.notes[0]


def test_sets_of_classes_keep_the_codes_of_the_contract():
    for scheme in SCHEMES.values():
        for c in scheme.classes:
            if c.code <= Label.POWDER:
                assert c in DEFAULT_SCHEME.classes
    roles = {c.role for scheme in SCHEMES.values() for c in scheme.classes}
    assert {"spatter", "melt pool"} <= roles
