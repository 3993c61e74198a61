"""A campaign on one and on two worker processes, start-up included.

    python benchmarks/campaign.py [--stacks 4] [--frames 2000] [--model fast] [-o campaign.json]

Writes stacks of phantom frames into a temporary folder and runs ``amseg batch`` on them with
``--workers 1`` and ``--workers 2``, in turns, beside ``amseg segment`` of the same stacks one after
the other. Prints JSON with the machine named. One worker has all cores, two have half of them each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import AMSEG, machine, write

from napari_amseg.sample import PhantomSettings, simulate

SCALE = ["--pixel-size", "2", "--frame-rate", "50000"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stacks", type=int, default=4)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--model", default="fast")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    total = given.stacks * given.frames
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stacks = write_campaign(folder, given.stacks, given.frames)
        for repeat in range(given.repeats):
            runs = {
                "segment_one_by_one": [
                    [*AMSEG, "segment", str(stack), *SCALE, "--model", given.model, "--no-figures",
                     "-o", str(folder / f"segment{repeat}")]
                    for stack in stacks
                ]
            }  # fmt: skip
            for n in (1, 2):
                out = folder / f"batch{n}-{repeat}"
                runs[f"workers_{n}"] = [
                    [*AMSEG, "batch", str(folder / "campaign.csv"), "--model", given.model,
                     "--workers", str(n), "-o", str(out)]
                ]  # fmt: skip
            for name, commands in runs.items():
                seconds = run(commands)
                best[name] = min(best.get(name, seconds), seconds)
                print(f"{name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    record = {
        "machine": machine(),
        "frame": "256x512 uint16",
        "model": given.model,
        "stacks": given.stacks,
        "frames": total,
        "seconds": {name: round(seconds, 1) for name, seconds in best.items()},
        "frames_per_second": {name: round(total / seconds, 1) for name, seconds in best.items()},
        "speed_up_1_to_2": round(best["workers_1"] / best["workers_2"], 2),
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def write_campaign(folder: Path, n_stacks: int, n_frames: int) -> list[Path]:
    phantom = simulate(PhantomSettings(n_frames=60))
    frames = [phantom.stack[t] for t in range(60)]
    stacks = [folder / f"stack{i}.tif" for i in range(n_stacks)]
    rows = ["experiment,stack,pixel_size_um,frame_rate_hz"]
    for i, stack in enumerate(stacks):
        write(stack, frames, n_frames)
        rows.append(f"e{i},{stack.name},2,50000")
    (folder / "campaign.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return stacks


def run(commands: list[list[str]]) -> float:
    """Wall time of processes one after the other, start-up included."""
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"failed: {' '.join(command)}\n{done.stderr.decode()}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
