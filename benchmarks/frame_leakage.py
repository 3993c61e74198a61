"""How much a random split flatters: neighbouring frames of one stack are nearly equal.

    python benchmarks/frame_leakage.py [--repeats 3] [--trainings 3] [--epochs 20]
        [--data FOLDER] [-o out.json] [--figure PNG]

Every repeat makes a benchmark of twelve random phantoms, twelve frames of each, splits it at
random and by experiment, and asks of both splits

- a *look-up* that knows nothing of metal: the labels of the training frame whose grey values
  correlate best with those of the test frame (frames reduced to a quarter, brightness and contrast
  taken out) are handed in as its prediction;
- a small AM-SegNet trained by the loop of `amseg train`.

Both are scored on the test frames of the split and on six further phantoms that are in no split:
what the score promises, and what a new experiment gives. With --data, the correlation of each real
frame with its nearest neighbour and the IoU of copied labels are measured too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from records import give, machine

from napari_amseg.dataset import (
    Benchmark,
    FrameId,
    Split,
    add_frames,
    create_benchmark,
    grouped_split,
    random_split,
    save_split,
)
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import load_bundle
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate
from napari_amseg.pipeline.train import train
from napari_amseg.sample import simulate
from napari_amseg.sample.experiments import random_experiment, training_frame
from napari_amseg.scores import Confusion
from napari_amseg.train import TrainRequest, TrainSettings
from napari_amseg.types import Experiment, stack_from_array

Array = NDArray[Any]
SHAPE, N_EXPERIMENTS, N_NEW, N_FRAMES, REDUCED = (128, 256), 12, 6, 12, 4
REAL = {"ti64_plate": ("ti64_plate", "ti64_plate/labels.tif"),
        "hpdc": ("hpdc/images.tif", "hpdc/labels.tif")}  # fmt: skip
COLUMNS = ("mean_iou", "keyhole", "pore")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trainings", type=int, default=3, help="repeats that train networks")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    repeats = []
    for seed in range(given.repeats):
        with TemporaryDirectory() as folder:
            epochs = given.epochs if seed < given.trainings else 0
            repeats.append(repeat(Path(folder), seed, epochs))
        print(seed, repeats[-1], file=sys.stderr, flush=True)
    real = dict(real_neighbours(given.data)) if given.data else {}
    give({"machine": machine(), "repeats": repeats, "real": real}, given.out)
    print(markdown(repeats))
    if given.figure:
        draw(repeats, given.figure)


def repeat(folder: Path, seed: int, epochs: int) -> dict[str, Any]:
    """Scores by split, way and test set, and how alike neighbouring frames are."""
    rng = np.random.default_rng(seed)
    known = simulated(folder / "known", N_EXPERIMENTS, rng)
    new = simulated(folder / "new", N_NEW, rng)
    everything_new = Split("new", "listed", seed, dict.fromkeys(new.frames, "test"), {})
    record: dict[str, Any] = {"likeness": likeness(known)}
    for split in (random_split(known, seed=seed), grouped_split(known, seed=seed)):
        save_split(known, split)
        tests = (("test frames", known, split), ("new experiments", new, everything_new))
        record[split.name] = {"look-up": {}, "network": {}}
        for name, benchmark, where in tests:
            scores = look_up(known, split, benchmark, where.of("test"))
            record[split.name]["look-up"][name] = scores
        if epochs:
            model = trained(folder, split, seed, epochs)
            for name, benchmark, where in tests:
                out = folder / f"{split.name} {name}"
                request = EvaluateRequest(benchmark, where, "test", load_bundle(model), out)
                record[split.name]["network"][name] = chosen(evaluate(request)["scores"])
    return record


def simulated(folder: Path, n: int, rng: np.random.Generator) -> Benchmark:
    """Consecutive frames, from the middle, of random experiments."""
    benchmark = create_benchmark(folder)
    for i in range(n):
        phantom = simulate(random_experiment(rng, SHAPE))
        first = (len(phantom.stack) - N_FRAMES) // 2
        pairs = [training_frame(phantom, t) for t in range(first, first + N_FRAMES)]
        images, labels = (stack_from_array(np.stack(part)) for part in zip(*pairs, strict=True))
        benchmark = add_frames(benchmark, images, labels, Experiment(experiment=f"phantom{i:02d}"))
    return benchmark


def trained(folder: Path, split: Split, seed: int, epochs: int) -> Path:
    settings = TrainSettings(epochs=epochs, batch_size=8, learning_rate=3e-3, seed=seed)
    model = folder / f"model-{split.name}"
    request = TrainRequest(
        folder / "known", model, split=split.name, arguments={"filters": 4}, settings=settings
    )
    for _ in train(request):
        pass
    return model


def look_up(
    known: Benchmark, split: Split, tested: Benchmark, frames: Sequence[FrameId]
) -> dict[str, float | None]:
    """Scores of labels copied from the training frame that is most alike."""
    training = split.of("train")
    seen = np.stack([reduced(known.image(frame)) for frame in training])
    confusion = Confusion(DEFAULT_SCHEME)
    for frame in frames:
        nearest = int(np.argmax(seen @ reduced(tested.image(frame))))
        confusion.add(tested.labels(frame), known.labels(training[nearest]))
    return chosen(confusion.to_json())


def chosen(scores: dict[str, Any]) -> dict[str, float | None]:
    return {"mean_iou": scores["mean_iou"], **{c: scores["iou"].get(c) for c in COLUMNS[1:]}}


def reduced(image: Array) -> Array:
    """A frame as a vector whose products are correlations."""
    y, x = (n // REDUCED * REDUCED for n in image.shape)
    blocks = image[:y, :x].astype(np.float64).reshape(y // REDUCED, REDUCED, x // REDUCED, REDUCED)
    vector = blocks.mean((1, 3)).ravel()
    vector -= vector.mean()
    return vector / np.linalg.norm(vector)


def likeness(benchmark: Benchmark) -> dict[str, float]:
    """Median correlation of a frame with the most alike of its stack, and of all others."""
    frames = benchmark.frames
    vectors = np.stack([reduced(benchmark.image(frame)) for frame in frames])
    stack = np.array([frame.experiment for frame in frames])
    alike = vectors @ vectors.T - 2 * np.eye(len(frames))
    same = stack[:, None] == stack
    return {
        "same stack": float(np.median(np.where(same, alike, -2).max(1))),
        "other stacks": float(np.median(np.where(same, -2, alike).max(1))),
    }


def real_neighbours(data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The look-up among the frames of one real stack, each left out in turn."""
    for name, (images_at, labels_at) in REAL.items():
        with read_stack(data / images_at) as images, read_stack(data / labels_at) as labels:
            vectors = np.stack([reduced(image) for image in images])
            alike = vectors @ vectors.T - 2 * np.eye(len(vectors))
            confusion = Confusion(DEFAULT_SCHEME)
            for t, nearest in enumerate(alike.argmax(1)):
                confusion.add(labels[t], labels[int(nearest)])
        yield name, {"likeness": float(np.median(alike.max(1))), **chosen(confusion.to_json())}


