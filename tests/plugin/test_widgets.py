"""Each widget by itself: prefilled forms, reasons for disabled buttons, wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_amseg.io import TiffStackWriter
from napari_amseg.measure import MeasureSettings
from napari_amseg.pipeline.watch.events import WatchSettings
from napari_amseg.plugin.forms import OptionalNumber, SettingsForm
from napari_amseg.plugin.layers import KEY, LabelSource, image_source
from napari_amseg.plugin.preprocess.widget import crop_from_shapes
from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Invert, Normalise
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.types import Experiment

SETTINGS = [Background, Crop, FlatField, Invert, MapSettings, MeasureSettings, Normalise,
            PostSettings, SegmentSettings, WatchSettings]  # fmt: skip


@pytest.mark.parametrize("settings_class", SETTINGS)
def test_every_settings_dataclass_makes_a_form_that_gives_its_defaults_back(qtbot, settings_class):
    form = SettingsForm(settings_class, paths=("flat", "dark", "flat_after"))
    qtbot.addWidget(form)
    assert form.value() == settings_class()


def test_a_form_gives_back_what_it_was_filled_with_and_tells_units_and_defaults(qtbot):
    form = SettingsForm(Background)
    qtbot.addWidget(form)
    with qtbot.waitSignal(form.changed):
        form.set_value(Background(method="percentile", mode="subtract", window=20, percentile=5))
    assert form.value() == Background("percentile", "subtract", 20, 5)
    assert "Default: 0 frames" in form.field("window").toolTip()
    assert form.field("window").suffix() == " frames"


def test_an_empty_number_is_none_not_zero(qtbot):
    number = OptionalNumber("µm")
    qtbot.addWidget(number)
    assert number.number() is None
    assert number.text() == "unknown"
    number.set_number(4.31)
    assert number.text() == "4.31 µm"


def test_load_fills_in_what_the_file_says_and_adds_the_layer(
    viewer, add_widget, qtbot, tmp_path, frames
):
    known = Experiment(pixel_size_um=6.67)
    path = tmp_path / "run.tif"
    with TiffStackWriter(path, frames.shape, frames.dtype, known) as writer:
        for frame in frames:
            writer.append(frame)
    load = add_widget("Load stack")
    assert not load.load_button.isEnabled()
    assert load.load_button.toolTip() == "Choose a stack first."
    load.path.set_path(path)
    qtbot.waitUntil(lambda: "6 frames of 48 × 32 px, uint16" in load.found.text())
    assert load.experiment.value() == known
    load.experiment.field("frame_rate_hz").set_number(1000)
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "run" in viewer.layers)
    layer = viewer.layers["run"]
    assert tuple(layer.scale) == (1, 6.67, 6.67)
    assert image_source(layer).experiment == Experiment(pixel_size_um=6.67, frame_rate_hz=1000)
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, frames, photometric="minisblack", metadata=None)
    load.path.set_path(other)
    qtbot.waitUntil(lambda: "6 frames" in load.found.text())
    assert load.experiment.value() == Experiment(frame_rate_hz=1000)  # the file's own value went


def test_load_uses_presets_and_says_what_stays_unknown(
    viewer, add_widget, qtbot, tiff_file, notifications
):
    load = add_widget("Load stack")
    load.path.set_path(tiff_file)
    qtbot.waitUntil(lambda: "6 frames" in load.found.text())
    assert load.experiment.value() == Experiment()
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    assert any("pixel size and frame rate unknown" in m for m in notifications())
    load.preset.setCurrentIndex(1)
    load.preset.activated.emit(1)
    viewer.layers.selection.active = viewer.layers[0]
    qtbot.mouseClick(load.set_button, Qt.MouseButton.LeftButton)
    experiment = viewer.layers[0].metadata[KEY].experiment
    assert (experiment.facility, experiment.pixel_size_um) == ("ESRF", 4.31)
    assert experiment.frame_rate_hz == 40_000


def test_load_says_why_a_file_cannot_be_read(add_widget, qtbot, tmp_path):
    path = tmp_path / "fake.tif"
    path.write_text("no image")
    load = add_widget("Load stack")
    load.path.set_path(path)
    qtbot.waitUntil(lambda: "not a readable TIFF" in load.found.text())
    assert not load.load_button.isEnabled()


def test_preview_follows_the_frame_and_goes_when_nothing_is_switched_on(
    viewer, add_widget, qtbot, frames
):
    layer = viewer.add_image(frames, name="raw")
    preprocess = add_widget("Preprocess")
    assert preprocess.apply_button.toolTip() == "Switch on at least one step."
    preprocess.form.groups[Invert].setChecked(True)
    qtbot.waitUntil(lambda: "preview" in viewer.layers)
    total = int(frames.min()) + int(frames.max())
    for t in (4, 1):
        viewer.dims.set_current_step(0, t)
        expected = total - frames[t].astype(float)
        preview = viewer.layers["preview"]
        qtbot.waitUntil(lambda p=preview, e=expected: np.allclose(p.data, e))
    assert layer in viewer.layers
    preprocess.form.groups[Invert].setChecked(False)
    assert "preview" not in viewer.layers


def test_what_is_made_from_a_layer_lies_on_it_even_if_that_came_from_elsewhere(
    viewer, add_widget, qtbot, frames
):
    raw = viewer.add_image(frames, name="raw", scale=(1, 3, 3), translate=(0, 30, 60))
    preprocess = add_widget("Preprocess")
    preprocess.form.groups[Crop].setChecked(True)
    preprocess.form.forms[Crop].set_value(Crop(y0=2, x0=4))
    qtbot.waitUntil(lambda: "preview" in viewer.layers)
    preview = viewer.layers["preview"]
    assert tuple(preview.translate) == (36, 72)
    assert tuple(preview.scale) == (3, 3)
    qtbot.mouseClick(preprocess.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "raw corrected" in viewer.layers)
    corrected = viewer.layers["raw corrected"]
    assert tuple(corrected.translate) == (0, 36, 72)
    assert corrected.data.shape == (6, 30, 44)
    assert raw.metadata.get(KEY) is None


def test_a_wrong_setting_is_told_under_the_form_and_shows_no_preview(
    viewer, add_widget, qtbot, frames
):
    viewer.add_image(frames, name="raw")
    preprocess = add_widget("Preprocess")
    preprocess.form.groups[Crop].setChecked(True)
    preprocess.form.forms[Crop].set_value(Crop(y0=0, y1=500))
    qtbot.waitUntil(lambda: "does not lie inside" in preprocess.status.text())
    assert "preview" not in viewer.layers
    preprocess.form.groups[FlatField].setChecked(True)
    assert "choose the flat" in preprocess.status.text()
    assert not preprocess.apply_button.isEnabled()


def test_a_chain_is_saved_loaded_and_refused_if_the_form_cannot_show_it(
    viewer, add_widget, tmp_path, notifications
):
    preprocess = add_widget("Preprocess")
    chain = Chain((Crop(y0=2), Background(window=9), Invert(low=1.0, high=9.0)))
    preprocess.form.set_value(chain)
    path = tmp_path / "chain.json"
    preprocess.save_chain(path)
    preprocess.form.set_value(Chain())
    preprocess.load_chain(path)
    assert preprocess.form.value() == chain
    path.write_text(json.dumps(Chain((Background(), Crop())).to_json()))
    preprocess.load_chain(path)
    assert any("in this order" in m for m in notifications())
    assert preprocess.form.value() == chain
    of_a_run = Chain((Crop(y0=3),))
    path.write_text(json.dumps({"preprocessing": of_a_run.to_json()}))
    preprocess.load_chain(path)
    assert preprocess.form.value() == Chain((Crop(y0=3),))


def test_a_rectangle_becomes_a_crop_whatever_the_scale(viewer, frames):
    image = viewer.add_image(frames, scale=(1, 2, 2), translate=(0, 4, 6))
    corners = np.array([[3.5, 7.5], [3.5, 19.5], [15.5, 19.5], [15.5, 7.5]])  # between pixels
    shapes = viewer.add_shapes([corners * 2 + (4, 6)])
    assert crop_from_shapes(shapes, image) == Crop(y0=4, y1=16, x0=8, x1=20)
    outside = viewer.add_shapes([corners - 900])
    with pytest.raises(ValueError, match="outside the image"):
        crop_from_shapes(outside, image)
    with pytest.raises(ValueError, match="select a Shapes layer"):
        crop_from_shapes(None, image)


def test_segment_says_why_it_cannot_start_and_refuses_a_folder_that_is_no_model(
    viewer, add_widget, tmp_path, notifications, bundle_folder
):
    segment = add_widget("Segment")
    assert segment.start_button.toolTip() == "Open an image stack first."
    viewer.add_image(np.zeros((3, 16, 16)))
    segment.model.choose(tmp_path)
    assert any("no model bundle" in m for m in notifications())
    segment.model.choose(bundle_folder)
    assert segment.start_button.isEnabled()
    assert not segment.cancel_button.isEnabled()
    assert "keyhole" in segment.about.toolTip()


def test_a_blank_stack_is_reported_as_a_notification(
    viewer, add_widget, qtbot, notifications, bundle_folder
):
    viewer.add_image(np.zeros((3, 16, 16)), name="blank")
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    segment.start()
    qtbot.waitUntil(lambda: any("stack is blank" in m for m in notifications()), timeout=120_000)
    assert [layer.name for layer in viewer.layers] == ["blank"]


def test_measure_takes_any_labels_and_the_numbers_typed_in(viewer, add_widget, qtbot, labels):
    stack = np.stack([labels, np.full_like(labels, 4), labels]).astype(np.int64)
    viewer.add_labels(stack, name="drawn")
    measure = add_widget("Measure")
    assert measure.page.exports.tables.toolTip() == "Measure first."
    measure.page.experiment.field("pixel_size_um").set_number(2.0)
    qtbot.mouseClick(measure.page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not measure.is_running)
    frames, area = measure.page.plots.curve("keyhole area")
    assert frames.tolist() == [0, 1, 2]
    assert area.tolist() == [180, 0, 180]
    assert np.isnan(measure.page.plots.curve("keyhole depth")[1][1])
    qtbot.waitUntil(lambda: "keyhole in 2 of 3 frames" in measure.page.details.words.text())
    viewer.dims.set_current_step(0, 1)
    assert measure.page.plots.marked_frame() == 1
    assert measure.page.exports.tables.isEnabled()


def test_measure_reports_codes_it_does_not_know(viewer, add_widget, qtbot, notifications):
    viewer.add_labels(np.full((2, 8, 8), 77), name="cells")
    measure = add_widget("Measure")
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running)
    assert any("label codes [77]" in m for m in notifications())
    assert not measure.page.exports.tables.isEnabled()


def test_a_click_in_a_plot_goes_to_the_nearest_frame(viewer, add_widget, qtbot, labels):
    viewer.add_labels(np.stack([labels] * 9), name="drawn")
    measure = add_widget("Measure")
    measure.measure()
    qtbot.waitUntil(lambda: not measure.is_running)
    plots = measure.page.plots
    view = plots.plot("keyhole depth").item.vb

    class Click:
        def button(self):
            return Qt.MouseButton.LeftButton

        def double(self):
            return False

        def scenePos(self):
            from qtpy.QtCore import QPointF

            return view.mapViewToScene(QPointF(6.2, view.viewRange()[1][0]))

    plots._on_click(Click())
    assert viewer.dims.current_step[0] == 6


@pytest.mark.parametrize("while_it_runs", [False, True])
def test_painting_on_segmented_labels_drops_the_rows_that_came_with_them(
    viewer, add_widget, qtbot, bundle_folder, frames, while_it_runs
):
    viewer.add_image(frames, name="raw")
    segment = add_widget("Segment")
    segment.model.choose(bundle_folder)
    segment.start()
    layer, results = segment.run.layer, segment.run.results
    layer.selected_label = 2
    if while_it_runs:
        layer.paint((0, 5, 5), 2)
    qtbot.waitUntil(lambda: not segment.is_running, timeout=120_000)
    assert isinstance(layer.metadata[KEY], LabelSource)
    if not while_it_runs:
        assert layer.metadata[KEY].results.complete
        layer.paint((0, 5, 5), 2)
    assert layer.metadata[KEY].results is None
    assert results.stale


def test_what_is_set_on_a_layer_is_said_and_stays_in_view(viewer, add_widget, qtbot, tiff_file):
    load = add_widget("Load stack")
    load.path.set_path(tiff_file)
    qtbot.waitUntil(lambda: "6 frames" in load.found.text())
    qtbot.mouseClick(load.load_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    layer, camera = viewer.layers[0], viewer.scene.camera
    camera.zoom, camera.center = 3.0, (0, 11.0, 17.0)
    spin = load.experiment.field("pixel_size_um")
    spin.selectAll()
    qtbot.keyClicks(spin, "2")  # neither Tab nor Enter
    qtbot.mouseClick(load.set_button, Qt.MouseButton.LeftButton)
    assert layer.metadata[KEY].experiment.pixel_size_um == 2
    assert load.done.text() == f"Set on {layer.name}: 2 µm a pixel, frame rate unknown."
    assert camera.zoom == pytest.approx(1.5)
    assert tuple(camera.center[-2:]) == pytest.approx((22.0, 34.0))


def test_the_words_under_the_path_are_not_cut_off(viewer, add_widget, qtbot, tiff_file):
    load = add_widget("Load stack")
    viewer.window._qt_window.resize(1280, 800)
    viewer.show()
    load.path.set_path(tiff_file)
    qtbot.waitUntil(lambda: "6 frames" in load.found.text())
    load.found.setText(f"{load.found.text()}\nnot part of the numbered sequence: labels.tif")
    qtbot.wait(300)
    assert load.found.height() >= load.found.heightForWidth(load.found.width())
