"""Labels from files are a person's work, in one step; what they do not label is not labelled."""

from __future__ import annotations

import imageio.v3 as imageio
import numpy as np
import pytest

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.io.label_images import open_label_images
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.saving.import_job import ImportRequest
from napari_amseg.plugin.annotate.saving.replacing import replace_labels

SHAPE = (40, 60)
TOP = np.arange(40)[:, None] < np.full(60, 20)


def suggest(annotation: Annotation, t: int, code: int) -> None:
    change = annotation.propose(t, np.full(SHAPE, code, np.uint8), status=Status.SUGGESTED)
    annotation.apply([] if change is None else [change])


@pytest.fixture
def annotation():
    """Two frames that a model called substrate all over."""
    annotation = Annotation(
        np.zeros((2, *SHAPE), np.uint8), np.zeros((2, *SHAPE), bool), DEFAULT_SCHEME
    )
    for t in (0, 1):
        suggest(annotation, t, Label.SUBSTRATE)
    return annotation


@pytest.fixture
def request_of(tmp_path):
    """An import whose upper half has this class, the lower half none."""

    def request_of(code, *, overwrite=False, complete=False):
        file = tmp_path / "labels.png"
        imageio.imwrite(file, TOP.astype(np.uint8))
        classes = {"0": "unlabelled", "1": code.name.lower()}
        return ImportRequest(open_label_images(file), classes, 0, overwrite, complete)

    return request_of


def apply(annotation, request):
    changes = [change for of_frame in request.changes(annotation) for change in of_frame]
    annotation.apply(changes)
    return changes


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_complete_import_leaves_no_suggestion_where_the_file_has_no_label(
    annotation, request_of, overwrite
):
    before = annotation.labels.copy()
    changes = apply(annotation, request_of(Label.KEYHOLE, overwrite=overwrite, complete=True))
    np.testing.assert_array_equal(annotation.labels[0], np.where(TOP, Label.KEYHOLE, 0))
    np.testing.assert_array_equal(annotation.by_hand[0], TOP)
    assert annotation.status(0) == Status.COMPLETE
    assert annotation.status(1) == Status.SUGGESTED
    annotation.revert(changes)
    np.testing.assert_array_equal(annotation.labels, before)
    assert not annotation.by_hand.any()
    assert annotation.status(0) == Status.SUGGESTED


@pytest.mark.parametrize("code", [Label.KEYHOLE, Label.SUBSTRATE])
def test_a_model_leaves_what_was_imported(annotation, request_of, code):
    apply(annotation, request_of(code))  # substrate is what the model suggested there too
    assert annotation.status(0) == Status.IN_PROGRESS
    suggest(annotation, 0, Label.BACKGROUND)
    np.testing.assert_array_equal(annotation.labels[0], np.where(TOP, code, Label.BACKGROUND))


def test_an_import_leaves_what_is_by_hand_unless_asked(annotation, request_of):
    annotation.labels[0, 0, 0] = Label.PORE
    annotation.by_hand[0, 0, 0] = True
    apply(annotation, request_of(Label.KEYHOLE))
    assert annotation.labels[0, 0, 0] == Label.PORE
    apply(annotation, request_of(Label.KEYHOLE, overwrite=True))
    assert annotation.labels[0, 0, 0] == Label.KEYHOLE


def test_replaced_frames_are_by_hand_and_one_step(session):
    frames = {t: (np.full(SHAPE, Label.PORE, np.uint8), Status.COMPLETE) for t in range(3)}
    frames[3] = (np.full(SHAPE, Label.KEYHOLE, np.uint8), Status.IN_PROGRESS)
    told = []
    session.changed.connect(told.append)
    assert replace_labels(session, frames) == 4
    assert told == [frozenset(range(4))]
    assert session.annotation.by_hand[:4].all()
    assert session.annotation.statuses.tolist() == [3, 3, 3, 2, 0, 0]
    assert replace_labels(session, frames) == 0
    session.layer.undo()
    assert not session.annotation.labels.any()
    assert not session.annotation.statuses.any()


def test_labels_of_another_size_change_nothing(session):
    good, bad = np.ones(SHAPE, np.uint8), np.ones((3, 3), np.uint8)
    with pytest.raises(ValueError, match="frame 1"):
        replace_labels(session, {0: (good, Status.COMPLETE), 1: (bad, Status.COMPLETE)})
    assert not session.annotation.labels.any()
