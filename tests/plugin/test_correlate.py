"""The *Correlate* widget in a real viewer: the map, a click that opens, an export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, QPointF, Qt

from napari_amseg.labels import LabelScheme
from napari_amseg.measure import deviation
from napari_amseg.report.maps import WITH, WITHOUT

PATIENCE_MS = 30_000


@pytest.fixture
def campaign(tmp_path, rng, frames, labels):
    """Ten experiments, the last six with pores; e9 has a stack and labels, e8's stack is gone."""
    rows = ["experiment,summary,laser_power_w,scan_speed_mm_s,stack,labels"]
    for i in range(10):
        areas = 100 * (1 + (0.03 + 0.02 * i) * rng.standard_normal(60))
        record = {
            "keyhole_area_px": deviation(areas).to_json(),
            "keyhole_depth_px": deviation(areas + 40 * rng.random(60)).to_json(),
            "pore_count_total": int(i >= 4),
            "pore_max_equivalent_diameter_px": 2.0 * i if i >= 4 else None,
        }
        (tmp_path / f"w{i}_summary.json").write_text(json.dumps(record), encoding="utf-8")
        files = {9: "raw.tif,mask.tif", 8: "gone.tif,mask.tif"}.get(i, ",")
        rows.append(f"e{i},w{i}_summary.json,{200 + i},{900 - i},{files}")
    tifffile.imwrite(tmp_path / "raw.tif", frames, photometric="minisblack", metadata=None)
    masks = np.repeat(labels[np.newaxis], 6, axis=0)
    tifffile.imwrite(tmp_path / "mask.tif", masks, photometric="minisblack", metadata=None)
    path = tmp_path / "campaign.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def shown(add_widget, qtbot, campaign):
    """The widget with the campaign read."""
    widget = add_widget("Correlate")
    widget.path.set_path(campaign)
    qtbot.waitUntil(lambda: widget.found is not None, timeout=PATIENCE_MS)
    return widget


def place_of(widget, row) -> QPoint:
    """Where on the canvas the point of a row lies."""
    for points in widget.map._points.values():
        for point in points.points():
            if int(point.data()) == row:
                scene = widget.map.plot.vb.mapViewToScene(QPointF(point.pos()))
                return widget.map.mapFromScene(scene)
    raise AssertionError(f"row {row} has no point")


def test_the_maps_show_every_experiment(shown, qtbot):
    assert shown.map.rows_shown(WITHOUT) == [0, 1, 2, 3]
    assert shown.map.rows_shown(WITH) == [4, 5, 6, 7, 8, 9]
    assert "with pores (6)" in shown.legend.text()
    assert "LDA line" in shown.legend.text()
    curves = len(shown.map.plot.listDataItems())
    assert curves == 4  # two groups, one line, one ellipse: four points have none
    shown.axes.setCurrentIndex(shown.axes.findData("power_velocity"))
    assert "line" not in shown.legend.text()
    assert shown.map.rows_shown(WITH) == [4, 5, 6, 7, 8, 9]
    point = shown.map._points[WITHOUT].points()[2].pos()
    assert (point.x(), point.y()) == (898, 202)
    shown.settings.field("line").setCurrentText("logistic")
    assert shown.found is None
    qtbot.waitUntil(lambda: shown.found is not None, timeout=PATIENCE_MS)
    assert shown.found.maps["area"].line.method == "logistic"


def test_a_click_opens_the_stack_and_its_labels_once(viewer, shown, qtbot):
    viewer.window._qt_window.resize(1200, 900)
    viewer.window._qt_window.show()
    qtbot.wait(200)
    view = shown.map.viewport()
    qtbot.mouseMove(view, place_of(shown, 9))
    qtbot.waitUntil(lambda: shown.details.text().startswith("e9, with pores"))
    assert "209 W, 891 mm/s" in shown.details.text()
    assert "largest pore 18 px" in shown.details.text()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place_of(shown, 9))
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE_MS)
    assert [(layer.name, type(layer).__name__) for layer in viewer.layers] == [
        ("raw", "Image"),
        ("mask", "Labels"),
    ]
    image = viewer.layers["raw"]
    assert image.metadata["napari-amseg"].experiment.laser_power_w == 209
    assert np.asarray(viewer.layers["mask"].data).max() == 5 - 1
    viewer.layers.selection.active = viewer.layers["mask"]
    shown.open_experiment(9)
    assert viewer.layers.selection.active is image
    assert len(viewer.layers) == 2


