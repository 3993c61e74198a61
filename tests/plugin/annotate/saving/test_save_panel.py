"""The *Save* tab with a real viewer and real files: saves, conflicts, versions, exchange."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import list_backups
from napari_amseg.annotate.load import load_frames
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.safety import ROOT_VARIABLE, recovery_root
from napari_amseg.annotate.save import FrameToSave, Saved, SaveTarget, save_frames
from napari_amseg.annotate.working_copy import SessionRecord, WorkingCopy
from napari_amseg.dataset import open_benchmark
from napari_amseg.dataset.annotation_status import read_statuses, status_path
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.saving.conflicts import Answer, ConflictsDialog
from napari_amseg.plugin.annotate.saving.earlier import known_experiments, remember
from napari_amseg.plugin.annotate.saving.panel import SavePanel
from napari_amseg.plugin.annotate.session import Session, empty_annotation
from napari_amseg.plugin.layers import KEY, Preview
from napari_amseg.types import Experiment

PATIENCE_MS = 20_000
RUN = Experiment(experiment="run", pixel_size_um=4.3, beamline="ID19")


@pytest.fixture(autouse=True)
def _own_recovery_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "work"))


@pytest.fixture
def session(viewer, drawn_frames):
    image = viewer.add_layer(Image(drawn_frames[0], name="run 3"))
    session = Session(viewer, image, empty_annotation(image.data.shape, DEFAULT_SCHEME))
    yield session
    if session.layer in viewer.layers:
        session.close()


@pytest.fixture
def keeper(session):
    record = SessionRecord(
        (), session.stack.shape, "uint8", DEFAULT_SCHEME, Experiment(), Owner.here("Ann")
    )
    keeper = Keeper(session, WorkingCopy.create(recovery_root(), record), bases={})
    yield keeper
    keeper.close()


@pytest.fixture
def panel(viewer, session, keeper, qtbot, tmp_path):
    """The panel in the dock, a benchmark folder and a name filled in."""
    panel = SavePanel(viewer)
    viewer.window.add_dock_widget(panel)
    panel.set_session(session, keeper)
    panel.place.folder.set_path(tmp_path / "benchmark")
    panel.place.experiment.set_value(RUN)
    yield panel
    panel.stop()


@pytest.fixture
def draw(session, drawn_frames):
    """Label frames as the truth has them, moved by some rows, as an aid would; complete or not."""

    def draw(*frames, rows=0, complete=False):
        codes = {t: np.roll(drawn_frames[1][t], rows, axis=0) for t in frames}
        everywhere = np.ones(session.stack.frame_shape, bool)
        propose = session.annotation.propose
        session.apply(propose(t, c, where=everywhere, overwrite=True) for t, c in codes.items())
        if complete:
            session.set_status(frames, Status.COMPLETE)

    return draw


@pytest.fixture
def save(panel, qtbot):
    """Press *Save* and wait."""

    def save():
        panel._show()  # not after a moment
        assert panel.save_button.isEnabled(), panel.save_button.toolTip()
        with qtbot.waitSignal(panel.save_ended, timeout=PATIENCE_MS):
            qtbot.mouseClick(panel.save_button, Qt.MouseButton.LeftButton)

    return save


@pytest.fixture
def there(tmp_path):
    """What the benchmark has of an experiment: labels and status by frame number."""

    def there(experiment="run"):
        benchmark = open_benchmark(tmp_path / "benchmark")
        return {int(f.name): (f.labels, f.status) for f in load_frames(benchmark, experiment)}

    return there


@pytest.fixture
def other_saves(session, tmp_path, drawn_frames):
    """Another annotator opens the benchmark's frames and saves others."""

    def save(*frames):
        benchmark = open_benchmark(tmp_path / "benchmark")
        bases = {int(f.name): f.sha256 for f in load_frames(benchmark, "run")}
        given = [
            FrameToSave(
                t, f"{t:04d}", np.roll(drawn_frames[1][t], 5, 0), Status.COMPLETE, bases.get(t)
            )
            for t in frames
        ]
        target = SaveTarget(tmp_path / "benchmark", RUN, DEFAULT_SCHEME, "Bob")
        outcomes = list(save_frames(target, session.stack, given))
        assert all(isinstance(outcome, Saved) for outcome in outcomes)

    return save


