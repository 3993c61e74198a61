"""How many labelled frames does a model need to learn an experiment it was never shown?

    python benchmarks/few_shot.py --data FOLDER --work FOLDER -o few_shot.json [--figure PNG]
        [--init fast] [--frames 1,3,10] [--stacks hpdc] [--starts init,scratch]
        [--minutes 10] [--smoke]

Trains as `amseg train` does on the first frames of two real stacks and scores on their last three:
from --init, and the same network from scratch with as many steps of the same batches. Beside
them the model as it is, and for `hpdc` the paper's published prediction. Labelled frames beyond
those there are count as all there are. The number of steps is chosen so that a training takes
--minutes on this machine, by the time of its first steps; it is the same for all of one stack.

Casting pores are dark and the models know bright ones: for `hpdc` the bundle to start from gets an
`Invert` ahead of its input mapping, and the metal around the pores is called substrate, so that
the head is kept. `--starts` also knows `init-not-inverted`, to see what the first of the two does.

Every result is written at once, and a training that was stopped goes on: run the same command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accuracy import Labels, scores
from few_shot_cases import Case, cases, inverting
from few_shot_figure import draw
from memory import machine

from napari_amseg.dataset import (
    add_frames,
    create_benchmark,
    listed_split,
    open_benchmark,
    save_split,
    split_names,
)
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.dataset.benchmark import RECORD
from napari_amseg.io import write_json
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.models.bundle import CHECKPOINT
from napari_amseg.pipeline import segment_stack
from napari_amseg.pipeline.train import train
from napari_amseg.train import StepDone, TrainFinished, TrainRequest, TrainSettings
from napari_amseg.types import Experiment, stack_from_array

STARTS = ("init", "scratch", "init-not-inverted")
STEPS_AN_EPOCH, PROBED_STEPS = 50, 15
SHARE_OF_STEPS = 0.85  # of the time; the rest: writing the bundle, drawing its curves
LEARNING_RATE = {"init": 1e-3, "scratch": 3e-3}


@dataclass(frozen=True)
class Plan:
    """How long to train: the same for every start and number of frames of a case."""

    epochs: int
    batch_size: int
    crop: tuple[int, int]
    steps_an_epoch: int = STEPS_AN_EPOCH


def main() -> None:
    given = options()
    init = load_bundle(given.init)
    if init.card.scheme.codes != DEFAULT_SCHEME.codes:
        raise SystemExit(f"{given.init} does not have the five classes of the default scheme")
    record = opened_record(given.out, init, given)
    for case in cases(given.data):
        if case.name not in given.stacks:
            continue
        Curve(case, init, given, record).run()
    if given.figure:
        draw(record, given.figure)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("--work", type=Path, required=True, help="for benchmarks and models")
    parser.add_argument("--init", default="fast", help="name or bundle folder")
    parser.add_argument("--frames", default="1,3,10", help="numbers of labelled frames")
    parser.add_argument("--stacks", default="ti64_plate,hpdc", help="which of the two")
    parser.add_argument("--starts", default="init,scratch", help=f"of {', '.join(STARTS)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="one frame, four tiny steps")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.data is None or not Path(given.data).is_dir():
        parser.error("give the folder of real frames with --data or AMSEG_DATA")
    given.data = Path(given.data)
    given.starts, given.stacks = given.starts.split(","), given.stacks.split(",")
    if unknown := set(given.starts) - set(STARTS):
        parser.error(f"--starts names {', '.join(sorted(unknown))}; known are {', '.join(STARTS)}")
    try:
        given.frames = [1] if given.smoke else [int(n) for n in given.frames.split(",")]
    except ValueError:
        parser.error(f"--frames is {given.frames!r}: write 1,3,10")
    if min(given.frames) < 1:
        parser.error("--frames: train on one frame at least")
    return given


def opened_record(path: Path, init: Bundle, given: argparse.Namespace) -> dict[str, Any]:
    """The record at `path`, to go on with, or a new one."""
    terms = {
        "init": {
            "name": init.name,
            "sha256": init.weights_sha256,
            "network": init.card.architecture,
            "arguments": dict(init.card.arguments),
        },
        "minutes": given.minutes,
        "seed": given.seed,
        "smoke": given.smoke,
    }
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if changed := [name for name, value in terms.items() if record.get(name) != value]:
            raise SystemExit(f"{path} was begun with another {', '.join(changed)}: move it away")
        return record
    return {"machine": machine(), **terms, "cases": {}}


def training_counts(wanted: Sequence[int], n_pool: int) -> list[int]:
    """Numbers of frames to train on, ascending, none more than there are."""
    return sorted({min(n, n_pool) for n in wanted})


def draws(n_frames: int, batch_size: int, steps: int, crop_share: float) -> int:
    """How often to draw each frame in an epoch so that it has `steps` steps, or nearly."""
    return max(1, round(steps * batch_size / (n_frames * (1 + crop_share))))


def pace(begin: float, reports: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Seconds until the first report, and of each step after it, from (time, steps done)."""
    (first, done), (last, all_done) = reports[0], reports[-1]
    if all_done == done:
        raise ValueError(f"only one report, of step {done}: no pace can be told from it.")
    return first - begin, (last - first) / (all_done - done)


def epochs_within(seconds: float, startup_s: float, step_s: float, steps_an_epoch: int) -> int:
    """Epochs that fit, one at least; some of the time is left for writing."""
    return max(1, int((seconds - startup_s) * SHARE_OF_STEPS / (step_s * steps_an_epoch)))


