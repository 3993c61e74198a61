"""How well two people's annotations of the same frames agree."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from napari_amseg.dataset.codes import unknown_codes
from napari_amseg.labels import LabelScheme
from napari_amseg.scores import Confusion

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Difference(IntEnum):
    """Codes of a difference image."""

    AGREE = 0  # the same class, or unlabelled in both
    DIFFERENT_CLASS = 1
    ONLY_FIRST = 2  # labelled in the first annotation alone
    ONLY_SECOND = 3


def difference_image(first: Labels, second: Labels) -> Labels:
    """Where two annotations (Y, X) differ: uint8 (Y, X) of :class:`Difference`."""
    difference: Labels = (first != second).astype(np.uint8)
    difference[(second == 0) & (first != 0)] = Difference.ONLY_FIRST
    difference[(first == 0) & (second != 0)] = Difference.ONLY_SECOND
    return difference


def kappa(counts: NDArray[np.int64]) -> float:
    """Cohen's kappa of a square matrix of counts, rows the first person's classes.

    (p_o - p_e) / (1 - p_e), with p_o the share of agreement and p_e the share that two people
    would agree on by chance who use the classes as often as these two. NaN without pixels, or when
    both use one and the same class only.

    References
    ----------
    J. Cohen, Educ. Psychol. Meas. 20 (1960) 37, equation 1.
    """
    total = float(counts.sum())
    if total == 0:
        return math.nan
    observed = float(np.trace(counts)) / total
    by_chance = float(counts.sum(axis=1) / total @ (counts.sum(axis=0) / total))
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def class_kappa(counts: NDArray[np.int64], channel: int) -> float:
    """Kappa of one class against all others together; NaN where :func:`kappa` is."""
    both = counts[channel, channel]
    first, second = counts[channel].sum() - both, counts[:, channel].sum() - both
    return kappa(np.array([[both, first], [second, counts.sum() - both - first - second]]))


class BoundaryDistances:
    """Distances between two outlines of a class, both ways, over any number of frames.

    Each outline pixel of one annotation counts with its distance, centre to centre, to the nearest
    outline pixel of the other. Kept are the squared distances, whole numbers, and how often each
    occurs: exact, and small.

    Attributes
    ----------
    one_sided_frames : frames in which one annotation has the class and the other has not; these
        have no distance, so a small mean tells little when they are many.
    """

    def __init__(self) -> None:
        self.one_sided_frames = 0
        self._squared: Counter[int] = Counter()

    def add(self, first: Mask, second: Mask, known: Mask) -> None:
        """Add a frame: the class in both annotations and where both are labelled, (Y, X) each."""
        first, second = first & known, second & known
        self.one_sided_frames += int(first.any() != second.any())
        lines = [_places(outline(mask, known)) for mask in (first, second)]
        if min(map(len, lines)) == 0:
            return
        for here, there in (lines, lines[::-1]):
            distance = KDTree(there).query(here)[0]
            values, times = np.unique(np.rint(distance**2).astype(np.int64), return_counts=True)
            self._squared.update(dict(zip(values.tolist(), times.tolist(), strict=True)))

    def update(self, other: BoundaryDistances) -> None:
        """Add all distances of another."""
        self.one_sided_frames += other.one_sided_frames
        self._squared.update(other._squared)

    @property
    def mean_px(self) -> float:
        """Mean symmetric distance, in pixels; NaN without outlines."""
        n = self._squared.total()
        return sum(math.sqrt(s) * k for s, k in self._squared.items()) / n if n else math.nan

    @property
    def p95_px(self) -> float:
        """Distance that 95 % of the outline pixels do not exceed; NaN without outlines."""
        left = 0.95 * self._squared.total()
        for squared in sorted(self._squared):
            left -= self._squared[squared]
            if left <= 1e-9:
                return math.sqrt(squared)
        return math.nan


def outline(mask: Mask, known: Mask) -> Mask:
    """Pixels of a mask (Y, X) beside a known pixel outside it; the frame's edge is no outline."""
    other = known & ~mask
    beside = np.zeros_like(mask)
    beside[1:] |= other[:-1]
    beside[:-1] |= other[1:]
    beside[:, 1:] |= other[:, :-1]
    beside[:, :-1] |= other[:, 1:]
    return mask & beside


def _places(mask: Mask) -> NDArray[np.intp]:
    """(row, column) of each pixel of a mask; np.argwhere takes several times as long."""
    return np.column_stack(np.unravel_index(np.flatnonzero(mask), mask.shape))


@dataclass(frozen=True, slots=True)
class FrameAgreement:
    """Two annotations of one frame compared. row : see :attr:`Agreement.columns`.

    difference : uint8 (Y, X) of :class:`Difference`.
    """

    row: dict[str, Any]
    difference: Labels


