"""Pictures of the comparison of phantom and real frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io import OutputFiles
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.sample.experiments import random_frame

Array = NDArray[Any]
GALLERY_SEED, GALLERY_SHAPE, GALLERY_ROWS, GALLERY_COLUMNS = 7, (128, 256), 4, 3
GAP_PX = 6
STYLES = {"surface": "-", "keyhole": "--", "pore": ":"}


def mapped(image: Array) -> Array:
    """Grey values with the 0.5 and 99.5 percentiles at 0 and 1, float32."""
    low, high = np.percentile(image, (0.5, 99.5))
    return np.asarray((image - low) / (high - low), np.float32)


def side_by_side(
    path: Path, real: Sequence[tuple[Array, Array]], phantom: Sequence[tuple[Array, Array]]
) -> None:
    """A real frame above two of the phantom, as PNG."""
    images = [np.clip(image, 0, 1) for image, _ in (*real[:1], *phantom[:2])]
    gap = np.ones((GAP_PX, images[0].shape[1]), np.float32)
    _write(path, np.vstack([images[0], gap, images[1], gap, images[2]]))


def curves(path: Path, rows: Sequence[tuple[str, Any, Any, Array]]) -> None:
    """A row a case: a frame of the phantom, then histogram, spectrum and profiles, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 2.5 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 4, width_ratios=(1.9, 1, 1, 1.2))
    for (frame, histogram, spectrum, profiles), (case, real, phantom, image) in zip(
        grid, rows, strict=True
    ):
        frame.imshow(np.clip(image, 0, 1), cmap="gray", interpolation="antialiased")
        frame.set_title(f"phantom: {case}", fontsize=9)
        frame.set_axis_off()
        grey = (np.arange(len(real.histogram)) + 0.5) / len(real.histogram)
        frequency = (np.arange(len(real.spectrum)) + 0.5) / (2 * len(real.spectrum))
        for looks, colour, label in ((real, "black", "real"), (phantom, "#d62728", "phantom")):
            histogram.plot(grey, looks.histogram, color=colour, lw=1, label=label)
            spectrum.semilogy(frequency, looks.spectrum, color=colour, lw=1, label=label)
            for key in sorted(real.profiles.keys() & phantom.profiles.keys()):
                curve = looks.profiles[key]
                place = np.arange(len(curve)) + 0.5 - len(curve) / 2
                profiles.plot(
                    place, curve, STYLES[key], color=colour, lw=1, label=f"{key}, {label}"
                )
        histogram.set_xlabel("grey value", fontsize=8)
        histogram.set_ylabel("share of pixels", fontsize=8)
        spectrum.set_xlabel("cycles a pixel", fontsize=8)
        spectrum.set_ylabel("power of plain plate", fontsize=8)
        profiles.set_xlabel("px into the metal", fontsize=8)
        profiles.set_ylabel("over plate level, in its noise", fontsize=8)
        for ax in (histogram, spectrum, profiles):
            ax.tick_params(labelsize=7)
        histogram.legend(fontsize=7, frameon=False)
        profiles.legend(fontsize=6, frameon=False)
    with OutputFiles(path.parent) as files:
        figure.savefig(files.path(path.name), dpi=75, format="png")


def gallery(path: Path) -> None:
    """Frames of random experiments, each with its labels to the right, as PNG."""
    rng = np.random.default_rng(GALLERY_SEED)
    colours = np.full((256, 3), 1.0)
    for c in DEFAULT_SCHEME.classes:
        colours[c.code] = [int(c.color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    rows = []
    for _ in range(GALLERY_ROWS):
        cells = []
        for _ in range(GALLERY_COLUMNS):
            image, labels = random_frame(rng, GALLERY_SHAPE)
            grey = np.round(np.clip(mapped(image), 0, 1) * 63) / 63  # small files
            cells += [np.repeat(grey[..., None], 3, axis=2), colours[labels]]
        rows.append(np.hstack([np.pad(cell, ((0, GAP_PX), (0, GAP_PX), (0, 0)),
                                      constant_values=1) for cell in cells]))  # fmt: skip
    _write(path, np.vstack(rows)[:-GAP_PX, :-GAP_PX])


def _write(path: Path, image: Array) -> None:
    """Values 0..1, grey (Y, X) or colour (Y, X, 3), as a PNG of 8 bit."""
    from imageio.v3 import imwrite

    with OutputFiles(path.parent) as files:
        imwrite(files.path(path.name), np.round(255 * image).astype(np.uint8), extension=".png")
