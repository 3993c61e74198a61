"""What a benchmark holds: images and pixels per class, material, facility and size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.benchmark import Benchmark, FrameId
from napari_amseg.dataset.codes import code_counts, unknown_codes
from napari_amseg.dataset.names import Track, natural_key, silent
from napari_amseg.labels import LabelScheme

GROUPINGS = ("all", "substrate_material", "facility", "experiment", "size")
UNKNOWN = "unknown"


@dataclass
class Group:
    """Images with something in common, and what their labels hold.

    Attributes
    ----------
    by, value : what they share: ``facility``, ``ESRF``.
    images : how many. unlabelled_px : pixels of code 0.
    class_images, class_px : images that show each class, and its pixels; int64 (classes,) in the
        scheme's channel order.
    """

    by: str
    value: str
    class_images: NDArray[np.int64]
    class_px: NDArray[np.int64]
    images: int = 0
    unlabelled_px: int = 0

    def add(self, unlabelled_px: int, class_px: NDArray[np.int64]) -> None:
        """Count one image."""
        self.images += 1
        self.unlabelled_px += unlabelled_px
        self.class_px += class_px
        self.class_images += class_px > 0


@dataclass(frozen=True)
class Statistics:
    """Groups of images by each of `GROUPINGS`; the first is all of them."""

    scheme: LabelScheme
    groups: tuple[Group, ...] = field(default_factory=tuple)

    @property
    def total(self) -> Group:
        """All images."""
        return self.groups[0]

    def by(self, grouping: str) -> tuple[Group, ...]:
        """The groups of one of `GROUPINGS`, in natural order of their values."""
        return tuple(group for group in self.groups if group.by == grouping)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of :meth:`rows`."""
        names = [name.replace(" ", "_") for name in self.scheme.names]
        counts = [f"{name}_{what}" for name in names for what in ("images", "px")]
        return ("by", "value", "images", "unlabelled_px", *counts)

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row a group: what is shared, images, unlabelled pixels, images and pixels a class."""
        for g in self.groups:
            pairs = zip(g.class_images.tolist(), g.class_px.tolist(), strict=True)
            cells = [g.by, g.value, g.images, g.unlabelled_px, *(n for pair in pairs for n in pair)]
            yield dict(zip(self.columns, cells, strict=True))


def describe(
    benchmark: Benchmark, frames: Iterable[FrameId] | None = None, *, track: Track = silent
) -> Statistics:
    """Count images and pixels of a benchmark, or of some of its frames; one is read at a time.

    Raises
    ------
    ValueError
        If a label image cannot be read or holds a code that the scheme does not know; names it.
    """
    scheme = benchmark.scheme
    chosen = benchmark.frames if frames is None else tuple(frames)
    total = _empty("all", "", scheme)
    groups: dict[tuple[str, str], Group] = {}
    for frame in track(chosen, len(chosen), "counting pixels"):
        labels = benchmark.labels(frame)
        counts = code_counts(labels)
        strange = unknown_codes(counts, scheme)
        if strange:
            raise ValueError(f"label of {frame}: {strange}. Run amseg dataset check.")
        class_px = counts[list(scheme.codes)]
        total.add(int(counts[0]), class_px)
        for by, value in _memberships(benchmark, frame, labels.shape):
            group = groups.setdefault((by, value), _empty(by, value, scheme))
            group.add(int(counts[0]), class_px)
    ordered = sorted(groups.values(), key=lambda g: (GROUPINGS.index(g.by), natural_key(g.value)))
    return Statistics(scheme, (total, *ordered))


def _memberships(
    benchmark: Benchmark, frame: FrameId, shape: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    experiment = benchmark.experiment(frame.experiment)
    yield "substrate_material", experiment.substrate_material or UNKNOWN
    yield "facility", experiment.facility or UNKNOWN
    yield "experiment", frame.experiment
    yield "size", f"{shape[0]}x{shape[1]}"


def _empty(by: str, value: str, scheme: LabelScheme) -> Group:
    n = len(scheme.classes)
    return Group(by, value, np.zeros(n, np.int64), np.zeros(n, np.int64))
