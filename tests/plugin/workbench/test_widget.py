"""The Workbench in a real viewer: docks, states, and a workspace that comes back as it was."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_amseg.plugin.form_records.forms import forms_of
from napari_amseg.plugin.layers import KEY, label_source
from napari_amseg.plugin.workbench.state import Mark
from napari_amseg.preprocess import Crop

PATIENCE_MS = 120_000


def text(workbench, step):
    """What is shown, without looking again."""
    return workbench.cells[step].text.toolTip()


def rows(measure):
    measured = measure.results.measurements
    return measured.frames(), measured.pores(), measured.tracks()


def same_rows(one, other) -> bool:
    return all(a.equals(b) for a, b in zip(rows(one), rows(other), strict=True))


def measured(measure, labels, qtbot):
    measure.page.labels.choose(labels)
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    return measure


def test_docks_are_the_widgets_that_exist_one_behind_the_other(viewer, add_widget, workbench):
    assert list(workbench.docks.widgets()) == ["Load"]  # the first step, and nothing else yet
    mine = add_widget("Segment")
    workbench.open_step("Segment")
    workbench.open_step("Preprocess")
    docks = workbench.docks.widgets()
    assert docks["Segment"] is mine
    assert list(docks) == ["Load", "Preprocess", "Segment"]
    assert add_widget("Preprocess") is docks["Preprocess"]
    window, dock = workbench.docks.window, docks["Load"].parentWidget()
    behind = {d.windowTitle() for d in window.tabifiedDockWidgets(dock)}
    assert "Preprocess" in behind
    area = window.dockWidgetArea(workbench.docks.own())
    assert area == Qt.DockWidgetArea.TopDockWidgetArea


def test_a_dock_that_was_closed_is_opened_again(viewer, workbench):
    dock = workbench.docks.widgets()["Load"].parentWidget()
    viewer.window.remove_dock_widget(dock)
    assert "Load" not in workbench.docks.widgets()
    workbench.open_step("Load")
    assert "Load" in workbench.docks.widgets()


def test_states_follow_the_layers(viewer, workbench, image, qtbot):
    qtbot.waitUntil(lambda: workbench.next_step == "Segment")
    assert text(workbench, "Load") == "run12: 8 frames, 2 µm, 10 kHz"
    workbench.open_step("Preprocess")
    preprocess = workbench.docks.widgets()["Preprocess"]
    preprocess.form.groups[Crop].setChecked(True)
    preprocess.form.forms[Crop].set_value(Crop(y1=24))
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: workbench.cells["Preprocess"].mark is Mark.DONE, timeout=PATIENCE_MS)
    assert text(workbench, "Preprocess") == "corrected: crop"
    assert text(workbench, "Load").startswith("run12: 8 frames")
    viewer.layers.clear()
    qtbot.waitUntil(lambda: workbench.next_step == "Load")


def test_closing_it_leaves_the_docks_and_hears_no_more(viewer, add_widget, image, qtbot):
    add_widget("Segment")
    events = viewer.layers.events
    before = len(events.inserted.callbacks), len(image.events.metadata.callbacks)
    workbench = add_widget("Workbench")
    qtbot.waitUntil(lambda: workbench._window is not None)
    assert len(events.inserted.callbacks) > before[0]
    viewer.window.remove_dock_widget(workbench.docks.own())
    assert (len(events.inserted.callbacks), len(image.events.metadata.callbacks)) == before
    assert "Segment (napari-amseg)" in viewer.window.dock_widgets
    image.metadata = dict(image.metadata)
    viewer.layers.clear()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_workspace_comes_back_as_it_was(
    viewer, workbench, image, bundle_folder, qtbot, tmp_path, wait_for, notifications,
    make_napari_viewer,
):  # fmt: skip
    from napari_amseg.plugin.workbench.widget import Workbench

    workbench.open_step("Preprocess")
    preprocess = workbench.docks.widgets()["Preprocess"]
    preprocess.live.setChecked(False)
    preprocess.form.groups[Crop].setChecked(True)
    workbench.open_step("Train")
    workbench.open_step("Segment")
    segment = workbench.docks.widgets()["Segment"]
    segment.model.choose(bundle_folder)
    segment.post.field("fill_holes_px").setValue(3)
    segment.start()
    workbench.desk.save(tmp_path / "run12")
    assert "is being segmented" in notifications()[-1]
    assert not workbench.desk.busy
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert not segment.run.error
    labels = segment.run.layer
    done = "segmented 8/8 by random"  # shown when the event of the end has come
    qtbot.waitUntil(lambda: text(workbench, "Segment") == done, timeout=PATIENCE_MS)
    assert workbench.next_step == "Measure"
    workbench.open_step("Measure")
    measure = measured(workbench.docks.widgets()["Measure"], labels, qtbot)
    measure.choose_range(1, 6)
    measure.page.exports.export(tmp_path / "tables")
    qtbot.waitUntil(lambda: "exported to tables" in text(workbench, "Measure"), timeout=PATIENCE_MS)
    assert text(workbench, "Measure").startswith("measured 8/8")
    assert workbench.next_step is None
    viewer.dims.set_current_step(0, 5)
    image.contrast_limits = (10, 200)
    labels.opacity = 0.25
    forms = forms_of(workbench.docks.widgets())
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    assert "Saved run12.amseg.json: 2 layers." in notifications()[-1]

    again = make_napari_viewer()
    other = Workbench(again)
    again.window.add_dock_widget(other, name="Workbench (napari-amseg)")
    other.desk.open(tmp_path / "run12.amseg.json")
    wait_for(other.desk)
    assert notifications()[-1] == "Opened run12.amseg.json: 2 layers."
    assert [layer.name for layer in again.layers] == [layer.name for layer in viewer.layers]
    for old, new in zip(viewer.layers, again.layers, strict=True):
        assert np.array_equal(np.asarray(old.data), np.asarray(new.data))
        assert np.allclose(old.extent.world, new.extent.world)
        assert old.units == new.units
        assert (old.visible, old.opacity) == (new.visible, new.opacity)
    source, restored = image.metadata[KEY], again.layers["run12"].metadata[KEY]
    assert (source.experiment, source.chain) == (restored.experiment, restored.chain)
    assert again.layers["run12"].contrast_limits == [10, 200]
    assert label_source(again.layers[labels.name]).run == label_source(labels).run
    assert again.dims.current_step[0] == 5
    widgets = other.docks.widgets()
    assert forms_of(widgets) == forms
    assert widgets["Segment"].model.bundle().folder == bundle_folder
    assert same_rows(measure, measured(widgets["Measure"], again.layers[labels.name], qtbot))
    assert widgets["Measure"].within() == (1, 6)


def test_the_folder_can_be_moved(viewer, workbench, image, tmp_path, wait_for, qtbot):
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    assert str(tmp_path) not in (tmp_path / "run12.amseg.json").read_text()
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    viewer.layers.clear()
    workbench.desk.open(moved / "run12.amseg.json")
    wait_for(workbench.desk)
    assert viewer.layers["run12"].metadata[KEY].stack.files == (str(moved / "raw" / "run12.tif"),)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_annotation_that_is_saved_nowhere_is_in_the_workspace(
    viewer, workbench, image, tmp_path, wait_for, qtbot, notifications
):
    workbench.open_step("Annotate")
    annotate = workbench.docks.widgets()["Annotate"]
    annotate.start()
    qtbot.waitUntil(lambda: annotate.session is not None, timeout=PATIENCE_MS)
    layer = annotate.session.layer
    layer.paint((3, 10, 10), 1)
    qtbot.waitUntil(lambda: "not saved" in text(workbench, "Annotate"), timeout=PATIENCE_MS)
    assert text(workbench, "Annotate") == "1 frame annotated, 1 not saved"
    painted = np.array(layer.data)
    assert painted.any()
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    name = layer.name
    viewer.layers.clear()
    workbench.desk.open(tmp_path / "run12.amseg.json")
    wait_for(workbench.desk)
    back = viewer.layers[name]
    assert np.array_equal(back.data, painted)
    assert np.array_equal(np.stack(list(label_source(back).confirmed)), painted)
    assert not back.editable  # Annotate goes on with its own copy
    assert any("Annotate goes on with it" in message for message in notifications())


def test_labels_painted_in_a_layer_of_napari_are_kept(viewer, workbench, image, tmp_path, wait_for):
    layer = viewer.add_labels(np.zeros((8, 32, 48), int), name="by hand")
    layer.data[2, 5:9, 5:9] = 2
    viewer.add_points([[1, 2, 3]], name="marks")
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    viewer.layers.clear()
    workbench.desk.open(tmp_path / "run12.amseg.json")
    wait_for(workbench.desk)
    assert [kept.name for kept in viewer.layers] == ["run12", "by hand"]
    assert np.count_nonzero(viewer.layers["by hand"].data == 2) == 16


def test_what_is_left_out_is_said(viewer, workbench, image, tmp_path, wait_for, notifications):
    viewer.add_points([[1, 2, 3]], name="marks")
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    assert "Left out" in notifications()[-1]
    assert "marks" in notifications()[-1]


def test_a_missing_file_is_named_and_the_rest_opens(
    viewer, workbench, image, stack_file, tmp_path, wait_for, notifications
):
    viewer.add_labels(np.ones((8, 32, 48), np.uint8), name="mine")
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    viewer.layers.clear()
    stack_file.unlink()
    workbench.desk.open(tmp_path / "run12.amseg.json")
    wait_for(workbench.desk)
    assert [layer.name for layer in viewer.layers] == ["mine"]
    assert "opened, but not all" in notifications()[-1]
    assert str(stack_file) in notifications()[-1]


def test_another_model_of_that_name_is_not_chosen(
    viewer, workbench, image, bundle_folder, tmp_path, wait_for, notifications
):
    workbench.open_step("Segment")
    segment = workbench.docks.widgets()["Segment"]
    before = segment.model.box.currentText()
    workbench.desk.save(tmp_path / "run12")
    wait_for(workbench.desk)
    path = tmp_path / "run12.amseg.json"
    record = json.loads(path.read_text())
    record["model"] |= {"folder": str(bundle_folder), "name": "random"}
    path.write_text(json.dumps(record))
    workbench.desk.open(path)
    wait_for(workbench.desk)
    assert segment.model.box.currentText() == before
    assert "is another model" in notifications()[-1]


@pytest.mark.parametrize("hostile", ['{"format": 1}', "[" * 10_000])
def test_a_hostile_file_changes_nothing(
    viewer, workbench, image, tmp_path, wait_for, notifications, hostile
):
    path = tmp_path / "x.amseg.json"
    path.write_text(hostile)
    said = len(notifications())
    workbench.desk.open(path)
    wait_for(workbench.desk)
    assert [layer.name for layer in viewer.layers] == ["run12"]
    (message,) = notifications()[said:]
    assert message.startswith("x.amseg.json: not a readable workspace")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_real_frames_give_the_same_numbers_on_another_day(
    viewer, workbench, real_data, tmp_path, wait_for, qtbot
):
    (image,) = viewer.open(str(real_data / "ti64_plate"), plugin="napari-amseg")
    workbench.open_step("Segment")
    segment = workbench.docks.widgets()["Segment"]
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    workbench.open_step("Measure")
    measure = workbench.docks.widgets()["Measure"]
    measured(measure, segment.run.layer, qtbot)
    before = rows(measure)
    assert before[0]["keyhole_area_px"].sum() > 0
    workbench.desk.save(tmp_path / "ti64")
    wait_for(workbench.desk)
    viewer.layers.clear()
    workbench.desk.open(tmp_path / "ti64.amseg.json")
    wait_for(workbench.desk)
    assert np.array_equal(np.asarray(viewer.layers[0].data), np.asarray(image.data))
    measured(measure, viewer.layers[1], qtbot)
    assert all(a.equals(b) for a, b in zip(before, rows(measure), strict=True))
