"""Every widget of the plugin in the states in which people see it, for ``look_at_widgets.py``.

A state is a generator: it opens a widget, yields its name with the widget (or a dialog) as soon as
it looks as wanted, and goes on to the next when it has been looked at.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tifffile
from look_annotate import annotate
from look_desk import Desk, Look, unfold, wait, wait_until

from napari_amseg.measure import deviation

EPOCHS = 3


def load(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Load stack")
    yield "load-empty", widget
    widget.path.set_path(desk.folder / "run7.tif")
    wait_until(lambda: "frames" in widget.found.text())
    unfold(widget)
    yield "load", widget


def preprocess(desk: Desk) -> Iterator[Look]:
    from napari_amseg.preprocess import Background

    widget = desk.open("Preprocess")
    widget.form.groups[Background].setChecked(True)
    wait_until(lambda: "preview" in desk.viewer.layers)
    yield "preprocess", widget
    for group in widget.form.groups.values():
        group.setChecked(True)
    wait(0.5)
    yield "preprocess-all", widget


def segment(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Segment")
    wait_until(lambda: widget.device.text() and "…" not in widget.device.text())
    widget.image.choose(desk.image)
    unfold(widget)
    yield "segment", widget
    widget.start()
    wait_until(lambda: widget.run.progress.done or widget.run.ended)
    yield "segment-running", widget
    wait_until(lambda: not widget.is_running)
    yield "segment-done", widget


def measure(desk: Desk) -> Iterator[Look]:
    desk.truth.metadata = dict(desk.truth.metadata)
    widget = desk.open("Measure")
    page = widget.page
    page.labels.choose(desk.truth)
    yield "measure-empty", widget
    widget.measure()
    wait_until(lambda: not widget.is_running)
    page.range.range_button.setChecked(True)
    widget.choose_range(4, 12)
    for index in range(page.details.count()):
        page.details.setCurrentIndex(index)
        wait(0.4)
        yield f"measure-{page.details.tabText(index).lower()}", widget
    unfold(widget)
    yield "measure-options", widget


def laser(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Laser frame")
    widget.image.choose(desk.image)
    yield "laser-empty", widget
    widget.labels.choose(desk.truth)
    widget.fit()
    wait_until(lambda: not widget.is_running)
    yield "laser", widget
    unfold(widget)
    yield "laser-options", widget


def train(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Train")
    widget.source.image.choose(desk.image)
    widget.source.labels.choose(desk.truth)
    yield "train", widget
    unfold(widget)
    yield "train-options", widget
    for name, value in {"epochs": EPOCHS, "draws": 1}.items():
        widget.training.main.field(name).setValue(value)
    widget.output.path.set_path(desk.folder / "my model")
    wait_until(widget.start_button.isEnabled)
    widget.start()
    wait_until(lambda: widget.run.progress.history or widget.run.ended)
    yield "train-running", widget
    wait_until(lambda: not widget.is_running)
    yield "train-done", widget


def explain(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Grad-CAM")
    widget.image.choose(desk.image)
    wait_until(lambda: widget.layer_box.count() > 1)
    widget.start()
    wait_until(lambda: not widget.is_running)
    yield "explain", widget


def video(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Video")
    widget.image.choose(desk.image)
    yield "video", widget
    widget.with_truth.setChecked(True)
    unfold(widget)
    yield "video-options", widget


def correlate(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Correlate")
    yield "correlate-empty", widget
    widget.path.set_path(campaign(desk.folder))
    wait_until(lambda: widget.found is not None)
    yield "correlate", widget
    widget._describe(7)
    yield "correlate-pointed", widget


def watch(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Watch folder")
    camera = desk.folder / "camera"
    camera.mkdir()
    yield "watch-empty", widget
    widget.form.folder.set_path(camera)
    widget.form.experiment.field("pixel_size_um").set_number(2.0)
    unfold(widget)
    yield "watch-options", widget
    wait_until(widget.start_button.isEnabled)
    widget.start()
    wait_until(lambda: "Waiting" in widget.status.text())
    for t in range(len(desk.image.data)):
        frame = np.asarray(desk.image.data[t])
        tifffile.imwrite(camera / f"track1_{t:04d}.tif", frame, metadata=None)
    wait_until(lambda: widget.run.newest is not None and widget.run.newest.frame > 3)
    yield "watch", widget
    widget.stop()
    wait_until(lambda: not widget.is_running)


def workbench(desk: Desk) -> Iterator[Look]:
    """With the lowest of the docks beside it, and the dialog of its command."""
    bench = desk.open("Workbench")
    yield "workbench", bench
    bench.open_step("Segment")
    bench.docks.widgets()["Segment"].image.choose(desk.image)
    wait(0.5)
    yield "workbench-segment", bench
    bench.open_step("Measure")
    widget = bench.docks.widgets()["Measure"]
    widget.page.labels.choose(desk.truth)
    widget.measure()
    wait_until(lambda: not widget.is_running)
    yield "workbench-measure", bench
    bench.open_step("Annotate")
    wait(0.5)
    yield "workbench-annotate", bench


def command(desk: Desk) -> Iterator[Look]:
    """What *As command...* opens: a command, and the reason why there is none."""
    widget = desk.open("Segment")
    widget.image.choose(desk.image)
    widget.command.open()
    wait_until(lambda: widget.command.dialog is not None)
    yield "dialog-command", widget.command.dialog
    widget.command.dialog.close()
    widget = desk.open("Correlate")
    widget.command.open()
    yield "dialog-command-none", widget.command.dialog
    widget.command.dialog.close()


STATES: dict[str, Callable[[Desk], Iterator[Look]]] = {
    "load": load,
    "preprocess": preprocess,
    "segment": segment,
    "measure": measure,
    "laser": laser,
    "annotate": annotate,
    "train": train,
    "explain": explain,
    "video": video,
    "correlate": correlate,
    "watch": watch,
    "workbench": workbench,
    "command": command,
}


def campaign(folder: Path, n: int = 24) -> Path:
    """Summaries of made-up experiments, the second half with pores."""
    rng = np.random.default_rng(3)
    path = folder / "campaign.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("experiment", "summary", "laser_power_w", "scan_speed_mm_s"))
        for i in range(n):
            areas = 100 * (1 + (0.03 + 0.01 * i) * rng.standard_normal(60))
            record = {
                "keyhole_area_px": deviation(areas).to_json(),
                "keyhole_depth_px": deviation(areas + 40 * rng.random(60)).to_json(),
                "pore_count_total": int(i >= n // 2),
                "pore_max_equivalent_diameter_px": 2.0 + i if i >= n // 2 else None,
            }
            (folder / f"w{i}_summary.json").write_text(json.dumps(record), encoding="utf-8")
            power, speed = 180 + 40 * (i % 6), 400 + 150 * (i // 6)
            rows.writerow((f"P{power}-V{speed}", f"w{i}_summary.json", power, speed))
    return path
