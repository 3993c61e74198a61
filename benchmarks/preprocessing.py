"""Frames a second of flat field, background and crop, beside NumPy on the whole stack in memory.

    python benchmarks/preprocessing.py [--frames 1000] [--folder FOLDER] [-o preprocessing.json]

Writes counts of 400x1024 uint16 with a flat and a dark into a temporary folder (in FOLDER, for a
disk of one's choice) and corrects them in processes of their own, in turns, three times; the best
of the three counts, with the statistics of the background in it. ``streamed``: frames taken one by
one from the chain, in one thread. ``amseg_preprocess``: the command, from start-up to the written
float32 TIFF. ``numpy``: (I - D) / (F - D), crop, divided by the median over all frames, with the
stack in memory; nothing is written. Peaks are of resident memory, the interpreter's own included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from memory import AMSEG, machine, measure

SHAPE = (400, 1024)
CROP = "50:350,100:900"
REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = Path(temporary)
        write(folder, given.frames)
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "streamed": lambda: in_process(streamed, folder),
            "amseg_preprocess": lambda: command(folder),
            "amseg_preprocess_compressed": lambda: command(folder, "--compress"),
            "numpy": lambda: in_process(whole_stack, folder),
        }
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        for _ in range(REPEATS):
            for name, way in ways.items():
                runs[name].append(way())
                print(name, json.dumps(runs[name][-1]), file=sys.stderr, flush=True)
    record = {
        "machine": machine(),
        "frames": given.frames,
        "frame": "x".join(map(str, SHAPE)) + " uint16",
        "crop": CROP,
        **{name: best(found, given.frames) for name, found in runs.items()},
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def write(folder: Path, n: int) -> None:
    """Counts behind an uneven beam, as a camera writes them, and the flat and dark for them."""
    rng = np.random.default_rng(0)
    flat, dark = rng.normal(3000, 200, SHAPE), rng.normal(100, 3, SHAPE)
    for name, image in (("flat", flat), ("dark", dark)):
        noisy = (image + rng.normal(0, 5, (10, *SHAPE))).astype(np.uint16)
        tifffile.imwrite(folder / f"{name}.tif", noisy, photometric="minisblack")
    rows, columns = np.linspace(0, 0.1, SHAPE[0])[:, None], np.arange(SHAPE[1]) / 100
    frames = []
    for t in range(20):
        through = 0.7 + rows * np.sin(columns + t / 5)
        frames.append((rng.poisson(through * (flat - dark)) + dark).astype(np.uint16))
    with tifffile.TiffWriter(folder / "stack.tif", bigtiff=True) as tif:
        for t in range(n):
            tif.write(frames[t % len(frames)], contiguous=False, metadata=None)


def streamed(folder: Path) -> None:
    """Every corrected frame once, through the chain that the command line builds."""
    from napari_amseg import read_stack
    from napari_amseg.preprocess import Background, Chain, Crop, FlatField

    flat = FlatField(flat=str(folder / "flat.tif"), dark=str(folder / "dark.tif"))
    with read_stack(folder / "stack.tif") as stack:
        for _ in Chain((flat, Crop.parse(CROP), Background())).apply(stack):
            pass


def whole_stack(folder: Path) -> None:
    """The same as one would type it into a notebook."""
    flat, dark = (
        np.median(tifffile.imread(folder / f"{name}.tif"), axis=0).astype(np.float32)
        for name in ("flat", "dark")
    )
    stack = tifffile.imread(folder / "stack.tif")
    corrected = ((stack - dark) / (flat - dark))[:, 50:350, 100:900]
    corrected /= np.median(corrected, axis=0)


def in_process(way: Callable[[Path], None], folder: Path) -> dict[str, float]:
    """Seconds of the work and peak memory (MB) of a process that does nothing else."""
    context = multiprocessing.get_context("spawn")
    found = context.SimpleQueue()
    process = context.Process(target=_timed, args=(way, folder, found))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{way.__name__} ended with {process.exitcode}: too little memory?")
    result: dict[str, float] = found.get()
    return result


def _timed(way: Callable[[Path], None], folder: Path, found: Any) -> None:
    start = time.perf_counter()
    way(folder)
    seconds = time.perf_counter() - start
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes on macOS, else kB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    found.put({"seconds": round(seconds, 2), "peak_mb": round(peak, 1)})


def command(folder: Path, *more: str) -> dict[str, float]:
    """``amseg preprocess`` as a user runs it."""
    files = {name: str(folder / f"{name}.tif") for name in ("stack", "flat", "dark", "out")}
    run = measure(
        [
            *AMSEG, "preprocess", files["stack"], "--flat", files["flat"], "--dark", files["dark"],
            "--crop", CROP, "--background", "median", *more, "--overwrite", "-o", files["out"],
        ]
    )  # fmt: skip
    return run | {"written_mb": round(Path(files["out"]).stat().st_size / 2**20, 1)}


def best(runs: list[dict[str, float]], n_frames: int) -> dict[str, float]:
    """The quickest run, with its frames a second."""
    quickest = min(runs, key=lambda run: run["seconds"])
    return {"frames_per_second": round(n_frames / quickest["seconds"])} | quickest


if __name__ == "__main__":
    main()
