"""Aids that look at the grey values: surface, snap, classify; on drawn and on real frames."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_amseg.annotate.annotation import Status
from napari_amseg.io import read_stack
from napari_amseg.labels import Label
from napari_amseg.plugin.annotate.aids.snapping import Stroke


def iou(found: np.ndarray, true: np.ndarray) -> float:
    return float((found & true).sum() / (found | true).sum())


def box(shape: tuple[int, ...], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


@pytest.fixture
def shape(drawn):
    return drawn[0].shape[1:]


def test_what_is_unlabelled_is_filled_on_both_sides_of_the_surface(bench, drawn, viewer):
    truth, aid = drawn[1], bench.panel.surface
    for t in range(3):
        bench.paint(t, truth[t] == Label.KEYHOLE, Label.KEYHOLE)
    bench.session.go_to(1)
    bench.open(aid)
    assert (aid.above.currentText(), aid.below.currentText()) == ("background", "substrate")
    bench.press(aid.find_button)
    bench.qtbot.waitUntil(lambda: aid.line is not None)
    assert aid.line.rows([0, 159]) == pytest.approx([39.5, 39.5], abs=1)
    bench.check_one_step(lambda: bench.press(aid.fill_button))
    assert "surface" not in viewer.layers
    assert viewer.layers.selection.active is bench.session.layer
    metal = np.where(truth == Label.PORE, Label.SUBSTRATE, truth)
    assert (bench.session.labels_of(1) != metal[1]).mean() < 0.01
    assert bench.session.annotation.status(1) == Status.IN_PROGRESS

    aid.above.setCurrentText("powder")
    bench.panel.desk.frames.show_range(0, 4)
    bench.check_one_step(lambda: bench.press(aid.fill_many_button))
    labels = bench.session.annotation.labels
    assert (labels[4, :38] == Label.POWDER).all()
    assert (labels[1, :38] == Label.BACKGROUND).all()  # was labelled
    assert not labels[5:].any()
    assert bench.session.annotation.status(4) == Status.SUGGESTED


def test_the_line_that_is_drawn_or_dragged_counts(bench, drawn):
    aid, session = bench.panel.surface, bench.session
    bench.open(aid)
    bench.press(aid.draw_button)
    layer = aid._shape._layer
    assert layer.mode == "add_line"
    aid.anew.setChecked(False)
    assert aid.fill_many_button.toolTip() == "Find or draw the line first."
    layer.add([[20, 0], [36, 159]], shape_type="line", gui=True)
    layer._is_creating, layer._moving_value = True, (0, 4)
    layer._finish_drawing()  # the mouse is let go
    bench.qtbot.waitUntil(lambda: layer.mode == "direct")
    bench.press(aid.fill_many_button)
    labels = session.annotation.labels
    assert (labels[9, 19, 0], labels[9, 21, 0]) == (Label.BACKGROUND, Label.SUBSTRATE)
    assert (labels[0, 34, 159], labels[0, 37, 159]) == (Label.BACKGROUND, Label.SUBSTRATE)
    assert labels.all()


def test_a_frame_without_surface_is_left_and_told(aids):
    bench = aids(np.random.default_rng(3).normal(0, 1, (3, 96, 160)).astype(np.float32))
    bench.press(bench.panel.surface.fill_button)
    assert "left: no straight surface stands out, draw it" in bench.status
    assert not bench.session.annotation.labels.any()


def test_a_rough_stroke_becomes_its_object(bench, drawn, shape):
    """It grows inside the object, shrinks where it crossed the edge onto what was there."""
    truth, session, aid = drawn[1][2], bench.session, bench.panel.snap
    substrate = box(shape, slice(45, 60), slice(77, 90))
    bench.paint(2, substrate, Label.SUBSTRATE)
    stroke = box(shape, slice(44, 60), slice(69, 83))  # the keyhole is in columns 64 to 79
    bench.paint(2, stroke, Label.KEYHOLE)
    raw = bench.state()
    over = substrate & stroke & (truth == Label.SUBSTRATE)
    assert over.any()
    bench.open(aid)
    bench.press(aid.snap_button)
    labels, by_hand = session.labels_of(2), session.annotation.by_hand[2]
    assert iou(labels == Label.KEYHOLE, truth == Label.KEYHOLE) > 0.9
    snapped_back = over & (labels != Label.KEYHOLE)
    assert snapped_back.sum() > over.sum() / 2
    assert (labels[snapped_back] == Label.SUBSTRATE).all()
    assert by_hand[snapped_back].all()  # as before the stroke
    assert by_hand[labels == Label.KEYHOLE].all()
    session.layer.undo()
    assert all(map(np.array_equal, bench.state(), raw))


def test_every_stroke_of_a_cavity_snaps_if_wanted(bench, drawn, shape):
    aid, truth = bench.panel.snap, drawn[1][4]
    bench.session.layer.mode = "paint"
    aid.always.setChecked(True)
    bench.paint(4, box(shape, slice(73, 77), slice(23, 27)), Label.PORE)
    bench.wait()
    assert iou(bench.session.labels_of(4) == Label.PORE, truth == Label.PORE) > 0.8
    assert bench.status.startswith("Pore snapped: 16 pixels painted")
    bench.paint(4, box(shape, slice(85, 90), slice(100, 110)), Label.SUBSTRATE)
    bench.wait()
    assert (bench.session.labels_of(4) == Label.SUBSTRATE).sum() == 50


def test_a_stroke_on_nothing_stays_as_it_is(aids, shape):
    bench = aids(np.random.default_rng(3).normal(0, 1, (3, *shape)).astype(np.float32))
    stroke = box(shape, slice(15, 18), slice(100, 120))
    bench.paint(0, stroke, Label.PORE)
    before = bench.state()
    bench.press(bench.panel.snap.snap_button)
    assert bench.status.startswith("Stroke left as it is: no edge found")
    assert all(map(np.array_equal, bench.state(), before))


def test_a_stroke_is_told_from_erasing(bench, shape):
    spot = box(shape, slice(70, 75), slice(22, 26))
    bench.paint(0, spot, Label.PORE)
    change = bench.session.history._undo[-1][-1]
    assert Stroke.of(change, bench.session.annotation).mask.sum() == 20
    bench.paint(0, spot, 0)
    erased = bench.session.history._undo[-1][-1]
    assert Stroke.of(erased, bench.session.annotation) is None


def scribble(bench, truth: np.ndarray, frame: int, codes=(1, 3, 4)) -> None:
    """Paint every sixth row of some classes."""
    for code in codes:
        rows = np.zeros(truth.shape, bool)
        rows[::6, ::2] = True
        bench.paint(frame, (truth == code) & rows, code)


def test_the_classifier_labels_what_is_not_confirmed(bench, drawn):
    truth, aid = drawn[1], bench.panel.classify
    bench.open(aid)
    bench.press(aid.one_button)
    assert "scribble at least two classes" in bench.status
    scribble(bench, truth[0], 0)
    wrong = box(truth[0].shape, slice(85, 90), slice(5, 10))
    bench.paint(0, wrong, Label.POWDER)
    bench.complete(9)
    bench.check_one_step(lambda: bench.press(aid.one_button))
    labels, annotation = bench.session.annotation.labels, bench.session.annotation
    assert iou(labels[0] == Label.KEYHOLE, truth[0] == Label.KEYHOLE) > 0.85
    assert "no scribbles of pore" in bench.status
    n_confirmed = f"{annotation.by_hand[0].sum():,}"
    assert f"{n_confirmed} confirmed pixels kept, " in bench.status  # all, not just the odd ones
    assert " of them against it" in bench.status
    assert "classified after 1 labelled frame" in bench.status.casefold()

    learnt = aid._scribbles._classifier
    bench.check_one_step(lambda: bench.press(aid.many_button))
    assert aid._scribbles._classifier is learnt  # the scribbles are the same
    assert iou(labels[5] == Label.KEYHOLE, truth[5] == Label.KEYHOLE) > 0.85
    assert (annotation.status(0), annotation.status(5)) == (Status.IN_PROGRESS, Status.SUGGESTED)
    assert not labels[9].any()

    scribble(bench, truth[3], 3, codes=(2,))
    bench.press(aid.one_button)
    assert aid._scribbles._classifier is not learnt
    assert "after 2 labelled frames" in bench.status


@pytest.fixture
def plate(real_data, aids):
    """The aids on ten real frames, and their labels (10, 400, 1024)."""
    folder = real_data / "ti64_plate"
    files = [str(f) for f in folder.glob("*.tif") if f.name != "labels.tif"]
    images = np.stack(list(read_stack(files)))
    return aids(images), tifffile.imread(folder / "labels.tif")


def test_three_real_frames_are_labelled_with_the_aids(plate):
    """Snap, surface, copy, interpolate, classify, clean: each undone to the pixel."""
    bench, truth = plate
    panel, session = bench.panel, bench.session
    keyhole = truth == Label.KEYHOLE
    panel.snap.always.setChecked(False)
    for t in (0, 3):
        middle = np.zeros(truth[0].shape, bool)
        rows = np.flatnonzero(keyhole[t].any(axis=1))[6:-8:2]
        for row in rows:
            columns = np.flatnonzero(keyhole[t, row])
            middle[row, int(np.median(columns))] = True
        bench.paint(t, middle, Label.KEYHOLE)
        bench.check_one_step(lambda: bench.press(panel.snap.snap_button))
        assert iou(session.labels_of(t) == Label.KEYHOLE, keyhole[t]) > 0.7, bench.status
    bench.open(panel.interpolate)
    session.go_to(1)
    bench.check_one_step(lambda: bench.press(panel.interpolate.start_button))
    assert "Keyhole between frames 0 and 3: 2 frames" in bench.status
    panel.desk.frames.show_range(0, 3)
    bench.check_one_step(lambda: bench.press(panel.surface.fill_many_button))
    for t in range(4):
        labels = session.labels_of(t)
        assert labels.all()
        assert iou(labels == Label.SUBSTRATE, truth[t] == Label.SUBSTRATE) > 0.97
    session.go_to(4)
    bench.check_one_step(lambda: bench.press(panel.copy.previous_button))
    assert np.array_equal(session.labels_of(4), session.labels_of(3))
    session.go_to(5)
    for t in (0, 3):
        bench.complete(t)
    bench.check_one_step(lambda: bench.press(panel.classify.one_button))
    assert iou(session.labels_of(5) == Label.KEYHOLE, keyhole[5]) > 0.6
    panel.clean.what.setCurrentText("smooth the edge")
    bench.check_one_step(lambda: bench.press(panel.clean.one_button))
    bench.session.viewer.add_labels(truth, name="truth")
    panel.desk.frames.show_range(0, 9)
    bench.check_one_step(lambda: bench.press(panel.layers.many_button))
    assert np.array_equal(session.labels_of(8), truth[8])
