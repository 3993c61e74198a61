"""Longest gap in napari's event loop while the compute process trains and segments.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/event_loop.py [--seconds 60]
        [--frames 2000] [--model fast] [--pictures FOLDER] [-o FILE]

Opens the *Segment* and *Measure* widgets in a real window and segments a stack of that many
phantom frames of 256x512 from disk, then once more with a cancel after some frames. With
``--seconds``, trains for so long on the phantom from the *Train* widget before, and cancels. A
timer ticks every 5 ms meanwhile; a gap is the time between two ticks, a person feels one from
100 ms on. Prints JSON, with the machine named, the gaps without any job for comparison, what the
main thread did in gaps over 50 ms, and the times from a click to its effect.
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
from gap_watch import TICK_MS, gaps, wait, wait_until
from memory import write
from records import machine

from napari_amseg.sample import PhantomSettings, simulate

_DISTINCT_FRAMES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0, help="of training; 0: none")
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--model", default="fast", help="a shipped model")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the window")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    record: dict[str, Any] = {
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "tick_ms": TICK_MS,
    }
    viewer = napari.Viewer(show=True)
    if given.seconds:
        record |= training(viewer, given.seconds)
    with tempfile.TemporaryDirectory() as folder:
        record |= segmenting(viewer, Path(folder), given)
        viewer.close()
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def training(viewer: napari.Viewer, seconds: float) -> dict[str, Any]:
    """Gaps while a network is trained on the phantom, and while that is cancelled."""
    viewer.open_sample("napari-amseg", "phantom")
    _, train = viewer.window.add_plugin_dock_widget("napari-amseg", "Train")
    with tempfile.TemporaryDirectory() as folder:
        train.output.path.set_path(Path(folder) / "model")
        wait_until(train.start_button.isEnabled)
        record = {"train": gaps(lambda: trained(train, seconds))}
        record["train"]["epochs"] = len(train.run.progress.history)
        record["cancel_training"] = gaps(lambda: cancelled(train))
    viewer.layers.clear()
    return record


def trained(train: Any, seconds: float) -> None:
    train.start()
    wait_until(lambda: train.run.progress.history or train.run.ended)
    wait(seconds)
    if train.run.ended:
        raise SystemExit(train.run.outcome)


def segmenting(viewer: napari.Viewer, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Gaps from the opening of a stack to the end of its segmentation, step by step."""
    phantom = simulate(PhantomSettings(n_frames=_DISTINCT_FRAMES))
    write(folder / "melt.tif", [phantom.stack[t] for t in range(_DISTINCT_FRAMES)], given.frames)
    record: dict[str, Any] = {"model": given.model}
    record["open"] = gaps(lambda: viewer.open(folder / "melt.tif", plugin="napari-amseg"))
    record["frames"] = "{} of {}x{}".format(*viewer.layers[-1].data.shape)
    _, segment = viewer.window.add_plugin_dock_widget("napari-amseg", "Segment")
    viewer.window.add_plugin_dock_widget("napari-amseg", "Measure")
    segment.model.box.setCurrentText(given.model)
    wait_until(lambda: segment.device.text() and "…" not in segment.device.text())
    wait(2)
    record["idle"] = gaps(lambda: wait(10))
    record["segment"] = gaps(lambda: segmented(viewer, segment, given))
    done = segment.run.progress.done
    record["segment"] |= {"done": done, "shown": segment.status.text()}
    wait(1)
    picture(viewer, given.pictures, "after")
    record["click_to_first_mask_s"] = seconds_of(
        segment.start, lambda: segment.run.progress.done or segment.run.ended
    )
    wait(2)
    record["cancel"] = gaps(lambda: cancelled(segment))
    return record


def segmented(viewer: napari.Viewer, segment: Any, given: argparse.Namespace) -> None:
    """Every frame, the slider moved now and then."""
    segment.start()
    halfway = given.frames // 2
    wait_until(lambda: segment.run.progress.done >= halfway or segment.run.ended)
    picture(viewer, given.pictures, "halfway")
    viewer.dims.set_current_step(0, 100)
    wait_until(lambda: not segment.is_running)
    if segment.run.error:
        raise SystemExit(segment.run.error)
    wait(3)  # what is drawn afterwards counts too


def cancelled(widget: Any) -> None:
    widget.cancel()
    wait_until(lambda: not widget.is_running)


def seconds_of(click: Callable[[], Any], effect: Callable[[], Any]) -> float:
    """From a click to its effect."""
    start = time.perf_counter()
    click()
    wait_until(effect)
    return round(time.perf_counter() - start, 2)


def picture(viewer: napari.Viewer, folder: Path | None, name: str) -> None:
    """Of the whole window, if a folder is given: not for a run whose gaps count."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        viewer.screenshot(str(folder / f"{name}.png"), canvas_only=False, flash=False)


if __name__ == "__main__":
    main()
