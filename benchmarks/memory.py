"""Peak memory and time a frame of ``amseg segment`` and ``amseg preprocess``, by length of stack.

    python benchmarks/memory.py [--frames 200 2000 20000] [--repeats 3] [--model fast]
        [--temporary FOLDER] [-o memory.json]

Writes stacks of phantom frames, 256x512 uint16 and not compressed (20 000 frames are 5.2 GB, and as
much again for what ``preprocess`` writes), runs the commands as a user would, and prints as JSON,
with the machine named, the peak resident memory of each process together with its children, and
its time a frame. Neither may grow with the number of frames.

Time a frame is that of the stage *frames*, which starts when the model is loaded, where the command
leaves a record of it, and the whole process else; *slope* is the additional time of the additional
frames from one length to the next, so nothing that is done once counts. Stacks up to 2000 frames
are done several times and the best counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from records import cpu_name, give, load, machine

from napari_amseg.sample import PhantomSettings, simulate

__all__ = ["AMSEG", "cpu_name", "machine", "measure", "write"]

AMSEG = [sys.executable, "-c", "from napari_amseg.cli import app; app()"]
SHORT = 2000
_LOOK_EVERY_S = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[200, 2000, 20_000])
    parser.add_argument("--repeats", type=int, default=3, help="of stacks up to 2000 frames")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 512))
    parser.add_argument("--temporary", type=Path, help="folder for the stacks")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    height, width = given.size
    phantom = simulate(PhantomSettings(n_frames=60, height_px=height, width_px=width))
    frames = [phantom.stack[t] for t in range(60)]
    runs, before = [], load()
    with tempfile.TemporaryDirectory(dir=given.temporary) as temporary:
        require_space(Path(temporary), 2.2 * max(given.frames) * frames[0].nbytes)
        for n in sorted(given.frames):
            folder = Path(temporary) / str(n)
            folder.mkdir()
            write(folder / "stack.tif", frames, n)
            for name in commands(folder, given.model):
                repeats = given.repeats if n <= SHORT else 1
                runs.append({"command": name, "frames": n} | best_of(repeats, name, folder, given))
                print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
            shutil.rmtree(folder)
    record = {
        "machine": machine(),
        "load_before": before,
        "frame": f"{height}x{width} uint16",
        "model": given.model,
        "runs": runs,
        "growth": {name: growth([r for r in runs if r["command"] == name]) for name in COMMANDS},
    }
    give(record, given.out)


def require_space(folder: Path, needed: float) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"{folder}: {free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB are needed: choose "
            "another folder with --temporary, or fewer --frames."
        )


def write(path: Path, frames: list[np.ndarray], n: int) -> None:
    """A stack of n frames as a camera writes it: one page a frame, not compressed."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for t in range(n):
            tif.write(frames[t % len(frames)], contiguous=False, metadata=None)


COMMANDS = ("segment", "preprocess")


def commands(folder: Path, model: str) -> dict[str, list[str]]:
    stack, scale = str(folder / "stack.tif"), ["--pixel-size", "2", "--frame-rate", "50000"]
    given = (
        [*AMSEG, "segment", stack, *scale, "--model", model, "-o", str(folder / "out")],
        [
            *AMSEG, "preprocess", stack, *scale, "--background", "median",
            "--dtype", "uint16", "-o", str(folder / "corrected.tif"),
        ],
    )  # fmt: skip
    return dict(zip(COMMANDS, given, strict=True))


def best_of(repeats: int, name: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Highest memory and least times of some runs of a command, which find nothing of the last."""
    n, found = int(folder.name), []
    for _ in range(repeats):
        run: dict[str, Any] = measure(commands(folder, given.model)[name])
        record = folder / "out" / "stack_run.json"
        if name == "segment":
            stages = json.loads(record.read_text(encoding="utf-8"))["seconds"]
            run["frames_stage_s"] = stages["frames"]
        found.append(run)
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "corrected.tif").unlink(missing_ok=True)
    best = {key: min(run[key] for run in found) for key in found[0] if key != "peak_mb"}
    spent = best.get("frames_stage_s", best["seconds"])
    return {
        "peak_mb": max(run["peak_mb"] for run in found),
        **best,
        "ms_a_frame": round(1e3 * spent / n, 4),
        "runs": repeats,
    }


def growth(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """How memory and time a frame change from the shortest stack on."""
    first = runs[0]
    key = "frames_stage_s" if "frames_stage_s" in first else "seconds"
    return {
        "peak_mb": round(runs[-1]["peak_mb"] - first["peak_mb"], 1),
        "time_a_frame_ratio": round(runs[-1]["ms_a_frame"] / first["ms_a_frame"], 3),
        "slope_ms_a_frame": [
            round(1e3 * (b[key] - a[key]) / (b["frames"] - a["frames"]), 4)
            for a, b in pairwise(runs)
        ],
    }


def measure(command: list[str]) -> dict[str, float]:
    """Peak resident memory (MB) and wall time (s) of one process.

    The peak is the larger of what the system kept of the process itself and of the sum over it and
    its children, where it has any, looked at twenty times a second.
    """
    start, most, seen = time.perf_counter(), 0, frozenset[int]()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        children = children_of(process.pid)
        # A child that is just being made still has its parent's memory, which is no second one.
        if lasting := children & seen:
            most = max(most, sum(map(memory_bytes, {process.pid, *lasting})))
        seen = children
        time.sleep(_LOOK_EVERY_S)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    unit = 1 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes on macOS, else kB
    return {
        "peak_mb": round(max(usage.ru_maxrss * unit, most) / 2**20, 1),
        "seconds": round(seconds, 2),
    }


def children_of(pid: int) -> frozenset[int]:
    import psutil

    try:
        return frozenset(child.pid for child in psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return frozenset()


def memory_bytes(pid: int) -> int:
    """Memory of a process; what it shares counts in parts on Linux, in full elsewhere."""
    import psutil

    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return next(1024 * int(line.split()[1]) for line in told.splitlines() if "Pss:" in line)
    except (OSError, StopIteration):
        pass
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
