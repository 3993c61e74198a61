"""How fluid painting is in a long stack: from the mouse to the drawn frame.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/painting.py [-o FILE]

Paints with real mouse events in a real window of 1280 x 800 on a stack of 2 000 frames of
512 x 1024: first on a labels layer of napari's alone, then with the *Annotate* widget open and its
autosave on. A move of the mouse counts from its event to the end of the drawing that shows it; how
long it takes until the drawing begins is told apart, as that is ours and the rest is the graphics
card's, or the processor's in its place. The end of a stroke counts until all that follows it at
once is done. Prints JSON with the machine named; times are medians and the worst of all repeats,
in ms.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
os.environ.setdefault("AMSEG_ANNOTATION_FOLDER", tempfile.mkdtemp())

import napari
import numpy as np
from event_loop import gaps, wait, wait_until
from memory import machine
from napari.qt import get_qapp
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_amseg.annotate.annotation import Status

MOVES = 20  # a stroke
BRUSH_PX = 20
DOCK_WIDTH_PX = 400
SEED = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=3, default=(2000, 512, 1024))
    parser.add_argument("--strokes", type=int, default=30)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    shape = tuple(given.shape)
    record: dict[str, Any] = {
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "stack": shape,
        "strokes": given.strokes,
        "moves_a_stroke": MOVES,
        "brush_px": BRUSH_PX,
        "napari_alone": alone(shape, given.strokes),
        "annotate_with_autosave": annotating(shape, given.strokes),
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def window(shape: tuple[int, ...]) -> napari.Viewer:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 800)
    frame = np.random.default_rng(SEED).integers(0, 255, shape[1:], dtype=np.uint8)
    viewer.add_image(np.broadcast_to(frame, shape), name="stack", contrast_limits=(0, 255))
    wait(2)
    return viewer


def alone(shape: tuple[int, ...], strokes: int) -> dict[str, Any]:
    viewer = window(shape)
    beside = QWidget()  # as wide as the widget, so that as much is drawn
    beside.setFixedWidth(DOCK_WIDTH_PX)
    viewer.window.add_dock_widget(beside)
    layer = viewer.add_labels(np.zeros(shape, np.uint8))
    layer.n_edit_dimensions = 2
    wait(1)
    times = Painter(viewer, layer).times(strokes)
    viewer.close()
    return times


def annotating(shape: tuple[int, ...], strokes: int) -> dict[str, Any]:
    viewer = window(shape)
    area, dock = viewer.window.add_plugin_dock_widget("napari-amseg", "Annotate")
    area.setFixedWidth(DOCK_WIDTH_PX)
    dock.start()
    wait_until(lambda: dock.session is not None)
    wait(1)
    session = dock.session
    session.annotation.statuses[: shape[0] // 2] = Status.IN_PROGRESS
    painter = Painter(viewer, session.layer)
    times = painter.times(strokes)
    times["other_frame_ms"] = timed(lambda t: painter.shown(t), range(1, strokes + 1))
    times["complete_ms"] = timed(lambda _: clicked(dock.frames.complete_button), strokes)
    autosave = dock.keeper.autosave
    wait_until(lambda: not autosave.pending)
    dock.guard.stop()  # it would ask before the window closes
    viewer.close()
    return times


def clicked(button: Any) -> float:
    start = time.perf_counter()
    button.click()
    get_qapp().processEvents()
    return 1000 * (time.perf_counter() - start)


class Painter:
    """Strokes with the left button over the canvas."""

    def __init__(self, viewer: napari.Viewer, layer: Any) -> None:
        self._viewer, self._layer = viewer, layer
        self._canvas = viewer.window._qt_viewer.canvas
        self._rng = np.random.default_rng(SEED)
        self._drawn = 0
        self.handled: list[float] = []
        self._canvas._scene_canvas.events.draw.connect(self._on_draw, position="last")
        layer.mode, layer.brush_size = "paint", BRUSH_PX

    def _on_draw(self, event: Any) -> None:
        self._drawn += 1

    def times(self, strokes: int) -> dict[str, Any]:
        """Milliseconds of the moves, of the ends of strokes, of undo; pauses meanwhile."""
        moves: list[float] = []
        ends: list[float] = []
        self.handled.clear()

        def paint() -> None:
            for i in range(strokes):
                self._layer.selected_label = 1 + i % 5
                *moved, ended = self._stroke()
                moves.extend(moved)
                ends.append(ended)
                wait(0.05)

        loop = gaps(paint)
        return {
            "move_to_drawn_ms": summary(moves),
            "of_which_before_drawing_ms": summary(self.handled),
            "end_of_stroke_ms": summary(ends),
            "event_loop": loop,
            "undo_ms": timed(lambda _: self.after(self._layer.undo), strokes),
        }

    def _stroke(self) -> Iterator[float]:
        """A wavy line across the frame; the time of each move, then that of the end."""
        height, width = self._layer.data.shape[1:]
        y = self._rng.uniform(0.2, 0.8) * height
        places = [
            self._at(y + 0.1 * height * np.sin(i / 3), (0.1 + 0.8 * i / MOVES) * width)
            for i in range(MOVES + 1)
        ]
        native, left = self._canvas.native, Qt.MouseButton.LeftButton
        QTest.mouseMove(native, places[0])
        QTest.mousePress(native, left, pos=places[0])
        for place in places[1:]:
            yield self.after(lambda place=place: self._move(place))
        painted = self._layer.data[self._frame()] == self._layer.selected_label
        if np.count_nonzero(painted) < BRUSH_PX * width / 2:
            raise SystemExit("the mouse moved and nothing was painted")
        start = time.perf_counter()
        QTest.mouseRelease(native, left, pos=places[-1])
        get_qapp().processEvents()
        yield 1000 * (time.perf_counter() - start)

    def _move(self, place: QPoint) -> None:
        start = time.perf_counter()
        QTest.mouseMove(self._canvas.native, place)
        self.handled.append(1000 * (time.perf_counter() - start))

    def after(self, action: Callable[[], object]) -> float:
        """Milliseconds from an action to the end of the drawing that it causes."""
        drawn, start = self._drawn, time.perf_counter()
        action()
        while self._drawn == drawn and time.perf_counter() - start < 1:
            get_qapp().processEvents()
        get_qapp().processEvents()
        return 1000 * (time.perf_counter() - start)

    def shown(self, frame: int) -> float:
        return self.after(lambda: self._viewer.dims.set_current_step(0, frame))

    def _frame(self) -> int:
        return int(self._viewer.dims.current_step[0])

    def _at(self, y: float, x: float) -> QPoint:
        height, width = self._canvas.size
        camera = self._viewer.scene.camera
        row, column = camera.center[-2:]
        return QPoint(
            round(width / 2 + (x - column) * camera.zoom),
            round(height / 2 + (y - row) * camera.zoom),
        )


def timed(work: Callable[[Any], float], repeats: Any) -> dict[str, float]:
    took = []
    for value in range(repeats) if isinstance(repeats, int) else repeats:
        wait(0.02)
        took.append(work(value))
    return summary(took)


def summary(took: list[float]) -> dict[str, float]:
    return {"median": round(float(np.median(took)), 1), "worst": round(max(took), 1)}


if __name__ == "__main__":
    main()
