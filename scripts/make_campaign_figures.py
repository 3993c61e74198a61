"""A synthetic campaign of 81 experiments, measured and correlated: the figures of its page.

    python scripts/make_campaign_figures.py                 # two figures into docs/images
    xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/make_campaign_figures.py --dock

Nothing in it is real: keyholes are half-ellipses whose depth and width fluctuate more the farther
laser power lies above a made-up threshold of porosity. What is drawn is then measured and
correlated as any campaign is.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))

import numpy as np
from PIL import Image

from napari_amseg.io import TiffStackWriter
from napari_amseg.labels import Label
from napari_amseg.pipeline import RunRequest, quantify_to_files
from napari_amseg.pipeline.correlate_files import correlate_to_files
from napari_amseg.types import Experiment, stack_from_array

ROOT = Path(__file__).resolve().parents[1]
ROWS, COLUMNS, SURFACE = 112, 360, 24
PIXEL_UM, RATE_HZ = 3.0, 80_000.0
POWERS_W, SPEEDS_MM_S = np.arange(180, 501, 40), np.arange(400, 1601, 150)  # 9 x 9
WITH_PORES = 60
GREY = {Label.BACKGROUND: 60, Label.SUBSTRATE: 150, Label.KEYHOLE: 90, Label.PORE: 95}


@dataclass(frozen=True)
class Recipe:
    """One experiment: its settings, how far it lies above the threshold, whether pores form."""

    name: str
    power_w: float
    speed_mm_s: float
    excess: float
    pores: bool


def recipes(rng: np.random.Generator) -> list[Recipe]:
    power, speed = (grid.ravel() for grid in np.meshgrid(POWERS_W, SPEEDS_MM_S))
    excess = (power - (60 + 0.19 * speed)) / 100 + rng.normal(0, 0.4, power.size)
    pores = np.argsort(np.argsort(-excess)) < WITH_PORES
    settings = zip(power, speed, excess, pores, strict=True)
    return [
        Recipe(f"P{p}-V{v}", float(p), float(v), float(e), bool(there))
        for p, v, e, there in settings
    ]


def fluctuation(rng: np.random.Generator, n: int, sigma: float, memory: float) -> np.ndarray:
    """A positive series of mean about 1 whose logarithm is a first-order autoregression."""
    noise = rng.normal(0, sigma * np.sqrt(1 - memory**2), n)
    values = np.empty(n)
    last = rng.normal(0, sigma)
    for i in range(n):
        values[i] = last = memory * last + noise[i]
    return np.exp(values - sigma**2 / 2)


def draw(recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Label images, uint8 (T, ROWS, COLUMNS): a keyhole that crosses, pores that stay behind."""
    step = recipe.speed_mm_s * 1e3 / PIXEL_UM / RATE_HZ
    tips = np.arange(30, COLUMNS - 30, step)
    sigma = 0.055 * np.exp(rng.normal(0, 0.22))
    if recipe.pores:
        sigma = 0.075 + 0.055 * max(recipe.excess, 0.0) * np.exp(rng.normal(0, 0.3))
    strength = max(recipe.excess + 2.2, 0.3)
    depth = (17 + 7.5 * strength) * np.exp(rng.normal(0, 0.1))
    depths = depth * fluctuation(rng, tips.size, 0.62 * sigma, 0.55)
    depths = depths.clip(6, ROWS - SURFACE - 10)
    halves = (5.2 + 0.7 * strength) * fluctuation(rng, tips.size, 0.7 * sigma, 0.45)
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(np.float32) + 0.5
    ground = np.where(y < SURFACE, Label.BACKGROUND, Label.SUBSTRATE).astype(np.uint8)
    frames = np.repeat(ground[np.newaxis], tips.size + 4, axis=0)  # two without laser at each end
    births = np.sort(rng.choice(tips.size, rng.integers(1, 6), replace=False))
    pores = [
        (int(t) + 2, tips[t] - 4, min(SURFACE + 0.95 * depths[t], ROWS - 12),
         (0.9 + 22 * sigma) * np.exp(rng.normal(0, 0.3)))
        for t in births
    ] if recipe.pores else []  # fmt: skip
    for t, frame in enumerate(frames):
        for born, px, py, radius in pores:
            if t >= born:
                frame[(x - px) ** 2 + (y - py) ** 2 < min(radius, 9.5) ** 2] = Label.PORE
        if 2 <= t < tips.size + 2:
            d, h = depths[t - 2], halves[t - 2]
            inside = ((x - tips[t - 2]) / h) ** 2 + ((y - SURFACE) / d) ** 2 < 1
            frame[inside & (y > SURFACE)] = Label.KEYHOLE
    return frames


