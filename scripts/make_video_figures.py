"""The pictures of the video page, all of phantoms: a still, a film strip, errors by material.

    python scripts/make_video_figures.py          # three files into docs/images, minutes

Predictions are those of the shipped model, which was trained on phantoms: real frames have larger
errors.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from napari_amseg import load_bundle
from napari_amseg.measure.errors import error_table
from napari_amseg.pipeline.stack import measure_stack, segment_stack
from napari_amseg.pipeline.video import VideoRequest, write_film_strip, write_video
from napari_amseg.report.errors import errors_figure
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import Stack, stack_from_array

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SHOWN = PhantomSettings(n_frames=40, seed=5)
MATERIALS = {"Ti-6Al-4V": 24.4, "AlSi10Mg": 24.4, "SS316": 50.0}  # photon energy in keV
SEEDS = (101, 102)
STILL = 20
STRIP_PX = 1280  # of a page on a screen


def predicted(stack: Stack) -> Stack:
    """The shipped model's masks of a stack."""
    maps = [result.labels for result in segment_stack(stack, load_bundle("fast"))]
    return stack_from_array(np.stack(maps), experiment=stack.experiment)


def draw_video() -> None:
    phantom = simulate(SHOWN)
    labels = predicted(phantom.stack)
    with tempfile.TemporaryDirectory() as folder:
        video = VideoRequest(
            phantom.stack, labels, Path(folder) / "phantom.mp4", truth=phantom.labels
        )
        list(write_video(video))
        import imageio.v2 as imageio

        with imageio.get_reader(video.path) as reader:
            still = next(f for t, f in enumerate(iter(reader)) if t == STILL)
    Image.fromarray(still).save(IMAGES / "video-still.png", optimize=True)
    strip = replace(video, path=IMAGES / "film-strip.png", overwrite=True)
    write_film_strip(strip)
    picture = Image.open(strip.path).convert("RGB")
    size = STRIP_PX, round(STRIP_PX * picture.height / picture.width)
    picture.resize(size, Image.Resampling.LANCZOS).save(strip.path, optimize=True)


def draw_errors() -> None:
    tables = []
    for material, energy_kev in MATERIALS.items():
        for seed in SEEDS:
            phantom = simulate(
                PhantomSettings(
                    n_frames=24,
                    seed=seed,
                    material=material,
                    energy_kev=energy_kev,
                    pore_every_frames=5,
                )
            )
            rows = [
                pd.DataFrame([r.row for r in measure_stack(labels)])
                for labels in (predicted(phantom.stack), phantom.labels)
            ]
            tables.append(error_table(*rows).assign(material=material))
    errors_figure(pd.concat(tables, ignore_index=True), IMAGES / "errors.png")


if __name__ == "__main__":
    draw_video()
    draw_errors()