def test_frames_are_saved_marked_and_counted(
    panel, keeper, draw, save, there, session, tmp_path, qtbot
):
    assert not panel.save_button.isEnabled()
    draw(0, 1)
    draw(2, complete=True)
    words = "3 frames not saved yet, 1 of them complete"
    qtbot.waitUntil(lambda: panel.state.text().startswith(words), timeout=PATIENCE_MS)
    panel.what.setCurrentIndex(1)
    assert panel.save_button.text() == "Save 1 frame"
    save()
    assert set(there()) == {2}
    assert keeper.unsaved == {0, 1}
    panel.what.setCurrentIndex(0)
    save()
    found = there()
    for t in range(3):
        np.testing.assert_array_equal(found[t][0], session.labels_of(t))
    assert [found[t][1] for t in range(3)] == [Status.IN_PROGRESS] * 2 + [Status.COMPLETE]
    assert not keeper.unsaved
    assert "All frames that were worked on are saved" in panel.state.text()
    rows = read_statuses(status_path(tmp_path / "benchmark", "run"))
    assert {row.annotator for row in rows.values()} == {"Ann"}
    np.testing.assert_array_equal(
        open_benchmark(tmp_path / "benchmark").image(
            open_benchmark(tmp_path / "benchmark").frames[0]
        ),
        session.image_frame(0),
    )


def test_what_looks_wrong_in_complete_frames_is_told_and_saved(panel, session, draw, save, there):
    draw(0, complete=True)
    session.annotation.labels[0, 2, 2] = Label.PORE
    session.set_status([0], Status.COMPLETE)
    save()
    assert "0000: " in panel.remarks.text()
    assert "above the surface" in panel.remarks.text()
    assert there()[0][0][2, 2] == Label.PORE


@pytest.fixture
def in_conflict(panel, draw, save, other_saves):
    """Two frames of three that Bob saved meanwhile; gives the dialog."""
    draw(0, 1, 2)
    save()
    other_saves(0, 1)
    draw(0, 1, 2, rows=1)
    save()
    assert isinstance(panel.files.dialog, ConflictsDialog)
    return panel.files.dialog


def test_conflicts_are_told_and_nothing_is_overwritten(
    in_conflict, keeper, there, drawn_frames, session
):
    assert keeper.unsaved == {0, 1}
    found = there()
    for t in (0, 1):
        np.testing.assert_array_equal(found[t][0], np.roll(drawn_frames[1][t], 5, 0))
    np.testing.assert_array_equal(found[2][0], session.labels_of(2))
    assert "Bob saved it" in in_conflict.table.item(0, 0).text()
    in_conflict._accept()  # leave both for now
    assert keeper.unsaved == {0, 1}


def test_theirs_is_taken_and_mine_replaces(
    in_conflict, panel, keeper, there, drawn_frames, session, qtbot, tmp_path
):
    mine = {t: session.labels_of(t).copy() for t in (0, 1)}
    in_conflict.choices[0].setCurrentText(Answer.THEIRS.value)
    in_conflict.choices[1].setCurrentText(Answer.MINE.value)
    in_conflict._accept()
    qtbot.waitUntil(lambda: not keeper.unsaved and not panel.is_running, timeout=PATIENCE_MS)
    theirs = [np.roll(drawn_frames[1][t], 5, 0) for t in (0, 1)]
    np.testing.assert_array_equal(session.labels_of(0), theirs[0])
    assert session.annotation.status(0) == Status.COMPLETE
    np.testing.assert_array_equal(there()[1][0], mine[1])
    newest = list_backups(tmp_path / "benchmark", "run", "0001")[0]
    np.testing.assert_array_equal(newest.labels(), theirs[1])
    session.layer.undo()
    session.history.look()
    np.testing.assert_array_equal(session.labels_of(0), mine[0])
    assert keeper.unsaved == {0}