def make(folder: Path, rng: np.random.Generator) -> Path:
    """Draw and measure every experiment; gives the campaign's table."""
    table = folder / "campaign.csv"
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["experiment", "summary", "laser_power_w", "scan_speed_mm_s", "process",
                         "substrate_material", "stack", "labels"])  # fmt: skip
        for recipe in recipes(rng):
            name, labels = recipe.name, draw(recipe, rng)
            known = Experiment(experiment=name, pixel_size_um=PIXEL_UM, frame_rate_hz=RATE_HZ)
            stack = stack_from_array(labels, experiment=known)
            quantify_to_files(RunRequest(stack=stack, folder=folder / name, stem=name))
            grey = np.zeros(6, np.uint8)
            grey[list(GREY)] = list(GREY.values())
            raw = (grey[labels] + rng.normal(0, 9, labels.shape)).clip(0, 255).astype(np.uint8)
            for ending, frames in (("", raw), ("_labels", labels)):
                path = folder / name / f"{name}{ending}.tif"
                with TiffStackWriter(path, labels.shape, "uint8", known) as tiff:
                    for frame in frames:
                        tiff.append(frame)
            writer.writerow([name, f"{name}/{name}_summary.json", recipe.power_w,
                             recipe.speed_mm_s, "synthetic", "none", f"{name}/{name}.tif",
                             f"{name}/{name}_labels.tif"])  # fmt: skip
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, help="folder to keep the campaign in")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--dock", action="store_true", help="the picture of the dock instead")
    options.add_argument("-o", "--out", type=Path, default=ROOT / "docs" / "images")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    work = chosen.work or Path(tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    table = work / "campaign.csv"
    if not table.exists():
        start = time.perf_counter()
        make(work, np.random.default_rng(chosen.seed))
        print(f"drawn and measured in {time.perf_counter() - start:.0f} s")
    if chosen.dock:
        picture_of_dock(table, chosen.out / "correlate-dock.png")
    else:
        found, _, notes = correlate_to_files(table, work / "correlated")
        print(*notes, sep="\n")
        for name, comparison in found.maps.items():
            print(name, comparison.line)
        for name, shown in (("correlation", "figure7"), ("power_velocity", "power-velocity")):
            with Image.open(work / "correlated" / f"{name}.png") as picture:  # small, for the page
                small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
                small.save(chosen.out / f"correlate-{shown}.png", optimize=True)
    if chosen.work is None:
        shutil.rmtree(work)


def picture_of_dock(table: Path, path: Path) -> None:
    import napari
    from napari.qt import get_qapp

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            get_qapp().processEvents()
            time.sleep(0.01)

    def wait_until(condition) -> None:
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise SystemExit("waited too long")
            wait(0.05)

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 900)
    _, widget = viewer.window.add_plugin_dock_widget("napari-amseg", "Correlate")
    widget.path.set_path(table)
    wait_until(lambda: widget.found is not None)
    names = widget.found.table["experiment"].tolist()
    widget.open_experiment(names.index("P420-V700"))
    wait_until(lambda: len(viewer.layers) == 2)
    viewer.dims.set_current_step(0, len(viewer.layers[0].data) // 2)
    viewer.reset_view()
    wait(1.5)
    viewer.window.screenshot(str(path), size=None, canvas_only=False, flash=False)
    viewer.close()


if __name__ == "__main__":
    main()
