"""Train a shipped model on random simulated experiments only, and write it with its scores.

    python scripts/train_bundled_model.py --work training
    python scripts/train_bundled_model.py --work training        # again: goes on where it stopped
    python scripts/train_bundled_model.py --smoke --work /tmp/try -o /tmp/try/fast

The simulated frames become a benchmark folder below --work, and the training is that of
`amseg train`, so it runs on any backend, GPU or not. No real frame is read: benchmarks/accuracy.py
says how good the model is on those.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset import add_frames, create_benchmark, open_benchmark
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.dataset.split import listed_split, save_split, split_names
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import ARCHITECTURES
from napari_amseg.models.bundle import CHECKPOINT, load_bundle, save_bundle
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.sample.experiments import FRAMES, random_experiment, training_frame
from napari_amseg.sample.phantom import simulate
from napari_amseg.scores import Confusion
from napari_amseg.train import EpochDone, TrainRequest, TrainSettings
from napari_amseg.types import Experiment, stack_from_array

Array = NDArray[Any]
SHAPE, CROP = (256, 384), 256
EXPERIMENTS_AT_ONCE, FRAMES_EACH = 100, 3
TEST_SEED, TEST_EXPERIMENTS = 9_000_000, 150
# A keyhole covers less than half a per cent of a large frame. Clipped there it would look wider.
INPUT = Chain((Normalise(low_percentile=0.5, high_percentile=99.9),))


def main() -> None:
    options = _options()
    render_benchmark(options.work / "benchmark", options.seed, options.experiments)
    train(options)
    bundle(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="Folder for frames, checkpoints.")
    parser.add_argument("--experiments", type=int, default=1400, help="Of 3 frames each.")
    parser.add_argument("--architecture", default="amsegnet-fast", choices=ARCHITECTURES)
    parser.add_argument("--filters", type=int, default=16, help="Width of the network.")
    parser.add_argument("--init", help="Go on from a bundle instead of a fresh network.")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="A minute of everything.")
    bundled = Path(__file__).parents[1] / "src/napari_amseg/models/bundled/fast"
    parser.add_argument("-o", "--output", type=Path, default=bundled)
    options = parser.parse_args()
    if options.smoke:
        options.experiments, options.epochs, options.filters = 24, 1, 1
    return options


def _rendered(seed: int, varied: bool, index: int) -> tuple[Array, Array]:
    """Some frames of one experiment as the network gets them, in 8 bit, and their labels."""
    rng = np.random.default_rng([seed, index])
    phantom = simulate(random_experiment(rng, SHAPE))
    times = rng.choice(FRAMES, FRAMES_EACH, replace=False)
    images, labels = zip(*(training_frame(phantom, int(t)) for t in times), strict=True)
    chain, gamma = _varied_input(rng) if varied else (INPUT, 1.0)
    mapped = np.stack(list(chain.apply(stack_from_array(np.stack(images))))) ** gamma
    return np.round(mapped * 255).astype(np.uint8), np.stack(labels)


def _varied_input(rng: np.random.Generator) -> tuple[Chain, float]:
    """Limits and a gamma around those of `INPUT`: users set their own."""
    if rng.random() < 0.6:
        chain = INPUT
    else:
        limits = rng.uniform(0, 2), rng.uniform(97, 99.95)
        chain = Chain((Normalise(low_percentile=limits[0], high_percentile=limits[1]),))
    return chain, float(np.exp(rng.normal(0, 0.2))) if rng.random() < 0.3 else 1.0


def render(seed: int, indices: range, *, varied: bool = True) -> tuple[Array, Array]:
    """Frames and labels of some experiments, uint8 (n, Y, X), rendered on all cores.

    varied : with grey values mapped in various ways, for training; else as `INPUT` does.
    """
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        pairs = list(pool.map(partial(_rendered, seed, varied), indices, chunksize=5))
    images, labels = zip(*pairs, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def render_benchmark(folder: Path, seed: int, n: int) -> None:
    """Fill a benchmark folder, some hundred frames a time; what is there already is kept."""
    benchmark = open_benchmark(folder) if folder.exists() else create_benchmark(folder)
    for start in range(0, n, EXPERIMENTS_AT_ONCE):
        name = f"seed{seed}-{start:06d}"
        if name in benchmark.experiments:
            continue
        images, labels = render(seed, range(start, min(start + EXPERIMENTS_AT_ONCE, n)))
        known = Experiment(experiment=name, process="simulated", source=f"seed {seed}")
        stacks = stack_from_array(images), stack_from_array(labels)
        benchmark = add_frames(benchmark, *stacks, known)
        print(f"{len(benchmark.frames)} frames rendered", flush=True)
    if not split_names(benchmark):
        held_out = [str(f) for f in benchmark.frames if int(f.frame) // FRAMES_EACH % 20 == 19]
        save_split(benchmark, listed_split(benchmark, validation=held_out))  # whole experiments


def train(options: argparse.Namespace) -> None:
    """Train, or go on with a training that was stopped."""
    from napari_amseg.pipeline.train import train as events

    folder = options.work / "model"
    request = TrainRequest(
        benchmark=options.work / "benchmark",
        folder=folder,
        architecture=None if options.init else options.architecture,
        arguments={} if options.init else {"filters": options.filters},
        init=options.init,
        settings=TrainSettings(
            epochs=options.epochs,
            batch_size=8,
            learning_rate=options.learning_rate,
            crop_rows=CROP,
            crop_columns=CROP,
            class_weighting="none",  # weighted, the classes with few pixels come out too large
            seed=options.seed,
        ),
        augment=AugmentSettings(crop_share=0.4, noise=0.03),
        resume=(folder / CHECKPOINT).exists(),
    )
    for event in events(request):
        if isinstance(event, EpochDone):
            print(json.dumps(event.row), flush=True)


def bundle(options: argparse.Namespace) -> None:
    """Score the trained model on experiments of another seed and write it with its scores."""
    trained = load_bundle(options.work / "model")
    scores = {**trained.card.scores, **scored(trained.model, 4 if options.smoke else None)}
    record = {**trained.card.training, "script": "scripts/train_bundled_model.py"}
    record["simulated_only"] = True  # what the widgets say of it
    card = replace(trained.card, chain=INPUT, training=record, scores=scores)
    save_bundle(options.output, trained.model, card, overwrite=True)
    print(json.dumps(scores["other_experiments"], indent=1))
    print(f"written to {options.output}")


def scored(model: Any, experiments: int | None = None) -> dict[str, Any]:
    """IoU and F1, to four places, on frames of experiments that no training has seen."""
    confusion = Confusion(DEFAULT_SCHEME)
    codes = np.array(DEFAULT_SCHEME.codes, np.uint8)
    images, labels = render(TEST_SEED, range(experiments or TEST_EXPERIMENTS), varied=False)
    for image, truth in zip(images, labels, strict=True):
        softmax = model(image[None, ..., None].astype(np.float32) / 255, training=False)
        confusion.add(truth, codes[np.asarray(softmax)[0].argmax(-1)])
    return {"other_experiments": rounded(confusion.to_json())}


def rounded(record: Any) -> Any:
    """The record with its numbers to four places."""
    if isinstance(record, dict):
        return {key: rounded(value) for key, value in record.items()}
    return round(record, 4) if isinstance(record, float) else record


if __name__ == "__main__":
    main()
