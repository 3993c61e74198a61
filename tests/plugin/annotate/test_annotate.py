"""The whole way in a real viewer: real frames, aids, undo, save, reopen, recover."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_amseg import read_stack
from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.strokes import Stroke, draw_strokes
from napari_amseg.annotate.working_copy import WorkingCopy
from napari_amseg.dataset import open_benchmark
from napari_amseg.dataset.annotation_status import read_statuses, status_path
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.layers import ImageSource, image_layer

PATIENCE_MS = 60_000
STROKES = Path(__file__).parents[2] / "data" / "ti64_plate_strokes.json"


@pytest.fixture
def open_annotate(viewer, add_widget, qtbot, tmp_path, monkeypatch):
    """Open a stack as a layer and begin to annotate it; every widget is closed at the end."""
    monkeypatch.setenv("AMSEG_ANNOTATION_FOLDER", str(tmp_path / "work" / "annotation"))
    opened = []

    def open_(stack, place=None):
        from napari.layers import Image

        data, options, _ = image_layer(ImageSource(stack), "plate")
        layer = viewer.add_layer(Image(data, **options))
        widget = add_widget("Annotate")
        opened.append(widget)
        if place is not None:
            widget.form.benchmark.set_path(place[0])
            widget.form.experiment.setText(place[1])
        begin(widget, layer, qtbot)
        return widget

    yield open_
    for widget in opened:
        widget._stop()


def begin(widget, layer, qtbot) -> None:
    widget.form.image.choose(layer)
    widget.start()
    qtbot.waitUntil(lambda: widget.session is not None, timeout=PATIENCE_MS)
    widget.session.go_to(0)


def plate(real_data, n_frames: int):
    files = [f"{real_data}/ti64_plate/299_Ti64_plate_P200S0 ({t}).tif" for t in range(1, 11)]
    return read_stack(files[:n_frames])


def state(session):
    annotation = session.annotation
    arrays = (annotation.labels, annotation.by_hand, annotation.statuses)
    return tuple(np.array(a) for a in arrays)


def done(widget, qtbot) -> None:
    """Wait for an aid; it must have changed something."""
    desk, snap = widget.aids.desk, widget.aids.snap
    qtbot.waitUntil(lambda: desk.run is None and not snap.busy, timeout=PATIENCE_MS)


def paint(session, frame: int, codes: np.ndarray) -> None:
    """Every class of a code image (Y, X) as one stroke by hand."""
    session.go_to(frame)
    for code in np.unique(codes[codes > 0]):
        pixels = np.nonzero(codes == code)
        session.layer.data_setitem((np.full(len(pixels[0]), frame), *pixels), int(code))


def undone_and_done_again(session, before) -> None:
    """A step taken back is gone to the pixel; done again it is there to the pixel."""
    after = state(session)
    assert not np.array_equal(after[0], before[0])
    session.layer.undo()
    assert all(np.array_equal(a, b) for a, b in zip(state(session), before, strict=True))
    session.layer.redo()
    assert all(np.array_equal(a, b) for a, b in zip(state(session), after, strict=True))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_three_real_frames_with_the_aids_saved_and_reopened(
    open_annotate, viewer, real_data, qtbot, tmp_path
):
    truth = read_stack(real_data / "ti64_plate" / "labels.tif")
    widget = open_annotate(plate(real_data, 3))
    session, aids, labels = widget.session, widget.aids, widget.session.annotation.labels

    strokes = [Stroke.from_json(s) for s in json.loads(STROKES.read_text())["strokes"]]
    scribbles = draw_strokes(strokes, labels.shape[1:], DEFAULT_SCHEME)
    paint(session, 0, scribbles)

    before = state(session)
    aids.classify.classify_shown()
    done(widget, qtbot)
    undone_and_done_again(session, before)
    assert (labels[0][scribbles > 0] == scribbles[scribbles > 0]).all()
    assert iou(labels[0] == Label.KEYHOLE, truth.read(0) == Label.KEYHOLE) > 0.8

    session.go_to(1)
    before = state(session)
    aids.surface.fill_shown()
    done(widget, qtbot)
    undone_and_done_again(session, before)

    # A rough line in the keyhole, snapped to its edge.
    rows, columns = np.nonzero(truth.read(2) == Label.KEYHOLE)
    line = np.zeros(labels.shape[1:], np.uint8)
    for row in range(rows.min() + 12, rows.max() - 10):
        middle = int(np.median(columns[rows == row]))
        line[row, middle - 2 : middle + 3] = Label.KEYHOLE
    paint(session, 2, line)
    before = state(session)
    aids.snap.snap()
    done(widget, qtbot)
    undone_and_done_again(session, before)
    assert iou(labels[2] == Label.KEYHOLE, truth.read(2) == Label.KEYHOLE) > 0.8

    session.go_to(1)
    before = state(session)
    aids.desk.classes.choose(int(Label.KEYHOLE))
    aids.interpolate.find_keys()
    aids.interpolate.interpolate()
    done(widget, qtbot)
    undone_and_done_again(session, before)

    session.go_to(2)
    before = state(session)
    aids.copy.copy(1)
    done(widget, qtbot)
    undone_and_done_again(session, before)

    before = state(session)
    aids.clean.clean_shown()
    done(widget, qtbot)
    if not np.array_equal(state(session)[0], before[0]):
        undone_and_done_again(session, before)

    session.set_status([0, 1], Status.COMPLETE)
    final = state(session)
    save(widget, tmp_path / "benchmark", "plate", qtbot)
    assert not widget.keeper.unsaved
    benchmark = open_benchmark(tmp_path / "benchmark")
    assert [f.frame for f in benchmark.frames] == ["0000", "0001", "0002"]
    for t, frame in enumerate(benchmark.frames):
        assert np.array_equal(benchmark.labels(frame), final[0][t])
        assert np.array_equal(benchmark.image(frame), session.image_frame(t))
    rows_ = read_statuses(status_path(benchmark.folder, "plate"))
    assert [rows_[f.frame].status for f in benchmark.frames] == [
        "complete", "complete", "in progress",
    ]  # fmt: skip

    again = open_annotate(plate(real_data, 3), (tmp_path / "benchmark", "plate"))
    assert np.array_equal(again.session.annotation.labels, final[0])
    assert np.array_equal(again.session.annotation.statuses, final[2])
    assert np.array_equal(again.session.annotation.by_hand[2], final[1][2])  # in progress
    assert not again.keeper.unsaved


def save(widget, folder: Path, name: str, qtbot) -> None:
    widget.save.place.folder.set_path(folder)
    widget.save.place.name.setText(name)
    with qtbot.waitSignal(widget.save.save_ended, timeout=PATIENCE_MS):
        widget.save.save()


def test_work_that_was_not_saved_is_offered_and_recovered(
    open_annotate, viewer, tiff_file, qtbot, monkeypatch
):
    widget = open_annotate(read_stack(tiff_file))
    paint(widget.session, 1, np.full((32, 48), Label.SUBSTRATE, np.uint8))
    final = state(widget.session)
    widget._stop()  # the panel is closed, the work stays
    viewer.layers.clear()

    again = type(widget)(viewer)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: bool(again.recovery.rows), timeout=PATIENCE_MS)
    again.recovery.rows[0].recover_button.click()
    qtbot.waitUntil(lambda: again.session is not None, timeout=PATIENCE_MS)
    assert all(np.array_equal(a, b) for a, b in zip(state(again.session), final, strict=True))
    assert again.keeper.unsaved == {1}
    assert np.array_equal(again.session.image_frame(1), read_stack(tiff_file).read(1))
    again._stop()


def test_a_removed_layer_ends_the_session_and_keeps_the_work(
    open_annotate, viewer, tiff_file, notifications, qtbot
):
    widget = open_annotate(read_stack(tiff_file))
    paint(widget.session, 0, np.full((32, 48), Label.SUBSTRATE, np.uint8))
    folder = widget.keeper.folder
    viewer.layers.remove(widget.session.layer)
    assert widget.session is None
    assert not widget.tabs.isEnabled()
    assert WorkingCopy.open(folder).read_frame(0).labels.all()
    assert any("not saved to a benchmark" in message for message in notifications())
    qtbot.waitUntil(lambda: bool(widget.recovery.rows), timeout=PATIENCE_MS)  # offered at once


def test_what_could_not_be_kept_is_not_said_to_be_kept(
    open_annotate, tiff_file, notifications, monkeypatch
):
    widget = open_annotate(read_stack(tiff_file))
    shutil.rmtree(widget.keeper.folder)  # a share that is gone
    paint(widget.session, 0, np.full((32, 48), Label.SUBSTRATE, np.uint8))
    widget._stop()
    assert not any("is kept in" in message for message in notifications())
    assert any(
        "Not all of it could be kept in" in message and "1 frame is lost" in message
        for message in notifications()
    )


@pytest.fixture
def leave_work(open_annotate, viewer, tiff_file):
    """A frame is painted and the panel is closed; gives the panel and the stack's layer."""

    def leave():
        widget = open_annotate(read_stack(tiff_file))
        paint(widget.session, 1, np.full((32, 48), Label.SUBSTRATE, np.uint8))
        viewer.layers.remove(widget.session.layer)
        return widget

    return leave


