"""How good models are on frames they never saw: real ones, the same at other scales, phantoms.

    python benchmarks/accuracy.py --model fast [--model BUNDLE ...] --data FOLDER -o accuracy.json
        [--pictures FOLDER]

Segments every case as `amseg segment` does and scores it: IoU of each class from one confusion
matrix a case, their mean over the classes in the truth (a class that is only predicted costs its
pixels where they belong); keyhole IoU, depth and area frame by frame; pores found and false.
Writes JSON and prints a Markdown table. FOLDER is the one that the tests on real data read.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from memory import machine
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.io import read_stack, write_json
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.measure import measure_frame
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.preprocess import Chain, Invert
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.scores import Confusion
from napari_amseg.segment import Engine, make_engine
from napari_amseg.types import Experiment, Stack, stack_from_array

Labels = NDArray[np.uint8]
DRAWN = Path(__file__).resolve().parents[1] / "tests" / "data" / "real_labels"
PHANTOM_SEED, PHANTOM_FRAMES = 990_001, 30
FRAME_SHAPE, TIMED_FRAMES = (256, 512), 16
FOUND_SHARE, LEAST_FALSE_PORE_PX = 0.25, 20
PICTURED = 3  # frames of a stack that get a picture
EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Case:
    """Frames and their truth, uint8 (T, Y, X)."""

    name: str
    stack: Stack
    truth: Labels
    real: bool = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", required=True, help="name or bundle folder")
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--pictures", type=Path, help="folder for truth and prediction as PNG")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    if given.data is None or not Path(given.data).is_dir():
        parser.error("give the folder of real frames with --data or AMSEG_DATA")
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = {
        "machine": machine(),
        "phantom_seed": PHANTOM_SEED,
        "models": [],
    }
    for model in given.model:
        bundle = load_bundle(model)
        if bundle.card.scheme.codes != DEFAULT_SCHEME.codes:
            parser.error(f"{model} does not have the five classes of the default scheme")
        record["models"].append(score_model(bundle, given))
    if given.out:
        write_json(given.out, record)
    print(markdown(record["models"]))


def score_model(bundle: Bundle, given: argparse.Namespace) -> dict[str, Any]:
    engine = make_engine(bundle, given.engine)
    record = {
        "model": bundle.name,
        "sha256": bundle.weights_sha256,
        "network": bundle.card.architecture,
        "arguments": dict(bundle.card.arguments),
        "engine": engine.name,
        "device": engine.device,
        **cost(bundle, engine),
        "cases": {},
    }
    for case in cases(Path(given.data)):
        predicted = [result.labels for result in segment_stack(case.stack, bundle, engine=engine)]
        record["cases"][case.name] = scores(case.truth, predicted)
        mean = record["cases"][case.name]["mean_iou"]
        print(f"{bundle.name} {case.name} {mean:.3f}", file=sys.stderr, flush=True)
        if given.pictures and case.real:
            draw(given.pictures / f"{bundle.name}_{case.name}", case, predicted)
    return record


def cost(bundle: Bundle, engine: Engine) -> dict[str, Any]:
    """Parameters, operations, and time of the whole way from a frame to its row of measures."""
    from napari_amseg.models.bundle import count_trainable
    from napari_amseg.models.operations import count_operations

    stack = simulate(PhantomSettings(seed=PHANTOM_SEED, n_frames=TIMED_FRAMES)).stack
    frames = stack_from_array(np.stack(list(stack)))
    for _ in range(2):  # the first run compiles
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in segment_stack(frames, bundle, engine=engine):
            pass
    return {
        "trainable_parameters": count_trainable(bundle.model),
        "gflop_a_frame": count_operations(bundle.model, FRAME_SHAPE) / 1e9,
        "seconds_a_frame": (time.perf_counter() - wall) / TIMED_FRAMES,
        "cpu_seconds_a_frame": (time.process_time() - cpu) / TIMED_FRAMES,
    }


def titanium_plate(data: Path) -> tuple[Stack, Labels]:
    """The real plate in the order of time, and its labels (T, Y, X)."""
    plate = read_stack(str(data / "ti64_plate" / "299_*.tif"), pixel_size_um=2.0)
    return plate, np.stack(list(read_stack(data / "ti64_plate" / "labels.tif")))


def cases(data: Path) -> Iterator[Case]:
    """What the models are tested on, one after the other."""
    plate, plate_labels = titanium_plate(data)
    yield Case("ti64_plate", plate, plate_labels)
    for factor in (0.5, 2.0):
        yield Case(
            f"ti64_plate x{factor:g}",
            rescaled(plate, factor),
            np.stack([nearest(labels, factor) for labels in plate_labels]),
            real=False,
        )
    for path, pixel_size_um in (
        ("amsegnet_test_images/lpbf.jpg", None),
        ("amsegnet_test_images/weld.jpg", None),
        ("powder_bed/rad_00001h.png", 2.0),
    ):
        stack = read_stack(data / path, pixel_size_um=pixel_size_um)
        truth = np.stack(list(read_stack(DRAWN / f"{Path(path).stem}.png")))
        yield Case(Path(path).stem, stack, truth)
    casting = Chain((Invert(),)).apply(read_stack(data / "hpdc" / "images.tif"))
    truth = np.stack(list(read_stack(data / "hpdc" / "labels.tif")))
    truth[truth == Label.BACKGROUND] = Label.SUBSTRATE  # the metal around the pores
    yield Case("hpdc", casting, truth)
    phantom = simulate(PhantomSettings(seed=PHANTOM_SEED, n_frames=PHANTOM_FRAMES))
    yield Case("phantom", phantom.stack, np.stack(list(phantom.drawn)), real=False)


def rescaled(stack: Stack, factor: float) -> Stack:
    """The stack with `factor` times as many rows and columns, float32."""
    from skimage.transform import rescale

    frames = [
        rescale(frame.astype(np.float32), factor, order=1, anti_aliasing=factor < 1)
        for frame in stack
    ]
    pixel = stack.experiment.pixel_size_um
    known = Experiment(pixel_size_um=pixel and pixel / factor)
    return stack_from_array(np.stack(frames), experiment=known)


def nearest(labels: Labels, factor: float) -> Labels:
    """Labels (Y, X) with `factor` times as many rows and columns."""
    rows, columns = (
        ((np.arange(round(n * factor)) + 0.5) / factor).astype(np.intp) for n in labels.shape
    )
    return labels[rows[:, None], columns]


def scores(truth: Sequence[Labels], predicted: Sequence[Labels]) -> dict[str, Any]:
    """All scores of one case; where the truth is unlabelled the prediction counts nowhere."""
    predicted = [
        np.where(t == 0, 0, p).astype(np.uint8) for t, p in zip(truth, predicted, strict=True)
    ]
    pairs = list(zip(truth, predicted, strict=True))
    total = Confusion(DEFAULT_SCHEME)
    for pair in pairs:
        total.add(*pair)
    iou = total.to_json()["iou"]
    in_truth = [c.name for c in DEFAULT_SCHEME.classes if any((t == c.code).any() for t in truth)]
    return {
        "frames": len(pairs),
        "mean_iou": float(np.mean([iou[name] for name in in_truth])),
        "iou": {name: iou[name] for name in in_truth},
        "keyhole": keyhole_scores(pairs) if "keyhole" in in_truth else None,
        "pores": pore_scores(pairs),
    }


def keyhole_scores(pairs: Sequence[tuple[Labels, Labels]]) -> dict[str, Any]:
    """IoU, depth and area of the keyhole in the frames that hold one; not found is depth 0."""
    rows = []
    for t, (truth, predicted) in enumerate(pairs):
        was, is_now = (mask == Label.KEYHOLE for mask in (truth, predicted))
        if not was.any():
            continue
        true, found = (measure_frame(labels).row for labels in (truth, predicted))
        row = {"frame": t, "iou": float((was & is_now).sum() / (was | is_now).sum())}
        for name in ("keyhole_depth_px", "keyhole_area_px"):
            row |= {f"{name}_truth": float(true[name]), name: float(found[name] or 0)}
        rows.append(row)

    def errors(name: str) -> NDArray[np.float64]:
        return np.array([row[name] - row[f"{name}_truth"] for row in rows])

    areas = np.array([row["keyhole_area_px_truth"] for row in rows])
    return {
        "mean_iou": float(np.mean([row["iou"] for row in rows])),
        "median_depth_error_px": float(np.median(np.abs(errors("keyhole_depth_px")))),
        "median_area_error": float(np.median(np.abs(errors("keyhole_area_px")) / areas)),
        "frames": rows,
    }


def pore_scores(pairs: Sequence[tuple[Labels, Labels]]) -> dict[str, int]:
    """Pores in the truth, those of them that are found, and pores where there is none."""
    count = {"truth": 0, "found": 0, "false": 0}
    for truth, predicted in pairs:
        was, is_now = (mask == Label.PORE for mask in (truth, predicted))
        true, n = ndimage.label(was, EIGHT)
        share = ndimage.mean(is_now, true, np.arange(1, n + 1))
        parts, n_parts = ndimage.label(is_now, EIGHT)
        every = np.arange(1, n_parts + 1)
        large = ndimage.sum_labels(is_now, parts, every) > LEAST_FALSE_PORE_PX
        touching = ndimage.sum_labels(was, parts, every) > 0
        count["truth"] += n
        count["found"] += int(np.count_nonzero(np.asarray(share) > FOUND_SHARE))
        count["false"] += int(np.count_nonzero(large & ~touching))
    return count


def draw(stem: Path, case: Case, predicted: Sequence[Labels]) -> None:
    """The first, a middle and the last frame: image, truth over it, prediction over it."""
    from matplotlib.figure import Figure

    from napari_amseg.report.overlay import class_handles, draw_overlay

    height, width = case.stack.frame_shape
    handles = class_handles(DEFAULT_SCHEME)
    for t in np.unique(np.linspace(0, len(predicted) - 1, PICTURED).astype(int)):
        frame = case.stack.read(t)
        maps = {"image": np.zeros_like(case.truth[t]), "truth": case.truth[t]}
        maps["prediction"] = predicted[t]
        figure = Figure(figsize=(8, 24 * height / width + 0.9), layout="constrained")
        for ax, (title, labels) in zip(figure.subplots(3, 1), maps.items(), strict=True):
            draw_overlay(ax, frame, labels)
            ax.set_title(title, fontsize=9)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9
        )
        figure.savefig(f"{stem}{'' if len(predicted) == 1 else f'_{t}'}.png", dpi=110)


def markdown(models: Sequence[dict[str, Any]]) -> str:
    """One row a number, one column a model."""
    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "parameters, million": lambda m: f"{m['trainable_parameters'] / 1e6:.2f}",
        "GFLOP a frame": lambda m: f"{m['gflop_a_frame']:.2f}",
        "seconds a frame (engine)": lambda m: f"{m['seconds_a_frame']:.3f} ({m['engine']})",
        "CPU seconds a frame": lambda m: f"{m['cpu_seconds_a_frame']:.3f}",
    }
    for name, scored in models[0]["cases"].items():
        rows[f"{name}, mean IoU"] = lambda m, n=name: f"{m['cases'][n]['mean_iou']:.3f}"
        for c in scored["iou"]:
            rows[f"{name}, {c}"] = lambda m, n=name, c=c: f"{m['cases'][n]['iou'][c]:.3f}"
        if scored["keyhole"]:
            rows[f"{name}, keyhole by frame"] = lambda m, n=name: (
                "{mean_iou:.3f}, depth {median_depth_error_px:.1f} px, area "
                "{median_area_error:.1%}".format(**m["cases"][n]["keyhole"])
            )
        rows[f"{name}, pores"] = lambda m, n=name: "{found} of {truth}, {false} false".format(
            **m["cases"][n]["pores"]
        )
    lines = [
        "| | " + " | ".join(m["model"] for m in models) + " |",
        "|---" * (len(models) + 1) + "|",
    ]
    return "\n".join(
        lines + [f"| {k} | " + " | ".join(map(text, models)) + " |" for k, text in rows.items()]
    )


if __name__ == "__main__":
    main()
