"""Aids leave what is confirmed; every step can be taken back to the pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.box import bounding_box
from napari_amseg.annotate.change import Packed
from napari_amseg.labels import DEFAULT_SCHEME, Label

SHAPE = (5, 20, 30)


@pytest.fixture
def annotation() -> Annotation:
    """Five empty frames."""
    return Annotation(np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool), DEFAULT_SCHEME)


def paint(annotation: Annotation, frame: int, place: tuple[slice, slice], code: int):
    """As a person does: the labels change first."""
    before = annotation.labels[frame].copy()
    annotation.labels[frame][place] = code
    return annotation.painted(frame, before)


def state(annotation: Annotation):
    return annotation.labels.copy(), annotation.by_hand.copy(), annotation.statuses.copy()


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def codes(code: int) -> np.ndarray:
    return np.full(SHAPE[1:], code, np.uint8)


def test_painted_pixels_are_by_hand_and_erased_ones_are_not(annotation):
    paint(annotation, 1, np.s_[2:6, 3:9], Label.KEYHOLE)
    assert annotation.by_hand[1].sum() == 4 * 6
    assert annotation.status(1) == Status.IN_PROGRESS
    paint(annotation, 1, np.s_[2:4, :], 0)
    assert annotation.by_hand[1].sum() == 2 * 6
    assert not annotation.by_hand[[0, 2, 3, 4]].any()


def test_an_aid_fills_around_what_is_by_hand(annotation):
    paint(annotation, 0, np.s_[2:6, 3:9], Label.KEYHOLE)
    change = annotation.propose(0, codes(Label.SUBSTRATE))
    annotation.apply([change])
    assert (annotation.labels[0] == Label.KEYHOLE).sum() == 24
    assert (annotation.labels[0] == Label.SUBSTRATE).sum() == 20 * 30 - 24
    assert annotation.by_hand[0].sum() == 24


def test_an_aid_replaces_what_another_aid_wrote(annotation):
    annotation.apply([annotation.propose(0, codes(Label.SUBSTRATE))])
    annotation.apply([annotation.propose(0, codes(Label.BACKGROUND))])
    assert (annotation.labels[0] == Label.BACKGROUND).all()


def test_complete_frames_are_left_alone_unless_asked(annotation):
    paint(annotation, 0, np.s_[:, :], Label.BACKGROUND)
    annotation.statuses[0] = Status.COMPLETE
    assert annotation.propose(0, codes(Label.SUBSTRATE)) is None
    annotation.by_hand[0] = False
    assert annotation.propose(0, codes(Label.SUBSTRATE)) is None
    change = annotation.propose(0, codes(Label.SUBSTRATE), overwrite=True)
    annotation.apply([change])
    assert (annotation.labels[0] == Label.SUBSTRATE).all()
    assert annotation.status(0) == Status.IN_PROGRESS  # nobody said so of what is there now


def test_what_is_overwritten_is_no_longer_by_hand(annotation):
    paint(annotation, 0, np.s_[2:6, 3:9], Label.KEYHOLE)
    annotation.apply([annotation.propose(0, codes(Label.PORE), overwrite=True)])
    assert not annotation.by_hand.any()


def test_what_an_aid_wrote_is_confirmed_as_it_is(annotation):
    annotation.apply([annotation.propose(0, codes(Label.SUBSTRATE), status=Status.SUGGESTED)])
    before = state(annotation)
    where = np.zeros(SHAPE[1:], bool)
    where[3:6, 4:9] = True
    change = annotation.confirm(0, where)
    annotation.apply([change])
    assert np.array_equal(annotation.by_hand[0], where)
    assert np.array_equal(annotation.labels, before[0])
    assert annotation.status(0) == Status.IN_PROGRESS
    assert annotation.confirm(0, where) is None
    assert annotation.confirm(1, where) is None  # nothing is labelled there
    annotation.revert([change])
    assert same(state(annotation), before)


def test_zero_is_left_alone_unless_where_speaks_of_it(annotation):
    annotation.apply([annotation.propose(0, codes(Label.SUBSTRATE))])
    assert annotation.propose(0, codes(0)) is None
    where = np.zeros(SHAPE[1:], bool)
    where[5:8] = True
    annotation.apply([annotation.propose(0, codes(0), where=where)])
    assert (annotation.labels[0] == 0).sum() == 3 * 30


def test_a_suggestion_does_not_set_a_frame_back(annotation):
    paint(annotation, 0, np.s_[2:6, 3:9], Label.KEYHOLE)
    for frame in (0, 1):
        change = annotation.propose(frame, codes(Label.SUBSTRATE), status=Status.SUGGESTED)
        annotation.apply([change])
    assert annotation.status(0) == Status.IN_PROGRESS
    assert annotation.status(1) == Status.SUGGESTED


def test_nothing_to_change_is_no_change(annotation):
    annotation.apply([annotation.propose(0, codes(Label.SUBSTRATE))])
    assert annotation.propose(0, codes(Label.SUBSTRATE)) is None
    assert annotation.painted(0, annotation.labels[0].copy()) is None


def test_random_steps_are_taken_back_and_made_again_to_the_pixel(annotation, rng):
    states, steps = [state(annotation)], []
    for _ in range(60):
        frame, code = int(rng.integers(5)), int(rng.integers(6))
        y, x = (sorted(rng.integers(0, n, 2)) for n in SHAPE[1:])
        place = np.s_[y[0] : y[1] + 1, x[0] : x[1] + 1]
        if rng.random() < 0.5:
            change = paint(annotation, frame, place, code)
        else:
            where = np.zeros(SHAPE[1:], bool)
            where[place] = True
            change = annotation.propose(
                frame, codes(code), where=where, overwrite=bool(rng.random() < 0.3)
            )
            annotation.apply([change] if change else [])
        if change is not None:
            steps.append([change])
            states.append(state(annotation))
    assert len(steps) > 30
    for step, before in zip(reversed(steps), reversed(states[:-1]), strict=True):
        annotation.revert(step)
        assert same(state(annotation), before)
    for step, after in zip(steps, states[1:], strict=True):
        annotation.apply(step)
        assert same(state(annotation), after)


def test_one_frame_twice_in_a_step_is_taken_back(annotation):
    before = state(annotation)
    step = [paint(annotation, 0, np.s_[2:9, 3:9], Label.PORE)]
    step.append(paint(annotation, 0, np.s_[4:12, 3:9], Label.KEYHOLE))
    annotation.revert(step)
    assert same(state(annotation), before)


def test_next_frame_goes_round_and_skips_the_one_looked_at(annotation):
    annotation.statuses[:] = [0, 3, 2, 3, 1]
    unlabelled = (Status.UNTOUCHED, Status.SUGGESTED)
    assert annotation.next_of(unlabelled, 0) == 4
    assert annotation.next_of(unlabelled, 4) == 0
    assert annotation.next_of([Status.IN_PROGRESS], 2) is None
    assert annotation.count(Status.COMPLETE) == 2


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="both must be"):
        Annotation(np.zeros(SHAPE, np.uint8), np.zeros((5, 20, 31), bool), DEFAULT_SCHEME)


def test_packed_array_is_small_and_unpacks_where_it_is_assigned():
    labels = np.full((512, 1024), Label.BACKGROUND, np.uint8)
    labels[200:], labels[200:300, 400:450] = Label.SUBSTRATE, Label.KEYHOLE
    packed = Packed(labels)
    assert packed.nbytes < labels.size / 50
    target = np.zeros_like(labels)
    target[:] = packed
    assert np.array_equal(target, labels)


def test_bounding_box():
    mask = np.zeros((10, 12), bool)
    assert bounding_box(mask) is None
    mask[3, 4] = mask[7, 2] = True
    assert bounding_box(mask) == (slice(3, 8), slice(2, 5))
