"""Time from the click on *Segment* to the first mask on the screen.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/first_mask.py STACK [--model fast]
        [--repeats 5] [-o FILE]

Opens a stack and the *Segment* widget in a real window. `ready`: clicks as soon as the widget
says that the model is loaded, which it does on its own when it is opened; `loading`: how long
that takes from opening the widget, the start of the compute process included; `cold`: clicks with
no compute process there, so that its start and the loading of the model count. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))

import napari
from event_loop import wait, wait_until
from records import machine

from napari_amseg.models import bundled_models
from napari_amseg.pipeline.supervise import shared_process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stack")
    parser.add_argument("--model", help="shipped name or bundle folder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.open(given.stack, plugin="napari-amseg")
    shape = viewer.layers[0].data.shape
    opened = time.monotonic()
    _, segment = viewer.window.add_plugin_dock_widget("napari-amseg", "Segment")
    if given.model in bundled_models():
        segment.model.box.setCurrentText(given.model)
    elif given.model:
        segment.model.choose(Path(given.model))
    wait_until(lambda: "loading" not in segment.device.text() and segment.device.text())
    loading = time.monotonic() - opened
    clicks = [first_mask(viewer, segment) for _ in range(given.repeats)]
    cold = [first_mask(viewer, segment, cold=True) for _ in range(given.repeats)]
    record: dict[str, Any] = {
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "frames": "{} of {}x{}".format(*shape),
        "engine": segment.device.text(),
        "loading_s": round(loading, 2),
        "ready_s": clicks,
        "cold_s": cold,
    }
    viewer.close()
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def first_mask(viewer: napari.Viewer, segment: Any, *, cold: bool = False) -> float:
    """Seconds from the click until the frame that is shown has labels."""
    if cold:
        shared_process().close()
    start = time.monotonic()
    segment.start()
    shown = viewer.dims.current_step[0]
    wait_until(lambda: segment.run.ended or segment.run.layer.data[shown].any())
    seconds = time.monotonic() - start
    segment.cancel()
    wait_until(lambda: not segment.is_running)
    if segment.run.error:
        raise SystemExit(segment.run.error)
    viewer.layers.remove(segment.run.layer)
    wait(1)
    return round(seconds, 2)


if __name__ == "__main__":
    main()