def rows(repeats: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, dict[str, list[float]]]]:
    """Way, split, test set, and each score of all repeats."""
    for way in ("look-up", "network"):
        for split in ("random", "grouped"):
            for name in repeats[0][split][way]:
                found = [r[split][way][name] for r in repeats if r[split][way]]
                yield way, split, name, {c: [f[c] for f in found if f[c] is not None]
                                         for c in COLUMNS}  # fmt: skip


def markdown(repeats: list[dict[str, Any]]) -> str:
    lines = ["| way | split | scored on | mean IoU | keyhole | pore |", "|---" * 6 + "|"]
    for way, split, name, scores in rows(repeats):
        cells = [f"{np.mean(v):.2f} ({min(v):.2f} to {max(v):.2f})" for v in scores.values() if v]
        lines.append(f"| {way} | {split} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(repeats: list[dict[str, Any]], path: Path) -> None:
    """Mean IoU on test frames beside that on new experiments, a dot a repeat."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    ax = figure.subplots()
    ticks = []
    for i, (way, split, name, scores) in enumerate(rows(repeats)):
        place, new = i + 0.6 * (i // 2), name == "new experiments"
        values = scores["mean_iou"]
        ax.bar(place, np.mean(values), color="#c9c9c9" if new else "#2f9aa0", width=0.9)
        ax.plot([place] * len(values), values, "o", color="#222222", ms=3)
        ticks += [] if new else [(place + 0.5, f"{way},\n{split} split")]
    ax.set_xticks(*map(list, zip(*ticks, strict=True)))
    ax.set_ylabel("mean IoU")
    ax.set_title("test frames of the split (teal), new experiments (grey)", fontsize=9, loc="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
