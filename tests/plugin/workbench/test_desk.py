"""Saving and opening in a real viewer: twice, under another name, while napari closes."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_amseg.annotate.annotation import Status
from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.workbench.opening import open_workspace
from napari_amseg.plugin.workbench.progress import Pace

PATIENCE_MS = 60_000
SHAPE = (8, 32, 48)


@pytest.fixture
def hand(viewer):
    """Labels painted in napari."""
    layer = viewer.add_labels(np.ones(SHAPE, np.uint8), name="hand")
    return viewer.layers[layer.name]


@pytest.fixture
def slow(monkeypatch, qtbot):
    """Saving and opening take their time."""
    told = Pace.told

    def slowly(pace, t, total):
        import time

        time.sleep(0.1)
        yield from told(pace, t, total)

    monkeypatch.setattr(Pace, "told", slowly)


def files_in(folder):
    return sorted(folder.iterdir())


def labels_in(path):
    import threading

    opened = list(open_workspace(path, threading.Event()))[-1]
    assert not opened.problems
    return {item.data[1]["name"]: item.data[0] for item in opened.layers}


def saved(desk, path, wait_for, **options):
    desk.save(path, **options)
    wait_for(desk)
    return path.with_name(path.name + ".amseg.json")


def test_saving_twice_keeps_one_file_with_the_newest_labels(workbench, hand, tmp_path, wait_for):
    path = saved(workbench.desk, tmp_path / "w", wait_for)
    before = files_in(tmp_path / "w_workspace")
    saved(workbench.desk, tmp_path / "w", wait_for)
    assert files_in(tmp_path / "w_workspace") == before  # unchanged, so not written again
    hand.data[2, :5] = 3
    saved(workbench.desk, tmp_path / "w", wait_for)
    assert len(files_in(tmp_path / "w_workspace")) == 1
    assert np.array_equal(labels_in(path)["hand"], hand.data)


def test_reopened_painted_on_and_saved_again(viewer, workbench, hand, tmp_path, wait_for):
    path = saved(workbench.desk, tmp_path / "w", wait_for)
    viewer.layers.clear()
    workbench.desk.open(path)
    wait_for(workbench.desk)
    viewer.layers["hand"].data[5, :5] = 2
    saved(workbench.desk, tmp_path / "w", wait_for)
    assert len(files_in(tmp_path / "w_workspace")) == 1
    assert np.all(labels_in(path)["hand"][5, :5] == 2)


def test_saved_under_another_name_the_first_stays_as_it_was(workbench, hand, tmp_path, wait_for):
    first = saved(workbench.desk, tmp_path / "a", wait_for)
    hand.data[0] = 2
    second = saved(workbench.desk, tmp_path / "b", wait_for)
    hand.data[0] = 3
    saved(workbench.desk, tmp_path / "b", wait_for)
    assert np.all(labels_in(first)["hand"] == 1)
    assert np.all(labels_in(second)["hand"][0] == 3)


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_name_without_ending_that_meets_another_workspace_asks(
    viewer, workbench, hand, tmp_path, wait_for, monkeypatch, answer
):
    path = saved(workbench.desk, tmp_path / "run12", wait_for)
    before = path.read_bytes()
    workbench.desk.path = None  # a new session
    asked = []

    def ask(parent, title, text, *buttons):
        asked.append(text)
        return QMessageBox.StandardButton[answer]

    monkeypatch.setattr(QMessageBox, "question", ask)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "run12"), ""))
    viewer.layers["hand"].name = "other"
    workbench._on_save()
    wait_for(workbench.desk)
    assert "run12.amseg.json exists" in asked[0]
    assert (path.read_bytes() == before) == (answer == "No")


def test_a_workspace_that_another_window_saved_since_is_not_replaced(
    workbench, hand, tmp_path, wait_for, notifications
):
    path = saved(workbench.desk, tmp_path / "w", wait_for)
    theirs = path.read_bytes() + b" "
    path.write_bytes(theirs)
    hand.data[0] = 2
    saved(workbench.desk, tmp_path / "w", wait_for)
    assert path.read_bytes() == theirs
    assert "another window" in notifications()[-1]
    saved(workbench.desk, tmp_path / "w", wait_for, may_replace=True)
    assert np.all(labels_in(path)["hand"][0] == 2)


@pytest.mark.parametrize("what", ["window", "Workbench"])
def test_closing_while_saving_finishes_the_save(
    viewer, workbench, hand, tmp_path, notifications, slow, what
):
    workbench.desk.save(tmp_path / "w")
    assert workbench.desk.busy
    if what == "window":
        viewer.window._qt_window.close()
    else:
        viewer.window.remove_dock_widget(workbench.docks.own())
    assert not workbench.desk.busy
    assert np.all(labels_in(tmp_path / "w.amseg.json")["hand"] == 1)
    assert "Saved w.amseg.json" in notifications()[-1]


def test_the_last_window_that_closes_does_not_cancel_a_save(
    workbench, hand, tmp_path, wait_for, slow
):
    from napari_amseg.plugin import cancel

    workbench.desk.save(tmp_path / "w")
    cancel._cancel_all()
    wait_for(workbench.desk)
    assert (tmp_path / "w.amseg.json").exists()


def test_a_save_that_fails_while_napari_closes_keeps_the_window(
    viewer, workbench, hand, tmp_path, notifications, slow, monkeypatch
):
    window = viewer.window._qt_window
    window.show()
    workbench.desk.save(tmp_path / "w")
    (tmp_path / "w.amseg.json").mkdir()  # somebody's folder
    assert not window.close()
    assert window.isVisible()
    assert "w.amseg.json" in notifications()[-1]


def test_a_layer_that_is_closed_after_a_save_is_gone(viewer, workbench, tmp_path, wait_for, qtbot):
    viewer.add_labels(np.ones(SHAPE, np.uint8), name="hand")
    array = weakref.ref(viewer.layers["hand"].data)
    saved(workbench.desk, tmp_path / "w", wait_for)
    viewer.layers.clear()
    qtbot.wait(200)

    def is_gone() -> bool:
        gc.collect()
        return array() is None

    qtbot.waitUntil(is_gone, timeout=5000)


def test_the_frame_in_view_comes_back_behind_a_single_image(
    viewer, workbench, tmp_path, drawn_frames, wait_for
):
    for name, frames in (("one", drawn_frames[0][0]), ("run", drawn_frames[0])):
        tifffile.imwrite(tmp_path / f"{name}.tif", frames, photometric="minisblack")
    viewer.add_labels(drawn_frames[1][0].copy(), name="flat")
    viewer.open(str(tmp_path / "one.tif"), plugin="napari-amseg")
    viewer.open(str(tmp_path / "run.tif"), plugin="napari-amseg")
    viewer.dims.set_current_step(0, 5)
    path = saved(workbench.desk, tmp_path / "w", wait_for)
    viewer.layers.clear()
    workbench.desk.open(path)
    wait_for(workbench.desk)
    assert viewer.dims.current_step[0] == 5


def test_rotated_labels_are_left_out_for_that_reason(
    workbench, hand, tmp_path, wait_for, notifications
):
    hand.rotate = 5
    saved(workbench.desk, tmp_path / "w", wait_for)
    assert "as they are rotated, sheared or transformed: hand" in notifications()[-1]


@pytest.mark.parametrize("layer", ["instances", "numpy"])
def test_a_foreign_layer_does_not_block_annotation(
    viewer, workbench, hand, tmp_path, wait_for, notifications, layer
):
    if layer == "instances":
        viewer.add_labels(np.full(SHAPE, 300, np.int32), name="instances")
    else:
        viewer.add_image(np.zeros(SHAPE), name="numpy")
    path = saved(workbench.desk, tmp_path / "w", wait_for)
    assert np.all(labels_in(path)["hand"] == 1)
    assert layer in "\n".join(notifications())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_annotation_painted_on_while_it_is_saved_is_not_torn(
    viewer, workbench, tmp_path, drawn_frames, wait_for, qtbot, notifications, slow
):
    tifffile.imwrite(tmp_path / "run.tif", drawn_frames[0], photometric="minisblack")
    viewer.open(str(tmp_path / "run.tif"), plugin="napari-amseg")
    workbench.open_step("Annotate")
    annotate = workbench.docks.widgets()["Annotate"]
    annotate.start()
    qtbot.waitUntil(lambda: annotate.session is not None, timeout=PATIENCE_MS)
    session = annotate.session
    session.go_to(1)
    session.layer.paint((1, 10, 10), 1)
    qtbot.waitUntil(lambda: bool(session.annotation.by_hand[1].any()), timeout=PATIENCE_MS)
    workbench.desk.save(tmp_path / "w")
    qtbot.wait(350)  # frame 1 is written
    assert workbench.desk.busy
    session.layer.undo()
    session.layer.paint((1, 20, 20), 2)
    wait_for(workbench.desk)
    files = sorted(files_in(tmp_path / "w_workspace"), key=lambda file: "confirmed" in file.name)
    labels, confirmed = map(tifffile.imread, files)
    assert confirmed.any()
    assert np.array_equal(labels, confirmed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nothing_is_saved_while_an_aid_is_at_work(
    viewer, workbench, tmp_path, drawn_frames, qtbot, notifications
):
    import threading

    tifffile.imwrite(tmp_path / "run.tif", drawn_frames[0], photometric="minisblack")
    viewer.open(str(tmp_path / "run.tif"), plugin="napari-amseg")
    workbench.open_step("Annotate")
    annotate = workbench.docks.widgets()["Annotate"]
    annotate.start()
    qtbot.waitUntil(lambda: annotate.session is not None, timeout=PATIENCE_MS)
    go_on = threading.Event()

    def steps(run):
        go_on.wait(30)
        yield from ()

    desk = annotate.aids.desk
    desk.start("waits", [0], steps, status=Status.SUGGESTED)
    workbench.desk.save(tmp_path / "w")
    go_on.set()
    assert not workbench.desk.busy
    assert "aid is at work" in notifications()[-1]
    qtbot.waitUntil(lambda: desk.run is None, timeout=PATIENCE_MS)
    assert label_source(annotate.session.layer).confirmed is not None
