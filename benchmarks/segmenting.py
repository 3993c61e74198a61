"""The whole of ``amseg segment``, from reading to CSV, beside bare inference and its own stages.

    python benchmarks/segmenting.py [--models paper fast] [--frames 160 2000] [--repeats 3]
        [-o segmenting.json]

A stack of 256x512 uint16, not compressed, is segmented as a user would do it, in a process of its
own. Its time is given twice: *whole*, from the start of the process to its end, figures included,
and *running*, without starting Python, loading the model and drawing (stages of ``_run.json``).
Beside it, in turns, on the same frames, held in memory and in the range of the network:

- *peer*: ``model.predict`` of the paper's network, float32, batches of 8, which yields neither
  labels nor tables. On at most 64 of the frames: it takes the same time for each;
- *inference*: the engine that the command took, doing nothing but class maps;
- *stages*: reading, preprocessing, inference, measuring and writing, each alone, one after the
  other. Their sum is what a program that does not overlap them would take.

``paper`` has drawn weights that give sensible masks, see ``paper_network.py``; its frames are level
frames, those of other models the phantom's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from inference import exhaust, input_frames, own_frames, plain_predict
from memory import AMSEG, write
from numpy.typing import NDArray
from paper_network import paper_bundle
from records import give, in_turns, load, machine

from napari_amseg.io import OutputFiles, read_stack
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import FrameResult, ResultFiles, measure_stack
from napari_amseg.segment import Engine, make_engine, segment_frames
from napari_amseg.segment.frames import SegmentSettings
from napari_amseg.types import Stack, stack_from_array

SCALE = ("--pixel-size", "2", "--frame-rate", "50000")
STARTING = ("load_model",)
MOST_PEER_FRAMES = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["paper", "fast"])
    parser.add_argument("--frames", type=int, nargs="+", default=[160, 2000], help="one a model")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 512))
    parser.add_argument("--filters", type=int, default=12, help="width of the paper's network")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    if len(given.frames) != len(given.models):
        parser.error("--frames takes one number a model")
    before = load()
    with TemporaryDirectory() as folder:
        paper = paper_bundle(Path(folder) / "paper", filters=given.filters)
        rows = [
            measured(Case(Path(folder) / f"case_{name}", name, n, paper, tuple(given.size)), given)
            for name, n in zip(given.models, given.frames, strict=True)
        ]
    record = {
        "machine": machine(),
        "load_before": before,
        "frame": f"{given.size[0]}x{given.size[1]} uint16",
        "repeats": given.repeats,
        "peer": "keras predict, amsegnet, float32, batches of 8",
        "rows": rows,
    }
    give(record, given.out)


class Case:
    """A stack on disk, the model for it, and all that its stages start from."""

    def __init__(
        self, folder: Path, name: str, n: int, paper: Bundle, shape: tuple[int, int]
    ) -> None:
        self.folder, self.name, self.n, self.paper = folder, name, n, paper
        self.bundle = paper if name == "paper" else load_bundle(name)
        self.path, self.out = folder / "stack.tif", folder / "out"
        folder.mkdir()
        distinct = own_frames(name, {}, shape)
        write(self.path, list(distinct), n)
        self.ready = input_frames(self.bundle, distinct, n)
        n_peer = min(n, MOST_PEER_FRAMES)
        self.peer_ready = (
            self.ready if name == "paper" else input_frames(paper, distinct, n_peer)
        )[:n_peer]
        self.in_memory = stack_from_array(distinct[np.arange(n) % len(distinct)])
        self.record: dict[str, Any] = {}
        self.running_s: list[float] = []

    def whole(self) -> None:
        """The command, as a user gives it."""
        model = str(self.bundle.folder)
        command = [*AMSEG, "segment", str(self.path), *SCALE, "--model", model, "-o", str(self.out)]
        subprocess.run(command, check=True, capture_output=True)
        self.record = json.loads((self.out / "stack_run.json").read_text(encoding="utf-8"))
        spent = self.record["seconds"].items()
        self.running_s.append(sum(s for stage, s in spent if stage not in STARTING))


def measured(case: Case, given: argparse.Namespace) -> dict[str, Any]:
    """All ways of one model."""
    case.whole()  # keeps what is compiled once for the runs that follow
    engine_name = case.record["engine"]["name"]
    engine = make_engine(case.bundle, engine_name)
    stages, labels = stage_ways(case, engine)
    plain_predict(case.paper, case.peer_ready[:8])
    exhaust(engine, case.ready[: min(case.n, 16)])
    case.running_s.clear()
    ways = {"whole": case.whole, "peer": partial(plain_predict, case.paper, case.peer_ready)}
    seconds = in_turns(ways | stages, given.repeats)
    best = {name: min(values) for name, values in seconds.items()}
    best["running"] = min(case.running_s)
    peer_fps = len(case.peer_ready) / best["peer"]
    return {
        "network": case.name,
        "frames": case.n,
        "engine": case.record["engine"],
        "seconds": {name: round(s, 3) for name, s in best.items()},
        "all_seconds": {name: [round(s, 3) for s in values] for name, values in seconds.items()},
        "stages_of_the_run": case.record["seconds"],
        "frames_per_second": {
            "peer": round(peer_fps, 2),
            "inference": round(case.n / best["inference"], 2),
            "running": round(case.n / best["running"], 2),
            "whole": round(case.n / best["whole"], 2),
        },
        "times_peer": {
            "running": round(case.n / best["running"] / peer_fps, 2),
            "whole": round(case.n / best["whole"] / peer_fps, 2),
        },
        "overhead_over_inference": round(best["running"] / best["inference"] - 1, 3),
        "running_over_sum_of_stages": round(best["running"] / sum(best[s] for s in stages), 3),
        "pores_a_frame": round(labels, 2),
        "start_up_s": round(best["whole"] - best["running"], 2),
    }


def stage_ways(case: Case, engine: Engine) -> tuple[dict[str, Any], float]:
    """What each stage does alone, and the pores a frame that it has to do with."""
    ready = stack_from_array(case.ready)
    n_distinct = min(case.n, 60)
    found = [labels for _, labels in segment_frames(
        stack_from_array(case.ready[:n_distinct]), engine, SegmentSettings()
    )]  # fmt: skip
    labels = np.stack(found)[np.arange(case.n) % n_distinct]
    with read_stack(case.path, pixel_size_um=2, frame_rate_hz=50000) as opened:
        experiment = opened.experiment
    some = list(measure_stack(labels[:n_distinct], experiment=experiment))
    results = [_at(some[t % n_distinct], t) for t in range(case.n)]

    def read() -> None:
        with read_stack(case.path) as stack:
            _read_all(stack)

    def preprocess() -> None:
        _read_all(case.bundle.card.chain.apply(case.in_memory))

    def measure() -> None:
        for _ in measure_stack(labels, experiment=experiment):
            pass

    def write_all() -> None:
        with (
            TemporaryDirectory(dir=case.folder) as folder,
            OutputFiles(Path(folder)) as files,
            ResultFiles(files, "stack", ready.shape, experiment) as writer,
        ):
            for result in results:
                writer.append(result)
            writer.finish()
            writer.record({"outputs": writer.output_records()})

    ways = {
        "read": read,
        "preprocess": preprocess,
        "inference": partial(exhaust, engine, case.ready),
        "measure": measure,
        "write": write_all,
    }
    return ways, sum(len(result.pores) for result in some) / len(some)


def _at(result: FrameResult, t: int) -> FrameResult:
    """The same result as that of frame `t`."""
    here = {"frame": t, "time_s": t / 50_000}
    return FrameResult(t, result.labels, result.row | here, [p | here for p in result.pores])


def _read_all(stack: Stack) -> None:
    for t in range(len(stack)):
        _: NDArray[Any] = stack.read(t)


if __name__ == "__main__":
    main()