def offered(widget, qtbot):
    qtbot.waitUntil(lambda: not widget.recovery.busy and not widget._opening, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: bool(widget.recovery.rows), timeout=PATIENCE_MS)
    return widget.recovery.rows[0]


def test_work_whose_layer_is_closed_while_it_opens_is_offered_again(leave_work, viewer, qtbot):
    widget = leave_work()
    offered(widget, qtbot).recover_button.click()
    viewer.layers.clear()
    assert widget._opening
    offered(widget, qtbot)
    assert widget.session is None


def test_work_that_cannot_be_opened_is_offered_again(leave_work, qtbot, monkeypatch, notifications):
    widget = leave_work()
    row = offered(widget, qtbot)

    def fails(*_):
        raise OSError("no room")

    monkeypatch.setattr("napari_amseg.plugin.annotate.start.open_recovered", fails)
    row.recover_button.click()
    offered(widget, qtbot)
    monkeypatch.undo()
    assert any("no room" in message for message in notifications())


def test_a_frame_that_cannot_be_read_is_never_thrown_away(leave_work, qtbot, tmp_path):
    widget = leave_work()
    offered(widget, qtbot)
    (folder,) = (tmp_path / "work" / "annotation").iterdir()
    (folder / "frames" / "000002.tif").write_bytes(b"cut")
    widget.recovery.look()
    qtbot.waitUntil(lambda: not widget.recovery.busy, timeout=PATIENCE_MS)
    offered(widget, qtbot).recover_button.click()
    qtbot.waitUntil(lambda: widget.session is not None, timeout=PATIENCE_MS)
    save(widget, tmp_path / "benchmark", "plate", qtbot)
    assert not widget.keeper.unsaved
    folder = widget.keeper.folder
    widget._stop()
    assert (folder / "frames" / "000002.tif").read_bytes() == b"cut"


