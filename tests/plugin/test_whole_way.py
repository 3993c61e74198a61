"""The whole way clicked through with a real viewer and a real compute process."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.measure import TABLE_COLUMNS
from napari_amseg.measure.frame_notes import frame_notes
from napari_amseg.plugin.layers import KEY
from napari_amseg.preprocess import Background, Crop

PATIENCE_MS = 120_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sample_preprocess_segment_measure_export(
    viewer, add_widget, bundle_folder, phantom_file, qtbot, tmp_path, notifications
):
    viewer.open_sample("napari-amseg", "phantom")
    whole = viewer.layers["phantom"]
    assert tuple(whole.scale[-2:]) == (whole.metadata[KEY].experiment.pixel_size_um,) * 2
    viewer.layers.clear()

    viewer.open(phantom_file, plugin="napari-amseg")  # the same in short
    raw = viewer.layers["phantom"]
    n_frames = raw.data.shape[0]
    assert tuple(raw.scale[-2:]) == (raw.metadata[KEY].experiment.pixel_size_um,) * 2

    preprocess = add_widget("Preprocess")
    preprocess.form.groups[Background].setChecked(True)
    preprocess.form.groups[Crop].setChecked(True)
    preprocess.form.forms[Crop].set_value(Crop(y0=16, y1=208, x0=64, x1=320))
    qtbot.waitUntil(lambda: "preview" in viewer.layers, timeout=PATIENCE_MS)
    assert viewer.layers["preview"].data.shape == (192, 256)
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "phantom corrected" in viewer.layers, timeout=PATIENCE_MS)
    corrected = viewer.layers["phantom corrected"]
    assert "preview" not in viewer.layers
    assert corrected.data.shape == (n_frames, 192, 256)

    segment = add_widget("Segment")
    assert segment.image.layer() is corrected
    segment.model.choose(bundle_folder)
    viewer.dims.set_current_step(0, 7)
    order = []
    qtbot.mouseClick(segment.start_button, Qt.MouseButton.LeftButton)
    assert segment.is_running
    assert not segment.start_button.isEnabled()
    take = segment.run._take

    def noted(records):
        order.extend(r.frame for r in records if hasattr(r, "frame"))
        take(records)

    segment.run._take = noted
    labels = segment.run.layer
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert not segment.run.error
    assert order[0] == 7
    assert sorted(order) == list(range(n_frames))
    assert np.asarray(labels.data).min() >= 1
    assert np.allclose(labels.translate, corrected.translate)
    assert set(labels.features["name"]) == {"unlabelled", *DEFAULT_SCHEME.names}
    assert labels.metadata[KEY].run["engine"]["device"]
    qtbot.waitUntil(lambda: str(n_frames) in segment.status.text())
    qtbot.waitUntil(lambda: "most uncertain masks: " in segment.status.text(), timeout=PATIENCE_MS)
    measured = labels.metadata[KEY].results.measurements
    notes = (*labels.metadata[KEY].run["notes"], *measured.notes(), *frame_notes(measured.frames()))
    assert [note for note in notes if note[1:] not in segment.status.text()] == []

    measure = add_widget("Measure")
    measure.page.labels.choose(labels)
    assert measure.results is labels.metadata[KEY].results
    live = [measure.results.values(s).copy() for s in _series()]
    qtbot.mouseClick(measure.page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    again = [measure.results.values(s) for s in _series()]
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(live, again, strict=True))
    measure.page.plots.frame_chosen.emit(12)
    assert viewer.dims.current_step[0] == 12
    assert measure.page.plots.marked_frame() == 12

    measure.page.exports.with_labels.setChecked(True)
    measure.page.exports.export(tmp_path / "out")
    names = {
        "labels.tif", "frames.csv", "pores.csv", "pore_tracks.csv", "summary.json", "run.json"
    }  # fmt: skip
    wanted = {tmp_path / "out" / f"phantom_corrected_{name}" for name in names}
    qtbot.waitUntil(lambda: wanted <= set((tmp_path / "out").glob("*")), timeout=PATIENCE_MS)
    with open(tmp_path / "out" / "phantom_corrected_frames.csv") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == TABLE_COLUMNS
    assert len(rows) == n_frames + 1
    run = json.loads((tmp_path / "out" / "phantom_corrected_run.json").read_text())
    assert [s["step"] for s in run["preprocessing"]["steps"]] == ["crop", "background"]
    assert run["model"]["name"] == "random"
    assert [s["step"] for s in run["model"]["input"]["steps"]] == ["normalise"]
    qtbot.waitUntil(
        lambda: any("Wrote" in message for message in notifications()), timeout=PATIENCE_MS
    )


def _series():
    from napari_amseg.measure.quantities import MAIN_QUANTITIES

    return MAIN_QUANTITIES


def test_confidence_and_post_processing_from_the_form(viewer, add_widget, bundle_folder, qtbot):
    frames = np.random.default_rng(1).integers(0, 4000, (3, 64, 96), dtype=np.uint16)
    raw = viewer.add_image(frames, name="noise", scale=(1, 2, 2))
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    segment.maps.field("confidence").setChecked(True)
    segment.post.field("smallest_pore_px").setValue(10_000)
    segment.post.field("smallest_keyhole_px").setValue(10_000)
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert [layer.name for layer in viewer.layers] == [
        "noise", "noise confidence", "noise labels"
    ]  # fmt: skip
    confidence = viewer.layers["noise confidence"]
    assert confidence.data.shape == frames.shape
    assert confidence.data.min() >= 50
    assert np.allclose(confidence.scale, raw.scale)
    assert segment.image.layer() is raw  # a confidence map is nobody's input
    assert viewer.layers.selection.active is segment.run.layer
    assert segment.run.layer.visible
    assert confidence.visible
    labels, source = segment.run.layer.data, segment.run.layer.metadata[KEY]
    assert not np.isin(labels, (1, 2)).all()
    assert source.run["settings"]["post"]["smallest_pore_px"] == 10_000
    plain = np.asarray(labels).copy()
    viewer.layers.remove(segment.run.layer)
    viewer.layers.remove(confidence)
    segment.maps.field("confidence").setChecked(False)
    segment.post.field("smallest_pore_px").setValue(0)
    segment.post.field("smallest_keyhole_px").setValue(0)
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert [layer.name for layer in viewer.layers] == ["noise", "noise labels"]
    assert not np.array_equal(segment.run.layer.data, plain)


def test_a_cancelled_run_keeps_what_is_done_and_can_be_run_again(
    viewer, add_widget, bundle_folder, qtbot
):
    frames = np.random.default_rng(1).integers(0, 4000, (3000, 64, 96), dtype=np.uint16)
    viewer.add_image(frames, name="noise")
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    segment.start()
    qtbot.waitUntil(lambda: segment.run.progress.done > 0, timeout=PATIENCE_MS)
    qtbot.mouseClick(segment.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: segment.start_button.isEnabled())
    assert "Cancelled" in segment.status.text()
    done = segment.run.progress.done
    assert 0 < done < 3000
    assert (np.asarray(segment.run.layer.data).reshape(3000, -1).max(axis=1) > 0).sum() >= done
    viewer.layers.remove(segment.run.layer)
    viewer.layers.remove("noise")
    viewer.add_image(frames[0], name="one")
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: segment.status.text().startswith("1 frame in "))


def test_the_event_loop_keeps_turning_while_masks_come(viewer, add_widget, bundle_folder, qtbot):
    import time

    from qtpy.QtCore import QTimer

    viewer.add_image(np.random.default_rng(1).random((200, 128, 128), np.float32), name="noise")
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    beats = []
    timer = QTimer()
    timer.setInterval(20)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    segment.start()
    timer.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    timer.stop()
    assert np.diff(beats).max() < 3.0  # two busy cores; a blocked loop would show the whole run


def test_a_stack_that_changed_on_disk_is_reported_and_leaves_no_empty_layer(
    viewer, add_widget, bundle_folder, qtbot, tiff_file, notifications
):
    (layer,) = viewer.open(str(tiff_file), plugin="napari-amseg")
    layer.metadata[KEY].stack.close()
    tiff_file.unlink()
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    segment.start()
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: any("no such file" in m for m in notifications()))
    assert list(viewer.layers) == [layer]


def test_no_keras_in_the_process_that_draws(viewer):
    import sys

    assert not {"keras", "tensorflow", "torch", "jax"} & set(sys.modules)
