"""What was clicked, exported as a command, run without a window: the files are the same bytes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_amseg.io import read_stack
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.files import stack_layer
from napari_amseg.plugin.layers import KEY
from napari_amseg.plugin.load.set_experiment import set_experiment
from napari_amseg.preprocess import Background, Crop
from napari_amseg.types import Experiment

PATIENCE_MS = 120_000
TABLES = ("frames.csv", "pores.csv", "pore_tracks.csv", "summary.json")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell"),
]


def command_of(widget, qtbot, out=None):
    """The dialog that the button of a widget opens."""
    button = widget.findChild(CommandButton)
    button.dialog = None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.dialog is not None, timeout=PATIENCE_MS)
    if out is not None:
        button.dialog.place.set_path(out)
    return button.dialog


def saved(dialog, script, qtbot) -> Path:
    dialog.save(script)
    qtbot.waitUntil(lambda: "Wrote" in dialog.status.text(), timeout=PATIENCE_MS)
    return script


def run(script: Path) -> subprocess.CompletedProcess:
    """A script run by a shell in another folder, with our own amseg first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(script)],
        cwd="/",
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def same_bytes(one: Path, other: Path, stem: str, kinds=TABLES) -> None:
    for kind in kinds:
        ours, theirs = ((f / f"{stem}_{kind}").read_bytes() for f in (one, other))
        assert ours == theirs, kind


