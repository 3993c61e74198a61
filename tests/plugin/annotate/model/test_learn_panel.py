"""A model suggests and learns; what a person confirmed stays."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.advisor import frame_remarks
from napari_amseg.annotate.annotation import Status
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.model.panel import LearnPanel
from napari_amseg.plugin.annotate.model.suggest import recoding
from napari_amseg.plugin.annotate.session import Session, empty_annotation

LONG_MS = 120_000


@pytest.fixture
def annotated(viewer, drawn_frames, bundle_folder, tmp_path, monkeypatch):
    """A session of eight drawn frames, and the panel with the tiny model."""
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(tmp_path / "annotation"))
    images, truth = drawn_frames
    layer = viewer.add_image(images)
    session = Session(viewer, layer, empty_annotation(images.shape, DEFAULT_SCHEME))
    session.go_to(0)
    panel = LearnPanel(viewer)
    panel.set_session(session)
    panel.model.choose(bundle_folder)
    yield session, panel, truth
    panel.stop()
    session.close()


def wait(qtbot, panel) -> None:
    qtbot.waitUntil(lambda: not panel.is_running, timeout=LONG_MS)


def test_suggestions_leave_what_is_confirmed_and_are_one_step(annotated, qtbot):
    session, panel, truth = annotated
    annotation = session.annotation
    session.layer.paint((0, 20, 20), Label.KEYHOLE)
    by_hand = annotation.by_hand[0].copy()
    annotation.labels[3] = truth[3]
    session.set_status([3], Status.COMPLETE)
    before = annotation.labels.copy()
    panel.suggest_all()
    assert not panel.learn_button.isEnabled()
    wait(qtbot, panel)
    assert by_hand.any()
    assert (annotation.labels[0][by_hand] == Label.KEYHOLE).all()
    assert np.array_equal(annotation.labels[3], truth[3])
    assert (annotation.labels != 0).all()
    assert [annotation.status(t) for t in (0, 1, 3)] == [
        Status.IN_PROGRESS,
        Status.SUGGESTED,
        Status.COMPLETE,
    ]
    session.layer.undo()
    assert np.array_equal(annotation.labels, before)
    assert annotation.status(1) == Status.UNTOUCHED


def test_what_was_classified_in_a_frame_in_progress_survives_suggestions_for_all(annotated, qtbot):
    session, panel, truth = annotated
    annotation = session.annotation
    session.layer.paint((0, 20, 20), Label.KEYHOLE)
    classified = np.where(truth[0] == Label.SUBSTRATE, Label.POWDER, truth[0]).astype(np.uint8)
    classified[:3] = 0  # an aid left these
    session.extend(None, [annotation.propose(0, classified)])
    before = annotation.labels[0].copy()
    panel.suggest_all()
    wait(qtbot, panel)
    assert np.array_equal(annotation.labels[0][before != 0], before[before != 0])
    assert (annotation.labels[0] != 0).all()
    assert "1 frame in progress: only unlabelled pixels were filled" in panel.status.text()
    panel.suggest_here()  # this frame was asked for
    wait(qtbot, panel)
    assert not np.array_equal(annotation.labels[0][before != 0], before[before != 0])
    assert "in progress" not in panel.status.text()
    assert (annotation.labels[0][annotation.by_hand[0]] == Label.KEYHOLE).all()


def test_advice_leaves_out_what_is_corrected_and_goes_to_the_best(annotated, qtbot):
    session, panel, _ = annotated
    session.layer.paint((0, 20, 20), Label.KEYHOLE)
    assert not panel.next_button.isEnabled()
    panel.suggest_all()
    wait(qtbot, panel)
    frames = [advice.frame for advice in panel.advice]
    assert sorted(frames) == [1, 2, 3, 4, 5, 6, 7]
    assert panel.table.rowCount() == 7
    panel.go_to_advised()
    assert session.frame == frames[0]
    panel.go_to_advised()
    assert session.frame == frames[1]
    session.go_to(frames[0])
    session.set_status([frames[0]], Status.COMPLETE)
    assert frames[0] not in [advice.frame for advice in panel.advice]


def test_a_run_for_another_stack_advises_nothing_here(annotated, viewer, qtbot):
    _, panel, truth = annotated
    panel.suggest_all()
    remark = frame_remarks(7, truth[7], DEFAULT_SCHEME, uncertainty=0.5)
    panel._run.remarks[7] = remark  # a frame that was done
    other = Session(
        viewer,
        viewer.add_image(np.zeros((2, 40, 60), np.uint8)),
        empty_annotation((2, 40, 60), DEFAULT_SCHEME),
    )
    panel.set_session(other)
    wait(qtbot, panel)
    assert panel.advice == []
    assert panel.status.text() == ""
    panel.set_session(None)
    other.close()


def test_learning_makes_a_model_that_is_chosen_and_suggests(annotated, qtbot):
    session, panel, truth = annotated
    assert "Correct a frame first" in panel.learn_button.toolTip()
    for t in (0, 4):
        before = session.labels_of(t).copy()
        session.annotation.labels[t] = truth[t]
        session.annotation.painted(t, before)
    session.set_status([0, 4], Status.COMPLETE)
    panel.settings.set_value(panel.settings.settings_class(steps=6, crop_px=32))
    first = panel.model.bundle().folder
    panel.learn()
    qtbot.waitUntil(
        lambda: panel.model.bundle().folder != first or not panel.is_running, timeout=LONG_MS
    )
    wait(qtbot, panel)
    assert panel.model.bundle().folder != first, panel.status.text()
    assert panel.model.bundle().card.scheme == DEFAULT_SCHEME
    assert np.array_equal(session.annotation.labels[[0, 4]], truth[[0, 4]])
    assert (session.annotation.labels != 0).all()


@pytest.mark.slow
def test_learning_is_cancelled(annotated, qtbot):
    session, panel, truth = annotated
    session.annotation.labels[0] = truth[0]
    session.set_status([0], Status.COMPLETE)
    panel.settings.set_value(panel.settings.settings_class(steps=100_000, crop_px=32))
    panel.learn()
    qtbot.waitUntil(lambda: panel.progress.maximum() > 0, timeout=LONG_MS)
    panel.cancel()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=10_000)
    assert panel.status.text() == "Cancelled: nothing was learnt."


def test_a_class_the_annotation_lacks_is_refused_by_name():
    casting = DEFAULT_SCHEME.subset(("pore", "background"))
    with pytest.raises(ValueError, match="'keyhole', which this annotation does not know"):
        recoding(DEFAULT_SCHEME, casting)
    table = recoding(casting, DEFAULT_SCHEME)
    assert table[Label.PORE] == Label.PORE
    assert table[Label.KEYHOLE] == 0