def test_mine_is_saved_as_another_experiment(in_conflict, panel, keeper, there, session, qtbot):
    in_conflict.name.setText("run-Ann")
    with qtbot.waitSignal(panel.save_ended, timeout=PATIENCE_MS):
        qtbot.mouseClick(in_conflict.rename_button, Qt.MouseButton.LeftButton)
    assert not keeper.unsaved
    assert set(there("run-Ann")) == {0, 1, 2}
    for t, (labels, _) in there("run-Ann").items():
        np.testing.assert_array_equal(labels, session.labels_of(t))


def test_a_folder_that_cannot_be_written_loses_nothing(
    panel, keeper, draw, save, tmp_path, notifications, there
):
    draw(0)
    (tmp_path / "benchmark").write_text("a file in the way")
    save()
    assert any("Nothing is lost" in told and str(keeper.folder) in told for told in notifications())
    assert keeper.unsaved == {0}
    (tmp_path / "benchmark").unlink()
    save()
    assert set(there()) == {0}


def test_a_save_is_cancelled_after_the_frame_at_hand(panel, keeper, draw, qtbot, session, there):
    read, go_on = session.stack.read, threading.Event()

    def slow(t):
        if t == 2:
            go_on.wait(10)
        return read(t)

    session.stack = replace(session.stack, read=slow)
    draw(*range(6))
    panel._show()
    qtbot.mouseClick(panel.save_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.progress.value() == 2, timeout=PATIENCE_MS)
    assert panel.save_button.text() == "Cancel"
    with qtbot.waitSignal(panel.save_ended, timeout=PATIENCE_MS):
        qtbot.mouseClick(panel.save_button, Qt.MouseButton.LeftButton)
        go_on.set()
    assert set(there()) == {0, 1, 2}
    assert keeper.unsaved == {3, 4, 5}


def test_frames_are_copied_a_few_at_a_time(panel, keeper, draw, save, session, there, monkeypatch):
    monkeypatch.setattr("napari_amseg.plugin.annotate.saving.saver._BATCH", 4)
    copied, to_save = [], keeper.to_save

    def watched(frames):
        copied.append((len(frames), threading.current_thread() is threading.main_thread()))
        return to_save(frames)

    monkeypatch.setattr(keeper, "to_save", watched)
    draw(*range(6))
    save()
    assert copied == [(4, False), (2, False)]
    assert set(there()) == set(range(6))
    assert panel.progress.maximum() == 6
    assert not keeper.unsaved


def test_known_experiments_complete_what_is_typed(panel, keeper, draw, save, qtbot):
    draw(0)
    save()
    remember(Experiment(experiment="older", facility="APS", laser_power_w=200))
    panel.place.look()
    qtbot.waitUntil(lambda: not panel.place._reader.busy, timeout=PATIENCE_MS)
    form = panel.place.experiment
    model = form.field("experiment").completer().model()
    assert model.stringList() == ["older", "run"]
    assert form.field("beamline").completer().model().stringList() == ["ID19"]
    form.set_value(Experiment(pixel_size_um=2.0))
    panel.place.name.setText("older")
    panel.place.name.editingFinished.emit()
    assert form.value() == Experiment(
        experiment="older", facility="APS", laser_power_w=200, pixel_size_um=2.0
    )
    panel.place.name.setText("run")  # the benchmark knows it, with another pixel size
    panel.place.name.editingFinished.emit()
    assert "pixel_size_um is 2.0" in panel.place.note.text()
    form.field("pixel_size_um").set_number(5000)
    assert "another unit" in panel.place.note.text()
    assert keeper.experiment.experiment == "run"
    assert "run" in known_experiments(None)[1]


