"""How quick the *Measure* widget is with a long stack.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/quantification_dock.py [-o FILE]

Fills the widget with made-up rows of 20 000 frames, in a real window of 1280 x 800, and measures
what a person waits for: a redraw of all plots, from a click in a plot to the shown frame, from the
time slider to the cursor in the plots, from a step of a dragged range to the redrawn plots and to
its new numbers, other quantities in the plots, and the longest pause of the event loop meanwhile.
Prints JSON with the machine named; times are medians and the worst of all repeats, in ms.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))

import napari
import numpy as np
from event_loop import gaps, wait, wait_until
from memory import cpu_name
from napari.qt import get_qapp

from napari_amseg.measure import MeasureSettings, measure_frame
from napari_amseg.measure.quantities import MAIN_QUANTITIES, QUANTITIES
from napari_amseg.plugin.layers import LabelSource, labels_layer
from napari_amseg.plugin.measure.results import Results
from napari_amseg.types import Experiment

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000.0)
SHAPE = (64, 96)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 800)
    layers = [add_stack(viewer, given.frames, seed, name) for seed, name in enumerate("ab")]
    _, measure = viewer.window.add_plugin_dock_widget("napari-amseg", "Measure")
    measure.page.labels.choose(layers[0])
    measure.page.range.range_button.setChecked(True)
    wait(2)
    record: dict[str, Any] = {
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform()},
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "frames": given.frames,
        "repeats": given.repeats,
        "one_stack": timings(viewer, measure, given.repeats),
    }
    measure.page.compare.choose(layers[1])
    wait(2)
    record["with_a_second_stack"] = timings(viewer, measure, given.repeats)
    viewer.close()
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def add_stack(viewer: napari.Viewer, n_frames: int, seed: int, name: str) -> Any:
    """A labels layer of empty frames with made-up rows: noise on a depth, gaps, some pores."""
    rng = np.random.default_rng(seed)
    row = measure_frame(drawn(), experiment=KNOWN).row
    results = Results(n_frames, KNOWN, MeasureSettings())
    depth = 60 + 8 * np.sin(np.arange(n_frames) / 9) + rng.normal(0, 4, n_frames)
    for t in range(n_frames):
        d = float(depth[t])
        here = {"frame": t, "time_s": t / KNOWN.frame_rate_hz, "keyhole_area_px": 20 * d}
        here |= {"keyhole_area_um2": 80 * d, "keyhole_depth_px": d, "keyhole_depth_um": 2 * d}
        if t % 97 == 0:
            here = dict.fromkeys(here) | {"frame": t, "keyhole_area_px": 0, "keyhole_area_um2": 0}
        pores = {"pore_count": t // 500 % 4, "pore_area_px": t % 60, "pore_area_um2": 4 * t % 240}
        results.add(t, row | here | pores, [])
    frames = np.broadcast_to(np.zeros((), np.uint8), (n_frames, *SHAPE))
    data, options, _ = labels_layer(frames, name, LabelSource(KNOWN, results=results))
    return viewer.add_labels(data, **options)


def drawn() -> np.ndarray:
    frame = np.full(SHAPE, 4, np.uint8)
    frame[20:] = 3
    frame[20:50, 40:50] = 1
    return frame


def timings(viewer: napari.Viewer, measure: Any, repeats: int) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    n = measure.results.n_frames
    plots, view = measure.page.plots, measure.page.plots.plot("keyhole depth").item.vb
    frames = iter(rng.integers(0, n, 10 * repeats))

    def redraw() -> None:
        measure._draw()
        painted()

    def click() -> None:
        frame = int(next(frames))
        at = view.mapViewToScene(view.viewRect().center())
        at.setX(view.mapViewToScene(_point(frame, 0)).x())
        plots._on_click(Click(at))
        painted()
        off = abs(viewer.dims.current_step[0] - frame)
        if off > 1 + n / view.width():
            raise SystemExit(f"frame {frame} was clicked, {viewer.dims.current_step[0]} is shown")

    def slide() -> None:
        frame = int(next(frames))
        viewer.dims.set_current_step(0, frame)
        painted()
        if plots.marked_frame() != frame:
            raise SystemExit("the cursor did not follow the slider")

    def drag() -> None:
        first = int(next(frames)) // 3
        plots._plots[0].region.setRegion((first, first + n // 2))
        painted()

    def numbers() -> None:
        first = int(next(frames)) // 3
        measure.choose_range(first, first + n // 2)
        wait_until(lambda: f"frames {first} to" in measure.page.details.words.text())

    def spectrum() -> None:
        measure.page.details.setCurrentIndex(2)
        wait(0.7)
        measure.page.details.setCurrentIndex(0)
        wait(0.3)

    walls = [QUANTITIES[f"keyhole_{side}_wall_deg"] for side in ("left", "right")]
    choices = itertools.cycle([[*MAIN_QUANTITIES[:2], *walls], MAIN_QUANTITIES])

    def choose() -> None:
        measure.page.range.choose(next(choices))
        painted()

    def stack_columns() -> None:
        measure.choose_range(10, n - 10)
        measure.page.range.choose([QUANTITIES["keyhole_depth_delta"]])
        wait(1)
        measure.page.range.choose(MAIN_QUANTITIES)

    return {
        "redraw_ms": timed(redraw, repeats),
        "click_to_frame_ms": timed(click, repeats),
        "slider_to_cursor_ms": timed(slide, repeats),
        "range_drag_step_ms": timed(drag, repeats),
        "range_to_numbers_ms": timed(numbers, repeats),
        "event_loop_during_drag": gaps(lambda: [drag() for _ in range(repeats)]),
        "event_loop_during_spectrum": gaps(spectrum),
        "other_quantities_ms": timed(choose, repeats),
        "event_loop_during_columns_of_the_stack": gaps(stack_columns),
    }


class Click:
    """A click of the left button somewhere in the plots."""

    def __init__(self, at: Any) -> None:
        self._at = at

    def button(self) -> Any:
        from qtpy.QtCore import Qt

        return Qt.MouseButton.LeftButton

    def scenePos(self) -> Any:  # noqa: N802 (Qt's name)
        return self._at

    def double(self) -> bool:
        return False


def _point(x: float, y: float) -> Any:
    from qtpy.QtCore import QPointF

    return QPointF(x, y)


def painted() -> None:
    """Everything that waits to be drawn is drawn."""
    for _ in range(3):
        get_qapp().processEvents()


def timed(work: Callable[[], None], repeats: int) -> dict[str, float]:
    took = []
    for _ in range(repeats):
        wait(0.02)
        start = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - start))
    return {"median": round(float(np.median(took)), 1), "worst": round(max(took), 1)}


if __name__ == "__main__":
    main()
