"""The *Measure* widget as a quantification dock: range, comparison, signal, export, long stacks."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_amseg.labels import Label
from napari_amseg.measure import Measurements, MeasureSettings, measure_frame
from napari_amseg.measure.quantities import MAIN_QUANTITIES, QUANTITIES
from napari_amseg.plugin.curtain import Curtain
from napari_amseg.plugin.layers import LabelSource, labels_layer
from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.results import Results
from napari_amseg.types import Experiment

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=1000.0)
AREA, DEPTH = QUANTITIES["keyhole_area"], QUANTITIES["keyhole_depth"]
PATIENCE_MS = 30_000


def keyhole_of(depth: int, *, pores: int = 0) -> np.ndarray:
    """A frame (40, 60): surface at row 10, a keyhole 4 columns wide, pores of 3 x 3 px."""
    frame = np.full((40, 60), Label.BACKGROUND, np.uint8)
    frame[10:] = Label.SUBSTRATE
    frame[10 : 10 + depth, 20:24] = Label.KEYHOLE
    for i in range(pores):
        frame[35:38, 5 + 5 * i : 8 + 5 * i] = Label.PORE
    return frame


@pytest.fixture
def deep() -> np.ndarray:
    """Ten frames: none, depth 5 to 12, none; a pore from frame 5 on."""
    depths = [0, 5, 6, 7, 8, 9, 10, 11, 12, 0]
    return np.stack([keyhole_of(d, pores=int(t >= 5)) for t, d in enumerate(depths)])


@pytest.fixture
def dock(viewer, add_widget, qtbot, deep):
    """The widget with the ten frames measured, 2 um and 1 kHz."""
    data, options, _ = labels_layer(deep, "deep", LabelSource(KNOWN))
    viewer.add_labels(data, **options)
    widget = add_widget("Measure")
    qtbot.mouseClick(widget.page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "frames" in words(widget), timeout=PATIENCE_MS)
    return widget


def said(dock) -> str:
    """What stands in the place of the plots."""
    return dock.page.plots.findChild(Curtain).text()


def words(dock) -> str:
    return dock.page.details.words.text()


def shown(dock):
    """The details the panel shows."""
    return dock.page.details._last[0]


def long_results(n_frames: int) -> Results:
    """Made-up rows: the depth is the frame number modulo 100, plus 50."""
    row = measure_frame(keyhole_of(9), experiment=KNOWN).row
    results = Results(n_frames, KNOWN, MeasureSettings())
    for t in range(n_frames):
        results.add(t, row | {"frame": t, "keyhole_depth_um": 50.0 + t % 100}, [])
    return results


def test_of_one_frame_the_numbers_stand_in_the_place_of_the_series(viewer, add_widget, qtbot, deep):
    """A point on the edge of empty axes tells nothing."""
    data, options, _ = labels_layer(deep[8:9], "one", LabelSource(KNOWN))
    viewer.add_labels(data, **options)
    widget = add_widget("Measure")
    widget.measure()
    qtbot.waitUntil(lambda: not widget.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "One frame" in said(widget), timeout=PATIENCE_MS)
    assert "keyhole area 192 µm²\nkeyhole depth 24 µm\n" in said(widget)
    assert said(widget).endswith("pores 1")
    widget.page.plots.show_quantities([QUANTITIES["keyhole_height"]])
    assert said(widget).endswith("more.\n\nkeyhole height 24 µm")


def test_there_is_no_curtain_over_a_series_and_its_plots_are_never_squeezed(dock):
    """napari gives the docks above a new one their least height."""
    assert not said(dock)
    assert dock.page.minimumSizeHint().height() >= dock.page.plots.minimumHeight()


def test_the_range_is_that_with_a_keyhole_until_it_is_chosen(dock, qtbot):
    assert dock.within() == (1, 8)
    assert "keyhole in 8 of 8 frames" in words(dock)
    spread = shown(dock).shown.statistics.spreads["keyhole_depth"]
    depths = 2.0 * np.arange(5, 13)
    assert spread.deviation.mean == pytest.approx(depths.mean())
    assert not dock.page.range.auto_button.isEnabled()
    assert "automatic range" in dock.page.range.auto_button.toolTip()

    dock.page.range.first.setValue(2)
    dock.page.range.last.setValue(5)
    qtbot.waitUntil(lambda: "frames 2 to 5" in words(dock))
    s = shown(dock).shown.statistics
    # depths 12, 14, 16, 18 um: mean 15, deviations 0.2, 1/15, 1/15, 0.2
    depth, area = s.spreads["keyhole_depth"], s.spreads["keyhole_area"]
    assert (depth.n, depth.least, depth.greatest) == (4, 12.0, 18.0)
    assert depth.deviation.mean == pytest.approx(15.0)
    assert depth.deviation.delta_max == pytest.approx(0.2)
    assert depth.deviation.delta_avg == pytest.approx((0.2 + 1 / 15) / 2)
    assert area.deviation.mean == pytest.approx(15.0 / 2 * 4 * 4)  # 4 columns of 2 um pixels
    assert s.pores == 1
    assert (dock.page.plots._range, dock.chosen_range) == ((2, 5), (2, 5))

    qtbot.mouseClick(dock.page.range.auto_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "frames 1 to 8" in words(dock))


def test_a_dragged_range_moves_in_all_plots_and_keeps_whole_frames(dock, qtbot):
    dock.page.range.range_button.setChecked(True)
    plots = dock.page.plots
    assert all(plot.region.isVisible() for plot in plots._plots)
    plots.plot("keyhole depth").region.setRegion((2.6, 6.2))
    assert dock.within() == (3, 6)
    assert (dock.page.range.first.value(), dock.page.range.last.value()) == (3, 6)
    assert plots.plot("pores").region.getRegion() == (2.5, 6.5)
    qtbot.waitUntil(lambda: "frames 3 to 6" in words(dock))


def test_the_chosen_range_is_written_as_the_laser_on_frames(dock, qtbot, tmp_path):
    dock.choose_range(2, 5)
    dock.page.exports.export(tmp_path)
    summary, run = tmp_path / "deep_summary.json", tmp_path / "deep_run.json"
    qtbot.waitUntil(run.exists, timeout=PATIENCE_MS)
    written = json.loads(summary.read_text())
    assert written["laser_on_ranges"] == [[2, 6]]
    assert written["keyhole_depth_um"]["mean"] == pytest.approx(15.0)
    assert json.loads(run.read_text())["settings"]["measure"]["laser_on_frames"] == "2:6"
    with open(tmp_path / "deep_frames.csv") as file:
        on = [row["laser_on"] for row in csv.DictReader(file)]
    assert on == ["0", "0", "1", "1", "1", "1", "0", "0", "0", "0"]


def test_rows_written_from_a_range_do_not_keep_the_marks_of_another():
    measured = Measurements(KNOWN)
    for t, depth in enumerate((5, 0, 5, 5)):
        found = measure_frame(keyhole_of(depth), frame=t, experiment=KNOWN)
        measured.append(found.row, found.pores)
    assert measured.frames()["flags"][1] == "keyhole gap"
    other = measured.copy(MeasureSettings(laser_on_frames="2:4"))
    assert other.frames()["flags"][1] == ""
    again = Measurements(KNOWN)
    for row, pores in measured.rows():
        again.append(row, pores)
    assert again.frames().equals(measured.frames())


def test_values_under_the_mouse_have_frame_time_and_unit(dock):
    plots = dock.page.plots
    view = plots.plot("keyhole depth").item.vb
    plots._on_move((view.mapViewToScene(QPointF(4.1, view.viewRange()[1][0])),))
    assert dock.page.readout.text() == "frame 4 · 4 ms · keyhole depth 16 µm"
    upright, level = plots.plot("keyhole depth").cross
    assert upright.isVisible()
    assert level.isVisible()
    assert not plots.plot("pores").cross[1].isVisible()
    plots._on_move((QPointF(-10, -10),))
    assert dock.page.readout.text() == ""
    assert not upright.isVisible()


def test_a_second_stack_is_measured_drawn_and_counted(viewer, dock, qtbot, deep):
    other = np.roll(deep, 1, axis=0)
    viewer.add_labels(other, name="other", scale=(1, 2, 2), units=("pixel", "um", "um"))
    assert dock.page.labels.layer().name == "other"  # a new layer is looked at first
    dock.page.labels.choose(viewer.layers["deep"])  # what was measured is still there
    assert dock.results.complete
    dock.page.compare.choose(viewer.layers["other"])
    qtbot.waitUntil(lambda: dock.compare.over(dock.results).results.complete, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "┄" in words(dock), timeout=PATIENCE_MS)
    compared = dock.page.plots.plot("keyhole depth").compared
    qtbot.waitUntil(lambda: np.isfinite(compared.y[2:]).sum() == 8, timeout=PATIENCE_MS)
    assert np.array_equal(compared.y[2:10], 2.0 * np.arange(5, 13))
    assert "frame rate" in dock.page.remark.text()  # taken from the shown stack
    assert "┄" in dock.page.details.numbers.text()
    qtbot.waitUntil(lambda: shown(dock).compared.statistics.n_keyhole == 7, timeout=PATIENCE_MS)
    dock.page.details.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "┄" in dock.page.details.histogram.getPlotItem().titleLabel.text)
    assert dock.page.plots.told_at(DEPTH, 4).endswith("keyhole depth 16 µm ┄ 14 µm")
    dock.page.compare.choose(None)
    qtbot.waitUntil(lambda: "┄" not in words(dock))
    assert compared.y.size == 0


def test_stacks_that_differ_are_laid_over_each_other_by_time_and_say_so():
    shown_stack, slow = (
        long_results(100),
        Results(50, Experiment(frame_rate_hz=500.0), MeasureSettings()),
    )
    for t in range(50):
        found = measure_frame(keyhole_of(9), frame=t, experiment=slow.experiment)
        slow.add(t, found.row, found.pores)
    compared = Compared("slow", slow, shown_stack)
    x, _ = compared.curve(QUANTITIES["pore_count"])
    assert x[-1] == 98
    assert compared.range_of((10, 20)) == (5, 10)
    assert compared.curve(AREA)[1].size == 0  # one in um, the other in px
    told = compared.remarks(((100, 40, 60), (50, 40, 60)))
    assert "50 × 40 × 60 px" in told
    assert "no pixel size" in told


def test_more_quantities_can_be_shown_also_those_of_the_whole_stack(dock, qtbot):
    wall, width = QUANTITIES["keyhole_left_wall_deg"], QUANTITIES["keyhole_width_50"]
    delta = QUANTITIES["keyhole_depth_delta"]
    dock.page.range.choose([width, wall, delta])
    assert dock.page.plots.curve("keyhole width at 50 % depth")[1][4] == 8.0
    qtbot.waitUntil(lambda: dock.page.plots.curve("depth deviation")[1].size > 0)
    depths = 2.0 * np.arange(5, 13)
    expected = np.abs(depths - depths.mean()) / depths.mean()
    assert np.allclose(dock.page.plots.curve("depth deviation")[1][1:9], expected)
    dock.choose_range(2, 5)  # the deviations are those from another mean
    qtbot.waitUntil(lambda: dock.page.plots.curve("depth deviation")[1][2] == pytest.approx(0.2))


def test_a_signal_is_drawn_and_its_lag_found(viewer, add_widget, qtbot, tmp_path, notifications):
    rng = np.random.default_rng(5)
    depth = 60 + np.convolve(rng.normal(0, 5, 420), np.ones(5) / 5, "same")
    results = Results(400, KNOWN, MeasureSettings())
    row = measure_frame(keyhole_of(9), experiment=KNOWN).row
    for t in range(400):
        results.add(t, row | {"frame": t, "keyhole_depth_um": depth[t]}, [])
    frames = np.broadcast_to(np.zeros((), np.uint8), (400, 8, 8))
    viewer.add_labels(
        frames, name="made up", metadata={"napari-amseg": LabelSource(KNOWN, results=results)}
    )
    dock = add_widget("Measure")
    dock.page.quantity.setCurrentIndex(1)
    path = tmp_path / "diode.csv"  # comes 7 ms later, its clock starts 100 ms before frame 0
    times = np.arange(400) + 100.0 + 7.0
    np.savetxt(
        path, np.c_[times, depth[:400]], delimiter=",", comments="", header="time (ms),diode (V)"
    )
    form = dock.page.details.signal
    dock.page.details.setCurrentIndex(3)
    form.path.set_path(tmp_path / "missing.csv")
    qtbot.waitUntil(lambda: "no such file" in dock.page.details.lags.getPlotItem().titleLabel.text)
    form.path.set_path(path)
    qtbot.waitUntil(lambda: form.signal is not None, timeout=PATIENCE_MS)
    form.offset.set_number(-100)
    form.offset.editingFinished.emit()
    qtbot.waitUntil(lambda: form.signal.time_s[0] == pytest.approx(0.007), timeout=PATIENCE_MS)
    lags = dock.page.details.lags.getPlotItem().titleLabel
    qtbot.waitUntil(lambda: "best lag 7 ms, r = 1.000" in lags.text, timeout=PATIENCE_MS)
    assert shown(dock).correlation.best_lag_s == pytest.approx(0.007)
    assert shown(dock).correlation.best_coefficient == pytest.approx(1.0)
    curve = dock.page.plots.signal_axis.curve
    assert curve.x[0] == pytest.approx(7.0)
    assert "diode (V)" in dock.page.plots.plot("keyhole area").item.titleLabel.text


def test_the_spectrum_shows_the_frequency_that_is_there(viewer, add_widget, qtbot):
    t = np.arange(1024)
    depth = 60 + 5 * np.sin(2 * np.pi * 0.1 * t) + np.random.default_rng(2).normal(0, 1, t.size)
    results = Results(t.size, KNOWN, MeasureSettings())
    row = measure_frame(keyhole_of(9), experiment=KNOWN).row
    for i in t:
        results.add(i, row | {"frame": i, "keyhole_depth_um": depth[i]}, [])
    frames = np.broadcast_to(np.zeros((), np.uint8), (t.size, 8, 8))
    viewer.add_labels(
        frames, name="made up", metadata={"napari-amseg": LabelSource(KNOWN, results=results)}
    )
    dock = add_widget("Measure")
    dock.page.quantity.setCurrentIndex(1)
    dock.page.details.setCurrentIndex(2)
    title = dock.page.details.spectrum.getPlotItem().titleLabel
    qtbot.waitUntil(lambda: "main peak at" in title.text, timeout=PATIENCE_MS)
    peak = float(re.search(r"at ([\d.]+) Hz", title.text)[1])
    assert peak == pytest.approx(100, abs=2)
    dock.choose_range(0, 9)
    qtbot.waitUntil(lambda: "a spectrum needs" in title.text, timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("suffix", "begin"),
    [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("csv", b"frame")],
)
def test_what_is_shown_is_saved(dock, qtbot, tmp_path, suffix, begin):
    path = tmp_path / f"shown.{suffix}"
    dock.page.exports.save_plot(path)
    qtbot.waitUntil(path.exists, timeout=PATIENCE_MS)
    assert path.read_bytes().startswith(begin)
    if suffix == "csv":
        rows = list(csv.reader(path.open()))
        assert rows[0] == ["frame", "time_s", *(q.column(in_um=True) for q in MAIN_QUANTITIES)]
        assert rows[5] == ["4", "0.004", "128", "16", "0", "0"]
    if suffix == "svg":
        assert "Keyhole depth (µm)" in path.read_text()
        assert "Frames (%)" not in path.read_text()  # the tab with the numbers is open


def test_a_picture_of_an_unknown_kind_is_refused(dock, tmp_path, notifications):
    dock.page.exports.save_plot(tmp_path / "shown.bmp")
    assert any(".svg" in message for message in notifications())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def edited(viewer, dock):
    """The layer, painted on and measured again: the edit can be undone."""
    layer = viewer.layers["deep"]
    layer.selected_label = 2
    layer.paint((4, 30, 30), 2)
    return layer


def measured_again(dock, qtbot):
    dock.measure()
    qtbot.waitUntil(lambda: not dock.is_running, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not dock.page.remark.text(), timeout=PATIENCE_MS)


@pytest.mark.parametrize("edit", ["paint", "undo", "redo", "data"])
def test_numbers_of_edited_labels_stay_in_view_but_are_not_saved(
    viewer, dock, edited, qtbot, tmp_path, edit
):
    if edit == "redo":
        edited.undo()
    measured_again(dock, qtbot)
    viewer.dims.set_current_step(0, 7)  # another frame is no edit
    viewer.dims.set_current_step(0, 2)
    edited.refresh()
    assert not dock.results.stale
    assert dock.page.exports.tables.isEnabled()
    if edit == "data":
        edited.data = edited.data[::-1].copy()
    elif edit == "paint":
        edited.paint((4, 20, 40), 2)
    else:
        getattr(edited, edit)()
    qtbot.waitUntil(lambda: not dock.page.exports.tables.isEnabled())
    assert dock.page.remark.text() == "Labels changed: measure again."
    for button in (dock.page.exports.tables, dock.page.exports.plot, dock.page.exports.tracks):
        assert button.toolTip() == "Labels changed: measure again."
    assert dock.page.plots.curve("keyhole area")[1].size == 10
    dock.page.exports.export(tmp_path)
    dock.page.exports.save_plot(tmp_path / "shown.png")
    assert not list(tmp_path.iterdir())
    measured_again(dock, qtbot)
    assert dock.page.exports.tables.isEnabled()


def test_rows_of_a_layer_whose_edit_was_undone_are_not_shown_again(viewer, dock, edited, qtbot):
    measured_again(dock, qtbot)
    viewer.add_labels(np.array(edited.data), name="other")
    assert dock.page.labels.layer().name == "other"
    edited.undo()
    dock.page.labels.choose(edited)
    assert dock.results is None


def test_a_compared_stack_that_was_edited_or_measured_otherwise_says_so(viewer, dock, qtbot, deep):
    viewer.add_labels(deep.copy(), name="other")
    dock.page.settings.set_value(MeasureSettings(min_pore_area_px=4.0))
    dock.measure()
    qtbot.waitUntil(lambda: not dock.is_running, timeout=PATIENCE_MS)
    dock.page.labels.choose(viewer.layers["deep"])
    dock.page.compare.choose(viewer.layers["other"])
    qtbot.waitUntil(lambda: "with other options" in dock.page.remark.text())
    assert dock.page.exports.plot.isEnabled()
    viewer.layers["other"].paint((4, 20, 40), 2)
    qtbot.waitUntil(lambda: "its labels changed" in dock.page.remark.text())
    assert "Labels of other changed" in dock.page.exports.plot.toolTip()


def test_skipped_frames_are_skipped_on_all_pages_and_in_the_figure(dock, qtbot, tmp_path):
    dock.page.settings.set_value(MeasureSettings(skip_entry_exit_frames=2))
    dock.measure()
    qtbot.waitUntil(lambda: not dock.is_running, timeout=PATIENCE_MS)
    dock.page.quantity.setCurrentIndex(1)
    dock.page.details.setCurrentIndex(1)
    title = dock.page.details.histogram.getPlotItem().titleLabel
    qtbot.waitUntil(lambda: title.text.endswith("mean 17 µm"), timeout=PATIENCE_MS)
    found = shown(dock).shown
    assert found.values[np.isfinite(found.values)].tolist() == [14.0, 16.0, 18.0, 20.0]
    assert found.statistics.spreads["keyhole_depth"].n == 4
    dock.page.exports.save_plot(tmp_path / "shown.svg")
    qtbot.waitUntil((tmp_path / "shown.svg").exists, timeout=PATIENCE_MS)
    assert "deep: mean 17 µm, 4 frames" in (tmp_path / "shown.svg").read_text()


def test_part_of_the_frames_is_written_as_such(viewer, add_widget, qtbot, tmp_path, notifications):
    results = Results(4, KNOWN, MeasureSettings())
    frames = np.stack([keyhole_of(9)] * 4)
    for t in range(2):
        found = measure_frame(frames[t], frame=t, experiment=KNOWN)
        results.add(t, found.row, found.pores)
    source = LabelSource(KNOWN, results=results)
    viewer.add_labels(frames, name="part", metadata={"napari-amseg": source})
    dock = add_widget("Measure")
    qtbot.waitUntil(lambda: dock.page.remark.text() == "Only 2 of 4 frames measured.")
    exports, run = dock.page.exports, tmp_path / "part_run.json"
    exports.with_labels.setChecked(True)
    exports.export(tmp_path)
    assert any("2 of 4 frames measured: measure all" in message for message in notifications())
    exports.with_labels.setChecked(False)
    exports.export(tmp_path)
    qtbot.waitUntil(run.exists, timeout=PATIENCE_MS)
    assert "2 of 4 frames measured" in json.loads(run.read_text())["notes"]
    qtbot.waitUntil(lambda: any("(2 of 4 frames measured)" in m for m in notifications()))


def test_tables_of_another_stack_are_not_replaced(dock, qtbot, tmp_path, notifications):
    exports, run = dock.page.exports, tmp_path / "deep_run.json"
    other = {"source": "/elsewhere/raw.tif", "inputs": [{"name": "raw.tif", "sha256": "ab"}]}
    run.write_text(json.dumps(other))
    exports.export(tmp_path)
    qtbot.waitUntil(
        lambda: any("choose another folder" in m for m in notifications()), timeout=PATIENCE_MS
    )
    assert json.loads(run.read_text()) == other
    run.unlink()
    exports.export(tmp_path)
    qtbot.waitUntil(run.exists, timeout=PATIENCE_MS)
    qtbot.waitUntil(exports.tables.isEnabled)
    dock.choose_range(2, 5)
    exports.export(tmp_path)  # its own tables it may replace
    qtbot.waitUntil(lambda: '"2:6"' in run.read_text(), timeout=PATIENCE_MS)


def test_a_dot_in_a_name_is_no_suffix_and_no_other_file_is_replaced(
    dock, qtbot, tmp_path, notifications
):
    path = tmp_path / "run_0.5.png"
    dock.page.exports.save_plot(tmp_path / "run_0.5")
    qtbot.waitUntil(path.exists, timeout=PATIENCE_MS)
    path.write_bytes(b"precious")
    dock.page.exports.save_plot(tmp_path / "run_0.5")
    assert any("run_0.5.png exists already" in message for message in notifications())
    assert path.read_bytes() == b"precious"


def test_signed_quantities_show_no_percent_of_their_mean(dock, qtbot):
    titles = [QUANTITIES[stem].title for stem in QUANTITIES]
    dock.page.quantity.setCurrentIndex(titles.index("keyhole tip offset"))
    qtbot.waitUntil(lambda: "tip offset" in dock.page.details.numbers.text(), timeout=PATIENCE_MS)
    row = dock.page.details.numbers.text().split("tip offset")[1]
    cells = re.findall(r'right">([^<]*)<', row)
    assert (cells[0], cells[2], cells[3]) == ("8", "–", "–")
    assert "whole stack" in dock.page.details.numbers.toolTip()


def test_pores_are_counted_as_pores_and_as_sightings(dock, qtbot):
    qtbot.waitUntil(lambda: "sightings (" in words(dock), timeout=PATIENCE_MS)
    assert "1 pore in 4 sightings (0.5 a frame)" in words(dock)


def test_pore_tracks_become_a_layer(viewer, dock, qtbot):
    qtbot.mouseClick(dock.page.exports.tracks, Qt.MouseButton.LeftButton)
    name = "deep pore tracks"
    qtbot.waitUntil(lambda: name in viewer.layers, timeout=PATIENCE_MS)
    layer = viewer.layers[name]
    assert layer.data[:, 1].tolist() == [5, 6, 7, 8, 9]
    assert layer.data[0, 2:].tolist() == [36, 6]
    assert tuple(layer.scale)[-2:] == (2.0, 2.0)


def test_without_numbers_units_are_frames_and_pixels(viewer, add_widget, qtbot, deep):
    viewer.add_labels(deep.astype(int), name="plain")
    dock = add_widget("Measure")
    assert dock.page.exports.tables.toolTip() == "Measure first."
    assert dock.page.exports.tracks.toolTip() == "Measure first."
    dock.measure()
    qtbot.waitUntil(lambda: not dock.is_running, timeout=PATIENCE_MS)
    assert dock.page.plots.told_at(AREA, 3) == "frame 3 · keyhole area 28 px²"
    dock.page.details.setCurrentIndex(3)
    qtbot.waitUntil(lambda: "choose a file" in dock.page.details.lags.getPlotItem().titleLabel.text)
    assert dock.page.plots.unit().label == "frame"


def test_a_stack_without_any_keyhole_counts_whole(viewer, add_widget, qtbot):
    viewer.add_labels(np.full((4, 16, 16), 4), name="empty")
    dock = add_widget("Measure")
    dock.measure()
    qtbot.waitUntil(lambda: not dock.is_running, timeout=PATIENCE_MS)
    assert dock.within() == (0, 3)
    qtbot.waitUntil(lambda: "keyhole in 0 of 4 frames" in words(dock))
    dock.page.details.setCurrentIndex(1)
    title = dock.page.details.histogram.getPlotItem().titleLabel
    qtbot.waitUntil(lambda: "no values" in title.text)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_plots_follow_the_theme(viewer, dock, theme):
    from napari_amseg.plugin.theme import palette

    dock.choose_range(2, 5)
    viewer.theme = theme
    background = palette(viewer).background
    for plot in (dock.page.plots, dock.page.details.histogram, dock.page.details.lags):
        assert plot.backgroundBrush().color().name() == background
    assert dock.page.plots.curve("keyhole area")[1].size == 10
    assert dock.page.plots._range == (2, 5)


def test_20_000_frames_click_slide_and_zoom(viewer, add_widget, qtbot):
    results = long_results(20_000)
    frames = np.broadcast_to(np.zeros((), np.uint8), (20_000, 8, 8))
    viewer.add_labels(
        frames, name="long", metadata={"napari-amseg": LabelSource(KNOWN, results=results)}
    )
    dock = add_widget("Measure")
    plots, view = dock.page.plots, dock.page.plots.plot("keyhole depth").item.vb
    viewer.dims.set_current_step(0, 12_345)
    assert plots.marked_frame() == 12_345

    class Click:
        def __init__(self, frame):
            self.frame = frame

        def button(self):
            return Qt.MouseButton.LeftButton

        def double(self):
            return False

        def scenePos(self):
            return view.mapViewToScene(QPointF(self.frame, view.viewRange()[1][0]))

    plots._on_click(Click(6_789))
    assert abs(viewer.dims.current_step[0] - 6_789) <= 20_000 / view.width() + 1
    curve = plots.plot("keyhole depth").curve
    assert curve.x.size == 20_000
    drawn_x, drawn_y = curve.item.getData()
    assert drawn_x.size <= 2 * max(view.width(), 200)
    assert (drawn_y.min(), drawn_y.max()) == (50.0, 149.0)  # no extreme is lost
    view.setXRange(100, 130, padding=0)
    drawn_x, drawn_y = curve.item.getData()
    assert np.array_equal(drawn_y, 50.0 + drawn_x % 100)
    dock.choose_range(100, 199)
    qtbot.waitUntil(lambda: "frames 100 to 199" in words(dock))
    assert shown(dock).shown.statistics.spreads["keyhole_depth"].deviation.mean == pytest.approx(
        99.5
    )


def test_the_envelope_keeps_gaps_and_hides_no_value_behind_them():
    from napari_amseg.plugin.measure.envelope import envelope

    x = np.arange(10_000.0)
    y = np.where(x % 3 == 0, np.nan, np.sin(x / 50))
    y[4_000:5_000] = np.nan
    ex, ey = envelope(x, y, 0, 10_000, 500)
    assert ex.size == 1000
    assert (np.nanmin(ey), np.nanmax(ey)) == (np.nanmin(y), np.nanmax(y))
    assert np.isnan(ey[(ex > 4_020) & (ex < 4_980)]).all()
    assert np.isfinite(ey[ex < 3_980]).all()