def test_typing_another_folder_forgets_nothing_before_save(
    panel, keeper, draw, save, other_saves, tmp_path
):
    draw(0, 1)
    save()
    panel.place.folder.set_path(tmp_path / "bench")
    assert keeper.benchmark == tmp_path / "benchmark"
    assert "another place" in panel.save_button.toolTip()
    panel.place.folder.set_path(tmp_path / "benchmark")
    assert not panel.save_button.isEnabled()
    panel.place.folder.set_path(tmp_path / "second")
    save()
    assert {f.frame for f in open_benchmark(tmp_path / "second").frames} == {"0000", "0001"}


def test_an_earlier_version_is_looked_at_and_taken_back(
    panel, viewer, session, draw, save, qtbot, drawn_frames
):
    draw(0, complete=True)
    save()
    draw(0, rows=2)
    save()
    session.go_to(0)
    panel.files.open_backups()
    dialog = panel.files.dialog
    qtbot.waitUntil(lambda: dialog.list.count() == 1, timeout=PATIENCE_MS)
    dialog.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: "earlier version" in viewer.layers, timeout=PATIENCE_MS)
    np.testing.assert_array_equal(viewer.layers["earlier version"].data, drawn_frames[1][0])
    assert not session.layer.visible
    assert viewer.layers.selection.active is session.layer
    now = session.labels_of(0).copy()
    qtbot.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(session.labels_of(0), drawn_frames[1][0])
    assert session.annotation.status(0) == Status.IN_PROGRESS
    assert session.layer.visible
    assert "earlier version" not in viewer.layers
    session.layer.undo()
    np.testing.assert_array_equal(session.labels_of(0), now)
    dialog.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: "earlier version" in viewer.layers, timeout=PATIENCE_MS)
    session.go_to(1)  # its versions are others
    assert "earlier version" not in viewer.layers
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    assert "no earlier version" in dialog.heading.text()
    dialog.close()


@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_exported_labels_come_back(panel, session, draw, qtbot, tmp_path, file_format):
    draw(0, 3)
    before = session.annotation.labels.copy()
    panel.files.export_button.export(tmp_path / "out", file_format)
    qtbot.waitUntil(lambda: not panel.files.export_button.busy, timeout=PATIENCE_MS)
    session.layer.undo()
    assert not session.annotation.labels.any()
    panel.files.open_import()
    dialog = panel.files.dialog
    out = tmp_path / "out"
    dialog.path.set_path(out if file_format == "png" else out / "run_3_labels.tif")
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    assert dialog.classes()["1"] == "keyhole"
    dialog.complete.setChecked(True)
    with qtbot.waitSignal(dialog.finished, timeout=PATIENCE_MS):
        qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(session.annotation.labels, before)
    assert session.annotation.count(Status.COMPLETE) == 8
    session.layer.undo()  # one step for all frames
    assert not session.annotation.labels.any()


def test_an_export_asks_before_it_replaces(panel, draw, qtbot, tmp_path):
    draw(0)
    button, asked = panel.files.export_button, []
    for answer in (True, False, True):
        button._ask = lambda parent, folder, answer=answer: asked.append(folder) or answer
        button.export(tmp_path / "out", "png")
        qtbot.waitUntil(lambda: not button.busy, timeout=PATIENCE_MS)
    assert len(asked) == 2