class Curve:
    """Scores of a case against the number of labelled frames, into the record as they come."""

    def __init__(
        self, case: Case, init: Bundle, given: argparse.Namespace, record: dict[str, Any]
    ) -> None:
        self.case, self.plain, self.given, self.record = case, init, given, record
        self.folder = given.work / init.weights_sha256[:8] / case.name
        self.init = inverting(init, self.folder / "init") if case.is_casting else init
        self.kept: dict[str, Any] = record["cases"].setdefault(
            case.name,
            {"cavity": case.cavity, "test_frames": list(case.test), "plan": None, "rows": []},
        )

    def run(self) -> None:
        """Everything that the record lacks."""
        starts = [s for s in self.given.starts if self.case.is_casting or "inverted" not in s]
        if self.case.paper is not None and not self._has(0, "paper"):
            self._keep(0, "paper", [self.case.paper[t] for t in self.case.test])
        if not self._has(0, "init"):
            self._segment(0, "init", self.init)
        if "init-not-inverted" in starts and not self._has(0, "init-not-inverted"):
            self._segment(0, "init-not-inverted", self.plain)
        for n in training_counts(self.given.frames, self.case.n_pool):
            for start in starts:
                if not self._has(n, start):
                    self._train(n, start)

    def _has(self, n: int, start: str) -> bool:
        return any((row["labelled"], row["start"]) == (n, start) for row in self.kept["rows"])

    def _segment(self, n: int, start: str, bundle: Bundle, **more: Any) -> None:
        """Score a model on the test frames, as frames of their whole stack."""
        found = segment_stack(self.case.stack, bundle, order=self.case.test)
        self._keep(n, start, [result.labels for result in found], **more)

    def _keep(self, n: int, start: str, predicted: Sequence[Labels], **more: Any) -> None:
        scored = scores([self.case.truth[t] for t in self.case.test], predicted)
        self.kept["rows"].append({"labelled": n, "start": start, **more, **scored})
        write_json(self.given.out, self.record)
        text = f"{self.case.name} {n} {start} {scored['mean_iou']:.4f}"
        print(text, scored["iou"], file=sys.stderr, flush=True)

    def _train(self, n: int, start: str) -> None:
        from napari_amseg.models.backend import keras

        request = self._request(n, start, self._plan(n))
        checkpoint, steps = request.folder / CHECKPOINT, 0
        if not checkpoint.exists():  # killed before there was anything to go on from
            shutil.rmtree(request.folder, ignore_errors=True)
        for event in train(replace(request, resume=checkpoint.exists())):
            if isinstance(event, TrainFinished):
                seconds, epochs = event.seconds, event.epochs_done
            elif isinstance(event, StepDone):
                steps = event.steps
        keras.utils.clear_session()
        more = {"epochs": epochs, "steps_an_epoch": steps, "training_s": round(seconds, 1)}
        self._segment(n, start, load_bundle(request.folder), **more)
        checkpoint.unlink()

    def _plan(self, n: int) -> Plan:
        """That of the case; the first time by some steps from scratch that are thrown away."""
        case, smoke = self.case, self.given.smoke
        plan = (
            Plan(1, 2, (64, 64), steps_an_epoch=4) if smoke else Plan(1, case.batch_size, case.crop)
        )
        if self.kept["plan"] is None:
            with tempfile.TemporaryDirectory() as folder:
                request = replace(self._request(n, "scratch", plan), folder=Path(folder) / "model")
                startup_s, step_s = probed(request)
            steps, seconds = plan.steps_an_epoch, 60 * self.given.minutes
            epochs = 1 if smoke else epochs_within(seconds, startup_s, step_s, steps)
            self.kept["plan"] = {"epochs": epochs, "startup_s": startup_s, "step_s": step_s}
            write_json(self.given.out, self.record)
        return replace(plan, epochs=self.kept["plan"]["epochs"])

    def _request(self, n: int, start: str, plan: Plan) -> TrainRequest:
        augment = AugmentSettings(flip_vertical=self.case.is_casting)
        bundle = self.plain if start == "init-not-inverted" else self.init
        network: dict[str, Any] = {"init": str(bundle.folder)}
        if start == "scratch":
            card = bundle.card
            network = {"architecture": card.architecture, "arguments": dict(card.arguments)}
        settings = TrainSettings(
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            learning_rate=LEARNING_RATE["scratch" if start == "scratch" else "init"],
            crop_rows=plan.crop[0],
            crop_columns=plan.crop[1],
            draws=draws(n, plan.batch_size, plan.steps_an_epoch, augment.crop_share),
            class_weighting="none",  # as the shipped models are trained
            seed=self.given.seed,
        )
        folder = self.folder / f"{n}_{start}{'_smoke' if self.given.smoke else ''}"
        return TrainRequest(
            self._benchmark(n), folder, **network, settings=settings, augment=augment
        )

    def _benchmark(self, n: int) -> Path:
        """A benchmark folder of the first `n` frames for training and the last for testing."""
        case, folder = self.case, self.folder / f"{n}_frames"
        new = not (folder / RECORD).exists()
        benchmark = create_benchmark(folder) if new else open_benchmark(folder)
        if not benchmark.frames:
            benchmark = add_frames(
                benchmark,
                case.stack,
                stack_from_array(case.truth),
                Experiment(experiment=case.name),
                frames=[*range(n), *case.test],
            )
        if not split_names(benchmark):
            test = [f"{case.name}/{t:04d}" for t in case.test]
            save_split(benchmark, listed_split(benchmark, test=test))
        return folder


def probed(request: TrainRequest) -> tuple[float, float]:
    """Seconds until the first steps of a training are done, and of each step from then on."""
    begin, reports = time.perf_counter(), []
    with closing(train(request)) as events:
        for event in events:
            if isinstance(event, StepDone):
                reports.append((time.perf_counter(), event.step))
                if event.step - reports[0][1] >= PROBED_STEPS:
                    break
    return pace(begin, reports)


if __name__ == "__main__":
    main()
