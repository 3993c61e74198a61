"""How fast does a model learn a stack if the advisor says which frames to correct?

    python benchmarks/human_in_the_loop.py --data FOLDER --work FOLDER -o FILE.json [--figure PNG]
        [--strategies advisor,plain,spread,random] [--seeds 0] [--corrected 1,2,4,8] [--steps 60]

Plays the loop of the *Annotate* widget: a model segments the stack, frames are chosen, their truth
takes the place of a person's corrections, *Learn* goes on from the model, and so on. The frames are
chosen by the advisor, in plain order, spread evenly, or at random; the rest is the same. Scored
after each *Learn*: the frames of the stack that are not corrected, a set that shrinks and differs
from strategy to strategy, and frames that never are, the same for all.

Two stacks. A phantom unlike the defaults (3.2 µm a pixel, noisy, banded, blurred, dirty), 48 frames
of 256x384, with 16 frames of another seed to score on. Die casting, `hpdc` in --data: ten frames
and the last three to score on; the model gets an `Invert` as in `few_shot.py`.

Every result is written at once: run the same command to go on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import Labels, scores
from few_shot_cases import cases, inverting
from human_in_the_loop_figure import draw
from memory import machine

from napari_amseg.annotate.advisor import FrameRemarks, frame_remarks, rank_frames
from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.io import write_json
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.pipeline.learn import LearnSettings, learn_request, write_learning_set
from napari_amseg.pipeline.train import train
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.sample.experiments import training_frame
from napari_amseg.segment import make_engine
from napari_amseg.types import Stack, stack_from_array

STRATEGIES = ("advisor", "plain", "spread", "random")
POOL_FRAMES, HELD_OUT_EVERY = 48, 3
POOL_SEED, HELD_OUT_SEED = 4242, 4243
UNUSUAL: dict[str, Any] = {
    "n_frames": POOL_FRAMES,
    "width_px": 384,
    "pixel_size_um": 3.2,
    "keyhole_depth_um": 200.0,
    "photons": 900.0,
    "fixed_pattern": 0.05,
    "bands": 0.06,
    "blur_px": 1.6,
    "window_particles": 200,
    "flaws": 0.8,
    "old_pores": 6,
    "pore_every_frames": 4,
    "spatter": 4,
    "hump_um": 20.0,
    "slit_transmission": 0.5,
}


@dataclass(frozen=True)
class Loop:
    """A stack to correct and frames to score on; truths are uint8 (T, Y, X), default codes."""

    name: str
    pool: Stack
    truth: Labels
    held_out: Stack
    held_out_truth: Labels
    is_casting: bool = False


def main() -> None:
    given = options()
    record = opened_record(given.out, given)
    for loop in loops(given):
        bundle = load_bundle("fast")
        if loop.is_casting:
            bundle = inverting(bundle, given.work / "inverting")
        for seed in given.seeds:
            for strategy in given.strategies:
                Run(loop, strategy, seed, bundle, given, record).run()
    if given.figure:
        draw(record, given.figure)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("--work", type=Path, required=True, help="for phantom frames and models")
    parser.add_argument("--strategies", default="advisor,plain,spread,random")
    parser.add_argument("--seeds", default="0", help="of training and random choice: 0,1,2")
    parser.add_argument("--corrected", default="1,2,4,8", help="numbers of corrected frames")
    parser.add_argument("--steps", type=int, default=60, help="of each Learn")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.data is None or not (Path(given.data) / "hpdc").is_dir():
        parser.error("give the folder of real frames with --data or AMSEG_DATA")
    given.strategies = given.strategies.split(",")
    if unknown := set(given.strategies) - set(STRATEGIES):
        parser.error(f"--strategies names {', '.join(sorted(unknown))}; known: {STRATEGIES}")
    given.seeds = [int(n) for n in given.seeds.split(",")]
    given.corrected = sorted({int(n) for n in given.corrected.split(",")})
    return given


def opened_record(path: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The record at `path`, to go on with, or a new one."""
    terms = {"init": load_bundle("fast").weights_sha256, "steps": given.steps}
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if changed := [name for name, value in terms.items() if record[name] != value]:
            raise SystemExit(f"{path} was begun with another {', '.join(changed)}: move it away")
        return record
    return {"machine": machine(), **terms, "rows": []}


def loops(given: argparse.Namespace) -> Iterator[Loop]:
    """The two stacks, one after the other."""
    pool, truth = phantom_frames(given.work, POOL_SEED, range(POOL_FRAMES))
    apart, apart_truth = phantom_frames(
        given.work, HELD_OUT_SEED, range(0, POOL_FRAMES, HELD_OUT_EVERY)
    )
    yield Loop("phantom", pool, truth, apart, apart_truth)
    case = next(case for case in cases(Path(given.data)) if case.name == "hpdc")
    images = np.stack(list(case.stack))
    pool, apart = (
        stack_from_array(images[part]) for part in (slice(case.n_pool), slice(case.n_pool, None))
    )
    yield Loop("hpdc", pool, case.truth[: case.n_pool], apart, case.truth[case.n_pool :], True)


def phantom_frames(work: Path, seed: int, frames: Sequence[int]) -> tuple[Stack, Labels]:
    """Images and labels of the unusual phantom, simulated once."""
    path = work / f"phantom_{seed}.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        phantom = simulate(PhantomSettings(seed=seed, **UNUSUAL))
        images, labels = zip(*(training_frame(phantom, t) for t in frames), strict=True)
        np.savez(path, images=np.stack(images), labels=np.stack(labels))
    with np.load(path) as kept:
        return stack_from_array(kept["images"]), kept["labels"]


