"""Does the phantom look like real frames? Grey values, texture of the plate, rims, in numbers.

    python benchmarks/realism.py --data FOLDER -o realism.json [--figure PNG] [--gallery PNG]
        [--side-by-side FOLDER]

Every real case has a phantom of the same situation, declared in `realism_situations.py`. Frames
of both are mapped by their 0.5 and 99.5 percentiles to 0..1, as a network sees them, and compared
by the histogram of grey values, the power spectrum of plain plate, and the mean brightness across
the surface and the walls of keyhole and pores. FOLDER is the one that the tests on real data read;
pictures made with --side-by-side hold real frames, whose licences forbid passing them on.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import realism_figures as figures
from accuracy import DRAWN
from numpy.typing import NDArray
from realism_figures import mapped
from realism_situations import SITUATIONS, Situation
from scipy import ndimage

from napari_amseg.io import read_stack, write_json
from napari_amseg.labels import Label
from napari_amseg.sample import simulate

Array = NDArray[Any]
Pair = tuple[Array, Array]  # mapped image float32 (Y, X), labels uint8 (Y, X)
SEEDS = (2, 3, 4)
BINS, TILE_PX, FREQUENCY_BINS = 50, 64, 32
SURFACE_REACH_PX, WALL_REACH_PX, RIM_PX = 20, 10, 5
CAVITIES = {"keyhole": Label.KEYHOLE, "pore": Label.PORE}


@dataclass
class Looks:
    """What is compared, means over frames.

    histogram : shares of grey values in `BINS` bins of 0..1. spectrum : power density of plain
    plate over `FREQUENCY_BINS` bins of 0..0.5 cycles a pixel. noise : standard deviation of plain
    plate. profiles : brightness over the distance into the metal, negative in gas, less the level
    of the plate and divided by its noise.
    """

    histogram: Array
    spectrum: Array
    noise: float
    profiles: dict[str, Array] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("AMSEG_DATA"))
    parser.add_argument("--figure", type=Path, help="curves and phantom frames, no real frame")
    parser.add_argument("--gallery", type=Path, help="random experiments and their labels")
    parser.add_argument("--side-by-side", type=Path, help="folder for real above phantom")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    if given.data is None or not Path(given.data).is_dir():
        parser.error("give the folder of real frames with --data or AMSEG_DATA")

    rows: list[tuple[str, Looks, Looks, Array]] = []
    for situation in SITUATIONS:
        real, phantom = real_frames(situation, Path(given.data)), phantom_frames(situation)
        rows.append((situation.name, looks(real), looks(phantom), phantom[0][0]))
        print(situation.name, compared(*rows[-1][1:3]), file=sys.stderr, flush=True)
        if given.side_by_side:
            path = given.side_by_side / situation.frames.replace("/", "_").replace("*", "")
            figures.side_by_side(path.with_suffix(".png"), real, phantom)
    record = {name: compared(one, other) for name, one, other, _ in rows}
    if given.out:
        settings = {s.name: s.settings.to_json() for s in SITUATIONS}
        write_json(given.out, {"seeds": SEEDS, "cases": record, "settings": settings})
    if given.figure:
        figures.curves(given.figure, rows)
    if given.gallery:
        figures.gallery(given.gallery)
    print(markdown(record))


def real_frames(situation: Situation, data: Path) -> list[Pair]:
    """Mapped real frames with their truth."""
    stack = read_stack(str(data / situation.frames))
    drawn = DRAWN / f"{Path(situation.frames).stem}.png"
    truth = read_stack(data / situation.truth if situation.truth else drawn)
    return [(mapped(stack[t]), np.asarray(truth[t])) for t in situation.chosen]


def phantom_frames(situation: Situation) -> list[Pair]:
    """The middle frame of the same experiment with every seed."""
    phantoms = [simulate(replace(situation.settings, seed=seed)) for seed in SEEDS]
    return [(mapped(p.stack[len(p.truth) // 2]), p.drawn[len(p.truth) // 2]) for p in phantoms]


def looks(pairs: Sequence[Pair]) -> Looks:
    """Histogram, spectrum and profiles of frames."""
    grey = np.concatenate([np.clip(image, 0, 1).ravel() for image, _ in pairs])
    histogram = np.histogram(grey, BINS, (0, 1))[0] / grey.size
    tiles = [tile for pair in pairs for tile in plain_tiles(*pair)]
    level, noise = float(np.mean(tiles)), float(np.mean([tile.std() for tile in tiles]))
    result = Looks(histogram, np.mean([radial_power(tile) for tile in tiles], axis=0), noise)
    distances = {"surface": [surface_distance(labels) for _, labels in pairs]}
    distances |= {k: [wall_distance(labels, c) for _, labels in pairs] for k, c in CAVITIES.items()}
    for name, maps in distances.items():
        reach = SURFACE_REACH_PX if name == "surface" else WALL_REACH_PX
        values = np.concatenate([image.ravel() for image, _ in pairs])
        curve = profile(values, np.concatenate([d.ravel() for d in maps]), reach)
        if np.isfinite(curve[reach - 2 : reach + 2]).all():
            result.profiles[name] = (curve - level) / noise
    return result


def plain_tiles(image: Array, labels: Array) -> Iterator[Array]:
    """Half-overlapping squares of the image that hold substrate only (Welch's method)."""
    step = TILE_PX // 2
    rows, columns = (range(n - TILE_PX, -1, -step) for n in image.shape)
    for y in rows:
        for x in columns:
            box = slice(y, y + TILE_PX), slice(x, x + TILE_PX)
            if (labels[box] == Label.SUBSTRATE).all():
                yield image[box]


def radial_power(tile: Array) -> Array:
    """Power spectral density of a square under a Hann window, averaged over directions."""
    hann = np.hanning(len(tile) + 2)[1:-1]
    window = np.outer(hann, hann)
    waves = np.fft.fft2((tile - tile.mean()) * window)
    power = np.abs(waves) ** 2 / (window**2).sum()
    frequency = np.fft.fftfreq(len(tile))
    bins = (np.hypot(frequency[:, None], frequency) * 2 * FREQUENCY_BINS).astype(int)
    return np.asarray(ndimage.mean(power, bins, np.arange(FREQUENCY_BINS)))


def surface_distance(labels: Array) -> Array:
    """Rows into the substrate from its top edge, NaN in and near columns with a keyhole."""
    solid = labels == Label.SUBSTRATE
    top = ndimage.median_filter(solid.argmax(axis=0), 31)
    used = solid.any(axis=0) & ~ndimage.binary_dilation(
        (labels == Label.KEYHOLE).any(axis=0), iterations=RIM_PX
    )
    distance = np.arange(len(labels))[:, None] + 0.5 - top
    return np.where(used & (labels != Label.PORE), distance, np.nan)


def wall_distance(labels: Array, cavity: int) -> Array:
    """Pixels into the metal from the wall of cavities, negative inside; NaN near other edges."""
    hollow, solid = labels == cavity, labels == Label.SUBSTRATE
    if not hollow.any():
        return np.full(labels.shape, np.nan)
    distance = np.full(labels.shape, np.nan)
    inside, outside = (ndimage.distance_transform_edt(~part) for part in (solid, hollow))
    distance[hollow], distance[solid] = 0.5 - inside[hollow], outside[solid] - 0.5
    elsewhere = ~(hollow | solid)
    if elsewhere.any():
        distance[ndimage.distance_transform_edt(~elsewhere) <= WALL_REACH_PX] = np.nan
    return distance


def profile(values: Array, distance: Array, reach: int) -> Array:
    """Mean of the values at every distance from -reach to reach, (2 reach,); NaN where none is."""
    near = np.abs(distance) < reach
    bins = np.floor(distance[near]).astype(int) + reach
    count = np.bincount(bins, minlength=2 * reach)
    total = np.bincount(bins, values[near], minlength=2 * reach)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def rim(curve: Array) -> float:
    """Brightest value just outside the metal less the darkest just inside."""
    middle = len(curve) // 2
    return float(
        np.nanmax(curve[middle - RIM_PX : middle]) - np.nanmin(curve[middle : middle + RIM_PX])
    )


def compared(real: Looks, phantom: Looks) -> dict[str, Any]:
    """Numbers of likeness: overlap 1 and differences 0 are the same looks."""
    record: dict[str, Any] = {
        "histogram_overlap": float(np.minimum(real.histogram, phantom.histogram).sum()),
        "spectrum_rms_log10": float(
            np.sqrt(np.mean(np.log10(phantom.spectrum / real.spectrum) ** 2))
        ),
        "plate_noise": [real.noise, phantom.noise],
    }
    for name in real.profiles.keys() & phantom.profiles.keys():
        one, other = real.profiles[name], phantom.profiles[name]
        record[name] = {
            "rim": [rim(one), rim(other)],
            "rms_difference": float(np.sqrt(np.nanmean((one - other) ** 2))),
        }
    return record


def markdown(record: dict[str, Any]) -> str:
    """One row a case."""
    lines = ["| case | histogram overlap | log10 spectrum, RMS | plate noise | rims |", "|---" * 5]
    for name, row in record.items():
        rims = ", ".join(
            "{} {:.1f}, {:.1f}".format(key, *row[key]["rim"])
            for key in ("surface", *CAVITIES)
            if key in row
        )
        noise = "{:.3f}, {:.3f}".format(*row["plate_noise"])
        lines.append(
            f"| {name} | {row['histogram_overlap']:.2f} | {row['spectrum_rms_log10']:.2f} "
            f"| {noise} | {rims} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
