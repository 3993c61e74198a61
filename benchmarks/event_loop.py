"""Longest gap in napari's event loop while the compute process trains and segments.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/event_loop.py [--seconds 60] [-o FILE]

Trains on the synthetic stack from the *Train* widget, cancels, and segments the stack with the
new model from the *Segment* widget, in a real window. A timer ticks every 5 ms meanwhile; a gap
is the time between two ticks, a person feels one from 100 ms on. Prints JSON, with the machine
named, the gaps without any job for comparison, and the time from Cancel to the end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))

import napari
import numpy as np
from memory import machine
from qtpy.QtCore import QEventLoop, Qt, QTimer

TICK_MS = 5
PATIENCE_S = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of training, from its first row")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.open_sample("napari-amseg", "phantom")
    shape = viewer.layers["phantom"].data.shape
    _, train = viewer.window.add_plugin_dock_widget("napari-amseg", "Train")
    _, segment = viewer.window.add_plugin_dock_widget("napari-amseg", "Segment")
    wait(5)
    record: dict[str, Any] = {
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "frames": f"{shape[0]} of {shape[1]}x{shape[2]}",
        "tick_ms": TICK_MS,
        "idle": gaps(lambda: wait(10)),
    }
    with tempfile.TemporaryDirectory() as folder:
        train.output.path.set_path(Path(folder) / "model")
        wait_until(train.start_button.isEnabled)
        record["train"] = gaps(lambda: trained(train, given.seconds))
        record["train"]["epochs"] = len(train.run.progress.history)
        record["cancel"] = gaps(lambda: cancelled(train))
        wait(1)
        record["segment"] = gaps(lambda: segmented(segment))
        viewer.close()
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def trained(train: Any, seconds: float) -> None:
    train.start()
    wait_until(lambda: train.run.progress.history or train.run.ended)
    wait(seconds)
    if train.run.ended:
        raise SystemExit(train.run.outcome)


def cancelled(train: Any) -> None:
    train.cancel()
    wait_until(lambda: not train.is_running)


def segmented(segment: Any) -> None:
    segment.start()
    wait_until(lambda: not segment.is_running)
    if segment.run.error:
        raise SystemExit(segment.run.error)


def gaps(work: Callable[[], None]) -> dict[str, float]:
    """Seconds that `work` takes, and the gaps between the ticks of a timer meanwhile, in ms."""
    ticks = [time.perf_counter()]
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(TICK_MS)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    work()
    timer.stop()
    between = np.diff([*ticks, time.perf_counter()]) * 1000
    return {
        "seconds": round(ticks[-1] - ticks[0], 2),
        "longest_gap_ms": round(float(between.max()), 1),
        "gaps_over_100_ms": int((between > 100).sum()),
        "share_over_50_ms": round(float(between[between > 50].sum() / between.sum()), 4),
    }


def wait(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("waited too long")
        wait(0.02)


if __name__ == "__main__":
    main()