def test_suggestions_are_kept_and_offered(open_annotate, viewer, tiff_file, qtbot):
    widget = open_annotate(read_stack(tiff_file))
    session, codes = widget.session, np.full((32, 48), Label.SUBSTRATE, np.uint8)
    session.apply([session.annotation.propose(0, codes, status=Status.SUGGESTED)])
    assert not widget.keeper.unsaved
    viewer.layers.remove(session.layer)
    assert "1 frame" in offered(widget, qtbot).words.text()


def test_a_session_without_unsaved_work_leaves_nothing_behind(open_annotate, tiff_file):
    widget = open_annotate(read_stack(tiff_file))
    folder = widget.keeper.folder
    widget._stop()
    assert not folder.exists()


def test_labels_of_another_stack_are_refused(
    open_annotate, viewer, tiff_file, drawn_benchmark, notifications, qtbot, add_widget
):
    widget = open_annotate(read_stack(tiff_file))
    widget.form.benchmark.set_path(drawn_benchmark)
    widget.form.experiment.setText("drawn")
    other = viewer.add_image(np.zeros((6, 32, 48), np.uint8))
    widget.form.image.choose(other)
    widget.start()
    qtbot.waitUntil(
        lambda: any("another image than frame 0" in m for m in notifications()),
        timeout=PATIENCE_MS,
    )
    assert widget.session is not None  # the one that was there goes on
