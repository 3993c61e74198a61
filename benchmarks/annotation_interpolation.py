"""How well a keyhole between key frames is given by interpolation, beside copying it.

    python benchmarks/annotation_interpolation.py [--data FOLDER] [-o interpolation.json]

Every third frame is a key frame. Mean and least IoU of the frames between, for phantoms and, where
the folder of real frames is there (AMSEG_DATA by default), for the plate. Prints a table; the JSON
names the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from memory import machine
from numpy.typing import NDArray

from napari_amseg.annotate.interpolate import interpolate_mask
from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate

Mask = NDArray[np.bool_]
Masks = NDArray[np.bool_] | list[Mask]

STEP = 3
METHODS: dict[str, Callable[[Mask, Mask, float], Mask]] = {
    "hold the previous": lambda before, after, fraction: before,
    "copy the nearest": lambda before, after, fraction: before if fraction < 0.5 else after,
    "signed distance": lambda *pair: interpolate_mask(*pair, motion=False),
    "with motion": interpolate_mask,
}
PHANTOMS = {
    "phantom, grows slowly, moves": {"fluctuation": 0.02},
    "phantom, grows slowly, stands": {"fluctuation": 0.02, "scan_speed_m_s": 0.0},
    "phantom, fluctuates, moves": {"fluctuation": 0.15},
}
GROWTH = range(3, 13)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    rows = [
        {"case": case, "method": method} | scored(masks, interpolate)
        for case, masks in cases(given.data)
        for method, interpolate in METHODS.items()
    ]
    print(table(rows))
    if given.out:
        record = {"machine": machine(), "frames_between": STEP - 1, "rows": rows}
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def cases(data: Path | None) -> Iterator[tuple[str, Masks]]:
    """Names and keyhole masks (T, Y, X)."""
    plate = data and data / "ti64_plate" / "labels.tif"
    if plate and plate.is_file():
        import tifffile

        yield "Ti64 plate, real", tifffile.imread(plate) == int(Label.KEYHOLE)
    for name, changed in PHANTOMS.items():
        settings = PhantomSettings(n_frames=GROWTH.stop, laser_off_frames=0, **changed)
        labels = simulate(settings).labels
        yield name, [labels[t] == int(Label.KEYHOLE) for t in GROWTH]


def scored(masks: Masks, interpolate: Callable[[Mask, Mask, float], Mask]) -> dict[str, Any]:
    """IoU of the frames between the key frames, and time for each."""
    ious, seconds = [], []
    for first, last in pairwise(range(0, len(masks), STEP)):
        for t in range(first + 1, last):
            start = time.perf_counter()
            mask = interpolate(masks[first], masks[last], (t - first) / (last - first))
            seconds.append(time.perf_counter() - start)
            ious.append(np.count_nonzero(mask & masks[t]) / np.count_nonzero(mask | masks[t]))
    return {
        "frames": len(ious),
        "mean_iou": round(float(np.mean(ious)), 4),
        "least_iou": round(float(np.min(ious)), 4),
        "ms": round(1000 * float(np.median(seconds)), 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = ["| case | method | mean IoU | least IoU | ms a frame |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['case']} | {r['method']} | {r['mean_iou']:.3f} | {r['least_iou']:.3f} | {r['ms']} |"
        for r in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