class Agreement:
    """Two annotations of the same frames, compared one frame at a time.

    Pixels that either person left unlabelled count in no score; how many they are is told.

    Attributes
    ----------
    rows : one a frame, with the keys of `columns`; undefined values are NaN.
    """

    def __init__(self, scheme: LabelScheme) -> None:
        self.scheme = scheme
        self.rows: list[dict[str, Any]] = []
        self._confusion = Confusion(scheme)
        self._pixels: Counter[str] = Counter()
        self._distances = {c.name: BoundaryDistances() for c in scheme.classes}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table, in order.

        ``labelled_px`` counts the pixels labelled in both, ``differing_px`` those of them with two
        classes, ``only_first_px`` and ``only_second_px`` those labelled by one person alone.
        """
        each = ("iou", "kappa", "boundary_mean_px", "boundary_p95_px")
        return (
            *("frame", "labelled_px", "differing_px", "only_first_px", "only_second_px"),
            *("mean_iou", "kappa"),
            *(f"{name}_{what}" for name in self.scheme.names for what in each),
        )

    def add(self, frame: str, first: Labels, second: Labels) -> FrameAgreement:
        """Compare one frame, both uint8 (Y, X), and add it to the whole.

        Raises
        ------
        ValueError
            If the sizes differ, or a code is not of the scheme.
        """
        counts = self._counts(frame, first, second)
        codes = list(self.scheme.codes)
        both = counts[np.ix_(codes, codes)]
        confusion = Confusion(self.scheme)
        confusion.add_counts(both)
        distances = self._boundaries(first, second, both)
        pixels = {
            "labelled_px": int(both.sum()),
            "differing_px": int(both.sum() - np.trace(both)),
            "only_first_px": int(counts[codes, 0].sum()),
            "only_second_px": int(counts[0, codes].sum()),
        }
        row: dict[str, Any] = {"frame": frame, **pixels}
        record = _record(self.scheme, confusion, distances)
        row |= {"mean_iou": record["mean_iou"], "kappa": record["kappa"]}
        for name, values in record["classes"].items():
            row |= {f"{name}_{what}": value for what, value in values.items()}
        row = {column: row[column] for column in self.columns}
        self._confusion.add_counts(both)
        self._pixels.update(pixels)
        for name, found in distances.items():
            self._distances[name].update(found)
        self.rows.append(row)
        return FrameAgreement(row, difference_image(first, second))

    def worst_frames(self, most: int = 10) -> list[dict[str, Any]]:
        """The rows of lowest mean IoU, the worst first; frames that agree fully are left out."""
        differing = [row for row in self.rows if row["differing_px"]]
        return sorted(differing, key=lambda row: float(row["mean_iou"]))[:most]

    def to_json(self) -> dict[str, Any]:
        """The whole: pixels, mean IoU and F1, kappa, and the classes; None where undefined.

        ``confusion`` has a row a class of the first annotation, a column a class of the second.
        """
        record = _record(self.scheme, self._confusion, self._distances)
        record["classes"] = {
            name: {
                **{what: _or_none(value) for what, value in values.items()},
                "one_sided_frames": self._distances[name].one_sided_frames,
            }
            for name, values in record["classes"].items()
        }
        scalars = {key: _or_none(record.pop(key)) for key in ("mean_iou", "mean_f1", "kappa")}
        return {
            "n_frames": len(self.rows),
            **{key: self._pixels[key] for key in self.columns[1:5]},
            **scalars,
            **record,
            "confusion": self._confusion.counts[:, :-1].tolist(),
            "label_scheme": self.scheme.to_json(),
        }

    def _counts(self, frame: str, first: Labels, second: Labels) -> NDArray[np.int64]:
        """Pixels of each pair of codes, (256, 256), once both are known to be sound."""
        if first.shape != second.shape:
            raise ValueError(
                f"{frame}: the first annotation is {_words(first)}, the second "
                f"{_words(second)}: compare labels of the same images."
            )
        pairs = first.astype(np.uint16) << 8 | second
        counts = np.bincount(pairs.ravel(), minlength=2**16).reshape(256, 256)
        for which, axis in (("first", 1), ("second", 0)):
            strange = unknown_codes(counts.sum(axis=axis), self.scheme)
            if strange:
                raise ValueError(f"{frame}, {which} annotation: {strange}.")
        return counts

    def _boundaries(
        self, first: Labels, second: Labels, both: NDArray[np.int64]
    ) -> dict[str, BoundaryDistances]:
        known = (first != 0) & (second != 0)
        found = {c.name: BoundaryDistances() for c in self.scheme.classes}
        for c, in_first, in_second in zip(
            self.scheme.classes, both.sum(axis=1), both.sum(axis=0), strict=True
        ):
            if in_first or in_second:
                found[c.name].add(first == c.code, second == c.code, known)
        return found


def _record(
    scheme: LabelScheme, confusion: Confusion, distances: dict[str, BoundaryDistances]
) -> dict[str, Any]:
    scores, counts = confusion.to_json(), confusion.counts[:, :-1]
    nan = math.nan
    return {
        "mean_iou": nan if scores["mean_iou"] is None else scores["mean_iou"],
        "mean_f1": nan if scores["mean_f1"] is None else scores["mean_f1"],
        "kappa": kappa(counts),
        "classes": {
            name: {
                "iou": scores["iou"].get(name, nan),
                "f1": scores["f1"].get(name, nan),
                "kappa": class_kappa(counts, channel),
                "boundary_mean_px": distances[name].mean_px,
                "boundary_p95_px": distances[name].p95_px,
            }
            for channel, name in enumerate(scheme.names)
        },
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _words(labels: Labels) -> str:
    return "x".join(map(str, labels.shape))
