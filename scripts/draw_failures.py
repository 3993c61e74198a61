"""Where a shipped model fails: the worst of many random experiments, drawn for its card.

    python scripts/draw_failures.py --model fast -o docs/images/model-fast-failures.png

Image, truth and prediction side by side. The frames are simulated: licences forbid showing the
real ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from PIL.Image import Quantize

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.report.overlay import class_handles, draw_overlay
from napari_amseg.sample.experiments import random_frame
from napari_amseg.scores import Confusion
from napari_amseg.segment import make_engine
from napari_amseg.types import stack_from_array

SHAPE, SEED = (256, 384), 9_500_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--frames", type=int, default=60, help="to choose from")
    parser.add_argument("--rows", type=int, default=4, help="that are drawn")
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    bundle = load_bundle(given.model)
    engine = make_engine(bundle)
    cases = []
    for seed in range(given.frames):
        image, truth = random_frame(np.random.default_rng([SEED, seed]), SHAPE)
        (result,) = segment_stack(stack_from_array(image[None]), bundle, engine=engine)
        confusion = Confusion(DEFAULT_SCHEME)
        confusion.add(truth, result.labels)
        score = confusion.to_json()["mean_iou"]
        cases.append((score, image, truth, result.labels))
    cases.sort(key=lambda case: case[0])
    print("mean IoU of each frame:", " ".join(f"{score:.2f}" for score, *_ in cases))
    figure = Figure(figsize=(9, 2.05 * given.rows + 0.5), layout="constrained")
    for axes, case in zip(figure.subplots(given.rows, 3), cases, strict=False):
        score, image, truth, found = case
        maps = {f"mean IoU {score:.2f}": np.zeros_like(truth), "truth": truth, "prediction": found}
        for ax, (title, labels) in zip(axes, maps.items(), strict=True):
            draw_overlay(ax, image, labels)
            ax.set_title(title, fontsize=8)
            ax.set_axis_off()
    handles = class_handles(DEFAULT_SCHEME)
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(given.out, dpi=110)
    with Image.open(given.out) as picture:  # noise in full colour is four times the size
        picture.convert("RGB").quantize(128, Quantize.MAXCOVERAGE).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
