"""Frames a second of measuring, beside scikit-image's regionprops_table on the same frames.

    python benchmarks/measuring.py [--frames 2000] [-o measuring.json]

Label images are those of the phantom, 256x512, with a powder bed, a keyhole and pores. Each way
measures all of them in one process, in turns, three times; the best of the three counts. The peer
measures keyhole and pores with the properties nearest to our columns, without a surface, depth,
widths or walls, which it does not have.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from memory import machine
from skimage.measure import label, regionprops_table

from napari_amseg import measure_stack
from napari_amseg.labels import Label
from napari_amseg.measure import Measurements, MeasureSettings
from napari_amseg.sample import PhantomSettings, simulate

PEER = (
    "area", "bbox", "centroid", "equivalent_diameter_area", "feret_diameter_max",
    "perimeter_crofton", "solidity",
)  # fmt: skip
REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    phantom = simulate(PhantomSettings(n_frames=60))
    frames = np.stack([phantom.labels[t] for t in range(60)])
    labels = frames[np.arange(given.frames) % 60]
    experiment, settings = phantom.stack.experiment, MeasureSettings()
    rows = list(measure_stack(frames, experiment=experiment, settings=settings))

    def ours() -> None:
        for _ in measure_stack(labels, experiment=experiment, settings=settings):
            pass

    def tables() -> None:
        """What follows once a stack: laser on, deviations, tracks of pores, summary."""
        found = Measurements(experiment, settings)
        for t in range(given.frames):
            result = rows[t % 60]
            here = {"frame": t, "time_s": t / (experiment.frame_rate_hz or 1)}
            found.append(result.row | here, [pore | here for pore in result.pores])
        found.summary()

    def peer() -> None:
        for frame in labels:
            for code in (Label.KEYHOLE, Label.PORE):
                regionprops_table(label(frame == int(code), connectivity=2), properties=PEER)

    ways = {"measure_stack": ours, "tables_and_tracks": tables, "regionprops_table": peer}
    seconds = in_turns(ways)
    record = {
        "machine": machine(),
        "frames": given.frames,
        "frame": "256x512 uint8",
        "pores_a_frame": sum(len(r.pores) for r in rows) / len(rows),
        "frames_per_second": {name: round(given.frames / s) for name, s in seconds.items()},
        "faster_than_peer": round(seconds["regionprops_table"] / seconds["measure_stack"], 2),
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


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
