"""Strokes, aids, undo and redo: labels, marks of what is by hand, and statuses stay together."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.labels import Label


def paint(session, y, x, code=int(Label.SUBSTRATE), size=4):
    session.layer.visible = True  # nobody can paint on what is hidden
    session.layer.brush_size = size
    session.layer.paint((session.frame, y, x), code)


def block(shape, rows, columns, code):
    codes = np.zeros(shape, np.uint8)
    codes[rows, columns] = code
    return codes


def steps(session):
    """Steps that can be taken back and made again, as napari counts them and as we do."""
    layer, history = session.layer, session.history
    napari = (len(layer._undo_history), len(layer._redo_history))
    return napari, (len(history._undo), len(history._redo))


def untouched(session):
    annotation = session.annotation
    return not (annotation.labels.any() or annotation.by_hand.any() or annotation.statuses.any())


def test_a_drag_on_the_canvas_is_one_step(drawn_session, mouse):
    session, annotation = drawn_session, drawn_session.annotation
    session.layer.mode, session.layer.brush_size = "paint", 5
    session.layer.selected_label = int(Label.SUBSTRATE)
    ended = []
    session.stroke_ended.connect(ended.append)
    mouse.drag(20, 10, 40)
    painted = session.labels_of(0) == Label.SUBSTRATE
    assert painted[20, 10:41].all()
    assert not painted[:, 45:].any()
    assert ended == [0]
    assert np.array_equal(annotation.by_hand[0], painted)
    assert annotation.status(0) == Status.IN_PROGRESS
    assert steps(session) == ((1, 0), (1, 0))
    session.layer.undo()
    assert untouched(session)
    session.layer.redo()
    assert np.array_equal(session.labels_of(0) == Label.SUBSTRATE, painted)
    assert np.array_equal(annotation.by_hand[0], painted)
    assert annotation.status(0) == Status.IN_PROGRESS


def test_fill_polygon_and_eraser_on_the_canvas(drawn_session, mouse):
    session, annotation = drawn_session, drawn_session.annotation
    layer = session.layer
    layer.mode, layer.selected_label = "fill", int(Label.BACKGROUND)
    mouse.click(5, 5)
    assert (session.labels_of(0) == Label.BACKGROUND).all()
    layer.mode, layer.selected_label = "polygon", int(Label.SUBSTRATE)
    for y, x in ((10, 10), (10, 50), (35, 50), (35, 10)):
        mouse.click(y, x)
    mouse.double_click(35, 10)
    assert session.labels_of(0)[20, 30] == Label.SUBSTRATE
    assert session.labels_of(0)[2, 2] == Label.BACKGROUND
    assert annotation.by_hand[0].all()
    layer.mode, layer.brush_size = "erase", 6
    mouse.drag(20, 20, 30)
    erased = session.labels_of(0) == Label.UNLABELLED
    assert erased[20, 20:31].all()
    assert np.array_equal(annotation.by_hand[0], ~erased)
    assert steps(session) == ((3, 0), (3, 0))
    for _ in range(3):
        layer.undo()
    assert untouched(session)


def test_a_stroke_stays_in_its_frame(drawn_session, mouse, qtbot):
    session, annotation = drawn_session, drawn_session.annotation
    session.layer.mode, session.layer.selected_label = "paint", int(Label.PORE)
    mouse.press(10, 10)
    mouse.move(10, 20)
    session.go_to(2)
    mouse.move(10, 50)
    mouse.release(10, 50)
    drawn = annotation.labels.copy()  # napari would have drawn on through frames 1 and 2
    assert drawn.any(axis=(1, 2)).tolist() == [True, False, False, False, False, False]
    assert np.array_equal(annotation.by_hand, drawn != 0)
    assert annotation.statuses.tolist() == [2, 0, 0, 0, 0, 0]
    assert steps(session) == ((1, 0), (1, 0))
    qtbot.waitUntil(lambda: session.layer.mode == "paint")
    session.layer.undo()
    assert untouched(session)
    session.layer.redo()
    assert np.array_equal(annotation.labels, drawn)


def test_a_brush_over_its_own_class_confirms_and_is_a_step(drawn_session, mouse, qtbot):
    session, annotation = drawn_session, drawn_session.annotation
    session.apply(
        [
            annotation.propose(
                0, np.full(session.annotation.labels.shape[1:], Label.SUBSTRATE, np.uint8)
            )
        ]
    )
    suggested = annotation.labels.copy()
    session.layer.mode, session.layer.brush_size = "paint", 6
    session.layer.selected_label = int(Label.SUBSTRATE)
    mouse.drag(20, 10, 40)
    qtbot.waitUntil(lambda: annotation.by_hand[0].any())
    assert np.array_equal(annotation.labels, suggested)
    assert annotation.by_hand[0][20, 10:41].all()
    assert 4 <= annotation.by_hand[0][:, 25].sum() <= 8
    assert steps(session) == ((2, 0), (2, 0))
    session.layer.undo()
    assert not annotation.by_hand.any()
    session.layer.redo()
    assert annotation.by_hand[0][20, 10:41].all()


def test_a_stroke_over_two_classes_is_one_step_and_all_by_hand(drawn_session, mouse, qtbot):
    session, annotation = drawn_session, drawn_session.annotation
    half = np.zeros(session.annotation.labels.shape[1:], np.uint8)
    half[:, :30] = Label.SUBSTRATE
    session.apply([annotation.propose(0, half)])
    session.layer.mode, session.layer.brush_size = "paint", 6
    session.layer.selected_label = int(Label.SUBSTRATE)
    mouse.drag(20, 10, 50)
    qtbot.waitUntil(lambda: annotation.by_hand[0][20, 12:48].all())
    assert steps(session) == ((2, 0), (2, 0))
    assert session.last_stroke() is not None
    session.layer.undo()
    assert np.array_equal(annotation.labels[0], half)
    assert not annotation.by_hand.any()


def test_a_real_stroke_is_the_last_one_also_for_those_who_are_told(drawn_session, mouse, qtbot):
    session, told = drawn_session, []
    session.layer.mode, session.layer.selected_label = "paint", int(Label.PORE)
    session.changed.connect(lambda _: told.append(session.last_stroke() is not None))
    session.stroke_ended.connect(lambda _: told.append(session.last_stroke() is not None))
    mouse.drag(20, 10, 40)
    qtbot.wait(50)  # the brush is followed by a timer
    assert session.last_stroke() is not None
    assert told[-1]


def test_a_fill_by_code_is_taken_in_once_it_is_written(session):
    ended = []
    session.stroke_ended.connect(ended.append)
    session.layer.fill((0, 5, 5), int(Label.SUBSTRATE))
    assert ended == [0]
    assert session.annotation.by_hand[0].all()
    session.layer.undo()
    assert untouched(session)


def test_erased_pixels_are_nobodys_until_the_eraser_is_undone(session):
    paint(session, 10, 10)
    by_hand = session.annotation.by_hand[0].copy()
    paint(session, 10, 10, code=0)
    assert not session.annotation.by_hand[0].any()
    session.layer.undo()
    assert np.array_equal(session.annotation.by_hand[0], by_hand)


def test_an_undo_of_a_hidden_layer_is_followed(session, qtbot):
    paint(session, 10, 10)
    session.layer.visible = False
    session.layer.undo()
    qtbot.waitUntil(lambda: untouched(session), timeout=5000)
    session.layer.redo()
    qtbot.waitUntil(lambda: session.annotation.by_hand[0].any(), timeout=5000)


def test_an_undo_reaches_a_frame_that_is_not_shown(session):
    paint(session, 10, 10)
    changed = []
    session.changed.connect(changed.append)
    session.go_to(4)
    session.layer.undo()
    assert untouched(session)
    assert changed == [frozenset([0])]


def test_an_aid_on_many_frames_is_one_step(session):
    annotation = session.annotation
    session.go_to(2)
    paint(session, 10, 10, code=int(Label.PORE))
    drawn = session.labels_of(2).copy()
    codes = block(drawn.shape, slice(5, 30), slice(5, 50), int(Label.SUBSTRATE))
    assert session.apply(annotation.propose(t, codes) for t in range(4)) == 4
    assert (session.labels_of(2)[drawn != 0] == Label.PORE).all()
    assert (session.labels_of(2)[(drawn == 0) & (codes != 0)] == Label.SUBSTRATE).all()
    assert np.array_equal(annotation.by_hand[2], drawn != 0)
    assert not annotation.by_hand[[0, 1, 3]].any()
    assert annotation.statuses.tolist() == [2, 2, 2, 2, 0, 0]
    assert steps(session) == ((2, 0), (2, 0))
    session.layer.undo()
    assert np.array_equal(session.labels_of(2), drawn)
    assert not annotation.labels[[0, 1, 3]].any()
    assert annotation.statuses.tolist() == [0, 0, 2, 0, 0, 0]
    session.layer.redo()
    assert (session.labels_of(0) == codes).all()
    session.layer.undo()
    session.layer.undo()
    assert untouched(session)


def test_an_aid_that_changes_nothing_is_no_step(session):
    annotation = session.annotation
    assert session.apply([annotation.propose(0, np.zeros((40, 60), np.uint8)), None]) == 0
    session.set_status([1], Status.COMPLETE)
    assert session.apply([annotation.propose(1, np.ones((40, 60), np.uint8))]) == 0
    assert steps(session) == ((1, 0), (1, 0))  # that it is complete


def test_more_steps_than_napari_keeps(session):
    annotation = session.annotation
    for i in range(130):
        paint(session, 2 + i % 36, 2 + i // 3, code=1 + i % 5, size=3)
    assert steps(session) == ((100, 0), (100, 0))
    for _ in range(140):
        session.layer.undo()
    assert steps(session) == ((0, 100), (0, 100))
    assert np.array_equal(annotation.by_hand, annotation.labels != 0)
    assert annotation.status(0) == Status.IN_PROGRESS  # of the 30 that are for good
    for _ in range(140):
        session.layer.redo()
    assert steps(session) == ((100, 0), (100, 0))
    assert np.array_equal(annotation.by_hand, annotation.labels != 0)


def test_a_new_stroke_ends_what_could_be_redone(session):
    paint(session, 10, 10)
    session.layer.undo()
    paint(session, 30, 30)
    session.layer.redo()
    assert steps(session) == ((1, 0), (1, 0))
    assert not session.annotation.by_hand[0, 10, 10]
    assert session.annotation.by_hand[0, 30, 30]


def test_an_abandoned_stroke_leaves_nothing(session):
    paint(session, 10, 10)
    session.layer.undo()
    session.layer._begin_stroke()
    session.layer.paint((0, 30, 30), int(Label.PORE))
    session.layer._abort_stroke()
    assert untouched(session)
    assert steps(session) == ((0, 0), (0, 0))


def test_a_status_is_a_step_so_that_no_stroke_gives_it_back(session):
    paint(session, 10, 10)
    session.set_status([0], Status.COMPLETE)
    paint(session, 20, 30)
    session.set_status([0], Status.IN_PROGRESS)
    labels = session.annotation.labels.copy()
    session.layer.undo()
    assert session.annotation.status(0) == Status.COMPLETE
    assert np.array_equal(session.annotation.labels, labels)
    session.layer.undo()
    session.layer.undo()
    assert session.annotation.status(0) == Status.IN_PROGRESS
    assert session.annotation.labels[0].any()


def test_a_complete_frame_that_is_overwritten_is_so_no_longer(session):
    session.set_status([0], Status.COMPLETE)
    codes = np.full(session.annotation.labels.shape[1:], Label.PORE, np.uint8)
    session.apply([session.annotation.propose(0, codes, overwrite=True, status=Status.SUGGESTED)])
    assert session.annotation.status(0) == Status.IN_PROGRESS


def test_another_data_type_goes_into_the_same_array(session):
    paint(session, 10, 10)
    paint(session, 20, 30, code=int(Label.PORE))
    labels = session.annotation.labels.copy()
    session.layer.data = session.layer.data.astype(np.int32)
    assert session.layer.data is session.annotation.labels
    assert np.array_equal(session.annotation.labels, labels)
    other = labels.astype(np.int32)
    other[2, :5] = Label.SUBSTRATE
    session.layer.data = other
    assert np.array_equal(session.annotation.labels, other)
    assert session.annotation.by_hand[2, :5].all()
    assert steps(session) == ((1, 0), (1, 0))


def test_painting_is_off_while_one_sees_other_axes(session):
    dims = session.viewer.dims
    assert session.layer.editable
    dims.order = (2, 0, 1)
    assert not session.layer.editable
    dims.order = (0, 1, 2)
    assert session.layer.editable
    dims.ndisplay = 3
    assert not session.layer.editable
    dims.ndisplay = 2
    assert session.layer.editable


def test_strokes_never_go_through_all_frames(session):
    session.layer.n_edit_dimensions = 3
    assert session.layer.n_edit_dimensions == 2
    paint(session, 10, 10)
    assert not session.annotation.labels[1:].any()


def test_the_last_stroke_is_remembered_until_something_else_happens(session):
    assert session.last_stroke() is None
    paint(session, 10, 10, code=int(Label.BACKGROUND), size=12)
    paint(session, 10, 14, code=int(Label.KEYHOLE))
    stroke = session.last_stroke()
    assert stroke.frame == 0
    after, before = np.asarray(stroke.after.labels), np.asarray(stroke.before.labels)
    painted = session.labels_of(0)[stroke.box] == Label.KEYHOLE
    assert np.array_equal(after == Label.KEYHOLE, painted)
    assert set(np.unique(before[painted])) == {int(Label.BACKGROUND)}
    session.layer.undo()
    assert session.last_stroke() is None


def test_nothing_is_followed_after_the_end(session):
    changed = []
    session.changed.connect(changed.append)
    session.close()
    paint(session, 10, 10)
    assert not changed
    assert not session.annotation.by_hand.any()
    session.history.stop = session.close = lambda: None


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_can_be_undone(session, seed):
    rng = np.random.default_rng(seed)
    annotation = session.annotation
    shape = annotation.labels.shape[1:]

    def place():
        return int(rng.integers(shape[0])), int(rng.integers(shape[1]))

    def aid():
        codes = block(shape, slice(place()[0], None), slice(place()[1], None), rng.integers(1, 6))
        frames = rng.choice(session.n_frames, 3, replace=False)
        overwrite = bool(rng.integers(2))
        session.apply(annotation.propose(int(t), codes, overwrite=overwrite) for t in frames)

    def step():
        session.go_to(int(rng.integers(session.n_frames)))

    def hide():
        session.layer.visible = not session.layer.visible

    def fill():
        session.layer.visible = True
        session.layer.fill((session.frame, *place()), int(rng.integers(6)))

    work = (
        lambda: paint(session, *place(), code=int(rng.integers(6)), size=int(rng.integers(1, 20))),
        fill,
        aid,
        step,
        hide,
        session.layer.undo,
        session.layer.redo,
    )
    for _ in range(90):
        work[rng.integers(len(work))]()
    session.history.look()
    napari, ours = steps(session)
    assert napari == ours
    ended = [a.copy() for a in (annotation.labels, annotation.by_hand, annotation.statuses)]
    for _ in range(100):
        session.layer.undo()
    session.history.look()
    assert untouched(session)
    for _ in range(sum(napari)):
        session.layer.redo()
    for _ in range(napari[1]):
        session.layer.undo()
    session.history.look()
    for was, now in zip(
        ended, (annotation.labels, annotation.by_hand, annotation.statuses), strict=True
    ):
        assert np.array_equal(was, now)
