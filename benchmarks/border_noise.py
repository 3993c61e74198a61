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

from napari_amseg.io import read_stack

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
    known, exact, rng = labels > 0, labels == label, np.random.default_rng(0)
    inside = np.stack([signed_distance(frame) for frame in exact])
    found = []
    for _ in range(REPEATS):
        moved = rng.standard_normal(labels.shape)
        moved = ndimage.gaussian_filter(moved, (0, SMOOTH_PX, SMOOTH_PX))
        drawn = inside + deviation_px / moved.std() * moved > 0
        ious = [overlap(a[known], b[known]) for a, b in ((exact, drawn), (~exact, ~drawn))]
        found.append((ious[0], float(np.mean(ious))))
    iou, mean = np.mean(found, axis=0).tolist()
    return iou, mean


def signed_distance(mask: Array) -> Array:
    """Distance of pixel centres to the border between pixels, positive inside, (Y, X)."""
    if mask.all() or not mask.any():
        return np.where(mask, np.inf, -np.inf)
    inside, outside = (np.asarray(ndimage.distance_transform_edt(m)) for m in (mask, ~mask))
    to_border = inside - outside
    return np.asarray(to_border - 0.5 * np.sign(to_border))


def overlap(one: Array, other: Array) -> float:
    return float(np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other)))


if __name__ == "__main__":
    main()
