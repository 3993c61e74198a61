"""What each way of taking out the background does to keyholes, pores and the surface.

    python benchmarks/background_methods.py [-o background.json] [--figure PNG] [--model fast]

Simulates a moving and a standing laser on a powder bed, with dirt on the windows, takes out the
background in every way that `amseg preprocess` knows, and measures on the exact labels

- contrast of the keyhole, of pores up to 5 frames old and of pores 15 frames and older: mean grey
  value inside less that of the metal 3 to 8 px around, over the standard deviation there;
- step at the surface: metal 2 to 8 px below it less what lies as far above, over the same;
- trail: metal that is keyhole in another frame less the other metal, over the same;

as medians over frames, and how model `fast` segments what comes out: IoU of keyhole and pore,
median error of the depth. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from realism_figures import mapped
from records import give, machine
from scipy import ndimage

from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.preprocess import Background, Chain, FlatField
from napari_amseg.sample import Phantom, PhantomSettings, simulate
from napari_amseg.scores import Confusion
from napari_amseg.segment import make_engine
from napari_amseg.types import Stack

Array = NDArray[Any]
N_FRAMES, SHOWN_FRAME = 60, 50
YOUNG_FRAMES, OLD_FRAMES = 5, 15
SITUATIONS = {
    "moving": PhantomSettings(n_frames=N_FRAMES, seed=3, pore_every_frames=6),
    "standing": PhantomSettings(n_frames=N_FRAMES, seed=3, pore_every_frames=6, scan_speed_m_s=0),
}
METHODS = {
    "median / divide": Background(),
    "median / subtract": Background(mode="subtract"),
    "mean / divide": Background(method="mean"),
    "percentile 10 / divide": Background(method="percentile"),
    "previous 10 / divide": Background(method="previous", window=10),
    "median of 21 / divide": Background(window=21),
}


@dataclass
class Found:
    """What one way does to one stack; contrasts in standard deviations of the metal around."""

    keyhole: float
    young_pores: float
    old_pores: float
    surface: float
    trail: float
    iou_keyhole: float
    iou_pore: float
    depth_error_px: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    bundle = load_bundle(given.model)
    engine = make_engine(bundle)
    found: dict[str, dict[str, Found]] = {}
    shown: dict[str, dict[str, Array]] = {}
    for situation, settings in SITUATIONS.items():
        phantom = simulate(settings)
        for way, stack in ways(phantom):
            contrasts = measured(phantom, stack)
            scores = segmented(phantom, segment_stack(stack, bundle, engine=engine))
            found.setdefault(situation, {})[way] = Found(*contrasts, *scores)
            shown.setdefault(situation, {})[way] = stack[SHOWN_FRAME].copy()
    record = {s: {w: vars(f) for w, f in ways_.items()} for s, ways_ in found.items()}
    give({"machine": machine(), "model": given.model, "found": record}, given.out)
    print(markdown(found))
    if given.figure:
        draw(shown, given.figure)


def ways(phantom: Phantom) -> Iterator[tuple[str, Stack]]:
    """The stack without and with each preprocessing, all in memory."""
    raw = in_memory(phantom.stack)
    yield "nothing", raw
    with TemporaryDirectory() as folder:
        for name, images in (("flat", phantom.flats), ("dark", phantom.darks)):
            tifffile.imwrite(Path(folder) / f"{name}.tif", np.stack(list(images)))
        field = FlatField(flat=f"{folder}/flat.tif", dark=f"{folder}/dark.tif")
        yield "flat field", in_memory(Chain((field,)).apply(raw))
    for name, step in METHODS.items():
        yield name, in_memory(Chain((step,)).apply(raw))


def in_memory(stack: Stack) -> Stack:
    frames = np.stack(list(stack))
    return stack.derived(lambda t: frames[t], dtype=frames.dtype)


def measured(phantom: Phantom, stack: Stack) -> tuple[float, ...]:
    """Contrasts of keyhole, young and old pores, surface and trail: medians over the frames."""
    labels, ids = np.stack(list(phantom.labels)), np.stack(list(phantom.pore_ids))
    first = {i: int(np.flatnonzero((ids == i).any((1, 2)))[0]) for i in np.unique(ids) if i}
    was_keyhole = (labels == Label.KEYHOLE).any(0)
    rows: list[list[float]] = []
    for t, image in enumerate(stack):
        metal = labels[t] == Label.SUBSTRATE
        age = {i: t - begin for i, begin in first.items()}
        young = np.isin(ids[t], [i for i, a in age.items() if 0 <= a <= YOUNG_FRAMES])
        old = np.isin(ids[t], [i for i, a in age.items() if a >= OLD_FRAMES])
        depth = np.cumsum(metal, axis=0)
        below, rest = metal & (depth <= 8) & (depth > 2), metal & (depth > 12)
        above = np.roll(below, -10, axis=0) & ~metal
        masks = (labels[t] == Label.KEYHOLE, young, old)
        row = [contrast(image, mask, around(mask, metal)) for mask in masks]
        row.append(contrast(image, below, rest, above))
        rows.append([*row, contrast(image, was_keyhole & rest, rest & ~was_keyhole)])
    return tuple(float(v) for v in np.nanmedian(np.array(rows), axis=0))


def around(mask: Array, metal: Array) -> Array:
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.zeros(mask.shape)
    return metal & (distance >= 3) & (distance <= 8)


def contrast(image: Array, inside: Array, noise: Array, outside: Array | None = None) -> float:
    """Mean inside less mean outside, over the standard deviation of the noise pixels."""
    outside = noise if outside is None else outside
    if min(inside.sum(), outside.sum(), noise.sum()) < 10:
        return float("nan")
    image = image.astype(np.float64)
    return float((image[inside].mean() - image[outside].mean()) / image[noise].std())


def segmented(phantom: Phantom, results: Any) -> tuple[float, float, float]:
    """IoU of keyhole and pore, median error of the depth (px) in frames with a keyhole."""
    confusion, errors = Confusion(DEFAULT_SCHEME), []
    for result, truth in zip(results, phantom.truth, strict=True):
        confusion.add(phantom.labels[result.frame], result.labels)
        if truth.keyhole_area_px > 0:
            errors.append(abs((result.row["keyhole_depth_px"] or 0) - truth.keyhole_depth_px))
    iou = confusion.to_json()["iou"]
    return iou["keyhole"], iou["pore"], float(np.median(errors))


def markdown(found: dict[str, dict[str, Found]]) -> str:
    head = "| laser | way | keyhole | young pores | old pores | surface | trail "
    lines = [head + "| IoU keyhole | IoU pore | depth error, px |", "|---" * 10 + "|"]
    for situation, ways_ in found.items():
        for way, f in ways_.items():
            contrasts = (f.keyhole, f.young_pores, f.old_pores, f.surface, f.trail)
            cells = [f"{v:.1f}" if np.isfinite(v) else "" for v in contrasts]
            cells += [f"{f.iou_keyhole:.2f}", f"{f.iou_pore:.2f}", f"{f.depth_error_px:.1f}"]
            lines.append(f"| {situation} | {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(shown: dict[str, dict[str, Array]], path: Path) -> None:
    """One frame in every way, both situations beside each other, mapped as a network sees it."""
    from matplotlib.figure import Figure
    from PIL import Image

    names = [name for name in shown["moving"] if "subtract" not in name]
    figure = Figure(figsize=(9, 1.72 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 2)
    for axes, name in zip(grid, names, strict=True):
        for ax, situation in zip(axes, shown, strict=True):
            image = mapped(shown[situation][name][60:216])
            ax.imshow(image, cmap="gray", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
            ax.set_title(f"{name}, {situation} laser", fontsize=9, loc="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    with Image.open(path) as picture:  # grey, which is a third of the size
        picture.convert("L").quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
