"""How well can anything agree with labels whose borders are uncertain by part of a pixel?

    python benchmarks/border_noise.py labels.tif [--label 2] [--frames 10,11,12]

Moves the border of one class in and out by a smooth Gaussian displacement of a given standard
deviation, and scores the result against the labels themselves: the score that a perfect
segmentation of the true borders would get against such labels. Value 0 is unlabelled.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_amseg.annotate.interpolate import signed_distance
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.scores import Confusion

Array = NDArray[Any]
STANDARD_DEVIATIONS_PX = (0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
SMOOTH_PX, REPEATS = 1.5, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("--label", type=int, default=2)
    parser.add_argument("--frames", help="10,11,12; all if left out")
    given = parser.parse_args()
    stack = read_stack(given.labels)
    frames = [int(t) for t in given.frames.split(",")] if given.frames else range(len(stack))
    labels = np.stack([stack[t] for t in frames])
    if not (labels == given.label).any():
        parser.error(f"--label {given.label}: not among {np.unique(labels).tolist()}")
    print("| border uncertain by | IoU of the class | mean with the rest |\n|---|---|---|")
    for deviation in STANDARD_DEVIATIONS_PX:
        iou, mean = scores(labels, given.label, deviation)
        print(f"| {deviation:g} px | {iou:.3f} | {mean:.3f} |")


def scores(labels: Array, label: int, deviation_px: float) -> tuple[float, float]:
    """IoU of the class and mean with that of the rest, mean of several draws; (T, Y, X) labels."""
    exact, rng = labels == label, np.random.default_rng(0)
    truth = np.where(exact, Label.PORE, Label.SUBSTRATE)
    truth[labels == 0] = Label.UNLABELLED
    nowhere = np.full(labels.shape[1:], -np.inf)
    inside = np.stack([signed_distance(frame) if frame.any() else nowhere for frame in exact])
    found = []
    for _ in range(REPEATS):
        moved = rng.standard_normal(labels.shape)
        moved = ndimage.gaussian_filter(moved, (0, SMOOTH_PX, SMOOTH_PX))
        drawn = inside + deviation_px / moved.std() * moved > 0
        confusion = Confusion(DEFAULT_SCHEME.subset(["pore", "substrate"]))
        confusion.add(truth, np.where(drawn, Label.PORE, Label.SUBSTRATE))
        scored = confusion.to_json()
        found.append((scored["iou"]["pore"], scored["mean_iou"]))
    iou, mean = np.mean(found, axis=0).tolist()
    return iou, mean


if __name__ == "__main__":
    main()
