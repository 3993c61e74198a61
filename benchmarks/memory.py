"""Peak memory of ``amseg segment`` and ``amseg preprocess`` on short and long stacks.

    python benchmarks/memory.py [--frames 200 10000] [--model fast] [-o memory.json]

Writes stacks of phantom frames into a temporary folder, runs the commands as a user would, and
prints the peak resident memory of each process as JSON, with the machine named. Memory must not
grow with the number of frames: the last line gives the difference.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from napari_amseg.sample import PhantomSettings, simulate

AMSEG = [sys.executable, "-c", "from napari_amseg.cli import app; app()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[200, 10_000])
    parser.add_argument("--model", default="fast")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    phantom = simulate(PhantomSettings(n_frames=60))
    frames = [phantom.stack[t] for t in range(60)]
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        for n in given.frames:
            folder = Path(temporary) / str(n)
            folder.mkdir()
            write(folder / "stack.tif", frames, n)
            for name, command in commands(folder, given.model).items():
                runs.append({"command": name, "frames": n} | measure(command))
                print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
    growth = {}
    for name in ("segment", "preprocess"):
        peaks = [run["peak_mb"] for run in runs if run["command"] == name]
        growth[name] = round(peaks[-1] - peaks[0], 1)
    record = {
        "machine": machine(),
        "frame": "256x512 uint16",
        "model": given.model,
        "runs": runs,
        "peak_growth_mb": growth,
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def write(path: Path, frames: list[np.ndarray], n: int) -> None:
    """A stack of n frames as a camera writes it: one page a frame, not compressed."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for t in range(n):
            tif.write(frames[t % len(frames)], contiguous=False, metadata=None)


def commands(folder: Path, model: str) -> dict[str, list[str]]:
    stack, scale = str(folder / "stack.tif"), ["--pixel-size", "2", "--frame-rate", "50000"]
    return {
        "segment": [*AMSEG, "segment", stack, *scale, "--model", model, "-o", str(folder / "out")],
        "preprocess": [
            *AMSEG, "preprocess", stack, *scale, "--background", "median",
            "--dtype", "uint16", "-o", str(folder / "corrected.tif"),
        ],
    }  # fmt: skip


def measure(command: list[str]) -> dict[str, float]:
    """Peak resident memory (MB) and wall time (s) of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes on macOS, else kB
    return {
        "peak_mb": round(usage.ru_maxrss / unit, 1),
        "seconds": round(time.perf_counter() - start, 1),
    }


def machine() -> dict[str, str | int | None]:
    """What the numbers were measured on."""
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform()}


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
