"""An annotation and another one of the same frames, compared frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.agreement import Agreement, Difference
from napari_amseg.annotate.annotation import Annotation
from napari_amseg.annotate.label_codes import as_codes
from napari_amseg.dataset.benchmark import FrameId, list_frames, open_benchmark
from napari_amseg.labels import LabelScheme
from napari_amseg.plugin.layers import KEY, LayerData, Preview, label_source, place_on
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.types import Frame, stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer

DIFFERENCES = {
    Difference.DIFFERENT_CLASS: ("another class", "#e6194b"),
    Difference.ONLY_FIRST: ("labelled here alone", "#4363d8"),
    Difference.ONLY_SECOND: ("labelled there alone", "#f58231"),
}


@dataclass(frozen=True, slots=True)
class Other:
    """The other annotation. read : label image (Y, X) of a frame. frames : the numbers it has."""

    scheme: LabelScheme
    frames: tuple[int, ...]
    read: Callable[[int], Frame]


def other_layer(layer: Layer, n_frames: int) -> Other:
    """A labels layer of as many frames. ValueError if it has another number."""
    stack = stack_from_array(layer.data)
    if len(stack) != n_frames:
        raise ValueError(
            f"{layer.name} has {len(stack)} frames, the annotation {n_frames}: compare labels of "
            "the same stack."
        )
    return Other(label_source(layer).scheme, tuple(range(n_frames)), stack.read)


def other_experiment(folder: Path, experiment: str, names: Mapping[str, int]) -> Other:
    """An experiment of a benchmark; its frames go by name. names : number of each frame.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or has none of these frames.
    """
    benchmark = open_benchmark(folder)
    benchmark.experiment(experiment)
    there = {f.frame for f in list_frames(folder / "labels") if f.experiment == experiment}
    frames = {t: name for name, t in names.items() if name in there}
    if not frames:
        raise ValueError(
            f"{folder}: {experiment!r} has labels of none of these frames. Choose the experiment "
            "in which this stack was labelled."
        )
    return Other(
        benchmark.scheme,
        tuple(sorted(frames)),
        lambda t: benchmark.labels(FrameId(experiment, frames[t])),
    )


@dataclass(frozen=True)
class Comparison:
    """How two annotations agree. frames : those compared, in the order of ``agreement.rows``.

    difference : uint8 (T, Y, X) of :class:`.Difference`, in a temporary file.
    """

    agreement: Agreement
    frames: list[int]
    difference: NDArray[np.uint8]


def compare(
    annotation: Annotation, find_other: Callable[[], Other]
) -> Generator[tuple[int, int] | Comparison]:
    """(frames done, frames in all) now and then, at last the comparison.

    Frames in which neither annotation has a label are passed over.

    Raises
    ------
    OSError, ValueError
        If the classes or sizes differ, or a file cannot be read.
    """
    other, scheme = find_other(), annotation.scheme
    if {(c.code, c.role) for c in other.scheme.classes} != {
        (c.code, c.role) for c in scheme.classes
    }:
        raise ValueError(
            f"the other annotation has the classes {', '.join(other.scheme.names)}, this one "
            f"{', '.join(scheme.names)}: annotations of different classes cannot be "
            "compared. Choose one with the same classes."
        )
    _, difference = scratch_array(annotation.labels.shape, np.uint8, what="differences")
    found = Comparison(Agreement(scheme), [], difference)
    for done, t in enumerate(other.frames, start=1):
        first, second = np.array(annotation.labels[t]), as_codes(other.read(t), t)
        if first.any() or second.any():
            difference[t] = found.agreement.add(f"frame {t}", first, second).difference
            found.frames.append(t)
        yield done, len(other.frames)
    if not found.frames:
        raise ValueError("neither annotation has a label in these frames: label some first.")
    yield found


def difference_layer(found: Comparison, beside: Layer) -> LayerData:
    """Where two annotations differ, as a layer over the labels layer `beside`."""
    from napari.utils.colormaps import DirectLabelColormap

    colors: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    colors |= {int(code): color for code, (_, color) in DIFFERENCES.items()}
    options = {
        "name": f"{beside.name} differences",
        "metadata": {KEY: Preview()},
        "colormap": DirectLabelColormap(color_dict=colors),
        "features": {
            "index": [0, *map(int, DIFFERENCES)],
            "name": ["agree", *(words for words, _ in DIFFERENCES.values())],
        },
        **place_on(beside),
    }
    return found.difference, options, "labels"
