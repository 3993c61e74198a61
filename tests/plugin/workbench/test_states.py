"""States that are shown by themselves, and never claim more than there is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.workbench.state import Mark

PATIENCE_MS = 120_000
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def text(workbench, step):
    """What is shown, without looking again."""
    return workbench.cells[step].text.toolTip()


@pytest.fixture
def see(workbench, qtbot):
    """Wait until a step shows some words; nothing else makes the Workbench look again."""

    def wait(step, words):
        qtbot.waitUntil(lambda: words in text(workbench, step), timeout=PATIENCE_MS)

    return wait


@pytest.fixture
def segment(workbench, image, bundle_folder):
    workbench.open_step("Segment")
    widget = workbench.docks.widgets()["Segment"]
    widget.model.choose(bundle_folder)
    return widget


@pytest.fixture
def segmented(segment, qtbot):
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert not segment.run.error
    return segment.run.layer


@pytest.fixture
def measure(viewer, workbench, image, drawn_frames):
    """Measure with labels that a person drew."""
    viewer.add_labels(drawn_frames[1].copy(), name="hand")
    workbench.open_step("Measure")
    return workbench.docks.widgets()["Measure"]


def measured(measure, qtbot):
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)


def test_a_cancelled_segmentation_is_never_done(
    viewer, workbench, segment, tmp_path, wait_for, qtbot, see
):
    viewer.layers.clear()
    rng = np.random.default_rng(0)
    tifffile.imwrite(
        tmp_path / "long.tif", rng.integers(0, 255, (150, 256, 256)).astype(np.uint8),
        photometric="minisblack",
    )  # fmt: skip
    (image,) = viewer.open(str(tmp_path / "long.tif"), plugin="napari-amseg")
    segment.image.choose(image)
    segment.start()
    qtbot.waitUntil(lambda: segment.run.progress.done > 3, timeout=PATIENCE_MS)
    segment.cancel()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    done = segment.run.progress.done
    assert done < 150
    see("Segment", f"segmented {done}/150")
    workbench.desk.save(tmp_path / "long")
    wait_for(workbench.desk)
    viewer.layers.clear()
    workbench.desk.open(tmp_path / "long.amseg.json")
    wait_for(workbench.desk)
    see("Segment", f"segmented {done}/150")
    qtbot.waitUntil(lambda: workbench.next_step == "Segment")
    workbench.open_step("Measure")
    measure = workbench.docks.widgets()["Measure"]
    measured(measure, qtbot)
    said = f"nly {done} of 150 frames were segmented"
    qtbot.waitUntil(lambda: said in measure.page.remark.text(), timeout=PATIENCE_MS)
    assert f"{150 - done} of 150 frames hold no label" in measure.page.remark.text()
    flags = measure.results.measurements.frames()["flags"]
    assert flags.str.contains("unlabelled").sum() == 150 - done
    measure.page.exports.export(tmp_path / "tables")
    see("Measure", "exported to tables")
    (record,) = (tmp_path / "tables").glob("*_run.json")
    notes = "\n".join(json.loads(record.read_text())["notes"])
    assert said in notes
    assert f"{150 - done} of 150 frames hold no label" in notes


def test_a_second_stack_is_not_segmented_because_the_first_is(
    viewer, workbench, segment, segmented, stack_file, qtbot, see
):
    see("Segment", "segmented 8/8 by random")
    other = stack_file.with_name("other.tif")
    other.write_bytes(stack_file.read_bytes())
    (image,) = viewer.open(str(other), plugin="napari-amseg")
    segment.image.choose(image)
    see("Segment", "other: not segmented yet")
    qtbot.waitUntil(lambda: workbench.next_step == "Segment")
    segment.image.choose(viewer.layers["run12"])
    see("Segment", "segmented 8/8 by random")


def test_origin_is_known_after_reopening_too(
    viewer, workbench, segmented, stack_file, tmp_path, wait_for, qtbot, see
):
    workbench.desk.save(tmp_path / "w")
    wait_for(workbench.desk)
    viewer.layers.clear()
    workbench.desk.open(tmp_path / "w.amseg.json")
    wait_for(workbench.desk)
    see("Segment", "segmented 8/8 by random")
    segment = workbench.docks.widgets()["Segment"]
    other = stack_file.with_name("other.tif")
    other.write_bytes(stack_file.read_bytes())
    (image,) = viewer.open(str(other), plugin="napari-amseg")
    segment.image.choose(image)
    see("Segment", "other: not segmented yet")


def test_other_numbers_than_those_exported_are_not_called_exported(
    workbench, measure, tmp_path, qtbot, see
):
    measured(measure, qtbot)
    see("Measure", "measured 8/8")
    measure.page.exports.export(tmp_path / "tables")
    see("Measure", "exported to tables")
    layer = measure.page.labels.layer()
    layer.selected_label = 2
    layer.paint((4, 10, 10), 2)
    see("Measure", "was edited")
    assert "exported" not in text(workbench, "Measure")
    measured(measure, qtbot)
    see("Measure", "measured 8/8")
    assert "exported" not in text(workbench, "Measure")


def test_an_undo_outdates_the_numbers(workbench, measure, qtbot, see):
    layer = measure.page.labels.layer()
    layer.selected_label = 2
    layer.paint((4, 10, 10), 2)
    measured(measure, qtbot)
    see("Measure", "measured 8/8")
    qtbot.waitUntil(lambda: workbench.cells["Measure"].mark is Mark.DONE)
    layer.undo()
    see("Measure", "hand was edited: measure again")
    assert workbench.cells["Measure"].mark is not Mark.DONE


@pytest.mark.parametrize("is_painted", [False, True])
def test_an_annotation_that_has_ended_is_not_called_done(
    viewer, workbench, image, tmp_path, wait_for, qtbot, see, is_painted
):
    workbench.open_step("Annotate")
    annotate = workbench.docks.widgets()["Annotate"]
    annotate.start()
    qtbot.waitUntil(lambda: annotate.session is not None, timeout=PATIENCE_MS)
    if is_painted:
        annotate.session.layer.paint((3, 10, 10), 1)
        see("Annotate", "1 not saved")
        workbench.desk.save(tmp_path / "w")
        wait_for(workbench.desk)
        viewer.layers.clear()
        workbench.desk.open(tmp_path / "w.amseg.json")
        wait_for(workbench.desk)
    else:
        viewer.window.remove_dock_widget(annotate.parentWidget())
        assert label_source(viewer.layers[-1]).confirmed is not None
    see("Annotate", "ended: ")
    assert workbench.cells["Annotate"].mark is not Mark.DONE


def test_another_model_in_segment_is_shown_by_itself(workbench, add_widget, bundle_folder, see):
    workbench.open_step("Segment")
    workbench.docks.widgets()["Segment"].model.choose(bundle_folder)
    see("Segment", "model random")
