"""Does a class of few pixels get learnt? Pores of half a per cent, on simulated frames.

    python benchmarks/class_balance.py [--epochs 12] [--class-weighting sqrt] [-o out.json]

Makes a benchmark folder of phantom stacks with other seeds for training, validation and test,
trains a small AM-SegNet with the loop of `amseg train`, scores it as `amseg evaluate` does, and
prints pore share, steps, time and IoU of each class as JSON, with the machine named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

from napari_amseg.dataset import (
    add_frames,
    create_benchmark,
    listed_split,
    load_split,
    open_benchmark,
    save_split,
)
from napari_amseg.dataset.class_weights import WEIGHTINGS, count_labels
from napari_amseg.models import load_bundle
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate
from napari_amseg.pipeline.train import train
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.train import EpochDone, TrainFinished, TrainRequest, TrainSettings, TrainStarted
from napari_amseg.types import Experiment, stack_from_array

SEEDS = range(100, 112)  # the last but two for validation, the last two for test
EVERY = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--filters", type=int, default=4)
    parser.add_argument("--class-weighting", choices=WEIGHTINGS, default="sqrt")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        record = run(Path(temporary), given)
    text = json.dumps(record, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def make_benchmark(folder: Path) -> None:
    """Every sixth frame of twelve phantoms, each of another seed."""
    benchmark = create_benchmark(folder)
    for seed in SEEDS:
        settings = PhantomSettings(seed=seed, pore_every_frames=6, pore_radius_um=16.5)
        phantom = simulate(settings)
        chosen = range(0, settings.n_frames, EVERY)
        images, labels = (
            stack_from_array(np.stack([stack[t] for t in chosen]))
            for stack in (phantom.stack, phantom.labels)
        )
        known = Experiment(
            experiment=f"seed{seed}", pixel_size_um=settings.pixel_size_um, process="simulated"
        )
        benchmark = add_frames(benchmark, images, labels, known)
    *_, validation, test, other = (f"seed{seed}/*" for seed in SEEDS)
    split = listed_split(benchmark, validation=[validation], test=[test, other], name="seeds")
    save_split(benchmark, split)


def run(folder: Path, given: argparse.Namespace) -> dict[str, object]:
    make_benchmark(folder / "benchmark")
    settings = TrainSettings(
        epochs=given.epochs,
        batch_size=8,
        learning_rate=3e-3,
        crop_rows=128,
        crop_columns=256,
        draws=5,
        class_weighting=given.class_weighting,
    )
    request = TrainRequest(
        folder / "benchmark",
        folder / "model",
        arguments={"filters": given.filters},
        settings=settings,
    )
    for event in train(request):
        if isinstance(event, TrainStarted):
            started = event
        elif isinstance(event, EpochDone):
            scores = {k: v for k, v in event.row.items() if k.startswith("validation_iou")}
            print(event.row["epoch"], event.row["loss"], scores, file=sys.stderr, flush=True)
        elif isinstance(event, TrainFinished):
            finished = event
    benchmark, bundle = open_benchmark(folder / "benchmark"), load_bundle(folder / "model")
    split = load_split(benchmark, "seeds")
    record = evaluate(EvaluateRequest(benchmark, split, "test", bundle, folder / "scores"))
    counts = {s: count_labels(benchmark, split.of(s)).total for s in ("train", "test")}
    return {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "device": started.device,
        "network": started.network,
        "class_weighting": given.class_weighting,
        "class_weights": bundle.card.training["class_weights"],
        "frames": {s: len(split.of(s)) for s in ("train", "validation", "test")},
        "pore_share": {s: float(n[1] / n.sum()) for s, n in counts.items()},
        "steps": started.steps * finished.epochs_done,
        "batch": settings.batch_size,
        "crop": started.shape,
        "training_seconds": round(finished.seconds),
        "best_epoch": finished.best_epoch,
        "test": record["scores"],
        "errors": record["errors"],
    }


if __name__ == "__main__":
    main()