def test_labels_from_elsewhere_need_a_class_for_each_value(
    panel, session, qtbot, tmp_path, labels, notifications
):
    import imageio.v3 as imageio

    foreign = np.where(labels == Label.KEYHOLE, 77, 12).astype(np.uint8)
    imageio.imwrite(tmp_path / "foreign.png", foreign)
    session.layer.data[5, 12, 20] = Label.PORE
    session.annotation.by_hand[5, 12, 20] = True
    panel.files.open_import()
    dialog = panel.files.dialog
    assert not dialog.import_button.isEnabled()
    dialog.path.set_path(tmp_path / "foreign.png")
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    assert [dialog.table.item(i, 0).text() for i in range(2)] == ["12", "77"]
    assert dialog.table.item(1, 1).text() == "45"
    assert "Choose a class for 12, 77" in dialog.note.text()
    dialog.choices["77"].setCurrentText("keyhole")
    dialog.choices["12"].setCurrentText("leave out")
    dialog.first.setValue(5)
    assert dialog.note.text() == "Goes onto frame 5."
    with qtbot.waitSignal(dialog.finished, timeout=PATIENCE_MS):
        qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    wanted = np.where(labels == Label.KEYHOLE, Label.KEYHOLE, 0)
    wanted[12, 20] = Label.PORE  # by hand
    np.testing.assert_array_equal(session.labels_of(5), wanted)
    assert session.annotation.status(5) == Status.IN_PROGRESS
    imageio.imwrite(tmp_path / "small.png", foreign[:10])
    panel.files.open_import()
    dialog = panel.files.dialog
    dialog.path.set_path(tmp_path / "small.png")
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    for choice in dialog.choices.values():
        choice.setCurrentText("leave out")
    qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    assert any("10x48" in told for told in notifications())
    dialog.close()


def test_annotations_are_compared(
    panel, viewer, session, draw, qtbot, drawn_frames, save, other_saves, tmp_path
):
    draw(0, 1, 2)
    truth = drawn_frames[1].copy()
    truth[1, 12:21, 20:25] = Label.SUBSTRATE  # a keyhole only one of them saw
    viewer.add_layer(Labels(truth, name="other"))
    panel.files.open_compare()
    dialog = panel.files.dialog
    assert dialog.layers.layer().name == "other"
    with qtbot.waitSignal(viewer.layers.events.inserted, timeout=PATIENCE_MS):
        qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    rows = {dialog.table.item(i, 0).text(): i for i in range(dialog.table.rowCount())}
    whole = dialog.found.agreement.to_json()
    assert 0 < whole["classes"]["keyhole"]["iou"] < 1
    assert dialog.table.item(rows["keyhole"], 1).text() == (
        f"{whole['classes']['keyhole']['iou']:.4f}"
    )
    layer = next(layer for layer in viewer.layers if layer.name.endswith("differences"))
    assert isinstance(layer.metadata[KEY], Preview)
    np.testing.assert_array_equal(layer.data[1] == 1, truth[1] != session.labels_of(1))
    assert not layer.data[0].any()
    assert viewer.layers.selection.active is not layer
    dialog._go_to(dialog.worst.item(0))
    assert session.frame == 1
    save()
    other_saves(0)
    dialog.folder.set_path(tmp_path / "benchmark")
    dialog.experiment.setText("run")
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.busy, timeout=PATIENCE_MS)
    assert dialog.found.frames == [0, 1, 2]
    assert [row["differing_px"] > 0 for row in dialog.found.agreement.rows] == [True, False, False]
    dialog.close()


def test_another_session_takes_over_and_the_end_closes_all(panel, session, keeper, draw):
    draw(0)
    panel.files.open_import()
    panel.set_session(None, None)
    assert panel.files.dialog is None
    assert not panel.save_button.isEnabled()
    assert panel.state.text() == ""
    draw(1)
    panel.set_session(session, keeper)
    assert panel.state.text().startswith("2 frames not saved yet")


def test_what_is_undone_after_a_save_can_be_saved(panel, keeper, session, draw, save, there):
    draw(0)
    save()
    session.layer.undo()
    session.history.look()
    assert session.annotation.status(0) == Status.UNTOUCHED
    assert keeper.unsaved == {0}
    save()
    assert not keeper.unsaved
    assert not there()[0][0].any()


def test_many_changes_are_shown_once(panel, keeper, qtbot, monkeypatch):
    shown, show = [], panel._unsaved_words
    monkeypatch.setattr(panel, "_unsaved_words", lambda unsaved: shown.append(1) or show(unsaved))
    for _ in range(50):
        keeper.unsaved_changed.emit()
    assert not shown
    qtbot.waitUntil(lambda: bool(shown), timeout=PATIENCE_MS)
    qtbot.wait(300)
    assert len(shown) == 1
