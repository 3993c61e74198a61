"""Aids that work on labels alone: copy, interpolate, take over, clean."""

from __future__ import annotations

import numpy as np

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.schemes import MELT_POOL, SPATTER
from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelClass, LabelScheme
from napari_amseg.plugin.layers import KEY, LabelSource


def iou(found: np.ndarray, true: np.ndarray) -> float:
    return float((found & true).sum() / (found | true).sum())


def test_buttons_say_why_they_cannot_be_pressed(bench):
    bench.session.go_to(0)
    assert not bench.panel.copy.previous_button.isEnabled()
    assert bench.panel.copy.previous_button.toolTip() == "There is no previous frame."
    bench.session.go_to(3)
    assert bench.panel.copy.previous_button.isEnabled()
    bench.panel.set_session(None)
    assert bench.panel.copy.previous_button.toolTip() == "Press Annotate first."


def test_the_class_is_the_one_that_is_painted_with(bench):
    layer, classes = bench.session.layer, bench.panel.desk.classes
    layer.selected_label = int(Label.SUBSTRATE)
    assert classes.currentText() == "substrate"
    classes.setCurrentText("pore")
    assert layer.selected_label == Label.PORE


def test_more_classes_are_offered_if_the_scheme_has_them(aids, drawn):
    scheme = LabelScheme((*DEFAULT_SCHEME.classes, SPATTER, MELT_POOL))
    panel = aids(drawn[0], scheme).panel
    for choice in (panel.desk.classes, panel.surface.above):
        names = [choice.itemText(i) for i in range(choice.count())]
        assert {"spatter", "melt pool"} <= set(names)


def test_labels_of_the_previous_frame_are_copied_around_what_is_confirmed(bench, drawn):
    truth = drawn[1]
    bench.paint(0, truth[0] == Label.KEYHOLE, Label.KEYHOLE)
    bench.paint(0, truth[0] == Label.SUBSTRATE, Label.SUBSTRATE)
    strip = np.zeros(truth[0].shape, bool)
    strip[45:50, 60:70] = True
    bench.paint(1, strip, Label.PORE)
    bench.check_one_step(lambda: bench.press(bench.panel.copy.previous_button))
    changed = f"{np.isin(truth[0], (1, 3)).sum() - 50:,}"
    assert bench.status == (
        f"Labels copied from frame 0: frame 1, {changed} pixels; 50 confirmed pixels kept."
    )
    labels = bench.session.labels_of(1)
    assert (labels[strip] == Label.PORE).all()
    assert np.array_equal(labels[~strip], np.where(truth[0] == 3, 3, truth[0] == 1)[~strip])
    assert bench.session.annotation.status(1) == Status.IN_PROGRESS
    assert not bench.session.annotation.by_hand[1][~strip].any()


def test_one_class_is_copied_from_any_frame(bench, drawn):
    truth = drawn[1]
    bench.paint(7, truth[7] == Label.KEYHOLE, Label.KEYHOLE)
    bench.paint(7, truth[7] == Label.PORE, Label.PORE)
    bench.session.go_to(2)
    bench.panel.desk.classes.setCurrentText("keyhole")
    bench.panel.copy.only.setChecked(True)
    bench.panel.copy.source.setValue(7)
    bench.check_one_step(lambda: bench.press(bench.panel.copy.copy_button))
    assert np.array_equal(bench.session.labels_of(2), truth[7] == Label.KEYHOLE)


def test_confirmed_pixels_are_overwritten_only_if_asked(bench, drawn):
    everything = np.ones(drawn[1][0].shape, bool)
    bench.paint(0, everything, Label.SUBSTRATE)
    bench.paint(1, everything, Label.BACKGROUND)
    bench.press(bench.panel.copy.previous_button)
    assert bench.status == (
        "Labels copied from frame 0: nothing changed; 15,360 confirmed pixels kept."
    )
    bench.panel.desk.overwrite.setChecked(True)
    before = bench.state()
    bench.press(bench.panel.copy.previous_button)
    assert (bench.session.labels_of(1) == Label.SUBSTRATE).all()
    assert not bench.session.annotation.by_hand[1].any()
    bench.session.layer.undo()
    assert all(map(np.array_equal, bench.state(), before))


def test_a_class_is_interpolated_between_the_key_frames_around(bench, drawn):
    truth = drawn[1] == Label.KEYHOLE
    for t in (1, 6):
        bench.paint(t, truth[t], Label.KEYHOLE)
    wrong = np.zeros(truth[0].shape, bool)
    wrong[85:90, 5:10] = True
    bench.session.apply(
        [bench.session.annotation.propose(3, np.where(wrong, 1, 0).astype(np.uint8))]
    )
    bench.complete(4)
    bench.session.go_to(3)
    bench.open(bench.panel.interpolate)
    assert list(bench.panel.interpolate.between.frames())[::5] == [1, 6]
    bench.check_one_step(lambda: bench.press(bench.panel.interpolate.start_button))
    labels = bench.session.annotation.labels
    for t in (2, 3, 5):
        assert iou(labels[t] == Label.KEYHOLE, truth[t]) > 0.95
    assert not labels[4].any()  # complete
    assert not labels[3][wrong].any()  # was keyhole, by no hand
    assert "Keyhole between frames 1 and 6: 3 frames" in bench.status
    statuses = bench.session.annotation.statuses
    assert list(statuses[2:6]) == [
        Status.SUGGESTED, Status.IN_PROGRESS, Status.COMPLETE, Status.SUGGESTED
    ]  # fmt: skip


