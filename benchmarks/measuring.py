"""Frames a second of measuring, beside scikit-image's regionprops_table on the same frames.

    python benchmarks/measuring.py [--frames 600] [--model fast] [--labels FILE ...]
        [-o measuring.json]

Three kinds of labels: the truth of the phantom (256x512, a powder bed, a keyhole, pores), what the
model gives on the same frames, specks included, and larger frames of the phantom. --labels adds
stacks of your own, as `amseg segment` writes them. Each way measures all of them in one process,
in turns, three times; the best of the three counts. The peer measures keyhole and pores with the
properties nearest to our columns, without a surface, depth, widths or walls, which it does not
have. `tables_and_tracks` is what follows once a stack: laser on, deviations, pore tracks, summary.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from memory import machine
from skimage.measure import label, regionprops_table

from napari_amseg import measure_stack, read_stack
from napari_amseg.labels import Label
from napari_amseg.measure import Measurements, MeasureSettings, measure_frame
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import Experiment

PEER = (
    "area", "bbox", "centroid", "equivalent_diameter_area", "feret_diameter_max",
    "perimeter_crofton", "solidity",
)  # fmt: skip
REPEATS = 3


SIZES = {"phantom truth": (256, 512), "phantom 400x1024": (400, 1024),
         "phantom 800x1280": (800, 1280)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    record = {"machine": machine(), "frames": given.frames, "stacks": {}}
    for name, labels, experiment in stacks(given.model, given.labels):
        record["stacks"][name] = compare(labels, experiment, given.frames)
        print(name, json.dumps(record["stacks"][name]), file=sys.stderr, flush=True)
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def stacks(model: str, paths: list[Path]) -> Iterator[tuple[str, np.ndarray, Experiment]]:
    """Name, labels (T, Y, X) and experiment of each."""
    for name, (height, width) in SIZES.items():
        n = 60 if height == 256 else 6
        wished = PhantomSettings(n_frames=n, height_px=height, width_px=width)
        phantom = simulate(wished)
        yield name, np.stack([phantom.labels[t] for t in range(n)]), phantom.stack.experiment
        if height == 256:
            found = segment_stack(phantom.stack, load_bundle(model))
            yield (
                f"phantom by {model}",
                np.stack([r.labels for r in found]),
                (phantom.stack.experiment),
            )
    for path in paths:
        stack = read_stack(path, pixel_size_um=2.0, frame_rate_hz=50_000.0)
        yield path.name, np.stack([stack.read(t) for t in range(len(stack))]), stack.experiment


def compare(frames: np.ndarray, experiment: Experiment, n_frames: int) -> dict[str, Any]:
    """Frames a second of each way, on some frames over and over."""
    settings = MeasureSettings()
    which = np.arange(n_frames) % len(frames)
    rows = list(measure_stack(frames, experiment=experiment, settings=settings))

    def ours() -> None:
        for t in which:
            measure_frame(frames[t], experiment=experiment, settings=settings)

    def tables() -> None:
        found = Measurements(experiment, settings)
        for t in range(n_frames):
            result = rows[which[t]]
            here = {"frame": t, "time_s": t / (experiment.frame_rate_hz or 1)}
            found.append(result.row | here, [pore | here for pore in result.pores])
        found.summary()

    def peer() -> None:
        for t in which:
            for code in (Label.KEYHOLE, Label.PORE):
                regionprops_table(label(frames[t] == int(code), connectivity=2), properties=PEER)

    seconds = in_turns({"measure": ours, "tables_and_tracks": tables, "regionprops_table": peer})
    return {
        "frame": "{}x{} uint8".format(*frames.shape[1:]),
        "pores_a_frame": round(sum(len(r.pores) for r in rows) / len(rows), 1),
        "frames_per_second": {name: round(n_frames / s) for name, s in seconds.items()},
        "faster_than_peer": round(seconds["regionprops_table"] / seconds["measure"], 2),
    }


def in_turns(ways: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Least seconds of each way."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