class Run:
    """One stack corrected by one strategy, into the record as it goes."""

    def __init__(
        self,
        loop: Loop,
        strategy: str,
        seed: int,
        bundle: Bundle,
        given: argparse.Namespace,
        record: dict[str, Any],
    ) -> None:
        self.loop, self.strategy, self.seed, self.bundle = loop, strategy, seed, bundle
        self.given, self.record = given, record
        self.folder = given.work / f"{loop.name}_{strategy}_{seed}"

    def run(self) -> None:
        """Every round that the record lacks."""
        row = self._row(0) or self._keep([], self.bundle, seconds=0.0)
        for n in self.given.corrected:
            if n >= len(self.loop.truth):
                break
            folder, done = self.folder / f"{n}_model", self._row(n)
            if done is None:
                chosen = row["corrected"] + row["next"][: n - len(row["corrected"])]
                begin = time.perf_counter()
                self._learn(chosen, folder)
                seconds = time.perf_counter() - begin
                done = self._keep(chosen, load_bundle(folder), seconds=seconds)
            row, self.bundle = done, load_bundle(folder)

    def _row(self, n: int) -> dict[str, Any] | None:
        wanted = (self.loop.name, self.strategy, self.seed, n)
        for row in self.record["rows"]:
            if (row["case"], row["strategy"], row["seed"], len(row["corrected"])) == wanted:
                return row
        return None

    def _learn(self, chosen: Sequence[int], folder: Path) -> None:
        """What *Learn* does: go on from the current model, on all frames corrected so far."""
        from napari_amseg.models.backend import keras

        learning = self.folder / f"{len(chosen)}_frames"
        for leftover in (learning, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        truth = self.loop.truth
        annotation = Annotation(truth, np.zeros(truth.shape, bool), DEFAULT_SCHEME)
        annotation.statuses[list(chosen)] = Status.COMPLETE
        model = self.bundle.card.scheme
        learnt = write_learning_set(self.loop.pool, annotation, learning, model=model)
        settings = LearnSettings(steps=self.given.steps, seed=self.seed)
        for _ in train(learn_request(learnt, self.bundle.folder, folder, settings)):
            pass
        keras.utils.clear_session()

    def _keep(self, chosen: list[int], bundle: Bundle, *, seconds: float) -> dict[str, Any]:
        """Score a model and see what it would have corrected next."""
        loop, engine = self.loop, make_engine(bundle, confidence=True)
        found = list(segment_stack(loop.pool, bundle, engine=engine, confidence=True))
        apart = [f.labels for f in segment_stack(loop.held_out, bundle, engine=engine)]
        rest = [f for f in found if f.frame not in chosen]
        remarks = [
            frame_remarks(
                f.frame,
                f.labels,
                DEFAULT_SCHEME,
                uncertainty=f.row["uncertainty"],
                confidence=f.confidence,
            )
            for f in found
        ]
        row = {
            "case": loop.name,
            "strategy": self.strategy,
            "seed": self.seed,
            "corrected": chosen,
            "learn_s": round(seconds, 1),
            "rest": brief([loop.truth[f.frame] for f in rest], [f.labels for f in rest]),
            "held_out": brief(loop.held_out_truth, apart),
            "frames": [
                {
                    "frame": f.frame,
                    "mean_iou": brief([loop.truth[f.frame]], [f.labels])["mean_iou"],
                    "uncertainty": remark.uncertainty,
                    "entropy_bit": remark.entropy_bit,
                    "violations": [v.kind for v in remark.violations],
                }
                for f, remark in zip(found, remarks, strict=True)
            ],
        }
        row["next"] = self._next(remarks, chosen)
        self.record["rows"].append(row)
        write_json(self.given.out, self.record)
        text = f"{loop.name} {self.strategy} {self.seed} {len(chosen)} {chosen} {seconds:.0f} s"
        means = [f"{row[part]['mean_iou']:.3f}" for part in ("rest", "held_out")]
        print(text, *means, row["held_out"]["iou"], file=sys.stderr, flush=True)
        return row

    def _next(self, remarks: Sequence[FrameRemarks], chosen: Sequence[int]) -> list[int]:
        """The frames that the strategy would correct next, in its order."""
        n = len(remarks)
        if self.strategy == "advisor":
            return [advice.frame for advice in rank_frames(remarks, corrected=chosen)]
        if self.strategy == "random":
            order = np.random.default_rng(self.seed).permutation(n).tolist()
        else:
            order = list(range(n)) if self.strategy == "plain" else spread(n)
        return [t for t in order if t not in chosen]


def spread(n: int) -> list[int]:
    """Frames 0 to n - 1 from the middle on, each as far from those before it as can be."""
    order = [n // 2]
    while len(order) < n:
        distance = np.abs(np.subtract.outer(np.arange(n), order)).min(axis=1)
        order.append(int(distance.argmax()))
    return order


def brief(truth: Sequence[Labels], predicted: Sequence[Labels]) -> dict[str, Any]:
    """Mean IoU over the classes in the truth, and that of each."""
    scored = scores(truth, predicted)
    return {name: scored[name] for name in ("mean_iou", "iou")}


if __name__ == "__main__":
    main()