def test_key_frames_are_those_a_person_drew(bench, drawn):
    truth = drawn[1]
    aid = bench.panel.interpolate
    bench.open(aid)
    bench.session.go_to(5)
    assert aid.start_button.toolTip() == "Paint keyhole in a frame before and in one after this."
    for t in (2, 8):
        bench.paint(t, truth[t] == Label.KEYHOLE, Label.KEYHOLE)
    bench.session.apply([bench.session.annotation.propose(4, truth[4])])  # an aid's
    bench.session.go_to(5)
    assert list(aid.between.frames()) == list(range(2, 9))
    bench.complete(4)  # what the aid did is confirmed
    assert list(aid.between.frames()) == list(range(4, 9))
    aid.between.first.setValue(3)
    assert list(aid.between.frames()) == list(range(3, 9))
    bench.session.go_to(8)  # a key frame itself: up to it
    bench.panel.desk.classes.setCurrentText("substrate")
    bench.panel.desk.classes.setCurrentText("keyhole")
    assert list(aid.between.frames()) == list(range(4, 9))


def test_labels_of_another_layer_are_taken_by_what_the_classes_are(bench, drawn, viewer):
    truth = drawn[1]
    other = LabelScheme(
        tuple(LabelClass(c.code + 10, c.name, c.color, c.role) for c in DEFAULT_SCHEME.classes)
    )
    data = truth.astype(np.int32) + 10
    layer = viewer.add_labels(data, name="segmented", metadata={KEY: LabelSource(scheme=other)})
    bench.complete(0)
    bench.session.go_to(2)
    aid = bench.panel.layers
    assert aid.layer.layer() is layer
    bench.open(aid)
    bench.check_one_step(lambda: bench.press(aid.one_button))
    assert np.array_equal(bench.session.labels_of(2), truth[2])
    bench.check_one_step(lambda: bench.press(aid.many_button))
    assert np.array_equal(bench.session.annotation.labels[1:], truth[1:])
    assert not bench.session.labels_of(0).any()
    statuses = bench.session.annotation.statuses
    assert (statuses[0], statuses[1], statuses[2]) == (3, 1, 2)


def test_a_class_that_the_annotation_lacks_is_refused_by_name(bench, drawn, viewer):
    scheme = LabelScheme((*DEFAULT_SCHEME.classes, SPATTER))
    viewer.add_labels(drawn[1].copy(), metadata={KEY: LabelSource(scheme=scheme)})
    before = bench.state()
    bench.open(bench.panel.layers)
    bench.press(bench.panel.layers.many_button)
    assert "spatter" in bench.status
    assert all(map(np.array_equal, bench.state(), before))


def test_codes_without_meaning_are_refused(bench, drawn, viewer):
    data = drawn[1].copy()
    data[1, 0, 0] = 9
    viewer.add_labels(data, name="foreign")
    bench.open(bench.panel.layers)
    bench.press(bench.panel.layers.many_button)
    assert "Frame 1 of that layer holds code 9 (1 pixels)" in bench.status
    assert not bench.session.annotation.labels.any()


def test_a_class_is_cleaned(bench, drawn):
    """Specks go, holes are filled, edges get smooth, stray parts go; painted ones stay."""
    substrate, keyhole = np.uint8(Label.SUBSTRATE), np.uint8(Label.KEYHOLE)
    clean = np.full(drawn[1][0].shape, substrate)
    clean[20:50, 60:90] = keyhole
    dirty = clean.copy()
    dirty[70:72, 20:22] = keyhole  # speck
    dirty[75:85, 100:110] = keyhole  # part
    dirty[30:33, 70:73] = 0  # hole
    annotation, aid = bench.session.annotation, bench.panel.clean
    bench.session.apply([annotation.propose(t, dirty) for t in range(3)])
    painted = np.zeros(clean.shape, bool)
    painted[5:7, 5:7] = True
    bench.paint(1, painted, keyhole)
    bench.complete(2)
    bench.session.go_to(0)
    bench.open(aid)

    aid.what.setCurrentText("remove specks")
    bench.check_one_step(lambda: bench.press(aid.many_button))
    assert bench.status == "Keyhole, remove specks: 2 frames, 8 pixels."
    assert (annotation.labels[1][painted] == keyhole).all()

    aid.what.setCurrentText("fill holes")
    bench.check_one_step(lambda: bench.press(aid.one_button))
    assert bench.status == "Keyhole, fill holes: frame 0, 9 pixels."

    aid.what.setCurrentText("keep the largest part")
    bench.check_one_step(lambda: bench.press(aid.one_button))
    assert np.array_equal(annotation.labels[0], clean)
    assert np.array_equal(annotation.labels[2], dirty)

    aid.what.setCurrentText("smooth the edge")
    bench.check_one_step(lambda: bench.press(aid.one_button))
    assert 0 < (annotation.labels[0] != clean).sum() < 60  # the corners

    aid.what.setCurrentText("fill holes")
    bench.press(aid.one_button)
    assert bench.status == "Keyhole, fill holes: nothing changed, all is so already."
