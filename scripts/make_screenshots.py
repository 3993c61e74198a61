"""Pictures for the documentation: the sample segmented, measured, learnt, in a real window.

    xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/make_screenshots.py

Needs OpenGL, so an X server (Xvfb will do); QT_QPA_PLATFORM=offscreen will not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))

import napari
from napari.qt import get_qapp

ROOT = Path(__file__).resolve().parents[1]
WINDOW = (1400, 980)
PATIENCE_S = 600


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", help="a stack to show instead of the sample")
    options.add_argument("--model", help="a bundle folder instead of the shipped model")
    options.add_argument("--frame", type=int, default=30)
    options.add_argument("--epochs", type=int, default=20, help="of the training that is shown")
    options.add_argument("-o", "--out", type=Path, default=ROOT / "docs" / "images")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    image = open_stack(viewer, chosen.data)
    viewer.dims.set_current_step(0, min(chosen.frame, image.data.shape[0] - 1))
    picture_of_preprocess(viewer, chosen.out / "preprocess.png")
    if chosen.data is None:
        picture_of_dock(viewer, chosen.out / "measure-dock.png")
    picture_of_segment(viewer, chosen.model, chosen.out / "segment.png")
    picture_of_workbench(viewer, chosen.out / "workbench.png")
    if chosen.data is None:  # its labels are known
        picture_of_train(viewer, image, chosen.epochs, chosen.out / "train.png")
        picture_of_watch(viewer, image, chosen.out / "watch.png")
    viewer.close()


def open_stack(viewer: napari.Viewer, path: str | None) -> napari.layers.Image:
    if path is None:
        viewer.open_sample("napari-amseg", "phantom")
    else:
        viewer.open(path, plugin="napari-amseg")
    for layer in viewer.layers:
        if isinstance(layer, napari.layers.Image):
            viewer.reset_view()
            return layer
    raise SystemExit("no image layer was opened")


def open_widget(viewer: napari.Viewer, name: str):
    return viewer.window.add_plugin_dock_widget("napari-amseg", name)


def picture_of_preprocess(viewer: napari.Viewer, path: Path) -> None:
    from napari_amseg.preprocess import Background

    dock, preprocess = open_widget(viewer, "Preprocess")
    preprocess.form.groups[Background].setChecked(True)
    wait_until(lambda: "preview" in viewer.layers)
    picture(viewer, path)
    preprocess.form.groups[Background].setChecked(False)
    viewer.window.remove_dock_widget(dock)


def picture_of_segment(viewer: napari.Viewer, model: str | None, path: Path) -> None:
    _, segment = open_widget(viewer, "Segment")
    if model:
        segment.model.choose(Path(model))
    segment.start()
    wait_until(lambda: not segment.is_running)
    if segment.run.error:
        raise SystemExit(segment.run.error)
    _, measure = open_widget(viewer, "Measure")
    measure.page.labels.choose(segment.run.layer)
    dock_sizes(viewer, segment, measure)
    picture(viewer, path)


def picture_of_workbench(viewer: napari.Viewer, path: Path) -> None:
    """After *Segment*, whose labels are measured: every step has something to say."""
    viewer.window.remove_dock_widget("all")
    _, workbench = open_widget(viewer, "Workbench")
    wait(0.5)
    workbench.open_step("Segment")
    workbench.open_step("Measure")
    wait(1)
    picture(viewer, path)


def picture_of_dock(viewer: napari.Viewer, path: Path) -> None:
    """The exact labels measured, with a range, all in a wide dock."""
    from qtpy.QtCore import Qt

    from napari_amseg.plugin.layers import is_labels

    truth = next(layer for layer in viewer.layers if is_labels(layer))
    truth.visible = True
    dock, measure = open_widget(viewer, "Measure")
    measure.page.labels.choose(truth)
    measure.measure()
    wait_until(lambda: not measure.is_running)
    measure.page.range.range_button.setChecked(True)
    measure.page.details.setCurrentIndex(1)
    viewer.window._qt_window.resizeDocks([dock], [800], Qt.Orientation.Horizontal)
    wait(0.5)
    measure.choose_range(10, 50)
    picture(viewer, path)
    truth.visible = False
    viewer.window.remove_dock_widget(dock)


def picture_of_train(viewer: napari.Viewer, image, epochs: int, path: Path) -> None:
    """The sample is learnt from its exact labels; the picture is taken before the last epoch."""
    from napari_amseg.plugin.layers import is_labels

    viewer.window.remove_dock_widget("all")
    truth = next(layer for layer in viewer.layers if is_labels(layer))
    for layer in viewer.layers:
        layer.visible = layer in (image, truth)
    _, train = open_widget(viewer, "Train")
    train.source.image.choose(image)
    train.source.labels.choose(truth)
    for name, value in {"epochs": epochs, "draws": 1}.items():
        train.training.main.field(name).setValue(value)
    with tempfile.TemporaryDirectory() as folder:
        train.output.path.set_path(Path(folder) / "my model")
        wait_until(train.start_button.isEnabled)
        train.start()
        wait_until(lambda: len(train.run.progress.history) >= epochs - 1 or train.run.ended)
        if train.run.error:
            raise SystemExit(train.run.error)
        picture(viewer, path)
        train.cancel()
        wait_until(lambda: not train.is_running)


def picture_of_watch(viewer: napari.Viewer, image, path: Path) -> None:
    """The sample's frames come into a folder one by one; the picture is taken on the way."""
    import tifffile

    viewer.window.remove_dock_widget("all")
    frames = [image.data[t].compute() for t in range(len(image.data))]
    viewer.layers.clear()
    _, watch = open_widget(viewer, "Watch folder")
    with tempfile.TemporaryDirectory() as folder:
        camera = Path(folder) / "camera"
        camera.mkdir()
        watch.form.folder.set_path(camera)
        watch.form.experiment.field("pixel_size_um").set_number(2.0)
        watch.form.experiment.field("frame_rate_hz").set_number(50_000)
        wait_until(watch.start_button.isEnabled)
        watch.start()
        wait_until(lambda: "Waiting" in watch.status.text())
        for t, frame in enumerate(frames[:-5]):
            tifffile.imwrite(camera / f"track1_{t:04d}.tif", frame, metadata=None)
            wait(0.1)
        wait_until(lambda: watch.run.newest is not None and watch.run.newest.frame > 40)
        picture(viewer, path)
        watch.stop()
        wait_until(lambda: not watch.is_running)


def dock_sizes(viewer: napari.Viewer, segment, measure) -> None:
    """The plots get the height that the other widget does not need."""
    from qtpy.QtCore import Qt

    docks = [widget.parent() for widget in (segment, measure)]
    window = viewer.window._qt_window
    both, first = sum(dock.height() for dock in docks), segment.sizeHint().height() + 40
    window.resizeDocks(docks, [first, both - first], Qt.Orientation.Vertical)
    window.resizeDocks(docks, [400, 400], Qt.Orientation.Horizontal)


def picture(viewer: napari.Viewer, path: Path) -> None:
    wait(1)  # docks have got their sizes
    viewer.reset_view()
    wait(1)
    viewer.window.screenshot(str(path), size=None, canvas_only=False, flash=False)
    print(path)


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        get_qapp().processEvents()
        time.sleep(0.01)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("waited too long")
        wait(0.05)


if __name__ == "__main__":
    main()
