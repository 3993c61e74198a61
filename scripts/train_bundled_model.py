"""Train the bundled model `fast` on simulated frames only, and write it with its scores.

    python scripts/train_bundled_model.py --minutes 40 --checkpoint fast.weights.h5
    python scripts/train_bundled_model.py --weights fast.weights.h5     # only score and bundle
    python scripts/train_bundled_model.py --smoke -o /path/of/your/choice

Real frames are looked at only for the printed and recorded scores, from the folder named
by AMSEG_DATA; without it those scores are left out. Nothing real is trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.sample.randomised import random_frame, to_input_range
from napari_amseg.scores import Confusion

Array = NDArray[Any]
SHAPE = (192, 384)
BATCH = 6
CLASS_WEIGHTS = (3.0, 3.0, 1.0, 1.0, 1.5)
TEST_SEED = 9_000_000


def main() -> None:
    options = _options()
    if options.weights:
        model = _network(options.filters)
        model.load_weights(options.weights)
        record = json.loads(_record_path(options.weights).read_text())
    else:
        model, record = _train(options)
    _bundle(options, model, record)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=40, help="Wall time of the training.")
    parser.add_argument("--frames", type=int, default=7000, help="Simulated training frames.")
    parser.add_argument("--filters", type=int, default=4, help="Width of the network.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint", type=Path, default=Path("fast.weights.h5"))
    parser.add_argument("--weights", type=Path, help="Score and bundle these; do not train.")
    parser.add_argument("--smoke", action="store_true", help="A minute of everything.")
    bundled = Path(__file__).parents[1] / "src/napari_amseg/models/bundled/fast"
    parser.add_argument("-o", "--output", type=Path, default=bundled)
    options = parser.parse_args()
    if options.smoke:
        options.minutes, options.frames = 0.5, 60
    return options


def _rendered(seed: int, index: int) -> tuple[Array, Array]:
    """One frame as the network gets it, in 8 bit to fit memory, and its labels."""
    rng = np.random.default_rng([seed, index])
    image, labels = random_frame(rng, SHAPE)
    low, high = (0.5, 99.5) if rng.random() < 0.5 else (rng.uniform(0, 2), rng.uniform(96, 99.95))
    return np.round(to_input_range(image, low=low, high=high) * 255).astype(np.uint8), labels


def render(seed: int, n: int) -> tuple[Array, Array]:
    """`n` frames and labels, uint8 (n, Y, X), rendered on all cores."""
    images, labels = np.empty((n, *SHAPE), np.uint8), np.empty((n, *SHAPE), np.uint8)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        work = pool.map(partial(_rendered, seed), range(n), chunksize=20)
        for i, (image, label) in enumerate(work):
            images[i], labels[i] = image, label
    return images, labels


def batches(images: Array, labels: Array, seed: int) -> Iterator[tuple[Array, Array]]:
    """Shuffled batches without end, mirrored and with a little contrast change."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            x, y = images[chosen].astype(np.float32) / 255, labels[chosen]
            if rng.random() < 0.5:
                x, y = x[:, :, ::-1], y[:, :, ::-1]
            gain = rng.uniform(0.9, 1.15, (BATCH, 1, 1)).astype(np.float32)
            x = np.clip(x * gain + rng.normal(0, 0.02, (BATCH, 1, 1)).astype(np.float32), 0, 1)
            yield x[..., None], np.ascontiguousarray(y)


def _network(filters: int) -> Any:
    from napari_amseg.models.registry import build

    return build("amsegnet", n_classes=len(DEFAULT_SCHEME.classes), filters=filters)