def clicked_results(viewer, add_widget, qtbot, phantom_file):
    """Crop and background, segmented with the shown frame first; the layers and the widgets."""
    viewer.open(phantom_file, plugin="napari-amseg")
    raw = viewer.layers["phantom"]
    known = raw.metadata[KEY].experiment.updated(pixel_size_um=1.93, scan_speed_mm_s=412.5)
    set_experiment(raw, known)
    preprocess = add_widget("Preprocess")
    preprocess.live.setChecked(False)
    preprocess.form.groups[Crop].setChecked(True)
    preprocess.form.forms[Crop].set_value(Crop(y0=16, y1=208, x0=64, x1=320))
    preprocess.form.groups[Background].setChecked(True)
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "phantom corrected" in viewer.layers, timeout=PATIENCE_MS)
    segment = add_widget("Segment")
    segment.model.box.setCurrentText("fast")
    segment.post.field("smallest_pore_px").setValue(3)
    viewer.dims.set_current_step(0, 9)
    qtbot.mouseClick(segment.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    assert not segment.run.error
    return preprocess, segment


def test_preprocess_segment_and_export_are_repeated_byte_for_byte(
    viewer, add_widget, qtbot, phantom_file, tmp_path
):
    preprocess, segment = clicked_results(viewer, add_widget, qtbot, phantom_file)
    labels = segment.run.layer
    measure = add_widget("Measure")
    measure.page.labels.choose(labels)
    measure.choose_range(3, 20)
    measure.page.exports.with_labels.setChecked(True)
    clicked, again = tmp_path / "clicked", tmp_path / "again"
    measure.page.exports.export(clicked)
    stem = "phantom_corrected"
    record = clicked / f"{stem}_run.json"
    qtbot.waitUntil(record.exists, timeout=PATIENCE_MS)

    dialog = command_of(measure, qtbot, again)
    script = saved(dialog, tmp_path / "scripts" / "repeat it.sh", qtbot)
    (chain,) = dialog.plan.needs
    assert chain.startswith(f"{stem}_chain_")
    assert {p.name for p in script.parent.iterdir()} == {script.name, chain}
    run(script)
    same_bytes(clicked, again, stem, (*TABLES, "labels.tif"))

    # The record of the export says the same, into its own folder.
    words = json.loads(record.read_text())["command"]
    assert words[:2] == ["amseg", "segment"]
    assert words[-2:] == ["-o", str(clicked)]
    (tmp_path / "record.sh").write_text(shlex.join([*words[:-1], str(tmp_path / "third")]))
    run(tmp_path / "record.sh")
    same_bytes(clicked, tmp_path / "third", stem, (*TABLES, "labels.tif"))
    for folder in (again, tmp_path / "third"):
        theirs = json.loads((folder / f"{stem}_run.json").read_text())
        ours = json.loads(record.read_text())
        assert [ours[k] for k in _SAME] == [theirs[k] for k in _SAME]

    # Copy puts the same command on the clipboard, its chain beside the results.
    dialog.place.set_path(tmp_path / "copied")
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Copied" in dialog.status.text(), timeout=PATIENCE_MS)
    copied = shlex.split(QApplication.clipboard().text())
    assert copied[copied.index("--chain") + 1] == str(tmp_path / "copied" / chain)
    assert (tmp_path / "copied" / chain).exists()

    # Segment alone: without the range that was chosen in Measure.
    shown = command_of(segment, qtbot).text.toPlainText()
    assert "--laser-on-frames" not in shown
    assert shlex.split(shown)[2] == str(phantom_file)

    # Preprocess: the file holds the frames of the layer.
    out = tmp_path / "corrected.tif"
    run(saved(command_of(preprocess, qtbot, out), tmp_path / "preprocess.sh", qtbot))
    corrected = viewer.layers["phantom corrected"].data
    with read_stack(out) as stack:
        assert stack.dtype == corrected.dtype
        assert all(np.array_equal(stack.read(t), np.asarray(corrected[t])) for t in range(24))
        assert stack.experiment.pixel_size_um == pytest.approx(1.93)


_SAME = ("inputs", "source", "settings", "preprocessing", "model", "engine", "experiment",
         "label_scheme")  # fmt: skip


def test_a_dataset_inside_a_file_is_what_the_record_names(
    viewer, add_widget, qtbot, phantom_file, tmp_path
):
    from napari.layers import Layer

    path = tmp_path / "cams.h5"
    with read_stack(phantom_file) as stack, h5py.File(path, "w") as file:
        file["cam1/data"] = np.zeros((2, *stack.frame_shape), np.uint16)
        file["cam2/data"] = np.stack([stack.read(t) for t in (8, 9)])
    address = f"{path}::cam2/data"
    viewer.add_layer(Layer.create(*stack_layer(read_stack(address), Path(address))))
    segment, measure = add_widget("Segment"), add_widget("Measure")
    segment.model.box.setCurrentText("fast")
    qtbot.mouseClick(segment.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not segment.is_running, timeout=PATIENCE_MS)
    measure.page.labels.choose(segment.run.layer)
    measure.page.exports.export(tmp_path / "out")
    record = tmp_path / "out" / "cams_cam2_data_run.json"
    qtbot.waitUntil(record.exists, timeout=PATIENCE_MS)
    told = json.loads(record.read_text())
    assert told["source"] == told["command"][2] == address
    assert [found["name"] for found in told["inputs"]] == ["cams.h5"]


@pytest.mark.slow
def test_labels_painted_by_hand_are_saved_and_measured_alike(
    viewer, add_widget, qtbot, phantom_file, tmp_path
):
    _, segment = clicked_results(viewer, add_widget, qtbot, phantom_file)
    labels = segment.run.layer
    labels.data_setitem((np.array([5, 5]), np.array([90, 91]), np.array([120, 120])), 2)
    measure = add_widget("Measure")
    measure.page.labels.choose(labels)
    told = command_of(measure, qtbot)
    assert "Measure first" in told.notes.text()
    assert not told.copy_button.isVisible()

    measure.page.settings.field("min_pore_area_px").setValue(1.5)
    qtbot.mouseClick(measure.page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    clicked, again = tmp_path / "clicked", tmp_path / "again"
    measure.page.exports.export(clicked)
    stem = "phantom_corrected"
    qtbot.waitUntil((clicked / f"{stem}_run.json").exists, timeout=PATIENCE_MS)
    assert json.loads((clicked / f"{stem}_run.json").read_text())["command"] is None

    dialog = command_of(measure, qtbot, again)
    assert "saved beside" in dialog.notes.text()
    script = saved(dialog, tmp_path / "scripts" / "measure.sh", qtbot)
    assert (script.parent / f"{stem}_labels.tif").exists()
    run(script)
    same_bytes(clicked, again, stem)

    # The saved labels, opened again, are a file already: nothing more is to be written.
    (layer,) = viewer.open(script.parent / f"{stem}_labels.tif", plugin="napari-amseg")
    set_experiment(layer, Experiment(pixel_size_um=1.93, frame_rate_hz=40_000.0))
    measure.page.labels.choose(layer)
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    measure.page.exports.export(tmp_path / "opened")
    opened = f"{stem}_labels"
    qtbot.waitUntil((tmp_path / "opened" / f"{opened}_run.json").exists, timeout=PATIENCE_MS)
    dialog = command_of(measure, qtbot, tmp_path / "opened again")
    assert not dialog.plan.needs
    run(saved(dialog, tmp_path / "opened.sh", qtbot))
    same_bytes(tmp_path / "opened", tmp_path / "opened again", opened)

    # Painted on since: the script must not quietly measure the file, nor write over it.
    layer.data_setitem((np.array([2]), np.array([50]), np.array([60])), 2)
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running, timeout=PATIENCE_MS)
    dialog = command_of(measure, qtbot, script.parent)
    assert list(dialog.plan.needs) == [f"{stem}_labels.tif"]
    dialog.copy()
    qtbot.waitUntil(lambda: "holds other labels" in dialog.status.text(), timeout=PATIENCE_MS)


def test_frames_in_memory_have_no_command_and_the_dialog_says_why(viewer, add_widget, qtbot):
    segment, preprocess = add_widget("Segment"), add_widget("Preprocess")
    assert "Open an image stack first" in command_of(segment, qtbot).notes.text()
    viewer.add_image(np.zeros((3, 32, 48), np.uint16), name="made here")
    for widget in (segment, preprocess):
        preprocess.form.groups[Crop].setChecked(True)
        told = command_of(widget, qtbot)
        assert "only in memory" in told.notes.text()
        assert "Save Selected Layers" in told.notes.text()
        assert told.plan is None


def test_a_pixel_size_that_was_cleared_is_not_found_again_by_the_command(
    viewer, add_widget, qtbot, phantom_file
):
    viewer.open(phantom_file, plugin="napari-amseg")
    set_experiment(viewer.layers["phantom"], Experiment())
    assert "pixel size is unknown here" in command_of(add_widget("Segment"), qtbot).notes.text()


@pytest.fixture(scope="module")
def label_file(phantom_file) -> Path:
    """The exact labels of the short phantom, under a name of the user's own."""
    from napari_amseg.io import TiffStackWriter
    from napari_amseg.sample import simulate

    labels = simulate().labels
    path = phantom_file.with_name("drawn_labels.tif")
    shape = (24, *labels.frame_shape)
    with TiffStackWriter(path, shape, "uint8", Experiment(), labels=True) as writer:
        for t in range(24):
            writer.append(labels.read(t + 10))
    return path


def test_laser_frame_with_a_chain_labels_and_a_line_moved_by_hand(
    viewer, add_widget, qtbot, phantom_file, label_file, tmp_path
):
    viewer.open(phantom_file, plugin="napari-amseg")
    viewer.open(label_file, plugin="napari-amseg")
    preprocess = add_widget("Preprocess")
    preprocess.live.setChecked(False)
    preprocess.form.groups[Background].setChecked(True)
    preprocess.apply_button.click()
    qtbot.waitUntil(lambda: "phantom corrected" in viewer.layers, timeout=PATIENCE_MS)
    laser = add_widget("Laser frame")
    laser.image.choose(viewer.layers["phantom corrected"])
    laser.labels.choose(viewer.layers["drawn_labels"])
    assert laser.with_labels.isChecked()
    laser.window_form.field("ahead_px").setValue(40)
    laser.fit()
    qtbot.waitUntil(lambda: laser.found is not None, timeout=PATIENCE_MS)

    dialog = command_of(laser, qtbot, tmp_path / "fitted")
    assert not any(word.startswith("--line") for word in dialog.words())
    (chain,) = dialog.plan.needs
    assert chain.startswith("phantom_corrected_chain_")
    run(saved(dialog, tmp_path / "fitted.sh", qtbot))
    record = json.loads((tmp_path / "fitted" / "phantom_corrected_laser.json").read_text())
    assert record["x0_px"] == laser.found.line.x0_px
    assert record["velocity_px_per_frame"] == laser.found.line.velocity_px
    assert [s["step"] for s in record["run"]["preprocessing"]["steps"]] == ["background"]
    assert record["run"]["command"][:2] == ["amseg", "laser"]

    laser.editor.plot.line_dragged.emit(-3.0, 2.0, 101.5, 21.0)
    by_hand = laser.editor.line
    run(saved(command_of(laser, qtbot, tmp_path / "hand"), tmp_path / "hand.sh", qtbot))
    record = json.loads((tmp_path / "hand" / "phantom_corrected_laser.json").read_text())
    assert (record["x0_px"], record["t0_frame"]) == (by_hand.x0_px, by_hand.first_frame)

    laser.rows.setText("all of them")
    assert "the rows are" in command_of(laser, qtbot).notes.text()


def test_video_has_the_contrast_of_the_layer(
    viewer, add_widget, qtbot, phantom_file, label_file, tmp_path
):
    viewer.open(phantom_file, plugin="napari-amseg")
    viewer.open(label_file, plugin="napari-amseg")
    viewer.layers["phantom"].contrast_limits = (1000.5, 30000.25)
    video = add_widget("Video")
    video.labels.choose(viewer.layers["drawn_labels"])
    video.frames.setText("2,9")
    clicked = tmp_path / "clicked.png"
    video.write(clicked)
    qtbot.waitUntil(lambda: not video.is_running and clicked.exists(), timeout=PATIENCE_MS)
    dialog = command_of(video, qtbot, tmp_path / "again.png")
    assert "--contrast=1000.5,30000.25" in dialog.words()
    run(saved(dialog, tmp_path / "video.sh", qtbot))
    assert _pixels(tmp_path / "again.png") == _pixels(clicked)

    dialog.place.set_path(tmp_path / "video.doc")
    assert "write .mp4 for a video" in dialog.status.text()
    assert not dialog.copy_button.isEnabled()
    assert not dialog.text.toPlainText()


def _pixels(path: Path) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        return image.tobytes()


def test_grad_cam_of_the_shown_frame(viewer, add_widget, qtbot, phantom_file, tmp_path):
    viewer.open(phantom_file, plugin="napari-amseg")
    explain = add_widget("Grad-CAM")
    explain.model.box.setCurrentText("fast")
    explain.class_box.setCurrentText("pore")
    explain.settings.field("pixels").setCurrentText("all")
    viewer.dims.set_current_step(0, 17)
    words = command_of(explain, qtbot, tmp_path / "cam").words()
    assert words == (
        *("amseg", "explain", str(phantom_file), "--frame", "17", "--class", "pore"),
        *("--name", "phantom", "--model", "fast", *_stated(phantom_file)),
        *("--pixels", "all", "-o", str(tmp_path / "cam")),
    )


def _stated(path: Path) -> tuple[str, ...]:
    with read_stack(path) as stack:
        known = stack.experiment
    rate = repr(known.frame_rate_hz).removesuffix(".0")
    return "--pixel-size", repr(known.pixel_size_um).removesuffix(".0"), "--frame-rate", rate


def test_train_needs_a_benchmark_on_disk(viewer, add_widget, qtbot, drawn_benchmark, tmp_path):
    train = add_widget("Train")
    viewer.add_image(np.zeros((3, 32, 48), np.uint16), name="made here")
    viewer.add_labels(np.ones((3, 32, 48), np.uint8), name="painted")
    told = command_of(train, qtbot)
    assert "amseg train reads a benchmark folder" in told.notes.text()
    train.source.use_benchmark(drawn_benchmark)
    qtbot.waitUntil(lambda: train.source.split() is not None, timeout=PATIENCE_MS)
    train.training.main.field("epochs").setValue(3)
    words = command_of(train, qtbot, tmp_path / "model").words()
    assert words[:3] == ("amseg", "train", str(drawn_benchmark))
    assert words[words.index("--epochs") + 1] == "3"
    assert words[words.index("--split") + 1] == "listed"
    assert words[-2:] == ("-o", str(tmp_path / "model"))


def test_correlate(viewer, add_widget, qtbot, tmp_path):
    correlate = add_widget("Correlate")
    assert "Choose a campaign first" in command_of(correlate, qtbot).notes.text()
    (tmp_path / "campaign.csv").write_text("experiment,summary\n")
    correlate.path.set_path(tmp_path / "campaign.csv")
    words = command_of(correlate, qtbot, tmp_path / "out").words()
    assert words == (
        "amseg", "correlate", str(tmp_path / "campaign.csv"), "-o", str(tmp_path / "out")
    )  # fmt: skip