def test_what_is_missing_is_named_and_the_rest_opens(viewer, shown, qtbot, notifications):
    shown.open_experiment(9)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE_MS)
    shown.open_experiment(8)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=PATIENCE_MS)
    assert any("e8, stack" in m and "gone.tif" in m for m in notifications())
    assert [layer.visible for layer in viewer.layers] == [False, False, True]
    shown.open_experiment(0)
    qtbot.waitUntil(lambda: any("names no labels" in m for m in notifications()))
    assert len(viewer.layers) == 3


def test_buttons_say_why_they_cannot_be_pressed(add_widget, qtbot, tmp_path):
    widget = add_widget("Correlate")
    for button in (widget.reload_button, widget.export_button):
        assert (button.isEnabled(), button.toolTip()) == (False, "Choose a campaign first.")
    widget.path.set_path(tmp_path / "missing.csv")
    qtbot.waitUntil(lambda: "no such file" in widget.details.text(), timeout=PATIENCE_MS)
    assert widget.reload_button.isEnabled()
    assert "see below" in widget.export_button.toolTip()
    (tmp_path / "missing.csv").write_text("experiment,summary\n", encoding="utf-8")
    qtbot.mouseClick(widget.reload_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "campaign is empty" in widget.details.text(), timeout=PATIENCE_MS)


def test_the_figures_are_written_as_the_command_does(shown, qtbot, tmp_path, notifications):
    assert shown.export_button.isEnabled()
    shown.export(tmp_path / "out")
    assert shown.export_button.toolTip() == "Exporting…"
    qtbot.waitUntil(lambda: any("Wrote" in m for m in notifications()), timeout=PATIENCE_MS)
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"campaign.csv", "correlation.json", "correlation.pdf", "power_velocity.png"} <= names
    assert shown.export_button.isEnabled()


def test_the_map_follows_the_theme(viewer, shown):
    dark = shown.map.backgroundBrush().color().lightness()
    viewer.theme = "light"
    assert shown.map.backgroundBrush().color().lightness() > dark + 100
    assert shown.map.rows_shown(WITH) == [4, 5, 6, 7, 8, 9]


def test_an_export_does_not_replace_a_table_made_by_hand(shown, qtbot, tmp_path, notifications):
    folder = tmp_path / "mine"
    folder.mkdir()
    table = folder / "campaign.csv"
    table.write_text("experiment,summary\n", encoding="utf-8")
    shown.export(folder)
    qtbot.waitUntil(lambda: any("was not written" in m for m in notifications()))
    assert table.read_text(encoding="utf-8") == "experiment,summary\n"
    assert [p.name for p in folder.iterdir()] == ["campaign.csv"]
    for _ in range(2):  # its own results it does replace
        shown.export(tmp_path / "out")
        qtbot.waitUntil(lambda: not shown._exports.busy, timeout=PATIENCE_MS)
    assert sum("Wrote" in m for m in notifications()) == 2


@pytest.mark.parametrize("name", ["mask.tif", "w9_labels.tif"])
def test_labels_keep_the_codes_and_the_experiment_they_were_measured_with(
    viewer, shown, qtbot, campaign, name
):
    (campaign.parent / "mask.tif").rename(campaign.parent / name)
    campaign.write_text(
        campaign.read_text(encoding="utf-8").replace("raw.tif,mask.tif", f"raw.tif,{name}"),
        encoding="utf-8",
    )
    scheme = LabelScheme.parse("keyhole=255,substrate=128")
    record = {"label_scheme": scheme.to_json(), "experiment": {"frame_rate_hz": 40_000}}
    (campaign.parent / "w9_run.json").write_text(json.dumps(record), encoding="utf-8")
    shown.compute()
    qtbot.waitUntil(lambda: not shown._computed.busy, timeout=PATIENCE_MS)
    shown.open_experiment(9)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE_MS)
    source = viewer.layers[1].metadata["napari-amseg"]
    assert source.scheme == scheme
    assert (source.experiment.frame_rate_hz, source.experiment.laser_power_w) == (40_000, 209)
