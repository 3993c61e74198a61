"""How long after a frame was written its row is there, while ``amseg watch`` follows a camera.

    python benchmarks/watching.py [--frames 200] [--rate 5] [--model fast] [-o watching.json]

A process plays the camera: it writes phantom frames at a steady rate, once as pages of one TIFF,
once as numbered images, and notes when each frame was on disk. The watch runs as a user would
start it; a thread looks at its live table and notes when each row is there. Latency is the
difference. It holds the wait for the next frame, without which the last one is not trusted, and
the time between two looks into the folder. The first frames, which wait for each other, are left
out. The time from the last frame to the results of the
complete stack is given too. Printed as JSON, with the machine named.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from memory import AMSEG, machine

from napari_amseg.sample import PhantomSettings, simulate

KINDS = ("growing TIFF", "numbered images")
POLL_S, SETTLE_S, FIRST_FRAMES = 0.1, 3.0, 5
_LOOK_S = 0.005

CAMERA = """
import sys, time
from pathlib import Path
import numpy as np, tifffile
kind, folder, frames, n, rate = sys.argv[1], Path(sys.argv[2]), np.load(sys.argv[3]), *sys.argv[4:]
def written():
    if kind == "growing TIFF":
        with tifffile.TiffWriter(folder / "run.tif") as tif:
            for t in range(int(n)):
                tif.write(frames[t % len(frames)], contiguous=False, metadata=None)
                tif.filehandle.flush()
                yield
    else:
        for t in range(int(n)):
            tifffile.imwrite(folder / f"run_{t:05d}.tif", frames[t % len(frames)], metadata=None)
            yield
begin = time.time()
for t, _ in enumerate(written()):
    print(time.time(), flush=True)
    time.sleep(max(0, begin + (t + 1) / float(rate) - time.time()))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rate", type=float, default=5.0, help="frames a second of the camera")
    parser.add_argument("--model", default="fast")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    phantom = simulate(PhantomSettings(n_frames=60))
    with tempfile.TemporaryDirectory() as temporary:
        frames = Path(temporary) / "frames.npy"
        np.save(frames, np.stack([phantom.stack[t] for t in range(60)]))
        runs = {kind: one_run(kind, Path(temporary), frames, given) for kind in KINDS}
    record = {
        "machine": machine(),
        "frame": "256x512 uint16",
        "model": given.model,
        "frames": given.frames,
        "camera_frames_s": given.rate,
        "poll_s": POLL_S,
        "settle_s": SETTLE_S,
        "runs": runs,
    }
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def one_run(
    kind: str, temporary: Path, frames: Path, given: argparse.Namespace
) -> dict[str, float | int]:
    """The latencies (s) of one way to write, and the time to the results of the whole stack."""
    root = Path(tempfile.mkdtemp(dir=temporary))
    folder, out = root / "camera", root / "out"
    folder.mkdir()
    watch = subprocess.Popen(
        [*AMSEG, "watch", str(folder), "-o", str(out), "--model", given.model, "--no-figures",
         "--poll", str(POLL_S), "--settle", str(SETTLE_S), "--first-frames", str(FIRST_FRAMES)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    warm_up(frames, folder, out)
    camera = subprocess.Popen(
        [sys.executable, "-c", CAMERA, kind, str(folder), str(frames), str(given.frames),
         str(given.rate)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    rows, done = seen_rows(out, camera)
    written = [float(line) for line in camera.stdout.read().split()]
    watch.terminate()
    watch.wait()
    latency = np.array([rows[t] - written[t] for t in sorted(rows) if t >= FIRST_FRAMES])
    return {
        "rows_while_growing": len(rows),
        "median_s": round(float(np.median(latency)), 3),
        "p95_s": round(float(np.percentile(latency, 95)), 3),
        "longest_s": round(float(latency.max()), 3),
        "last_frame_to_results_s": round(done - written[-1], 2),
    }


def warm_up(frames: Path, folder: Path, out: Path) -> None:
    """Let the model be loaded and compiled: a stack of a few frames, until it is done."""
    import tifffile

    tifffile.imwrite(folder / "warm.tif", np.load(frames, mmap_mode="r")[:9], metadata=None)
    while not (out / "warm_run.json").exists():
        time.sleep(0.1)


def seen_rows(out: Path, camera: subprocess.Popen[str]) -> tuple[dict[int, float], float]:
    """When each row of the live table was there while frames came; when the results were."""
    live, results, rows = out / "run_live.csv", out / "run_run.json", {}
    while not results.exists():
        if camera.poll() is None and live.exists():
            now = time.time()
            for t in range(len(rows), live.read_bytes().count(b"\n") - 1):
                rows[t] = now
        time.sleep(_LOOK_S)
    return rows, time.time()


if __name__ == "__main__":
    main()
