"""The networks on a GPU: time of a single frame, most frames a second, share of the chip's limit.

    KERAS_BACKEND=jax python benchmarks/gpu.py [--seconds 3] [-o gpu.json]    # or torch, tensorflow

Three things of the paper's network and of ``fast``, frames of 256x512 that lie in memory:

- *alone*: one frame after the other, each waited for, labels back in memory;
- *at best*: batches of several sizes, as many at once as the engine takes, labels back in memory;
- *resident*: the same batch again and again, without copying frames to the GPU: the network alone;
- *measured*: class maps at the best batch and measuring of every frame, by all cores.

Beside them the limit of the chip from the operations and bytes of each layer (``roofline.py``), if
its maker's numbers are known there, and the share of it that was reached. Runs without a GPU too,
for its test. Prints JSON; ``tables.py`` makes a table of it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from inference import Floats, input_frames, one_frame_ms, own_frames
from numpy.typing import NDArray
from paper_network import paper_bundle
from records import give, load, machine
from roofline import Chip, chip_named, layer_costs, least_seconds

from napari_amseg.models import Bundle, load_bundle
from napari_amseg.overlap import ordered_map
from napari_amseg.pipeline import measure_stack
from napari_amseg.segment import make_engine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32, 64, 128, 256])
    parser.add_argument("--precision", default="auto", choices=("auto", "f32", "bf16"))
    parser.add_argument("--models", nargs="+", default=["paper", "fast"])
    parser.add_argument("--size", type=int, nargs=2, default=(256, 512))
    parser.add_argument("--filters", type=int, default=12, help="width of the paper's network")
    parser.add_argument("--frames", type=int, default=256, help="distinct frames in memory")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    before = load()
    with TemporaryDirectory() as folder:
        paper = paper_bundle(Path(folder) / "paper", filters=given.filters)
        bundles = {n: paper if n == "paper" else load_bundle(n) for n in given.models}
        rows = [on_gpu(name, bundle, given) for name, bundle in bundles.items()]
    chip = chip_named(gpu_name())
    record = {
        "machine": machine(),
        "gpu": gpu_name(),
        "limit_of": chip.name if chip else None,
        "load_before": before,
        "frame": f"{given.size[0]}x{given.size[1]}",
        "rows": rows,
    }
    give(record, given.out)


def gpu_name() -> str:
    """What the driver calls the first GPU; empty without one."""
    import shutil
    import subprocess

    if not shutil.which("nvidia-smi"):
        return ""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.splitlines()[0].strip() if found.returncode == 0 and found.stdout else ""


def on_gpu(name: str, bundle: Bundle, given: argparse.Namespace) -> dict[str, Any]:
    """All numbers of one network."""
    shape = tuple(given.size)
    engine = make_engine(bundle, "keras", precision=given.precision)
    ready = input_frames(bundle, own_frames(name, {}, shape), given.frames)
    batches = [n for n in given.batches if n <= len(ready)]
    by_batch = {n: fps(partial(batch_calls, engine, ready, n), given.seconds, n) for n in batches}
    best = max(by_batch, key=lambda n: by_batch[n])
    resident = fps(resident_calls(engine, ready[:best]), given.seconds, best)
    costs, chip = layer_costs(bundle.model, shape), chip_named(gpu_name())
    return {
        "network": name,
        "device": engine.device,
        "calls_at_once": engine.parallel,
        "alone_ms": one_frame_ms(engine, ready, repeats=50 if given.seconds >= 1 else 3),
        "frames_per_second": {str(n): round(f, 1) for n, f in by_batch.items()},
        "best_batch": best,
        "resident_frames_per_second": round(resident, 1),
        "measured_frames_per_second": round(measured_fps(engine, ready, best, given.seconds), 1),
        "measuring_processes": os.cpu_count(),
        "gflop_a_frame": round(sum(c.operations for c in costs) / 1e9, 3),
        **shares(costs, chip, best, by_batch[best], resident),
    }


def shares(
    costs: list[Any], chip: Chip | None, batch: int, at_best: float, resident: float
) -> dict[str, float | None]:
    """Operations a second reached, and what they are of the chip's limit."""
    operations = sum(cost.operations for cost in costs)
    limit = 1 / least_seconds(costs, chip, batch) if chip else None
    return {
        "tflop_s": round(operations * resident / 1e12, 3),
        "limit_frames_per_second": limit and round(limit),
        "share_of_limit": limit and round(resident / limit, 3),
        "share_of_limit_with_copies": limit and round(at_best / limit, 3),
        "share_of_peak_operations": chip
        and round(operations * resident / (chip.tflop_s * 1e12), 4),
    }


def fps(calls: Any, seconds: float, batch: int) -> float:
    """Frames a second of calls that go on for so long, the first two not counted."""
    running = calls()
    for _ in range(2):
        next(running)
    start, n = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or not n:
        next(running)
        n += 1
    spent = time.perf_counter() - start
    running.close()
    return n * batch / spent


def batch_calls(engine: Any, ready: Floats, n: int) -> Any:
    """Class maps (n, Y, X) without end."""
    rows, columns = (np.ones((n, size), np.float32) for size in ready.shape[1:])
    starts = range(0, len(ready) - n + 1, n)
    batches = (ready[start : start + n] for _ in repeat(None) for start in starts)
    return ordered_map(
        lambda batch: engine.predict(batch, rows, columns).labels, batches, workers=engine.parallel
    )


def resident_calls(engine: Any, batch: Floats) -> Callable[[], Any]:
    """The engine's graph on inputs that are on the device already; only areas are waited for."""
    from napari_amseg.models.backend import keras

    ones = [np.ones((len(batch), size), np.float32) for size in batch.shape[1:]]
    there = [keras.ops.convert_to_tensor(part) for part in (batch[..., np.newaxis], *ones)]

    def calls() -> Any:
        ahead: list[Any] = []
        while True:
            ahead.append(engine.start(*there)[1])
            if len(ahead) > engine.parallel:
                yield keras.ops.convert_to_numpy(ahead.pop(0))

    return calls


def measured_fps(engine: Any, ready: Floats, batch: int, seconds: float) -> float:
    """Frames a second with every frame measured in one of as many processes as there are cores."""
    # Spawned: a process that is forked while a backend runs its threads may hang.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(measure_maps, [np.ones((1, 32, 32), np.uint8)] * (os.cpu_count() or 1)))

        def calls() -> Any:
            waiting: list[Any] = []
            for maps in batch_calls(engine, ready, batch):
                share = max(1, -(-len(maps) // (os.cpu_count() or 1)))
                parts = [maps[start : start + share] for start in range(0, len(maps), share)]
                waiting.append([pool.submit(measure_maps, part) for part in parts])
                if len(waiting) > engine.parallel:
                    yield sum(part.result() for part in waiting.pop(0))

        return fps(calls, seconds, batch)


def measure_maps(maps: NDArray[np.uint8]) -> int:
    """Measure class maps (B, Y, X); in a process of the pool."""
    return sum(1 for _ in measure_stack(maps))


if __name__ == "__main__":
    main()
