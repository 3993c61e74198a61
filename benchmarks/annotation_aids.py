"""How well, and how fast, the grey-value aids of annotation do: snapping and the pixel classifier.

    python benchmarks/annotation_aids.py [-o annotation_aids.json]

On the phantom, in frames as large as 512x1024, on one core. Snapping starts from a rough line
along the middle of every keyhole and pore; the classifier learns from thin strokes on two frames
and labels others. IoU is against the exact truth.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from memory import machine
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_amseg.annotate.classifier import PixelClassifier
from napari_amseg.annotate.snap import snap_to_edge
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.sample import PhantomSettings, simulate

SCENES = {
    "plate": {"powder_layer_um": 0},
    "plate, dark pores": {"powder_layer_um": 0, "inverted": True},
    "plate, noise": {"powder_layer_um": 0, "photons": 1500.0},
    "plate, strong rims": {"powder_layer_um": 0, "distance_m": 0.4},
    "powder bed": {},
}
LEARNT, TOLD = (10, 25), (14, 20, 30, 36)
Frames = dict[int, tuple[np.ndarray, np.ndarray]]
CAVITIES = (Label.KEYHOLE, Label.PORE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    rows = []
    for name, options in SCENES.items():
        phantom = simulate(
            PhantomSettings(n_frames=40, seed=5, height_px=512, width_px=1024, **options)
        )
        frames = {t: (phantom.stack[t], phantom.labels[t]) for t in (*LEARNT, *TOLD)}
        rows.append({"scene": name} | snapping(frames) | classifying(frames))
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    record = {"machine": machine(), "cores_used": 1, "frame": "512x1024 uint16", "scenes": rows}
    if given.out:
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def snapping(frames: Frames) -> dict[str, Any]:
    """Mean IoU a class, refusals, and milliseconds a scribble."""
    rng = np.random.default_rng(0)
    scores: dict[str, list[float]] = {label.name.lower(): [] for label in CAVITIES}
    seconds, refused = [], 0
    for t in TOLD:
        image, labels = frames[t]
        for label in CAVITIES:
            numbered, n = ndimage.label(labels == int(label), np.ones((3, 3)))
            for truth in (numbered == i for i in range(1, n + 1)):
                if truth.sum() < 30:
                    continue
                line, start = line_within(truth, rng), time.perf_counter()
                try:
                    scores[label.name.lower()].append(iou(snap_to_edge(image, line), truth))
                except ValueError:
                    refused += 1
                seconds.append(time.perf_counter() - start)
    means = {f"snap_{k}_iou": round(float(np.mean(v)), 3) for k, v in scores.items() if v}
    slowest = {"snap_ms": ms(np.mean(seconds)), "snap_slowest_ms": ms(max(seconds))}
    return means | {"snap_refused": refused} | slowest


def classifying(frames: Frames) -> dict[str, Any]:
    """IoU a class over the frames told, and milliseconds to learn and to label a frame."""
    samples = [(image, strokes(truth)) for image, truth in (frames[t] for t in LEARNT)]
    start = time.perf_counter()
    classifier = PixelClassifier(DEFAULT_SCHEME)
    classifier.fit(samples)
    learnt = time.perf_counter()
    found = np.stack([classifier.predict(frames[t][0]) for t in TOLD])
    done = time.perf_counter()
    truth = np.stack([frames[t][1] for t in TOLD])
    scores = {
        f"classifier_{c.name}_iou": round(iou(found == c.code, truth == c.code), 3)
        for c in DEFAULT_SCHEME.classes
        if (truth == c.code).any()
    }
    return scores | {"learn_ms": ms(learnt - start), "label_ms": ms((done - learnt) / len(TOLD))}


def line_within(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rough line along the middle of an object, off by a pixel, two pixels wide."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    line = skeletonize(mask & (depth > 0.45 * ndimage.maximum_filter(depth, 15)))
    line = np.roll(line, rng.integers(-1, 2, 2), (0, 1))
    return ndimage.binary_dilation(line, np.ones((2, 2)))


def strokes(truth: np.ndarray) -> np.ndarray:
    """The middle of the cavities, a line around them, and every 40th row, dotted."""
    codes = np.zeros_like(truth)
    codes[::40, 20:-20:3] = truth[::40, 20:-20:3]
    cavity = np.isin(truth, CAVITIES)
    codes[cavity & (ndimage.distance_transform_edt(cavity) < 4)] = 0
    middle = ndimage.distance_transform_edt(cavity) >= 4
    beside = ndimage.distance_transform_edt(~cavity)
    around = (beside >= 4) & (beside < 6)
    codes[middle | around] = truth[middle | around]
    return codes


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def ms(seconds: float) -> int:
    return round(1000 * float(seconds))


if __name__ == "__main__":
    main()