def _train(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    start = time.monotonic()
    images, labels = render(options.seed, options.frames)
    print(f"{len(images)} frames rendered in {time.monotonic() - start:.0f} s", flush=True)

    from napari_amseg.models.backend import device, keras
    from napari_amseg.train.fit import Schedule, fit, recalibrate_norms
    from napari_amseg.train.loss import dice_focal_loss

    keras.utils.set_random_seed(options.seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")  # 1.7 times the speed on AMX cores
    model = _network(options.filters)
    keras.mixed_precision.set_global_policy("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9
    probe = _network(options.filters)
    calibration = partial(batches, images, labels, options.seed + 1)

    def save(progress: Any, weights: list[Array]) -> None:
        probe.set_weights(weights)
        recalibrate_norms(probe, calibration(), n_batches=25)
        probe.save_weights(options.checkpoint)
        kept = options.checkpoint.parent / f"step{progress.step}-{options.checkpoint.name}"
        probe.save_weights(kept)
        record = {
            "data": f"{options.frames} simulated frames of {SHAPE[0]}x{SHAPE[1]} pixels",
            "seed": options.seed,
            "steps": progress.step,
            "batch": BATCH,
            "wall_time_s": round(progress.elapsed_s),
            "precision": "mixed_bfloat16",
            "device": f"{device()}, {os.cpu_count()} cores",
            "script": "scripts/train_bundled_model.py",
        }
        for path in (kept, options.checkpoint):
            _record_path(path).write_text(json.dumps(record))
        print(progress, json.dumps(real_scores(probe)), flush=True)

    progress, weights = fit(
        model,
        batches(images, labels, options.seed),
        dice_focal_loss(DEFAULT_SCHEME.codes, class_weights=CLASS_WEIGHTS),
        schedule=Schedule(minutes=options.minutes),
        report=save,
    )
    save(progress, weights)
    return probe, json.loads(_record_path(options.checkpoint).read_text())


def _record_path(weights: Path) -> Path:
    return weights.with_name(weights.name.removesuffix(".weights.h5") + ".json")


def scored(model: Any, frames: Array, labels: Array) -> dict[str, Any]:
    """IoU and F1 of frames (T, Y, X) in the input range against labels (T, Y, X)."""
    confusion = Confusion(DEFAULT_SCHEME)
    codes = np.array(DEFAULT_SCHEME.codes, np.uint8)
    for frame, truth in zip(frames, labels, strict=True):
        pad = [(0, -size % 16) for size in frame.shape]
        padded = np.pad(frame, pad, mode="reflect")[None, ..., None]
        guess = np.asarray(model(padded, training=False))[0, : frame.shape[0], : frame.shape[1]]
        confusion.add(truth.astype(np.uint8), codes[guess.argmax(-1)])
    return rounded(confusion.to_json())


def rounded(record: Any) -> Any:
    """The record with its numbers to four places."""
    if isinstance(record, dict):
        return {key: rounded(value) for key, value in record.items()}
    return round(record, 4) if isinstance(record, float) else record


def real_scores(model: Any) -> dict[str, dict[str, Any]]:
    """IoU on the real frames in the folder AMSEG_DATA, if there is one."""
    root = Path(os.environ.get("AMSEG_DATA", ""))
    scores = {}
    if os.environ.get("AMSEG_DATA") and (root / "ti64_plate").is_dir():
        files = (root / "ti64_plate").glob("*(*).tif")
        order = sorted(files, key=lambda p: int(re.findall(r"\((\d+)\)", p.name)[-1]))
        stack = to_input_range(np.stack([tifffile.imread(p) for p in order]).astype(np.float32))
        truth = tifffile.imread(root / "ti64_plate" / "labels.tif")
        scores["ti64_plate"] = scored(model, stack, truth)
    if os.environ.get("AMSEG_DATA") and (root / "hpdc").is_dir():
        dark = tifffile.imread(root / "hpdc" / "images.tif").astype(np.float32)
        truth = tifffile.imread(root / "hpdc" / "labels.tif")
        truth = np.where(truth == Label.BACKGROUND, Label.SUBSTRATE, truth)  # metal around pores
        scores["hpdc_inverted"] = scored(model, to_input_range(-dark), truth)
    return scores


def simulated_scores(model: Any, *, n: int) -> dict[str, dict[str, Any]]:
    """IoU on random frames of another seed, and on a simulated stack."""
    from napari_amseg.sample.phantom import PhantomSettings, simulate

    images, labels = render(TEST_SEED, n)
    scores = {"random_frames": scored(model, images.astype(np.float32) / 255, labels)}
    phantom = simulate(PhantomSettings(seed=TEST_SEED))
    frames = to_input_range(np.stack(list(phantom.stack)).astype(np.float32))
    scores["phantom"] = scored(model, frames, np.stack(list(phantom.labels)))
    return scores


def _bundle(options: argparse.Namespace, model: Any, record: dict[str, Any]) -> None:
    from napari_amseg.models.bundle import ModelCard, save_bundle
    from napari_amseg.preprocess import Chain, Normalise

    scores = {**simulated_scores(model, n=20 if options.smoke else 300), **real_scores(model)}
    card = ModelCard(
        architecture="amsegnet",
        arguments={"filters": options.filters},
        chain=Chain((Normalise(low_percentile=0.5, high_percentile=99.5),)),
        training=record,
        scores=scores,
    )
    save_bundle(options.output, model, card, overwrite=True)
    print(json.dumps(scores, indent=1))
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
